"""Group commit, whatever the engine: many requests in one transaction, and one wait for the disk.

Writes queue up while a commit is being made durable; the next batch takes all of them (up to BATCH). Most writes
succeed or refuse before they change anything; when one fails half-way, the batch is run again with a savepoint for
each, so that it takes back what that one changed and nothing else.
"""

import asyncio
import contextvars
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

import msgspec

from gbike.kit.audit.chain import append
from gbike.kit.audit.rows import Deed, deed
from gbike.kit.auth.principal import Acting, acting
from gbike.kit.clock import Clock, Ids, Moment
from gbike.kit.envelope import Event, pack
from gbike.kit.store import NO_FACTS, Args, Conflict, Facts, StoreUnavailable, T, Tx
from gbike.kit.telemetry import LogThrottle, Trace, log, trace_now

BATCH = 512
"""Writes that share one commit, at most."""
QUEUE = 4096
"""Writes that may wait; one more is refused with StoreUnavailable."""
LATER_MS = 25
"""How long a write that nobody waits for may wait for company."""

PROBE_S = 1.0
"""How often a store that could not be written tries it by itself."""

OutboxRow = tuple[str, str, str, bytes, bytes]
"""An outbox row: message_id, type, key, headers, value."""
Errors = tuple[type[Exception], ...]


class Left(NamedTuple):
    """What a batch leaves beside its changes: outbox rows, and what is added to counters."""

    events: list[OutboxRow]
    counts: dict[str, int]


class Write(msgspec.Struct, eq=False):
    """One write on its way: what to run, on whose behalf, and what became of it."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    key: str
    future: asyncio.Future[Any]
    trace: Trace
    acting: Acting
    answer: Any = None
    failed: BaseException | None = None

    def tell(self) -> None:
        if self.future.cancelled():
            return
        if self.failed is not None:
            self.future.set_exception(self.failed)
        else:
            self.future.set_result(self.answer)


class OpenTx:
    """What an open transaction has on every engine: what it says and counts, until its batch commits."""

    def __init__(self, connection: Any, writer: "BatchWriter[Any]", request: Write, moment: Moment) -> None:
        self._connection = connection
        self._writer = writer
        self.moment = moment
        self.now_ms = moment.wall_ms
        self.trace = request.trace
        self.by = request.acting.by
        self.owner = request.acting.owner
        self.key = request.acting.key
        self.events: list[OutboxRow] = []
        self.counts: dict[str, int] = {}
        self.audited: list[Deed] = []

    def publish(self, event: Event) -> None:
        """Put `event` into the outbox (with all others of this batch, before it commits)."""
        writer = self._writer
        message = pack(event, id=writer.ids.new(), source=writer.source, now_ms=self.now_ms, trace=self.trace)
        self.events.append((message.id, message.type, message.key, message.headers, message.value))

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to a counter (with all others of this batch, before it commits)."""
        self.counts[name] = self.counts.get(name, 0) + by

    def audit(self, action: str, subject: str, before: Facts = NO_FACTS, after: Facts = NO_FACTS) -> None:
        """Put a deed on record (with all others of this batch, before it commits)."""
        self.audited.append(deed(action, subject, before, after, at_ms=self.now_ms, by=self.by, trace=self.trace))


X = TypeVar("X", bound=OpenTx)


