"""The route table: which path prefix belongs to which service. /internal is not in it, so nobody outside gets there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from gbike.kit.service import ServiceSpec

APP = "/app/"
"""Where browsers are sent that ask for /."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """Prefixes of paths and the service each belongs to, and other names of a prefix."""

    services: Mapping[str, str]
    aliases: Mapping[str, str]
    streams: frozenset[str] = frozenset()
    """Paths whose answers go on."""

    def find(self, path: str) -> tuple[str, str] | None:
        """The service for a path and the path by its proper name; None where no service answers."""
        prefix, slash, rest = path[1:].partition("/")
        first = "/" + prefix
        first = self.aliases.get(first, first)
        service = self.services.get(first)
        return None if service is None else (service, first + slash + rest)


class Page(msgspec.Struct, frozen=True):
    """Something that the gateway answers itself."""

    media: str
    text: str
    headers: Mapping[str, str] = {}


def route_table(specs: Iterable[ServiceSpec]) -> RouteTable:
    """The route table of some services."""
    specs = list(specs)
    return RouteTable(
        {path: spec.name for spec in specs for path in spec.paths},
        {other: path for spec in specs for other, path in spec.aliases.items()},
        frozenset(path for spec in specs for path in spec.streams),
    )
