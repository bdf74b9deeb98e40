"""Pages of a collection: narrowed by what it names, sorted only by fields it names, counted by a counter, or as far as
somebody would go through it."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.store import Reading, Row, Store

SHORT_OFFSET = 10_000
"""A page that begins below this and asks for no sorting is read at once; others go where they can't hold up anybody."""
MOST_COUNTED = 10_000
"""So many rows are counted where there is no counter of them; of more it is said that there are more."""
PIECE = 1_000
"""Rows that are read, and held, at a time where a list is wanted whole."""
SPAN = ("from", "to")
"""The conditions that begin with the column of a moment."""

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
    key: str = ""
    """The column that numbers the rows, which none shares with another; empty: the first of `order`."""
    moment: str = ""
    """The column that `from` and `to` are of, where an index begins with it and the key follows: a list that is
    narrowed by these is in its order, so that nothing is sorted to show the first page."""
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
    if listing.moment and any(name in wanted for name in SPAN):
        way = listing.order.partition(" ")[2]
        listing = msgspec.structs.replace(listing, order=f"{listing.moment} {way}, {listing.order}")
    return listing


def _with(listing: Listing, condition: str, params: Sequence[Any]) -> Listing:
    where = f"{listing.where} AND {condition}" if listing.where else f"WHERE {condition}"
    return msgspec.structs.replace(listing, where=where, params=(*listing.params, *params), counters=None)


class Pieces:
    """A list whole, in the order of its key, a piece at a time: no look lasts longer than a piece, and of a row that
    changes meanwhile its piece tells how it was then. What is added after the beginning is not in it."""

    def __init__(self, store: Store, listing: Listing, wanted: Mapping[str, Any]) -> None:
        self._store = store
        self._listing = listing
        self._wanted = wanted
        self._key = listing.key or listing.order.split()[0]

    async def each(self) -> AsyncGenerator[list[Any]]:
        """The items of each piece, PIECE at most."""
        ends = await self._store.scan(self._ends)
        if ends is None:
            return
        after, last = ends
        sign, more = ">=", True
        while more:
            rows = await self._store.scan(self._piece, sign, after, last)
            if rows:
                yield [self._listing.make(row[1:]) for row in rows]
                sign, after = ">", rows[-1][0]
            more = len(rows) == PIECE

    def _ends(self, read: Reading) -> Row | None:
        """The first key and the last."""
        listing = self._of(read, self._listing)
        first, last = (
            read.one(
                f"SELECT {self._key} FROM {_source(listing.select)} {listing.where} ORDER BY {self._key} {way} LIMIT 1",
                listing.params,
            )
            for way in ("ASC", "DESC")
        )
        return (first[0], last[0]) if first and last else None

    def _piece(self, read: Reading, sign: str, after: Any, last: Any) -> list[Row]:
        """The rows between two keys, each with its key first. Days are no way to them: an index of days would be gone
        through anew for each piece, and the sign + keeps both engines from it."""
        known = self._listing.conditions
        walked = {**known, **{name: f"+{known[name]}" for name in SPAN if name in known}}
        listing = self._of(read, msgspec.structs.replace(self._listing, conditions=walked))
        listing = _with(_with(listing, f"{self._key} {sign} ?", (after,)), f"{self._key} <= ?", (last,))
        columns = listing.select.removeprefix("SELECT ")
        sql = f"SELECT {self._key}, {columns} {listing.where} ORDER BY {self._key} LIMIT {PIECE}"
        return read.all(sql, listing.params)

    def _of(self, read: Reading, listing: Listing) -> Listing:
        listing = narrowed(listing, self._wanted)
        return owned(listing, read.owner, listing.owner) if listing.owner else listing


async def list_page(store: Store, listing: Listing, page: Page, total: int | None = None) -> Found:
    """`total`: how many there are, where that is known otherwise."""
    by_number = listing.counters is not None and all(listing.sortable.get(by) == _last(listing) for by, _ in page.sort)
    sorts = page.sort and not by_number
    look = store.scan if sorts or listing.whole or page.offset > SHORT_OFFSET else store.read
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
    sql = f"{listing.select} {listing.where} ORDER BY {_order(listing, page.sort)} LIMIT ? OFFSET ?"
    rows = read.all(sql, (*listing.params, *listing.order_params, page.size, page.offset))
    if total is not None:
        return rows, total, False
    if listing.counters is not None:
        return rows, counted(read, listing.counters), False
    there_are = _count(read, listing)
    return rows, min(there_are, MOST_COUNTED), there_are > MOST_COUNTED


def _order(listing: Listing, sorts: Sequence[tuple[str, bool]]) -> str:
    """What is equal goes on by number in the same direction, so that an index may have it so; upwards where the list's
    own order says ASC."""
    known = [(name, down) for name, down in sorts if name in listing.sortable]
    if not known or listing.order_params:
        return ", ".join([*(_by(listing, *one) for one in known), listing.order])
    way = "DESC" if known[-1][1] and not listing.order.endswith(" ASC") else "ASC"
    return f"{', '.join(_by(listing, *one) for one in known)}, {_last(listing)} {way}"


def _last(listing: Listing) -> str:
    """The column that decides where all else is equal."""
    return listing.order.rpartition(", ")[2].split()[0]


def _by(listing: Listing, name: str, down: bool) -> str:
    nulls = "" if name in listing.filled else " NULLS LAST" if down else " NULLS FIRST"
    return f"{listing.sortable[name]} {'DESC' if down else 'ASC'}{nulls}"


def _count(read: Reading, listing: Listing) -> int:
    some = f"SELECT 1 FROM {_source(listing.select)} {listing.where} LIMIT {MOST_COUNTED + 1}"
    row = read.one(f"SELECT count(*) FROM ({some}) AS found", listing.params)
    return int(row[0]) if row else 0


def _source(select: str) -> str:
    """What stands after the FROM that is in no parentheses."""
    at = -1
    while at < 0 or select.count("(", 0, at) > select.count(")", 0, at):
        at = select.index(" FROM ", at + 1)
    return select[at + len(" FROM ") :]
