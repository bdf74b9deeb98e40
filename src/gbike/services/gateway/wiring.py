"""How the gateway's route table is made from what the services say of themselves."""

from collections.abc import Iterable

from gbike.kit.runtime import Card
from gbike.services.gateway.domain import RouteTable


def route_table(cards: Iterable[Card]) -> RouteTable:
    """The route table of some services."""
    cards = list(cards)
    return RouteTable(
        {path: card.name for card in cards for path in card.paths},
        {other: path for card in cards for other, path in card.aliases.items()},
        frozenset(path for card in cards for path in card.streams),
    )
