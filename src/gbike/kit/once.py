"""Idempotency-Key: the same request sent again has its effect once and gets the same answer (I20).

The key's row is written in the transaction of the effect, so neither can exist without the other. Only answers 2xx are
kept; a refusal is judged anew. The scope of a key is principal, method, path and key. The same request is the one whose
body means the same: keys in another order, other spaces and 7.0 for 7 change nothing.
"""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

import msgspec

from gbike.kit.numbers import MAX_ID
from gbike.kit.store import Reading, Tx

R = TypeVar("R")
Args = TypeVarTuple("Args")


class Replay(Exception):
    """The request was answered before: this is the answer, as status, body and headers in JSON."""

    def __init__(self, status: int, content: bytes, headers: bytes) -> None:
        super().__init__("answered before")
        self.status, self.content, self.headers = status, content, headers


class KeyReused(Exception):
    """The key belongs to a request with another body."""


class KeyInFlight(Exception):
    """The first request with this key is still under way."""


def hashes_of(body: bytes) -> tuple[str, str]:
    """The hash of what a body means, and that of its bytes; the same twice where it is no JSON."""
    raw = hashlib.sha256(body).hexdigest()
    try:
        meant = msgspec.json.encode(_plain(msgspec.json.decode(body)), order="deterministic")
    except (ValueError, RecursionError):  # msgspec's refusals are ValueErrors
        return raw, raw
    return hashlib.sha256(meant).hexdigest(), raw


def _plain(value: Any) -> Any:
    """Equal numbers are written alike; those up to MAX_ID, as a larger float may be any of several whole numbers."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_ID else value


class Once:
    """One key of one request."""

    def __init__(
        self,
        key: str,
        body_hash: str,
        render: Callable[[Any], tuple[int, bytes, bytes]],
        older_hash: str | None = None,
    ) -> None:
        """`older_hash`: what an older gbike kept for the same body, its bytes' hash: keys from before an upgrade count
        for the 2 days that they are kept."""
        self.key, self._body_hash, self._render = key, body_hash, render
        self._hashes = {body_hash, older_hash or body_hash}

    def check(self, tx: Reading) -> None:
        """Nothing, when the key is new. Raises Replay, KeyReused or KeyInFlight."""
        row = tx.one("SELECT body_hash, status, content, headers FROM idempotency WHERE key = ?", (self.key,))
        if row is None:
            return
        body_hash, status, content, headers = row
        if body_hash not in self._hashes:
            raise KeyReused
        if status is None:
            raise KeyInFlight
        raise Replay(status, content, headers)

    def claim(self, tx: Tx) -> None:
        """The same, with the key to ourselves until this commits: another process may have the same request."""
        tx.lock(f"once:{self.key}")
        self.check(tx)

    def hold(self, tx: Tx) -> None:
        """Mark the key as under way, where the effect takes several transactions. Raises as `check`."""
        self.claim(tx)
        tx.execute(
            "INSERT INTO idempotency (key, body_hash, at_ms) VALUES (?, ?, ?)", (self.key, self._body_hash, tx.now_ms)
        )

    def keep(self, tx: Tx, result: object) -> None:
        """Keep the answer for `result` in the transaction that made it."""
        tx.execute(
            "INSERT INTO idempotency (key, body_hash, status, content, headers, at_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET status = excluded.status, content = excluded.content,"
            " headers = excluded.headers",
            (self.key, self._body_hash, *self._render(result), tx.now_ms),
        )


def release(tx: Tx, key: str) -> None:
    """Let go of a held key: its request was refused or given up, and the next try is judged anew."""
    tx.execute("DELETE FROM idempotency WHERE key = ? AND status IS NULL", (key,))


def once_only(tx: Tx, once: Once | None, fn: Callable[[Tx, *Args], R], *args: *Args) -> R:
    """Run `fn` in this transaction and keep its answer under the key, or raise what `Once.check` raises."""
    if once is None:
        return fn(tx, *args)
    once.claim(tx)
    result = fn(tx, *args)
    once.keep(tx, result)
    return result
