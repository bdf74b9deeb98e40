"""What services answer alike: one thing, a page of things, and what can be searched for."""

from collections.abc import Callable
from typing import Any

import msgspec

from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.listing import Listing, list_page
from gbike.kit.store import Store

Shown = Callable[[Any], msgspec.Struct]
"""Makes the resource that clients see."""


def showing(kind: Kind, shown: Shown, status: int = 200) -> Callable[[Ask, Any], Answer]:
    """For an operation: answers with one resource. Of a new one, and as the original after a PUT, it says where it
    is."""

    def answer(ask: Ask, found: Any) -> Answer:
        content = item(kind, ask.base, shown(found))
        located = status == 201 or ask.method == "PUT"
        return Answer(status, content, {"Location": content["_links"]["self"]["href"]} if located else {})

    return answer


async def listed(ask: Ask, store: Store, listing: Listing, kind: Kind, shown: Shown, *, of: str = "") -> Answer:
    """200 with the page that is asked for. `of`: the path of what the list belongs to."""
    page = ask.page()
    found, total = await list_page(store, listing, page, listing.make)
    return Answer(200, collection(kind, ask.base + of, [shown(one) for one in found], page, total))


def searching(kind: Kind) -> Callable[[Ask], Any]:
    """The handler that answers with the searches of a collection."""

    async def answer(ask: Ask) -> Answer:
        return Answer(200, searches(kind, ask.base))

    return answer
