"""Where a request comes from: the other end of the connection, or what proxies that we know say."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gbike.kit.settings import BadSetting

MOST_HOPS = 16
"""Proxies one behind another that are looked through."""
LONGEST = 64
"""Characters of an address with its zone and port; what is longer is none, and nothing to remember."""
V6_PREFIX = 64
"""What one household or one virtual machine is given of IPv6: it counts as one address."""

MAPPED = 96
"""From here on an IPv6 address that begins with ::ffff: is an IPv4 address."""


class Proxies:
    """The proxies whose X-Forwarded headers are believed."""

    def __init__(self, listed: str) -> None:
        """`listed`: addresses or networks, separated by commas. Raises BadSetting."""
        self.networks: list[IPv4Network | IPv6Network] = []
        self._known: dict[str, bool] = {}
        for one in filter(None, (part.strip() for part in listed.split(","))):
            try:
                self.networks.append(_network(one))
            except ValueError as wrong:
                raise BadSetting(f"GBIKE_TRUSTED_PROXIES={listed!r}: {wrong}") from None

    def trusts(self, address: str) -> bool:
        """Whether the one at `address` is one of them."""
        if not self.networks:
            return False
        found = self._known.get(address)
        if found is None:
            one = _address(address)
            found = one is not None and any(one in network for network in self.networks)
            if len(self._known) < 1024:  # there are few proxies; strangers need not be remembered
                self._known[address] = found
        return found


def origin(peer: str, forwarded_for: str | None, trusts: Callable[[str], bool]) -> str:
    """The address of who asks: `peer`, or the last one in X-Forwarded-For that no trusted proxy of ours has. Where all
    are trusted, it is the first: people and proxies may be of the same private network.

    A proxy that says something else than an address (`unknown`, a name) says nothing: then it is the proxy who asks.
    """
    asker = plain(peer) or peer
    if not trusts(peer):
        return asker
    for hop in reversed((forwarded_for or "").split(",")[-MOST_HOPS:]):
        address = plain(hop.strip()[:LONGEST])
        if address is None:
            break
        asker = address
        if not trusts(address):
            break
    return asker


@lru_cache(maxsize=4096)
def plain(given: str) -> str | None:
    """An address as there is one way to write it, also of `::ffff:192.0.2.1` (the IPv4 address), `192.0.2.1:443` and
    `[2001:db8::1]:443`; None where it is none."""
    one = _address(_without_port(given))
    return None if one is None else str(one)


@lru_cache(maxsize=4096)
def client_prefix(address: str) -> str:
    """The prefix that counts as one client: an IPv4 address, or the /64 of an IPv6 one; other text as it is."""
    one = _address(_without_port(address))
    if one is None:
        return address[:LONGEST]
    return str(one) if one.version == 4 else str(ip_network((one.packed, V6_PREFIX), strict=False))


def _without_port(given: str) -> str:
    """Some proxies say the port too, which tells nothing of who asks."""
    if given.startswith("["):
        return given[1:].partition("]")[0]
    return given.partition(":")[0] if given.count(":") == 1 else given


def _address(given: str) -> IPv4Address | IPv6Address | None:
    """An address of IPv4 is one, however a listener on both kinds writes it. A zone is of this machine: left out."""
    try:
        one = ip_address(given.partition("%")[0])
    except ValueError:
        return None
    return (one.ipv4_mapped or one) if isinstance(one, IPv6Address) else one


def _network(given: str) -> IPv4Network | IPv6Network:
    """Raises ValueError."""
    one = ip_network(given)
    mapped = one.network_address.ipv4_mapped if isinstance(one, IPv6Network) else None
    return one if mapped is None or one.prefixlen < MAPPED else ip_network((mapped.packed, one.prefixlen - MAPPED))
