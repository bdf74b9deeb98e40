"""Pages of a collection: narrowed by what it names, sorted only by fields it names, counted by a counter, or as far as
somebody would go through it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.store import Reading, Row, Store

SHORT_OFFSET = 10_000
"""A page that begins below this and asks for no sorting is read at once; others go where they can't hold up anybody."""
MOST_COUNTED = 10_000
"""So many rows are counted where there is no counter of them; of more it is said that there are more."""

Condition = str | Mapping[Any, str] | Callable[[Any], tuple[str, Sequence[Any]]]
"""Which rows a filter lets through: SQL where every `?` is the value of the filter; the SQL of each value; or what
makes the SQL of a value, and its parameters."""


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


class Found(msgspec.Struct, frozen=True):
    """The items of a page, how many there are in all, and whether there are `more` than that."""

    items: list[Any]
    total: int
    more: bool = False


class Listing(msgspec.Struct, frozen=True):
    """How a collection is listed: its SELECT, the fields to sort by, its usual order, the counters of its total."""

    select: str
    sortable: Mapping[str, str]
    order: str
    where: str = ""
    params: tuple[Any, ...] = ()
    counters: tuple[str, ...] | None = ()
    """None: the rows themselves are counted, up to MOST_COUNTED, which an index must make cheap."""
    order_params: tuple[Any, ...] = ()
    owner: str = ""
    """The column that says whose a row is: only what is theirs is listed, and counted. Empty: everybody's."""
    whole: bool = False
    """Whether every row must be looked at, so that it is read where it can't hold up anybody."""
    make: Callable[[Row], Any] = tuple
    """What a row becomes."""
    conditions: Mapping[str, Condition] = {}
    """What it may be narrowed by, by the filter's name."""
    filled: Collection[str] = ()
    """The fields to sort by that no row lacks: only these can an index of PostgreSQL sort."""


def owned(listing: Listing, owner: OwnerScope, column: str) -> Listing:
    """The same list with only what is theirs, and counted so; `column` says whose a row is."""
    return listing if owner.only is None else _with(listing, f"{column} = ?", (owner.only,))


def narrowed(listing: Listing, wanted: Mapping[str, Any]) -> Listing:
    """The same list with only what is wanted, by the name of each filter. Raises KeyError for one it does not know."""
    for name, value in wanted.items():
        condition = listing.conditions[name]
        if isinstance(condition, str):
            listing = _with(listing, condition, (value,) * condition.count("?"))
        elif isinstance(condition, Mapping):
            listing = _with(listing, condition[value], ())
        else:
            listing = _with(listing, *condition(value))
    return listing


def _with(listing: Listing, condition: str, params: Sequence[Any]) -> Listing:
    where = f"{listing.where} AND {condition}" if listing.where else f"WHERE {condition}"
    return msgspec.structs.replace(listing, where=where, params=(*listing.params, *params), counters=None)


async def list_page(store: Store, listing: Listing, page: Page, total: int | None = None) -> Found:
    """`total`: how many there are, where that is known otherwise."""
    look = store.scan if page.sort or listing.whole or page.offset > SHORT_OFFSET else store.read
    rows, there_are, more = await look(_page, listing, page, total)
    return Found([listing.make(row) for row in rows], there_are, more)


def counted(read: Reading, names: Sequence[str]) -> int:
    if not names:
        return 0
    marks = ", ".join("?" * len(names))
    row = read.one(f"SELECT coalesce(sum(n), 0) FROM counters WHERE name IN ({marks})", tuple(names))
    return int(row[0]) if row else 0


def _page(read: Reading, listing: Listing, page: Page, total: int | None) -> tuple[list[Row], int, bool]:
    if listing.owner:
        listing = owned(listing, read.owner, listing.owner)
    order = [_by(listing, name, down) for name, down in page.sort if name in listing.sortable]
    sql = f"{listing.select} {listing.where} ORDER BY {', '.join([*order, listing.order])} LIMIT ? OFFSET ?"
    rows = read.all(sql, (*listing.params, *listing.order_params, page.size, page.offset))
    if total is not None:
        return rows, total, False
    if listing.counters is not None:
        return rows, counted(read, listing.counters), False
    there_are = _count(read, listing)
    return rows, min(there_are, MOST_COUNTED), there_are > MOST_COUNTED


def _by(listing: Listing, name: str, down: bool) -> str:
    nulls = "" if name in listing.filled else " NULLS LAST" if down else " NULLS FIRST"
    return f"{listing.sortable[name]} {'DESC' if down else 'ASC'}{nulls}"


def _count(read: Reading, listing: Listing) -> int:
    some = f"SELECT 1 FROM {_source(listing.select)} {listing.where} LIMIT {MOST_COUNTED + 1}"
    row = read.one(f"SELECT count(*) FROM ({some}) AS some", listing.params)
    return int(row[0]) if row else 0


def _source(select: str) -> str:
    """What stands after the FROM that is in no parentheses."""
    at = -1
    while at < 0 or select.count("(", 0, at) > select.count(")", 0, at):
        at = select.index(" FROM ", at + 1)
    return select[at + len(" FROM ") :]
