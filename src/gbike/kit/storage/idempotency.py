"""Idempotency-Key: the same request sent again has its effect once and gets the same answer (I20).

The key's row is written in the transaction of the effect, so neither can exist without the other. Only answers 2xx are
kept; a refusal is judged anew. The scope of a key is principal, method, path and key. The same request is the one whose
body means the same: keys in another order, other spaces and 7.0 for 7 change nothing.
"""

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TypeVar, TypeVarTuple

import msgspec

from gbike.kit.auth.principal import acting
from gbike.kit.numbers import MAX_ID
from gbike.kit.store import Reading, Store, StoreUnavailable, Tx

R = TypeVar("R")
Args = TypeVarTuple("Args")


class Replay(Exception):
    """The request was answered before: this is the answer, as status, body and headers in JSON."""

    def __init__(self, status: int, content: bytes, headers: bytes) -> None:
        super().__init__("answered before")
        self.status = status
        self.content, self.headers = content, headers


class KeyReused(Exception):
    """The key belongs to a request with another body."""


class KeyInFlight(Exception):
    """The first request with this key is still under way."""


def hashes_of(body: bytes) -> tuple[str, str]:
    """The hash of what a body means, and that of its bytes; the same twice where it is no JSON."""
    raw = hashlib.sha256(body).hexdigest()
    try:
        meant = msgspec.json.encode(_DECODER.decode(body), order="deterministic")
    except (ValueError, RecursionError):  # msgspec's refusals are ValueErrors
        return raw, raw
    return hashlib.sha256(meant).hexdigest(), raw


def _number(text: str) -> float:
    """Equal numbers are written alike; those up to MAX_ID, as a larger float may be any of several whole numbers.
    Raises ValueError for one that is too large to be read."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_ID else value


_DECODER = msgspec.json.Decoder(float_hook=_number)


def check(read: Reading) -> None:
    """Nothing, when the request has no key or a new one. Raises Replay, KeyReused or KeyInFlight."""
    if read.key is None:
        return
    row = read.one("SELECT body_hash, status, content, headers FROM idempotency WHERE key = ?", (read.key.key,))
    if row is None:
        return
    body_hash, status, content, headers = row
    if body_hash not in (read.key.body_hash, read.key.older_hash):
        raise KeyReused
    if status is None:
        raise KeyInFlight
    raise Replay(status, content, headers)


async def answered_before(store: Store, why: Exception) -> None:
    """For what was not done because of `why`: raises as `check`, in a reading of its own. After StoreUnavailable what
    is under way may be this very request, whose answer from the store was lost: that says nothing."""
    if acting.get().key is None:
        return
    with suppress(*(KeyInFlight,) if isinstance(why, StoreUnavailable) else ()):
        await store.read(check)


def hold(tx: Tx) -> None:
    """Mark the key as under way, where the effect takes several transactions. Raises as `check`."""
    if tx.key is not None:
        tx.lock(f"once:{tx.key.key}")
        check(tx)
        tx.execute(
            "INSERT INTO idempotency (key, body_hash, at_ms) VALUES (?, ?, ?)",
            (tx.key.key, tx.key.body_hash, tx.now_ms),
        )


def keep(tx: Tx, result: object) -> None:
    """Keep the answer for `result` in the transaction that made it."""
    if tx.key is not None:
        tx.execute(
            "INSERT INTO idempotency (key, body_hash, status, content, headers, at_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET status = excluded.status, content = excluded.content,"
            " headers = excluded.headers",
            (tx.key.key, tx.key.body_hash, *tx.key.answer(result), tx.now_ms),
        )


def release(tx: Tx, key: str) -> None:
    """Let go of a held key: its request was refused or given up, and the next try is judged anew."""
    tx.execute("DELETE FROM idempotency WHERE key = ? AND status IS NULL", (key,))


def idempotent(command: Callable[[Tx, *Args], R]) -> Callable[[Tx, *Args], R]:
    """A command that has its effect once for a key, and keeps its answer. Raises what `check` raises, too."""

    @wraps(command)
    def once(tx: Tx, *args: *Args) -> R:
        if tx.key is None:
            return command(tx, *args)
        tx.lock(f"once:{tx.key.key}")  # another process may have the same request
        check(tx)
        result = command(tx, *args)
        keep(tx, result)
        return result

    return once
