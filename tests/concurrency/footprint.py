"""What a statement touches: tables, rows where the statement names them by key, locks; and whether two may be swapped.

Under READ COMMITTED a statement sees what was committed when it began. So a plain read meets the other's COMMIT, not
its statements; two writing statements of one table may wait for each other; COMMIT meets whatever touches what was
written or locked since BEGIN, and ROLLBACK whatever writes or locks it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gbike.kit.storage.postgres import writer

_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)")
_WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")
_KEYS = {
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

    def __str__(self) -> str:
        return self.sql if len(self.sql) <= 90 else self.sql[:87] + "…"


@dataclass
class Touched:
    """What a transaction has touched so far."""

    writes: set[Item] = field(default_factory=set)
    locks: set[tuple[str, bool]] = field(default_factory=set)

    def statement(self, sql: str, params: Sequence[Any]) -> Step:
        """The step of a statement."""
        if sql in (writer._LOCK, writer._SHARE):
            shared = sql == writer._SHARE
            names = params[0] if shared else params
            step = Step(
                f"{'share' if shared else 'lock'} {', '.join(names)}",
                locks=frozenset((str(name), shared) for name in names),
            )
        else:
            items = _items(sql, params)
            written = _written(sql)
            step = Step(
                sql,
                reads=frozenset(item for table, items_ in items.items() if table not in written for item in items_),
                writes=frozenset(item for table, items_ in items.items() if table in written for item in items_),
            )
        self.writes |= step.writes
        self.locks |= step.locks
        return step

    def end(self, sql: str) -> Step:
        """The step that ends it; what the batch leaves is part of it."""
        leaves = _END_WRITES if sql == "COMMIT" and self.writes else frozenset()
        step = Step(sql, writes=frozenset(self.writes) | leaves, locks=frozenset(self.locks), ends=True)
        self.writes, self.locks = set(), set()
        return step


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
        items.setdefault(table, [(table, _key_of_all(items, column) if _KEYS.get(table) == column else None)])
    if _TOKENS in sql:
        items["token versions"] = [("token versions", _key_of_all(items, "userid"))]
    return items


def _key_of_all(items: dict[str, list[Item]], column: str) -> str | None:
    """The one key, of this column, that all the rows have which are touched; None: it may be any."""
    keys = {key if _KEYS.get(table) == column else None for items_ in items.values() for table, key in items_}
    return keys.pop() if len(keys) == 1 else None


def _item(table: str, sql: str, params: Sequence[Any]) -> list[Item]:
    if table == "inbox" and params and isinstance(params[0], list):
        return [(table, str(one)) for one in params[0]]
    column = _KEYS.get(table)
    if column is None or sql.count("SELECT") > 1 or (sql.count("SELECT") and table in _written(sql)):
        return [(table, None)]
    before = _before_key(column, sql)
    return [(table, None if before is None else str(params[before]))]


@cache
def _before_key(column: str, sql: str) -> int | None:
    """How many parameters come before the one that is the key."""
    inserted = _INSERTED.match(sql)
    if inserted is None:
        named = re.search(rf"(?:WHERE|AND) {column} = \?", sql)
        return sql[: named.end() - 1].count("?") if named and " OR " not in sql else None
    columns, values = ([one.strip() for one in part.split(",")] for part in inserted.groups())
    if column not in columns or values[columns.index(column)] != "?":
        return None
    return values[: columns.index(column)].count("?")
