"""Pages of a collection: sorted only by fields it names, counted by a counter and never by a scan."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.store import Reading, Row, Store

SHORT_OFFSET = 10_000
"""A page that begins below this and asks for no sorting is read at once; others go where they can't hold up anybody."""

R = TypeVar("R")


class Page(msgspec.Struct, frozen=True):
    """Which part of a collection was asked for: number from 0, size, and the sorting as (field, descending)."""

    number: int = 0
    size: int = 20
    sort: tuple[tuple[str, bool], ...] = ()
    given: tuple[tuple[str, str], ...] = ()

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return self.number * self.size


class Listing(msgspec.Struct, frozen=True):
    """How a collection is listed: its SELECT, the fields to sort by, its usual order, the counters of its total."""

    select: str
    sortable: Mapping[str, str]
    order: str
    where: str = ""
    params: tuple[Any, ...] = ()
    counters: tuple[str, ...] | None = ()
    """None: the rows themselves are counted, which an index must make cheap."""
    order_params: tuple[Any, ...] = ()
    owner: str = ""
    """The column that says whose a row is: only what is theirs is listed, and counted. Empty: everybody's."""
    whole: bool = False
    """Whether every row must be looked at, so that it is read where it can't hold up anybody."""
    make: Callable[[Row], Any] = tuple
    """What a row becomes."""


def owned(listing: Listing, owner: OwnerScope, column: str) -> Listing:
    """The same list with only what is theirs, and counted so; `column` says whose a row is."""
    if owner.only is None:
        return listing
    where = f"{listing.where} AND {column} = ?" if listing.where else f"WHERE {column} = ?"
    return msgspec.structs.replace(listing, where=where, params=(*listing.params, owner.only), counters=None)


async def list_page(store: Store, listing: Listing, page: Page, make: Callable[[Row], R]) -> tuple[list[R], int]:
    look = store.scan if page.sort or listing.whole or page.offset > SHORT_OFFSET else store.read
    rows, total = await look(_page, listing, page)
    return [make(row) for row in rows], total


def counted(read: Reading, names: Sequence[str]) -> int:
    if not names:
        return 0
    marks = ", ".join("?" * len(names))
    row = read.one(f"SELECT coalesce(sum(n), 0) FROM counters WHERE name IN ({marks})", tuple(names))
    return int(row[0]) if row else 0


def _page(read: Reading, listing: Listing, page: Page) -> tuple[list[Row], int]:
    if listing.owner:
        listing = owned(listing, read.owner, listing.owner)
    order = [
        f"{listing.sortable[name]} {'DESC NULLS LAST' if down else 'ASC NULLS FIRST'}"
        for name, down in page.sort
        if name in listing.sortable
    ]
    sql = f"{listing.select} {listing.where} ORDER BY {', '.join([*order, listing.order])} LIMIT ? OFFSET ?"
    rows = read.all(sql, (*listing.params, *listing.order_params, page.size, page.offset))
    return rows, _count(read, listing) if listing.counters is None else counted(read, listing.counters)


def _count(read: Reading, listing: Listing) -> int:
    row = read.one(f"SELECT count(*) FROM {listing.select.partition(' FROM ')[2]} {listing.where}", listing.params)
    return int(row[0]) if row else 0
