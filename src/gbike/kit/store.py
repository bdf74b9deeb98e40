"""The store port: a service's own database, written by plain functions.

`write(fn, *args)` runs the synchronous `fn(tx, *args)` inside one transaction. As `fn` cannot await, no transaction can
be open during a call to a peer. `fn` may run twice (a retry after a broken batch), so it has no effects but those of
`tx`.
"""

from asyncio import Future
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple

from gbike.kit.auth.principal import IdempotencyKey, OwnerScope, Principal
from gbike.kit.clock import Moment
from gbike.kit.envelope import Event, Message
from gbike.kit.telemetry import Trace

T = TypeVar("T")
Args = TypeVarTuple("Args")
Row = tuple[Any, ...]
Facts = Mapping[str, str | int | bool | Sequence[str] | None]
"""What a deed on record tells of before and after."""
NO_FACTS: Facts = {}


class StoreUnavailable(Exception):
    """The store can't take or keep a write now (stopped, disk full, I/O error, queue full): nothing was changed."""


class Conflict(Exception):
    """A constraint of the database refused the write (a key that exists): nothing was changed."""


class Reading(Protocol):
    """A consistent look at the store."""

    owner: OwnerScope
    """Owner scope of the request: whose rows may be read and changed. ALL where no request asked."""
    key: IdempotencyKey | None
    """Of the request that asked."""

    def one(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Every row; the query carries its own LIMIT."""

    def each(self, sql: str, params: Sequence[Any] = ()) -> Iterable[Row]:
        """Rows one by one, for what is too large to hold."""


class Tx(Reading, Protocol):
    """One open transaction. What it says and remembers is committed with what it writes, or not at all."""

    trace: Trace
    by: Principal
    """Who asked for it."""
    now_ms: int
    """Wall time, ms: one moment for all that the transaction does."""
    moment: Moment
    """The same by the boot clock, too."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement; answers the number of rows it changed."""

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`."""

    def publish(self, event: Event) -> None:
        """Put `event` into the outbox: it will be published at least once if, and only if, this commits (I21)."""

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to a counter when this commits; a collection's total is a counter, not a scan."""

    def audit(self, action: str, subject: str, before: Facts = NO_FACTS, after: Facts = NO_FACTS) -> None:
        """Put on record that `by` did this to `subject` (`user:3`): in the chain of this store if, and only
        if, this commits. Raises ValueError for a fact that no row may hold."""

    def first_time(self, messages: Sequence[Message]) -> Container[str]:
        """The ids of those of `messages` that were never heard before: the inbox rows are part of the effect (I22)."""

    def lock(self, name: str) -> None:
        """Until this commits, nobody else is past a `lock` or `share` of the same name, in any process."""

    def share(self, names: Sequence[str]) -> None:
        """Until this commits, nobody else is past a `lock` of any of these names; past a `share` they may be."""


class Store(Protocol):
    """One service's database, whatever the engine."""

    @property
    def failing(self) -> bool:
        """Whether the engine could not write (no room, a broken disk) when it last had to; it tries again by itself."""

    def write(self, fn: Callable[[Tx, *Args], T], *args: *Args, key: str = "") -> Future[T]:
        """Run `fn` in a transaction and answer what it answered, once that is durable. To await it raises what `fn`
        raised (then nothing was changed), Conflict or StoreUnavailable. Writes with one `key` (`user:3`) never
        deadlock each other. A caller that goes away does not stop a write that has begun."""

    def write_later(self, fn: Callable[[Tx, *Args], None], *args: *Args) -> Future[None]:
        """The same for what nobody waits for: it shares the next batch, or gets its own after a few milliseconds."""

    async def read(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """Run `fn` over what is committed; for point reads and single pages (well under a millisecond)."""

    async def scan(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        """The same for what may take long (a sort of everything, a deep page): away from the event loop."""

    async def read_as_leader(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """The same as `read` in just one of the processes that share this database, and None in the others."""

    async def something_published(self, timeout_ms: int) -> None:
        """Wait until a commit left something in the outbox, `timeout_ms` at most; it may return for nothing."""

    async def wipe(self) -> bool:
        """See to it that what was overwritten or deleted is in none of the engine's own files, as far as the engine
        lets us (PostgreSQL does not). False: not now, as somebody reads; call it again. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Finish what has begun, then let go of the database."""


def must_write(service: str, store: Store) -> None:
    """For whoever is of no use, or does harm, while nothing can be kept. Raises StoreUnavailable."""
    if store.failing:
        raise StoreUnavailable(f"{service}: the store can't be written")
