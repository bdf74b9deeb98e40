"""The bus port: a durable log of messages, appended by the outbox relay, read by subscriptions that keep an offset."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from gbike.kit.envelope import Message
from gbike.kit.store import Tx

KEEP_MS = 7 * 24 * 3_600_000
"""How long a log keeps its messages: well inside what an inbox remembers."""
BEHIND = 128
"""So many messages at once tell of a backlog: who has one goes on without a pause."""


class BusUnavailable(Exception):
    """The bus can't take or give messages now; what waits in the outbox is kept and tried again."""


class Batch(msgspec.Struct, frozen=True):
    """Messages in log order, and the offset after the last, which only the subscription understands."""

    messages: Sequence[Message]
    position: Any


class Bus(Protocol):
    """The way into the log."""

    async def append(self, messages: Sequence[Message]) -> None:
        """Durable when it returns. May be called again with the same messages after a crash. Raises BusUnavailable."""


class Tail(Protocol):
    """The newest messages, for a reader without an offset that needs nothing older than some minutes."""

    async def take(self, most: int) -> Sequence[Message]:
        """What is new; at first, and again after trouble, what is not too old. Messages may come twice. Raises
        BusUnavailable or StoreUnavailable."""

    async def changed(self, timeout_ms: int) -> None:
        """Wait until there may be something new, `timeout_ms` at most. Raises BusUnavailable."""


class Subscription(Protocol):
    """One consumer's way through the log."""

    async def take(self, most: int) -> Batch:
        """The next messages of the types it wants (none: an empty batch). Raises BusUnavailable."""

    def save_position(self, tx: Tx, batch: Batch) -> None:
        """Inside the effect's transaction: save the offset, where offsets are stored with the effects."""

    async def acknowledge(self, batch: Batch) -> None:
        """After that commit: acknowledge the batch and move on."""

    async def changed(self, timeout_ms: int) -> None:
        """Wait until there may be something new, `timeout_ms` at most."""

    async def lag(self) -> int:
        """How many messages of the log are not settled yet."""
