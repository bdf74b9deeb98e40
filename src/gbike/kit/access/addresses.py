"""Where a request comes from: the other end of the connection, or what proxies that we know say."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from gbike.kit.settings import BadSetting

MOST_HOPS = 16
"""Proxies one behind another that are looked through."""
V6_PREFIX = 64
"""What one household or one virtual machine is given of IPv6: it counts as one address."""


class Proxies:
    """The proxies whose X-Forwarded headers are believed."""

    def __init__(self, listed: str) -> None:
        """`listed`: addresses or networks, separated by commas. Raises BadSetting."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self._known: dict[str, bool] = {}
        for one in filter(None, (part.strip() for part in listed.split(","))):
            try:
                self._networks.append(ip_network(one))
            except ValueError as wrong:
                raise BadSetting(f"GBIKE_TRUSTED_PROXIES={listed!r}: {wrong}") from None

    def trusts(self, address: str) -> bool:
        """Whether the one at `address` is one of them."""
        if not self._networks:
            return False
        found = self._known.get(address)
        if found is None:
            found = self._looks_known(address)
            if len(self._known) < 1024:  # there are few proxies; strangers need not be remembered
                self._known[address] = found
        return found

    def _looks_known(self, address: str) -> bool:
        try:
            one = ip_address(address)
        except ValueError:
            return False
        return any(one in network for network in self._networks)


def origin(peer: str, forwarded_for: str | None, trusts: Callable[[str], bool]) -> str:
    """The address of who asks: `peer`, or the last one in X-Forwarded-For that no trusted proxy of ours has."""
    if not trusts(peer):
        return peer
    for hop in reversed((forwarded_for or "").split(",")[-MOST_HOPS:]):
        address = hop.strip()
        if not address:
            return peer
        if not trusts(address):
            return address
    return peer


def household(address: str) -> str:
    """What counts as one asker: an IPv4 address, or the /64 of an IPv6 one; what is none is taken as it is."""
    if ":" not in address:
        return address[:64]
    try:
        return str(ip_network(f"{address}/{V6_PREFIX}", strict=False))
    except ValueError:
        return address[:64]
