"""Lists that services answer alike: a page of a collection, and what can be searched for in it."""

from collections.abc import Callable
from typing import Any

from gbike.kit.http.hal import ResourceKind, collection, searches
from gbike.kit.http.listing import Listing, list_page
from gbike.kit.http.request import Request, Response, Shown
from gbike.kit.store import Store


async def listed(
    request: Request,
    store: Store,
    listing: Listing,
    kind: ResourceKind,
    shown: Shown,
    *,
    of: str = "",
    total: int | None = None,
) -> Response:
    """200 with the page that is asked for. `of`: the path of what the list belongs to; `total`: how many there are,
    where that is known otherwise."""
    page = request.page()
    found, counted = await list_page(store, listing, page, listing.make)
    there_are = counted if total is None else total
    resources = [shown(one) for one in found]
    search = request.path if "/search/" in request.path else None
    return Response(200, collection(kind, request.base + of, resources, page, there_are, path=search))


def searching(kind: ResourceKind) -> Callable[[Request], Any]:
    """The handler that answers with the searches of a collection."""

    async def answer(request: Request) -> Response:
        return Response(200, searches(kind, request.base))

    return answer
