"""What the view heard, told to whoever listens: after each kept event a word that says what to read anew.

One reader for all streams of the process looks at what was kept, whichever replica kept it, while somebody listens.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from msgspec import Meta
from prometheus_client import Counter, Gauge

from gbike.kit.auth.principal import OwnerScope, Principal
from gbike.kit.clock import Clock, news
from gbike.kit.envelope import Message
from gbike.kit.http.streams import beat, event
from gbike.kit.store import Store
from gbike.services.rent_and_billing_view.storage.kept import kept, newest, oldest

BEAT_MS = 15_000
"""A stream says at least so often that it is alive."""
POLL_MS = 200
"""How often the kept events are looked at while somebody listens."""
TOLD_AT_ONCE = 256
MOST_BEHIND = 1_000
"""Who was away for more events than this reads everything anew instead of hearing of each."""
MOST_WAITING = 200
"""Changes that wait for one reader; a slower one is let go, and told to read everything anew."""
FOR_STAFF = 8
"""Of so many streams one is kept for those who run the fleet, however many riders listen."""
STAFF = frozenset({"admin", "bikeManager"})
UNTOLD = frozenset({"AccountErased"})
"""What no page shows."""


class ViewSettings(msgspec.Struct, frozen=True):
    """What may be set of the view."""

    view_streams: Annotated[int, Meta(ge=0, description="event streams that one process keeps open at most")] = 256
    view_streams_each: Annotated[
        int, Meta(ge=1, description="event streams of one account, in one process; one when half of all are taken")
    ] = 8
    view_streams_address: Annotated[
        int, Meta(ge=1, description="event streams of one address (IPv6: a /64), in one process, but for staff's")
    ] = 128


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was heard (the event's name), and of which ride, bike and rider: read anew what you show of them."""

    type: str
    userid: int
    rentid: int | None = None
    bikeid: int | None = None


