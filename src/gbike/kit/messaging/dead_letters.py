"""Messages that a consumer set aside, each with its reason: they wait for a person, and hold up nobody."""

from collections.abc import Mapping

import msgspec

from gbike.kit.envelope import Message
from gbike.kit.messaging.hours import record_received
from gbike.kit.privacy.erasure import Kinds, guard, scrubbed
from gbike.kit.store import Reading, Row, Tx

REASON_LETTERS = 2_000
"""What is kept of a reason."""
_COLUMNS = "message_id, type, key, headers, value, reason, at_ms"


class NoSuchLetter(Exception):
    """Nothing is set aside under this id."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A message, why it was set aside, and when (ms)."""

    message: Message
    reason: str
    at_ms: int


def set_aside(tx: Tx, message: Message, reason: str, known: Kinds) -> None:
    """Keep the message with its reason; when it is there already, with the newer reason."""
    guard(tx, [message])
    (message,) = scrubbed(tx, [message], known)
    reason = reason[:REASON_LETTERS].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    tx.execute(
        f"INSERT INTO dead_letters ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (message_id) DO UPDATE SET reason = excluded.reason, at_ms = excluded.at_ms",
        (message.id, message.type, message.key, message.headers, message.value, reason, tx.now_ms),
    )


def take_back(tx: Tx, message: Message) -> None:
    """It is set aside no more."""
    tx.execute("DELETE FROM dead_letters WHERE message_id = ?", (message.id,))


def drop(tx: Tx, message_id: str, reason: str, speakers: Mapping[str, str]) -> None:
    """It will never take effect, because of `reason`: it waits no more, is not set aside again when it comes again, and
    that is on record. `speakers`: who publishes a type. Raises NoSuchLetter."""
    tx.lock(f"letter:{message_id}")  # one drop is on record
    message = letter(tx, message_id).message
    take_back(tx, message)
    record_received(tx, [message], speakers)
    tx.audit("dead letter dropped", f"message:{message_id}", {"type": message.type}, {"reason": reason})


def letters(read: Reading, most: int) -> list[DeadLetter]:
    """Up to `most` of them, the oldest first."""
    rows = read.all(f"SELECT {_COLUMNS} FROM dead_letters ORDER BY at_ms, message_id LIMIT ?", (most,))
    return [_letter(row) for row in rows]


def letter(read: Reading, message_id: str) -> DeadLetter:
    """One of them. Raises NoSuchLetter."""
    row = read.one(f"SELECT {_COLUMNS} FROM dead_letters WHERE message_id = ?", (message_id,))
    if row is None:
        raise NoSuchLetter(f"no message {message_id} is set aside")
    return _letter(row)


def how_many(read: Reading) -> int:
    row = read.one("SELECT count(*) FROM dead_letters")
    return int(row[0]) if row else 0


def _letter(row: Row) -> DeadLetter:
    id, kind, key, headers, value, reason, at_ms = row
    return DeadLetter(Message(id, kind, key, bytes(headers), bytes(value)), reason, at_ms)
