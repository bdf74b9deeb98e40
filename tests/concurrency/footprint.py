"""What a statement touches: tables, rows where the statement names them by key, locks; and whether two may be swapped.

Under READ COMMITTED a statement sees what was committed when it began. So a plain read meets the other's COMMIT, not
its statements; two writing statements of one table may wait for each other; COMMIT meets whatever touches what was
written or locked since BEGIN, and ROLLBACK whatever writes or locks it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gbike.kit.storage.postgres import writer

_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)")
_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")
KEYS = {
    "idempotency": "key",
    "dead_letters": "message_id",
    "bikes": "bikeid",
    "places": "key",
    "tombstones": "rentid",
    "rents": "rentid",
    "riders": "userid",
    "deposits": "userid",
    "entries": "cause",
    "payments": "paymentid",
    "tries": "whose",
    "attempts": "id",
    "households": "userid",
    "accounts": "userid",
    "name_parts": "userid",
    "blocks": "userid",
    "standings": "userid",
    "holds": "bikeid",
    "sessions": "userid",
    "resets": "userid",
    "refresh_tokens": "token",
    "managers": "managerid",
    "point_entries": "cause",
    "contact_proofs": "userid",
    "contact_codes": "whose",
    "recovery_codes": "userid",
    "consents": "userid",
    "erased": "userid",
    "rides": "rentid",
    "balances": "userid",
}
"""By which column a statement tells the rows that it touches; one that does not name it may touch any."""
UNIQUE = {"accounts": {"contact", "normal", "shared"}, "bikes": {"label"}}
"""Where rows of other keys may collide: the columns of further unique indexes, and of what they are limited by. Not of
primary keys: where KEYS has another column, they are random words, or numbers that PostgreSQL gives."""
_NEW = "a new row"
"""The key of a row whose number PostgreSQL gives, which no statement can name before."""
_SET = re.compile(r"UPDATE [a-z_]+ SET (.*?) WHERE ")
_INSERTED = re.compile(r"INSERT INTO [a-z_]+ \(([^)]*)\) VALUES \(([^)]*)\)")
_BESIDE = re.compile(r"\(SELECT [a-z.()*]+ FROM ([a-z_]+) AS ([a-z]) WHERE \2\.([a-z]+) = [a-z_]+\.\3\)")
"""What is read beside each row of a statement: the rows of another table with the same key."""
_TOKENS = "(SELECT n FROM counters WHERE name = 'tokens:' || userid)"
"""The same of the versions of accounts' tokens: counters that no total is, so the end of a transaction adds to none."""
_END_WRITES = frozenset({("outbox", None), ("counters", None), ("audit", None)})

Item = tuple[str, str | None]
"""A table and a key; None: any row of it."""


@dataclass(frozen=True)
class Step:
    """What is about to be done: a statement, or the end of a transaction with all that is written there."""

    sql: str
    reads: frozenset[Item] = frozenset()
    writes: frozenset[Item] = frozenset()
    locks: frozenset[tuple[str, bool]] = frozenset()
    """Names, and whether they are shared."""
    ends: bool = False

    @property
    def is_at_one(self) -> bool:
        """Whether it takes one lock or one row, so that it holds nothing while it waits."""
        return len(self.locks) + len(self.writes) == 1 and all(key not in (None, _NEW) for _, key in self.writes)

    def __str__(self) -> str:
        return self.sql if len(self.sql) <= 90 else self.sql[:87] + "…"


@dataclass
class Touched:
    """What a transaction has touched so far."""

    last: Mapping[str, int] = field(default_factory=dict)
    """The highest number that a table's sequence gave before; a statement that names a later one may mean a new row."""
    writes: set[Item] = field(default_factory=set)
    locks: set[tuple[str, bool]] = field(default_factory=set)

    def statement(self, sql: str, params: Sequence[Any]) -> Step:
        """The step of a statement that is about to be run."""
        if sql in (writer._LOCK, writer._SHARE):
            shared = sql == writer._SHARE
            names = params[0] if shared else params
            step = Step(
                f"{'share' if shared else 'lock'} {', '.join(names)}",
                locks=frozenset((str(name), shared) for name in names),
            )
        else:
            items = {table: [*self._with_new(some)] for table, some in _items(sql, params).items()}
            written = _written(sql)
            step = Step(
                sql,
                reads=frozenset(item for table, items_ in items.items() if table not in written for item in items_),
                writes=frozenset(item for table, items_ in items.items() if table in written for item in items_),
            )
        return step

    def ran(self, step: Step, *, nothing: bool = False) -> None:
        """It was done; `nothing`: no row was as it wants, so that none is held."""
        self.locks |= step.locks
        if not nothing:
            self.writes |= step.writes

    def _with_new(self, items: Sequence[Item]) -> Iterator[Item]:
        for table, key in items:
            yield table, key
            if table in self.last and key not in (None, _NEW) and int(key) > self.last[table]:
                yield table, _NEW

    def end(self, sql: str) -> Step:
        """The step that ends it; what the batch leaves is part of it."""
        leaves = _END_WRITES if sql == "COMMIT" and self.writes else frozenset()
        step = Step(sql, writes=frozenset(self.writes) | leaves, locks=frozenset(self.locks), ends=True)
        self.writes, self.locks = set(), set()
        return step


