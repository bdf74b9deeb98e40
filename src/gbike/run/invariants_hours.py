"""I22 over time: what a service published in each hour is what was heard of it, also when outboxes and inboxes have
long forgotten; and nobody heard what its speaker does not know. That is how a store shows that was set back.

Hours that the speaker has closed are compared by their sums, what came after them row by row. Hours from before the
upgrade that brought the sums are not known.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gbike.kit.clock import rfc3339
from gbike.kit.messaging.hours import (
    HEARD,
    HOUR_MS,
    MODULUS,
    SAID,
    Fold,
    LostHour,
    Sum,
    first_id,
    fold_of,
    hour_of,
    ms_of,
    summed,
    sums,
)
from gbike.kit.store import Reading
from gbike.run.event_map import paths
from gbike.run.mends import Mendable, TakeNote, perhaps_mendable

Stores = Mapping[str, Reading]
AFTER_ALL = "g"
"""Sorts after every message id of ours."""
_Sums = dict[tuple[int, str], Sum]
"""By hour and type."""


class _Path(msgspec.Struct, frozen=True):
    """What one service hears of another."""

    speaker: str
    hearer: str
    types: Sequence[str]
    published: Fold
    heard: Fold


class _Unknown(msgspec.Struct):
    """A message that its speaker does not know, and who heard it."""

    type: str
    key: str
    hearers: list[str]


class _Found(msgspec.Struct):
    """What is wrong with the messages of one speaker."""

    unknown: dict[str, _Unknown]
    hours: list[tuple[str, bool]]
    """What is told of an hour that differs, and whether rows of it are gone."""
    lost: list[tuple[str, LostHour]]
    """The hours whose rows are gone: who heard something else, and what the speaker says."""

    def told(self, speaker: str) -> Iterator[str]:
        """A line for each hour and each message. All that nobody can publish again has one mend: to take note."""
        messages = tuple((hearer, id) for id, one in sorted(self.unknown.items()) for hearer in one.hearers)
        note = TakeNote(speaker, messages, tuple(self.lost))
        for line, gone in self.hours:
            yield perhaps_mendable(line, note if gone else None)
        for message_id, one in sorted(self.unknown.items()):
            what = f"{one.type} {message_id} about {one.key} of {rfc3339(ms_of(message_id) or 0)}"
            whom = " and ".join(one.hearers)
            yield Mendable(f"I22 {speaker} does not know {what}, which {whom} heard: was its store set back?", note)


def published_and_heard(stores: Stores) -> Iterator[str]:
    """I22: each hour's messages were heard by whoever hears them, and nobody heard what its speaker does not know."""
    for speaker, hearers in _hearers().items():
        if speaker in stores:
            found = _Found({}, [], [])
            for hearer, types in hearers.items():
                if hearer in stores:
                    published, heard = fold_of(stores[speaker], SAID), fold_of(stores[hearer], HEARD)
                    path = _Path(speaker, hearer, sorted(types), published or Fold(), heard or Fold())
                    _compare_hours(stores, path, found)
                    _gather(stores, path, first_id(path.published.until_ms), AFTER_ALL, found)
            yield from found.told(speaker)


