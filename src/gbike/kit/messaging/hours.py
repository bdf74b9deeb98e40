"""What a service published and heard, per hour and type: how many messages, and a digest of their ids. Rows of outbox
and inbox go after days, these few stay, so that `gbike verify` misses what one of two stores lost, whenever it asks.

A message is of the hour in which its id was made (UUIDv7), on both sides. The digest is the sum, modulo 2^62, of a hash
of each id: the order does not matter, one more can be added to an hour, and a message that was counted twice shows (of
an exclusive or it would vanish). Two sums of 62 bits fit into the 64 that either engine adds in.

The worker folds rows a bite at a time, each bite in one transaction with the place that it came to. An hour is closed
once no transaction that can still write to it is open. What is heard after that is added by whoever hears it.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec

from gbike.kit.clock import Clock
from gbike.kit.envelope import Message
from gbike.kit.store import Reading, Row, Store, Tx

HOUR_MS = 3_600_000
SURE_MS = 600_000
"""Longer than a transaction may last and two clocks may differ: what is older is committed, or never will be."""
BATCH = 1_000
"""Rows folded in one transaction."""
ROUND_S = 300
"""Between two rounds of a worker that has nothing left to fold."""
TURN_MS = 20
"""Between two bites, for others."""
MODULUS = 1 << 62
_UUID7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_LOCK = "hours"
SAID, HEARD = "said", "heard"

Key = tuple[str, str, int]
"""Who published it, its type, and the beginning of its hour, ms."""
Sum = tuple[int, int]
"""How many messages, and their digest."""


class Fold(msgspec.Struct, frozen=True):
    """How far one direction is folded. `place`: outbox number or message id of the last row. Hours from `since_ms` on
    and before `until_ms` are known and closed."""

    place: str = ""
    since_ms: int = 0
    until_ms: int = 0


def speakers(kinds: Iterable[type]) -> dict[str, str]:
    """Who publishes each of these events: the service whose contract it is in."""
    return {kind.__name__: kind.__module__.rpartition(".")[2] for kind in kinds}


def ms_of(message_id: str) -> int | None:
    """When a message was made, ms; None for an id that is none of ours."""
    return int(message_id[:8] + message_id[9:13], 16) if _UUID7.fullmatch(message_id) else None


def hour_of(message_id: str) -> int | None:
    """The beginning of its hour, ms."""
    at_ms = ms_of(message_id)
    return None if at_ms is None else _floor(at_ms)


def first_id(at_ms: int) -> str:
    """What sorts before every id that was made at that moment or later, and after every earlier one."""
    return f"{at_ms >> 16:08x}-{at_ms & 0xFFFF:04x}"


def summed(messages: Iterable[tuple[str, str]], sources: Mapping[str, str]) -> dict[Key, Sum]:
    found: dict[Key, Sum] = defaultdict(lambda: (0, 0))
    for message_id, kind in messages:
        hour = hour_of(message_id)
        if hour is not None:  # others wrote it to the topic, so nobody's sum has it
            key = sources.get(kind, ""), kind, hour
            n, digest = found[key]
            found[key] = n + 1, (digest + _hash(message_id)) % MODULUS
    return found


def record_received(tx: Tx, messages: Sequence[Message], sources: Mapping[str, str]) -> Container[str]:
    """The ids of those that were never heard before, which are heard now. Of an hour that may be folded by now they are
    added to it. `sources`: who publishes a type."""
    if not messages:
        return ()
    # Folded it can be by our clock, or by one that was ahead.
    closed = max(first_id(_floor(tx.now_ms - SURE_MS)), (fold_of(tx, HEARD) or Fold()).place)
    late = [message for message in messages if message.id <= closed]
    if late:
        tx.lock(_LOCK)  # either the fold sees our rows, or we see how far it came
    known = tx.first_time(messages)
    if late and (fold := fold_of(tx, HEARD)) is not None:
        new = {message.id: message.type for message in late if message.id in known and message.id <= fold.place}
        _add(tx, HEARD, summed(new.items(), sources))
    return known


def fold_of(read: Reading, direction: str) -> Fold | None:
    """How far a direction is folded; None before the first time."""
    row = read.one("SELECT place, since_ms, until_ms FROM folds WHERE direction = ?", (direction,))
    return None if row is None else Fold(*row)


def sums(read: Reading, direction: str, source: str, before_ms: int) -> Iterator[tuple[str, int, Sum]]:
    """Type, hour and sum of every hour of a speaker that began before that moment."""
    sql = "SELECT type, hour, n, digest FROM hours WHERE direction = ? AND source = ? AND hour < ?"
    return ((row[0], row[1], (row[2], row[3])) for row in read.each(sql, (direction, source, before_ms)))


LostHour = tuple[str, int, int, int]
"""A type, the beginning of an hour, and how many its speaker says it published, with their digest."""


def take_note(tx: Tx, source: str, message_ids: Sequence[str], lost: Sequence[LostHour]) -> bool:
    """What was heard of a speaker and is known to it no more is not counted any longer, and of lost hours the speaker's
    sums are taken; on record. False: that was done before."""
    tx.lock(_LOCK)
    fold = fold_of(tx, HEARD) or Fold()
    changed = 0
    for message_id in message_ids:
        row = tx.one("SELECT type FROM inbox WHERE message_id = ? AND type <> ''", (message_id,))
        if row is not None:
            changed += tx.execute("UPDATE inbox SET type = '' WHERE message_id = ?", (message_id,))
            folded = message_id <= fold.place
            less = summed([(message_id, row[0])] if folded else [], {row[0]: source})
            _add(tx, HEARD, {key: (-n, MODULUS - digest) for key, (n, digest) in less.items()})
    for kind, hour, n, digest in lost:
        m, other = _counted_beside(tx, source, kind, hour, fold)
        n, digest = n - m, (digest - other) % MODULUS
        changed += tx.execute(
            "INSERT INTO hours (direction, source, type, hour, n, digest) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (direction, source, type, hour) DO UPDATE SET n = excluded.n, digest = excluded.digest"
            " WHERE hours.n <> excluded.n OR hours.digest <> excluded.digest",
            (HEARD, source, kind, hour, n, digest),
        )
    if changed:
        tx.audit("lost messages noted", f"service:{source}", after={"messages": len(message_ids), "hours": len(lost)})
    return bool(changed)


def _counted_beside(tx: Tx, source: str, kind: str, hour: int, fold: Fold) -> Sum:
    """What is heard of an hour, or set aside, and is counted beside the folded sum."""
    first, last = first_id(hour), first_id(hour + HOUR_MS)
    rows = tx.all(
        "SELECT message_id FROM inbox WHERE type = ? AND message_id > ? AND message_id >= ? AND message_id < ?"
        " UNION ALL SELECT message_id FROM dead_letters WHERE type = ? AND message_id >= ? AND message_id < ?"
        " AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.message_id = dead_letters.message_id)",
        (kind, fold.place, first, last, kind, first, last),
    )
    return summed(((row[0], kind) for row in rows), {kind: source}).get((source, kind, hour), (0, 0))


class Hours:
    """Folds what one service published and heard. Two processes of a service do it in turn."""

    def __init__(self, store: Store, clock: Clock, service: str, says: Mapping[str, str]) -> None:
        """`says`: who publishes each type that the service hears."""
        self._store, self._clock = store, clock
        self._service, self._sources = service, says

    async def step(self) -> int:
        """Fold a bite of each direction; 1 while there may be more. Raises StoreUnavailable."""
        now_ms = self._clock.now_ms()
        if not await self._store.read(_due, now_ms):
            return 0
        return await self._store.write(fold, self._service, self._sources, now_ms)


def fold(tx: Tx, service: str, sources: Mapping[str, str], now_ms: int) -> int:
    """One bite of each direction, as of that moment; 1 while there may be more."""
    tx.lock(_LOCK)
    return int(_fold_said(tx, service, now_ms) | _fold_heard(tx, sources, now_ms))


def _due(read: Reading, now_ms: int) -> bool:
    published, heard = (fold_of(read, direction) or Fold() for direction in (SAID, HEARD))
    if _closed_heard(now_ms) > heard.until_ms:
        return True
    rows = _outbox(read, published, BATCH)  # the first may have been published by a clock that was ahead
    return any(_is_sure(row, now_ms) for row in rows) or _closed_said(rows, now_ms) > published.until_ms


def _fold_said(tx: Tx, service: str, now_ms: int) -> bool:
    """Outbox rows in the order of their numbers, up to the last of a bite that was published SURE_MS ago: all rows
    before it had their numbers then, so none of them can still be about to be committed."""
    before = fold_of(tx, SAID) or Fold()
    rows = _outbox(tx, before, BATCH)
    sure = max((n for n, row in enumerate(rows, 1) if _is_sure(row, now_ms)), default=0)
    folded, left = rows[:sure], rows[sure:]
    since_ms = before.since_ms
    if not before.place and rows and rows[0][0] > 1:  # some were removed before anybody counted
        since_ms = _next_hour(rows[0][1]) or 0
    more = len(rows) == BATCH and bool(folded)
    until_ms = before.until_ms if more else max(before.until_ms, _closed_said(left, now_ms))
    place = str(folded[-1][0]) if folded else before.place
    _add(tx, SAID, summed(((row[1], row[2]) for row in folded), {row[2]: service for row in folded}))
    _keep(tx, SAID, before, Fold(place, since_ms, until_ms))
    return more


def _fold_heard(tx: Tx, sources: Mapping[str, str], now_ms: int) -> bool:
    """Inbox rows in the order of their ids, up to the end of the last closed hour."""
    before = fold_of(tx, HEARD) or Fold()
    closed_ms = _closed_heard(now_ms)
    if closed_ms <= before.until_ms:
        return False
    rows = tx.all(
        "SELECT message_id, type FROM inbox WHERE message_id > ? AND message_id < ? ORDER BY message_id LIMIT ?",
        (before.place, first_id(closed_ms), BATCH),
    )
    unknown = [_next_hour(message_id) or 0 for message_id, kind in rows if kind is None]
    since_ms = max([before.since_ms, *unknown])
    _add(tx, HEARD, summed(((row[0], row[1]) for row in rows if row[1] is not None), sources))
    more = len(rows) == BATCH
    if not more:
        since_ms = max(since_ms, _untyped_until(tx, first_id(closed_ms)))
    now = Fold(rows[-1][0], since_ms, before.until_ms) if more else Fold(first_id(closed_ms), since_ms, closed_ms)
    _keep(tx, HEARD, before, now)
    return more


def _untyped_until(read: Reading, before: str) -> int:
    """The end of the last hour of which the version before heard something, beside us, and did not say what; also when
    that hour had been folded. 0: there is none."""
    row = read.one("SELECT max(message_id) FROM inbox WHERE type IS NULL AND message_id < ?", (before,))
    return (row is not None and row[0] is not None and _next_hour(row[0])) or 0


def _outbox(read: Reading, fold: Fold, most: int) -> list[Row]:
    """The first rows that are not folded: number, id, type, and when it was published."""
    sql = "SELECT id, message_id, type, published_ms FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
    return read.all(sql, (int(fold.place or 0), most))


def _is_sure(row: Row, now_ms: int) -> bool:
    return row[3] is not None and row[3] <= now_ms - SURE_MS


def _closed_said(left: Sequence[Row], now_ms: int) -> int:
    """Up to where hours are closed when these are the first rows that are not folded: what comes after them, and what
    is not committed yet, has an id that was made SURE_MS before them, or before now, at the earliest."""
    at_ms = ms_of(left[0][1]) if left else None
    return _floor(min(now_ms, now_ms if at_ms is None else at_ms) - SURE_MS)


def _closed_heard(now_ms: int) -> int:
    """Whoever hears a message of an hour before this began SURE_MS ago at the latest, or knows that it is late."""
    return _floor(now_ms - 2 * SURE_MS)


def _add(tx: Tx, direction: str, found: Mapping[Key, Sum]) -> None:
    for (source, kind, hour), (n, digest) in sorted(found.items()):
        tx.execute(
            "INSERT INTO hours (direction, source, type, hour, n, digest) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (direction, source, type, hour) DO UPDATE SET n = hours.n + excluded.n,"
            f" digest = (hours.digest + excluded.digest) % {MODULUS}",
            (direction, source, kind, hour, n, digest),
        )


def _keep(tx: Tx, direction: str, before: Fold, now: Fold) -> None:
    if now != before:
        tx.execute(
            "INSERT INTO folds (direction, place, since_ms, until_ms) VALUES (?, ?, ?, ?) ON CONFLICT (direction) DO"
            " UPDATE SET place = excluded.place, since_ms = excluded.since_ms, until_ms = excluded.until_ms",
            (direction, now.place, now.since_ms, now.until_ms),
        )


def _next_hour(message_id: str) -> int | None:
    hour = hour_of(message_id)
    return None if hour is None else hour + HOUR_MS


def _floor(at_ms: int) -> int:
    return at_ms - at_ms % HOUR_MS


def _hash(message_id: str) -> int:
    return int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest()) % MODULUS
