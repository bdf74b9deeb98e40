"""Collections in the original's HAL: a page with `_embedded`, `_links` and `page`, and what can be searched for in it.

Links name the address that the client used.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from gbike.kit.http.exports import exported
from gbike.kit.http.request import Request, ResourceKind, Response, Shown, item
from gbike.kit.storage.listing import Listing, Page, list_page, narrowed
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
    wanted: Mapping[str, Any] | None = None,
) -> Response:
    """200 with the page that is asked for, narrowed by the filters of the operation. `of`: the path of what the list
    belongs to; `total`: how many there are without filters, where that is known otherwise; `wanted`: the filters that
    are left, where some were heeded already."""
    page, wanted = request.page(), request.wanted if wanted is None else wanted
    if request.export:
        return await exported(request, store, listing, shown, wanted)
    found = await list_page(store, narrowed(listing, wanted), page, None if wanted else total)
    found_by = request.path if "/search/" in request.path else None
    resources = [shown(one) for one in found.items]
    return Response(
        200, collection(kind, request.base + of, resources, page, found.total, path=found_by, more=found.more)
    )


def searching(kind: ResourceKind) -> Callable[[Request], Any]:

    async def answer(request: Request) -> Response:
        return Response(200, searches(kind, request.base))

    return answer


def collection(
    kind: ResourceKind,
    base: str,
    found: Sequence[msgspec.Struct],
    page: Page,
    total: int,
    *,
    path: str | None = None,
    more: bool = False,
) -> dict[str, Any]:
    """One page of a collection with the way to the others; `path` where it is not the collection's own (a search).
    `more`: there are more than the total, and nobody has counted them: the last page is unknown."""
    here = base + (path or kind.path)
    pages = -(-total // page.size)
    links: dict[str, Any] = {}
    if pages > 1:
        links["first"] = {"href": _turn(here, page, 0)}
    if page.number > 0:
        links["prev"] = {"href": _turn(here, page, page.number - 1)}
    if page.given:
        links["self"] = {"href": f"{here}?{urlencode(page.given)}"}
    else:
        links["self"] = {"href": here + "{?page,size,sort}", "templated": True}
    if page.number + 1 < pages or (more and len(found) == page.size):
        links["next"] = {"href": _turn(here, page, page.number + 1)}
    if pages > 1 and not more:
        links["last"] = {"href": _turn(here, page, pages - 1)}
    if kind.finders and here == base + kind.path:
        links["search"] = {"href": f"{here}/search"}
    return {
        "_embedded": {kind.collection: [item(kind, base, one) for one in found]},
        "_links": links,
        "page": {
            "size": page.size,
            "totalElements": total,
            "totalPages": pages,
            "number": page.number,
            **({"more": True} if more else {}),
        },
    }


def searches(kind: ResourceKind, base: str) -> dict[str, Any]:
    """The finders of a collection, as `/search` lists them."""
    here = f"{base}/{kind.collection}/search"
    links: dict[str, Any] = {
        name: {"href": f"{here}/{name}{{?{parameter}}}", "templated": True} for name, parameter in kind.finders
    }
    return {"_links": {**links, "self": {"href": here}}}


def _turn(here: str, page: Page, number: int) -> str:
    kept = [(name, value) for name, value in page.given if name not in ("page", "size")]
    return f"{here}?{urlencode([('page', number), ('size', page.size), *kept])}"