class TooManyOfYours(Exception):
    """The account has as many streams as one may have."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


class TooManyOfAddress(Exception):
    """The address has as many streams as one may have."""


class StreamsFull(Exception):
    """The process has as many streams as it keeps."""


class Changes:
    """The streams of one process."""

    def __init__(
        self, store: Store, clock: Clock, settings: ViewSettings, *, still_open: Gauge, dropped: Counter
    ) -> None:
        self._store, self.clock = store, clock
        self._settings = settings
        self._open, self.dropped = still_open, dropped
        self._listeners: dict[Listener, None] = {}
        self._somebody = asyncio.Event()
        self.at = 0
        """The number of the last event that was told to those who listen."""

    async def listen(
        self, who: Principal, owner: OwnerScope, after: int | None, beat_ms: int = BEAT_MS, *, home: str = ""
    ) -> "Listener":
        """A stream of what is kept from now on, or after number `after`, for who asks from `home`. Raises
        TooManyOfYours, TooManyOfAddress, StreamsFull."""
        last, first = await self._store.read(newest), await self._store.read(oldest)
        self._must_have_room(who, home)
        if not self._listeners:
            self.at = last
        known = after is not None and max(self.at - MOST_BEHIND, first - 1) <= after <= max(self.at, last)
        listener = Listener(self, who, owner, after if known else None, beat_ms)
        listener.home = home
        self._listeners[listener] = None
        self._open.set(len(self._listeners))
        self._somebody.set()
        return listener

    def _must_have_room(self, who: Principal, home: str) -> None:
        """A few accounts can't hold all: from half on each has one stream at most, however many it could have before,
        one address never has more than its part, and what is left last is for staff."""
        taken, most = len(self._listeners), self._settings.view_streams
        if taken >= most:
            raise StreamsFull
        if who.userid is None:  # the demo's everybody
            return
        theirs = sum(1 for one in self._listeners if one.who.name == who.name)
        if theirs >= (self._settings.view_streams_each if taken < most / 2 else 1):
            raise TooManyOfYours(theirs)
        if not STAFF.isdisjoint(who.roles):
            return
        if taken >= most - most // FOR_STAFF:
            raise StreamsFull
        if sum(1 for one in self._listeners if one.home == home) >= self._settings.view_streams_address:
            raise TooManyOfAddress

    def forget(self, listener: "Listener") -> None:
        self._listeners.pop(listener, None)
        self._open.set(len(self._listeners))

    async def between(self, after: int, until: int) -> list[tuple[int, Message]]:
        """The kept events that follow `after`, until `until`: MOST_BEHIND at most."""
        found = await self._store.read(kept, after, MOST_BEHIND)
        return [one for one in found if one[0] <= until]

    async def step(self) -> int:
        """Tell what was kept since; answers how much. Raises StoreUnavailable."""
        if not self._listeners:
            return 0
        gone = await self._store.read(oldest) - 1
        if gone > self.at:  # it was removed before we could tell it
            self.at = gone
            for listener in self._listeners:
                listener.lose()
        found = await self._store.read(kept, self.at, TOLD_AT_ONCE)
        for number, message in found:
            change = told(message)
            self.at = max(self.at, number)
            if change is not None:
                frame = event("change", msgspec.json.encode(change), number)
                for listener in self._listeners:
                    if listener.owner.covers(change.userid):
                        listener.push(number, frame)
        return len(found)

    async def wait(self) -> None:
        """Until it is worth looking again."""
        if self._listeners:
            await asyncio.sleep(POLL_MS / 1000)
        else:
            self._somebody.clear()
            await self._somebody.wait()


class Listener:
    """One stream; see kit/http/streams.py."""

    home = ""
    """What counts as the address that it was asked for from."""

    def __init__(self, changes: Changes, who: Principal, owner: OwnerScope, after: int | None, beat_ms: int) -> None:
        """`after`: the last event that the reader knows; None: it must read everything anew."""
        self.who, self.owner = who, owner
        self._changes = changes
        self._after, self._beat_ms = after, beat_ms
        self._begin = max(changes.at, after or 0)
        """Up to here it is caught up with, from here on it hears."""
        self._frames: list[bytes] = []
        self._slow = False
        self._news = asyncio.Event()

    def push(self, number: int, frame: bytes) -> None:
        if number <= self._begin or self._slow:
            return
        if len(self._frames) >= MOST_WAITING:
            self._changes.dropped.inc()
            self.lose()
        else:
            self._frames.append(frame)
            self._news.set()

    def lose(self) -> None:
        """Something that can't be told any more: it must read everything anew."""
        self._slow, self._frames = True, []
        self._news.set()

    async def pieces(self) -> AsyncGenerator[bytes]:
        yield await self._beginning()
        while (left_ms := self._left_ms()) > 0:
            await news(self._news, min(self._beat_ms, left_ms))
            if self._slow:
                yield anew(self._changes.at)
                return
            published = b"".join(self._frames) or beat(max(self._changes.at, self._begin))
            self._frames = []
            self._news.clear()
            yield published

    def close(self) -> None:
        self._changes.forget(self)

    async def _beginning(self) -> bytes:
        """What the reader missed, or that it must read everything anew."""
        if self._after is None:
            return anew(self._begin)
        published = b""
        for number, message in await self._changes.between(self._after, self._begin):
            change = told(message)
            if change is not None and self.owner.covers(change.userid):
                published += event("change", msgspec.json.encode(change), number)
        return published + beat(self._begin)

    def _left_ms(self) -> int:
        """How long what the reader showed is still good."""
        until_ms = self.who.until_ms
        return self._beat_ms if until_ms is None else until_ms - self._changes.clock.now_ms()


def anew(number: int) -> bytes:
    """That everything is to be read anew; what comes after `number` is told."""
    return event("anew", b"{}", number)


def told(message: Message) -> Change | None:
    if message.type in UNTOLD:
        return None
    published = msgspec.json.decode(message.value, type=_Said)
    return Change(message.type, published.userid, published.rentid, published.bikeid)


class _Said(msgspec.Struct, frozen=True):
    userid: int
    rentid: int | None = None
    bikeid: int | None = None
