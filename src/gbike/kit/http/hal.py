"""Resources in the original's HAL: an item with its links, a collection with `_embedded`, `_links` and `page`.

Links name the address that the client used.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from gbike.kit.http.listing import Page as Page


class ResourceKind(msgspec.Struct, frozen=True):
    """What a resource is called. `id_field`: the field with its number; `finders`: its searches, their parameters."""

    collection: str
    item: str
    id_field: str
    finders: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        """The path of the collection."""
        return f"/{self.collection}"


def item(kind: ResourceKind, base: str, resource: msgspec.Struct) -> dict[str, Any]:
    """One resource: its fields, then `self` and its own name as links."""
    fields: dict[str, Any] = {name: getattr(resource, name) for name in resource.__struct_fields__}
    here = {"href": f"{base}/{kind.collection}/{fields[kind.id_field]}"}
    fields["_links"] = {"self": here, kind.item: here}
    return fields


def collection(
    kind: ResourceKind, base: str, found: Sequence[msgspec.Struct], page: Page, total: int, path: str | None = None
) -> dict[str, Any]:
    """One page of a collection with the way to the others; `path` where it is not the collection's own (a search)."""
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
    if page.number + 1 < pages:
        links["next"] = {"href": _turn(here, page, page.number + 1)}
    if pages > 1:
        links["last"] = {"href": _turn(here, page, pages - 1)}
    if kind.finders and here == base + kind.path:
        links["search"] = {"href": f"{here}/search"}
    return {
        "_embedded": {kind.collection: [item(kind, base, one) for one in found]},
        "_links": links,
        "page": {"size": page.size, "totalElements": total, "totalPages": pages, "number": page.number},
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
