"""Connection limits of a process, in all and per client, and which idle connection is closed for a new one."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from gbike.kit.auth.addresses import client_prefix
from gbike.kit.telemetry import log

MOST = 10_000
"""In all, where the limit of open files allows more: at 20 KB each they take 200 MB at the very most."""
FILES_SET_ASIDE = 256
"""For stores, logs and what this process asks of others; `gbike up` has some 70 of them open."""
SHARE = 4
"""One client may have one in so many of all: all who are behind one address, a campus, are one client."""
SITE_PREFIX = 48
"""What may be given to one of IPv6: as many clients as somebody may be who has only one connection of each."""
TIME_TO_ASK_S = 1
"""So long a new connection is spared while older ones have asked nothing either: its request may be on the way."""
NO_LONGER_FULL = 0.9


def most_connections(files: int) -> int:
    """How many connections a process may keep that may have so many files open."""
    return min(MOST, max(files - FILES_SET_ASIDE, files // 4))


class Slot:
    """The place of one connection. `close`, which whoever opens the connection sets, ends it at once."""

    __slots__ = ("_all", "_client", "_kind", "close", "since_s")

    def __init__(self, connections: "Connections", client: "_Client", since_s: float) -> None:
        self._all, self._client = connections, client
        self.since_s = since_s
        self._kind: dict[Slot, None] | None = None
        self.close: Callable[[], None] = _nothing
        client.count += 1
        self.be(client.new)

    def ask(self) -> None:
        """A request has come: until it is answered this connection makes room for nobody."""
        self.be(None)

    def wait(self) -> None:
        self.be(self._client.idle)

    def leave(self) -> None:
        """The connection has ended; it counts no more, however often this is said."""
        if self._client.count:
            self.be(None)
            self._all.left(self._client)
            self._client = _GONE

    def be(self, kind: "dict[Slot, None] | None") -> None:
        if self._kind is not None:
            self._kind.pop(self, None)
        self._kind = kind if self._client is not _GONE else None
        if self._kind is not None:
            self._kind[self] = None


class _Client:
    """The connections of one client."""

    def __init__(self, name: str) -> None:
        self.name, self.site = name, _site(name)
        self.count = 0
        self.new: dict[Slot, None] = {}
        self.silent: dict[Slot, None] = {}
        self.idle: dict[Slot, None] = {}
        """Those that have had no time to ask yet, have not asked, and have their answers; the newest last."""

    @property
    def has_room(self) -> bool:
        return bool(self.new or self.silent or self.idle)

    def make_room(self, now_s: float) -> bool:
        """Close the newest idle one; of those that have never asked anything first. Whether there was one."""
        while self.new and (oldest := next(iter(self.new))).since_s + TIME_TO_ASK_S <= now_s:
            oldest.be(self.silent)
        slot = next(reversed(self.silent or self.new or self.idle), None)
        if slot is None:
            return False
        slot.leave()
        slot.close()
        return True


class Connections:
    """All connections of a process, by client: an IPv4 address, or the /64 of an IPv6 one."""

    def __init__(self, most: int, speaks_for_many: Callable[[str], bool]) -> None:
        """`speaks_for_many`: whether who connects from an address is a proxy of ours and no single client."""
        self.most, self.most_each = most, max(1, most // SHARE)
        self._speaks_for_many = speaks_for_many
        self._clients: dict[str, _Client] = {}
        self._sites = Counter[str]()
        self._count, self._full = 0, False

    def __len__(self) -> int:
        return self._count

    def enter(self, address: str, now_s: float) -> Slot | None:
        """A slot for a connection from `address`; None when all are taken by connections in the middle of a request.
        `now_s`: by a clock that never goes back.

        Where all are taken, the newest idle connection of the client that has most of them is closed, of the clients of
        an IPv6 /48 that has more than any other first; where this client has its share, its own newest idle one.
        """
        name = client_prefix(address)
        client = self._clients.get(name)
        if client is not None and client.count >= self.most_each and not self._speaks_for_many(address):
            if not client.make_room(now_s):
                return None
        elif self._count >= self.most:
            self._say_full()
            if not self.make_room(now_s):
                return None
        client = self._clients.setdefault(name, _Client(name))  # it may just have lost its only one
        self._count += 1
        self._sites[client.site] += 1
        return Slot(self, client, now_s)

    def make_room(self, now_s: float) -> bool:
        """Close the newest idle connection of the client that has most of all. Whether there was one."""
        idle = [client for client in self._clients.values() if client.has_room]
        return bool(idle) and max(idle, key=lambda client: (self._sites[client.site], client.count)).make_room(now_s)

    def _say_full(self) -> None:
        if not self._full:
            self._full = True
            log.warning("as many connections as may be: idle ones are closed for new ones", most=self.most)

    def left(self, client: _Client) -> None:
        client.count -= 1
        self._sites[client.site] -= 1
        if not client.count:
            del self._clients[client.name]
        if not self._sites[client.site]:
            del self._sites[client.site]
        self._count -= 1
        if self._count < NO_LONGER_FULL * self.most:
            self._full = False


@lru_cache(maxsize=1024)
def on_loopback(address: str) -> bool:
    """Whether `address` is this machine's own, also when it is written as an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    plain = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (plain or found).is_loopback


@lru_cache(maxsize=4096)
def _site(client: str) -> str:
    """The /48 that a client's /64 is in; of IPv4 the address itself."""
    if ":" not in client:
        return client
    try:
        return str(ip_network(client).supernet(new_prefix=SITE_PREFIX))
    except ValueError:
        return client


def _nothing() -> None:
    """Nobody has said yet how the connection is closed."""


_GONE = _Client("")