def _hearers() -> dict[str, dict[str, frozenset[str]]]:
    """For each service that publishes events: who hears them, and which."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for hearer, sources in paths().items():
        for speaker, types in sources.items():
            found.setdefault(speaker, {})[hearer] = types
    return found


def _compare_hours(stores: Stores, path: _Path, found: _Found) -> None:
    """Each hour and type that differs, and what its speaker does not know of it."""
    read = stores[path.speaker]
    published = _published(read, path)
    heard = _heard(stores[path.hearer], path)
    since_ms = max(path.published.since_ms, path.heard.since_ms, _untyped_until(stores[path.hearer]))
    for kind in path.types:
        # An hour before the first that was heard of a type is from before the hearer wanted it.
        first_ms = max(since_ms, min((hour for hour, its in heard if its == kind), default=path.published.until_ms))
        for hour in sorted({hour for hour, its in published.keys() | heard.keys() if its == kind and hour >= first_ms}):
            n, digest = published.get((hour, kind), (0, 0))
            m, other = heard.get((hour, kind), (0, 0))
            if (n, digest) != (m, other):
                left = _left(read, kind, hour)
                told = f"I22 hour {rfc3339(hour)[:13]} of {path.speaker}: {_difference(path, kind, n, m, left)}"
                found.hours.append((told, left != n))
                if left == n:
                    ends = first_id(hour + HOUR_MS)
                    _gather(stores, msgspec.structs.replace(path, types=[kind]), first_id(hour), ends, found)
                else:
                    found.lost.append((path.hearer, (kind, hour, n, digest)))


def _difference(path: _Path, kind: str, n: int, m: int, left: int) -> str:
    told = f"it published {n} {kind}, {path.hearer} heard {m}"
    if n == m:
        told += ", and not the same"
    return told if left == n else f"{told}; of the {n} its outbox still has {left}"


def _left(read: Reading, kind: str, hour: int) -> int:
    """How many messages of an hour an outbox still has."""
    sql = "SELECT count(*) FROM outbox WHERE type = ? AND message_id >= ? AND message_id < ?"
    row = read.one(sql, (kind, first_id(hour), first_id(hour + HOUR_MS)))
    return int(row[0]) if row else 0


def _published(read: Reading, path: _Path) -> _Sums:
    """What was published in the hours that the speaker has closed: what is folded, and what came since then with
    ids of a clock that was behind."""
    among, until = f"type IN ({', '.join('?' * len(path.types))})", first_id(path.published.until_ms)
    outbox = f"SELECT message_id, type FROM outbox WHERE id > ? AND message_id < ? AND {among}"
    return _with_rows(read, SAID, path, [(outbox, (int(path.published.place or 0), until))])


def _heard(read: Reading, path: _Path) -> _Sums:
    """What was heard of the hours that the speaker has closed: what is folded, what is not yet, and what was set aside,
    which is as good as heard."""
    among, until = f"type IN ({', '.join('?' * len(path.types))})", first_id(path.published.until_ms)
    inbox = f"SELECT message_id, type FROM inbox WHERE message_id > ? AND message_id < ? AND {among}"
    aside = f"SELECT message_id, type FROM dead_letters WHERE message_id < ? AND {among}"
    aside += " AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.message_id = dead_letters.message_id)"
    return _with_rows(read, HEARD, path, [(inbox, (path.heard.place, until)), (aside, (until,))])


def _with_rows(
    read: Reading, direction: str, path: _Path, unfolded: Sequence[tuple[str, tuple[str | int, ...]]]
) -> _Sums:
    folded = sums(read, direction, path.speaker, path.published.until_ms)
    found = {(hour, kind): many for kind, hour, many in folded if kind in path.types}
    for sql, params in unfolded:
        rows = ((row[0], row[1]) for row in read.each(sql, (*params, *path.types)))
        for (_, kind, hour), (n, digest) in summed(rows, {}).items():
            before, other = found.get((hour, kind), (0, 0))
            found[hour, kind] = before + n, (other + digest) % MODULUS
    return found


def _untyped_until(read: Reading) -> int:
    """The end of the last hour of which it is not known what was heard: before an upgrade, or beside the old one."""
    rows = read.each("SELECT message_id FROM inbox WHERE type IS NULL ORDER BY message_id DESC")
    return next((hour + HOUR_MS for row in rows if (hour := hour_of(row[0])) is not None), 0)


def _gather(stores: Stores, path: _Path, first: str, last: str, found: _Found) -> None:
    """What was heard of these ids and is in no outbox row of its speaker."""
    these = f"WHERE type IN ({', '.join('?' * len(path.types))}) AND message_id >= ? AND message_id < ?"
    these, params = f"{these} ORDER BY message_id", (*path.types, first, last)
    known = (row[0] for row in stores[path.speaker].each(f"SELECT message_id FROM outbox {these}", params))
    heard = stores[path.hearer].each(f"SELECT message_id, type, key FROM inbox {these}", params)
    newest = next(known, None)
    for message_id, kind, key in heard:
        while newest is not None and newest < message_id:
            newest = next(known, None)
        if newest != message_id and ms_of(message_id) is not None:
            found.unknown.setdefault(message_id, _Unknown(kind, key, [])).hearers.append(path.hearer)