class BatchWriter(ABC, Generic[X]):
    """One connection that writes, the queue before it, and the task that takes batches from it.

    The way of a write: `write` queues it, `_drain_queue` takes its batch, the engine's `_transact` begins, lets
    `_execute` run every request, and commits; then `_drain_queue` tells each caller.
    """

    TX: type[X]
    """What a request is given."""
    CONFLICTS: ClassVar[Errors]
    """A constraint of the database refused: this concerns one request."""
    BROKEN: ClassVar[Errors]
    """Other errors of the engine, which break the batch."""
    NO_ROOM: ClassVar[Errors]
    """The engine can't write: there is no room, or the disk is broken."""

    def __init__(
        self, clock: Clock, ids: Ids, source: str, published: asyncio.Event, *, run_twice: bool = False
    ) -> None:
        """`published`: set after each commit that filled the outbox. `run_twice`: tests run each write twice."""
        self.clock, self.ids = clock, ids
        self.source, self._published = source, published
        self._run_twice = run_twice
        self._queue: deque[Write] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._closed = False
        self.failing = False
        """Whether the engine could not write (no room, a broken disk) when it last had to."""
        self._log_throttle = LogThrottle()
        self.hold = asyncio.Lock()
        """Held by whoever needs a moment between two batches (a backup)."""

    def write(
        self, fn: Callable[[Tx, *Args], T], *args: *Args, key: str = "", later: bool = False
    ) -> asyncio.Future[T]:
        """See Store.write. `later`: see Store.write_later."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if later:
            future.add_done_callback(_look_at)
        if self._closed or len(self._queue) >= QUEUE:
            why = "closed" if self._closed else "too many writes are waiting"
            future.set_exception(StoreUnavailable(f"{self.source}: {why}"))
            return future
        self._queue.append(Write(fn, args, key, future, trace=trace_now.get(), acting=acting.get()))
        if later:
            loop.call_later(LATER_MS / 1000, self._wake)
        elif self._drain is None:
            self._drain = loop.create_task(self._drain_queue(), context=self._context.copy())
        return future

    def write_later(self, fn: Callable[[Tx, *Args], None], *args: *Args) -> asyncio.Future[None]:
        return self.write(fn, *args, later=True)

    async def flush(self) -> None:
        """Return when all that was to be written later is kept, or could not be."""
        await self.write(_nothing)

    async def finish(self) -> None:
        """Take nothing more, and finish what was taken."""
        self._closed = True
        self._wake()
        if self._drain is not None:
            await self._drain

    def _wake(self) -> None:
        if self._queue and self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._drain_queue(), context=self._context.copy())

    async def _drain_queue(self) -> None:
        """Until nothing waits: run up to BATCH writes in one transaction, and tell each caller what became of it."""
        try:
            while self._queue:
                async with self.hold:
                    taken = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                    batches = deque([[request for request in taken if not request.future.cancelled()]])
                    while batches and (batch := batches.popleft()):
                        try:
                            published = await self._transact(batch)
                        except Exception as broken:  # whatever it was: nothing of the batch happened
                            if self._concerns_one(batch, broken):
                                batches.extend([request] for request in batch)
                                continue
                        else:
                            if published is None:
                                continue
                            if published:
                                self._published.set()
                            if self.failing:
                                self._works(batch, published)
                        for request in batch:
                            request.tell()
        finally:
            self._drain = None

    def _concerns_one(self, batch: list[Write], broken: Exception) -> bool:
        """Whether to find out which request of a batch that was rolled back it concerns, by running each alone; else
        none of them is kept."""
        disk = isinstance(broken, self.NO_ROOM)
        if not isinstance(broken, StoreUnavailable):
            if not disk or self._log_throttle.is_news(str(broken)):
                log.error("a batch of writes was rolled back", store=self.source, writes=len(batch), why=str(broken))
            if len(batch) > 1:
                return True
        if disk and not self.failing:
            self.failing = True
            asyncio.get_running_loop().call_later(PROBE_S, self._try_again)
        for request in batch:
            request.failed = StoreUnavailable(f"{self.source}: {broken}")
            request.failed.__cause__ = broken
        return False

    def _works(self, batch: list[Write], published: bool) -> None:
        """A store that could not be written has committed a batch; others than these may change nothing."""
        if published or any(request.fn is probe for request in batch):
            self.failing, self._log_throttle = False, LogThrottle()
            log.warning("the store can be written again", store=self.source)

    def _try_again(self) -> None:
        """By itself, until something can be written: nobody else may come."""
        if self._closed or not self.failing:
            return
        asyncio.get_running_loop().call_later(PROBE_S, self._try_again)
        if not self._queue:  # else what waits is a try
            self.write(probe).add_done_callback(_look_at)

    @abstractmethod
    async def _transact(self, batch: list[Write]) -> bool | None:
        """Begin, `_execute`, commit; answers whether the batch said something, and None when it is not known yet what
        became of it: then whoever finds out tells the callers. When it raises, nothing happened: StoreUnavailable if
        every request would meet the same, anything else if it may concern one of them."""

    def _execute(self, batch: list[Write], connection: Any, *, isolated: bool = False) -> Left:
        """Run every request in the transaction that is open, and answer what they leave. `isolated`: each in its own
        savepoint, so that what a failed one changed is taken back and the others stand."""
        moment = self.clock.moment()
        left = Left([], {})
        audited = list[Deed]()
        for request in batch:
            if isolated:
                self._control("SAVEPOINT request")
            request.failed, before = None, self.changes()
            tx = self.TX(connection, self, request, moment)
            try:
                request.answer = request.fn(tx, *request.args)
            except Exception as refused:
                conflict = isinstance(refused, self.CONFLICTS)
                if isinstance(refused, self.BROKEN) and not conflict:
                    raise
                request.failed = Conflict(str(refused)) if conflict else refused
                if isolated:
                    self._control("ROLLBACK TO request")
                elif self.changes() != before:
                    return self._begin_again(batch, connection)
            else:
                left.events.extend(tx.events)
                audited += tx.audited
                for name, by in tx.counts.items():
                    left.counts[name] = left.counts.get(name, 0) + by
            if isolated:
                self._control("RELEASE request")
        if self._run_twice and not isolated:
            return self._begin_again(batch, connection)
        if audited:
            append(cast(Tx, tx), audited)
        return left

    def _begin_again(self, batch: list[Write], connection: Any) -> Left:
        """Take back all that the batch changed, and run it with savepoints."""
        self._control("ROLLBACK")
        self._begin()
        return self._execute(batch, connection, isolated=True)

    changes: Callable[[], int]
    """A number that differs when something was changed in between, or the transaction can't go on."""

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction."""

    @abstractmethod
    def _control(self, sql: str) -> None:
        """Run a statement about transactions."""


def _nothing(_tx: Tx) -> None:
    pass


def _look_at(done: asyncio.Future[Any]) -> None:
    """Nobody waits for this write: or asyncio would log that nobody looked at its exception."""
    if not done.cancelled():
        done.exception()


def probe(tx: Tx) -> None:
    tx.count("probes")
