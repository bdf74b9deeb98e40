"""Who acts now, on whose things, and under which Idempotency-Key: it travels into transactions as the trace does."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import msgspec

from gbike.kit.auth.principal import OwnerScope, Principal

ITSELF = Principal("gbike")
"""Gbike, where nobody asked for anything: it heard an event, or time has passed."""
Kept = tuple[int, bytes, bytes]
"""An answer as it is kept: status, body, and headers in JSON."""


class IdempotencyKey:
    """The Idempotency-Key of one request."""

    def __init__(self, key: str, body_hash: str, answer: Callable[[Any], Kept], older_hash: str | None = None) -> None:
        """`key`: principal, method, path and header in one. `answer`: what is kept of a command's result. `older_hash`:
        what an older gbike kept for the same body, its bytes' hash: keys from before an upgrade count for the 2 days
        that they are kept."""
        self.key = key
        self.body_hash = body_hash
        self.answer = answer
        self.hashes = {body_hash, older_hash or body_hash}


class Acting(msgspec.Struct, frozen=True):
    """On whose behalf something is done; where nobody asked, gbike does it itself, and everything is its own."""

    by: Principal = ITSELF
    owner: OwnerScope = OwnerScope.ALL
    """Owner scope: whose rows may be read and changed."""
    key: IdempotencyKey | None = None


NOBODY_ASKED = Acting()
acting: ContextVar[Acting] = ContextVar("acting", default=NOBODY_ASKED)
"""What holds now."""
