"""Who asks, whose things that covers, and the Idempotency-Key: it travels into transactions as the trace does."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar, Self

import msgspec


class KeysUnavailable(Exception):
    """The keys that tokens are checked with can't be had right now; nobody knows who asks."""


class Principal(msgspec.Struct, frozen=True):
    """Who asks. `name` tells one from every other: an account's number, `service:NAME`, `demo`, `anonymous`."""

    name: str
    roles: frozenset[str] = frozenset()
    userid: int | None = None
    """The account, and so the rider: the same number."""
    managerid: int | None = None
    service: str | None = None
    until_ms: int | None = None
    """When what they showed is good no more; None: there is no such moment."""
    issued_s: int = 0
    tokenversion: int | None = None
    """Of the token that they showed (see Revocations); None: its issuer does not count."""
    auth_time: int | None = None
    """When they last showed their password in this session, s since 1970; None: nobody knows."""
    session: str | None = None
    """The session that what they showed is of, as account calls it."""


class OwnerScope(msgspec.Struct, frozen=True):
    """Owner scope of a request: the rows of one user, or of everybody (None). Of one row a query says so by
    `userid = coalesce(?, userid)`: what is somebody else's is not found."""

    only: int | None
    ALL: ClassVar[Self]
    NONE: ClassVar[Self]

    @classmethod
    def of(cls, number: int) -> Self:
        return cls(number)

    def covers(self, number: int) -> bool:
        """Whether what belongs to `number` is among them."""
        return self.only is None or self.only == number


OwnerScope.ALL, OwnerScope.NONE = OwnerScope(None), OwnerScope(0)
"""Numbers begin at 1."""
ANONYMOUS = Principal("anonymous")
DEMO = Principal("demo", frozenset({"rider", "bikeManager", "admin"}))
"""Everybody, where gbike is open."""

ITSELF = Principal("gbike")
"""Gbike, where nobody asked for anything: it heard an event, or time has passed."""
Kept = tuple[int, bytes, bytes]
"""An answer as it is kept: status, body, and headers in JSON."""


class IdempotencyKey(msgspec.Struct, frozen=True):
    """The Idempotency-Key of one request."""

    key: str
    """Principal, method, path and header in one."""
    body_hash: str
    answer: Callable[[Any], Kept]
    """What is kept of a command's result."""
    older_hash: str | None = None
    """What an older gbike kept for the same body, its bytes' hash: keys from before an upgrade count for 2 days."""


class Acting(msgspec.Struct, frozen=True):
    """On whose behalf something is done; where nobody asked, gbike does it itself, and everything is its own."""

    by: Principal = ITSELF
    owner: OwnerScope = OwnerScope.ALL
    """Owner scope: whose rows may be read and changed."""
    key: IdempotencyKey | None = None


NOBODY_ASKED = Acting()
acting: ContextVar[Acting] = ContextVar("acting", default=NOBODY_ASKED)
"""What holds now."""