def together(steps: Sequence[Step]) -> Step:
    """Statements that are sent at once as one step."""
    return Step(
        steps[0].sql,
        reads=frozenset().union(*(step.reads for step in steps)),
        writes=frozenset().union(*(step.writes for step in steps)),
        locks=frozenset().union(*(step.locks for step in steps)),
    )


def dependent(one: Step, other: Step) -> bool:
    """Whether it may matter which of two steps of different transactions comes first."""
    if one.ends and other.ends:
        return False  # what they leave adds up
    if _excluding(one, other):
        return True
    if one.ends or other.ends:
        ended, running = (one, other) if one.ends else (other, one)
        seen = running.reads if ended.sql == "COMMIT" else frozenset()  # what is undone nobody has read
        return _meet(ended.writes, seen | running.writes)
    return _meet(one.writes, other.writes)


def _excluding(one: Step, other: Step) -> bool:
    return any(name == its and not (shared and shares) for name, shared in one.locks for its, shares in other.locks)


def _meet(some: frozenset[Item], others: frozenset[Item]) -> bool:
    return any(
        table == its and (key is None or key_ is None or key == key_) for table, key in some for its, key_ in others
    )


@cache
def _named(sql: str) -> tuple[str, ...]:
    """The tables of a statement."""
    return tuple(_TABLE.findall(sql))


@cache
def _written(sql: str) -> frozenset[str]:
    """The tables that it writes."""
    return frozenset(_WRITTEN.findall(sql))


@cache
def _but_beside(sql: str) -> str:
    """A statement without what it reads beside each row."""
    return _BESIDE.sub("", sql.replace(_TOKENS, ""))


def _items(sql: str, params: Sequence[Any]) -> dict[str, list[Item]]:
    """What a statement touches of each of its tables."""
    alone = _but_beside(sql)
    items = {table: _item(table, alone, params) for table in _named(alone)}
    if alone == sql:
        if "INTO counters " in sql and str(params[0]).startswith("tokens:"):
            items["counters"] = [("token versions", str(params[0]).removeprefix("tokens:"))]
        return items
    for table, _, column in _BESIDE.findall(sql):
        items.setdefault(table, [(table, _key_of_all(items, column) if KEYS.get(table) == column else None)])
    if _TOKENS in sql:
        items["token versions"] = [("token versions", _key_of_all(items, "userid"))]
    return items


def _key_of_all(items: dict[str, list[Item]], column: str) -> str | None:
    """The one key, of this column, that all the rows have which are touched; None: it may be any."""
    keys = {key if KEYS.get(table) == column else None for items_ in items.values() for table, key in items_}
    return keys.pop() if len(keys) == 1 else None


def _item(table: str, sql: str, params: Sequence[Any]) -> list[Item]:
    if table == "inbox" and params and isinstance(params[0], list):
        return [(table, str(one)) for one in params[0]]
    column = KEYS.get(table)
    if column is None or sql.count("SELECT") > 1 or (sql.count("SELECT") and table in _written(sql)):
        return [(table, None)]
    if _gives_number(column, sql):
        return [(table, _NEW)]
    before = _before_key(column, sql)
    if before is None:
        return [(table, None)]
    keyed = table, str(params[before])
    return [keyed, (table, _NEW)] if _may_collide(table, sql) else [keyed]


@cache
def _gives_number(column: str, sql: str) -> bool:
    """Whether it inserts one row that gets its key from PostgreSQL."""
    inserted = _INSERTED.match(sql)
    return inserted is not None and column not in _listed(inserted[1]) and "DO UPDATE" not in sql


@cache
def _may_collide(table: str, sql: str) -> bool:
    """Whether what it writes is unique among rows of other keys."""
    if table not in UNIQUE or table not in _written(sql):
        return False
    inserted, sets = _INSERTED.match(sql), _SET.match(sql)
    if inserted is not None:
        return not UNIQUE[table].isdisjoint(_listed(inserted[1]))
    return sets is None or any(re.search(rf"\b{column} = ", sets[1]) for column in UNIQUE[table])


@cache
def _before_key(column: str, sql: str) -> int | None:
    """How many parameters come before the one that is the key."""
    inserted = _INSERTED.match(sql)
    if inserted is None:
        named = re.search(rf"(?:WHERE|AND) {column} = \?", sql)
        return sql[: named.end() - 1].count("?") if named and " OR " not in sql else None
    columns, values = map(_listed, inserted.groups())
    if column not in columns or values[columns.index(column)] != "?":
        return None
    return values[: columns.index(column)].count("?")


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",")]
