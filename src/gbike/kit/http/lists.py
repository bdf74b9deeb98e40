"""Lists that services answer alike: a page of a collection, and what can be searched for in it."""

from collections.abc import Callable
from typing import Any

from gbike.kit.http.ask import Answer, Ask, Shown
from gbike.kit.http.hal import Kind, collection, searches
from gbike.kit.listing import Listing, list_page
from gbike.kit.store import Store


async def listed(
    ask: Ask, store: Store, listing: Listing, kind: Kind, shown: Shown, *, of: str = "", total: int | None = None
) -> Answer:
    """200 with the page that is asked for. `of`: the path of what the list belongs to; `total`: how many there are,
    where that is known otherwise."""
    page = ask.page()
    found, counted = await list_page(store, listing, page, listing.make)
    there_are = counted if total is None else total
    resources = [shown(one) for one in found]
    return Answer(200, collection(kind, ask.base + of, resources, page, there_are, path=ask.path.removeprefix(of)))


def searching(kind: Kind) -> Callable[[Ask], Any]:
    """The handler that answers with the searches of a collection."""

    async def answer(ask: Ask) -> Answer:
        return Answer(200, searches(kind, ask.base))

    return answer
