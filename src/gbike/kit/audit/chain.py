"""The chain of a store: how it grows, how it is read, and how it is seen that somebody touched it.

A row's hash covers the row, its number and the hash before it, and the head keeps the last number and hash. So a row
that was changed, removed, moved or put in between doesn't fit its neighbours, and one that was cut off the end doesn't
fit the head. Who can write to the database can also compute everything anew: heads kept elsewhere tell (`known`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gbike.kit.audit.rows import GENESIS, Deed, Row, chained, hash_of
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import log

COLUMNS = "number, at_ms, who, roles, mode, action, subject, before, after, trace_id, prev_hash, hash"
_APPEND = f"INSERT INTO audit ({COLUMNS}) VALUES ({', '.join('?' * 12)})"


def append(tx: Tx, deeds: Sequence[Deed]) -> None:
    """Put `deeds` at the end. The head's row is taken first and held until this commits, so appending is one after the
    other; whoever calls does it last in the transaction, so that nobody waits for anything while it is held."""
    row = tx.one("UPDATE audit_head SET number = number + ? RETURNING number, hash", (len(deeds),))
    assert row is not None
    rows = chained(deeds, row[0] - len(deeds), row[1])
    tx.execute_many(_APPEND, [one.values for one in rows])
    tx.execute("UPDATE audit_head SET hash = ?", (rows[-1].hash,))


def head(read: Reading) -> tuple[int, str]:
    """The number and hash of the last row."""
    row = read.one("SELECT number, hash FROM audit_head")
    return (row[0], row[1]) if row else (0, GENESIS)


def rows(read: Reading, *, subject: str = "", who: str = "", since_ms: int = 0) -> Iterator[Row]:
    """The rows, oldest first; of one subject, of one who acted, from a moment on."""
    wanted = {"subject = ?": subject, "who = ?": who, "at_ms >= ?": since_ms}
    wanted = {condition: value for condition, value in wanted.items() if value}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    return (Row(*row) for row in read.each(f"SELECT {COLUMNS} FROM audit {where} ORDER BY number", [*wanted.values()]))


def breaks(read: Reading, known: Mapping[int, str] | None = None) -> Iterator[str]:
    """Where the chain is not what was written; nothing: it is. `known`: hashes by number that were kept elsewhere."""
    walk = Walk(known=known)
    yield from walk.along(read.each(f"SELECT {COLUMNS} FROM audit ORDER BY number"))
    yield from walk.ends(head(read))


class Walk:
    """Goes along a chain, a piece after the other, and tells where it is not what was written."""

    def __init__(self, last: tuple[int, str] = (0, GENESIS), known: Mapping[int, str] | None = None) -> None:
        """`last`: number and hash of the row before the first piece; `known`: see `breaks`."""
        self.number, self._hash = last
        self._known = dict(known or {})

    def along(self, found: Iterable[tuple[str | int, ...]]) -> Iterator[str]:
        """The next rows, in the order of their numbers."""
        for row in found:
            expected, number = self.number + 1, int(row[0])
            kept = str(row[11])
            if number != expected:
                last = f" to {number - 1}" if number - 1 > expected else ""
                yield f"row {expected}{last} is missing"
            elif row[10] != self._hash:
                yield f"row {number} does not follow row {number - 1} as it is now"
            if hash_of(row[:11]) != kept:
                yield f"row {number} was changed"
            if self._known.pop(number, kept) != kept:
                yield f"row {number} is not the one that is known from elsewhere"
            self.number, self._hash = number, kept

    def ends(self, end: tuple[int, str]) -> Iterator[str]:
        """Whether it went as far as the head, `end`."""
        if end != (self.number, self._hash):
            yield f"the head is row {end[0]} and the rows end with {self.number}"
        for number in sorted(self._known):
            yield f"row {number} is known from elsewhere and is not here"


def piece(read: Reading, after: int, until: int, most: int) -> list[tuple[str | int, ...]]:
    """The rows that follow row `after`, to row `until`, `most` of them."""
    sql = f"SELECT {COLUMNS} FROM audit WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"
    return read.all(sql, (after, until, most))


EVERY_S = 300
"""Between two looks: so much of a chain could be computed anew before its head is elsewhere."""


class Witness:
    """Says the head of one service's chain whenever it has moved."""

    def __init__(self, store: Store, service: str) -> None:
        self._store, self._service = store, service
        self._published = 0

    async def step(self) -> int:
        """Look, and say; answers 0, as nobody needs to look again soon."""
        number, digest = await self._store.read(head)
        if number != self._published:
            self._published = number
            log.info("audit head", service=self._service, number=number, hash=digest)
        return 0
