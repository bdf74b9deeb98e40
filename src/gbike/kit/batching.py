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
from typing import Any, Generic, TypeVar, cast

from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.acting import ITSELF, IdempotencyKey, acting
from gbike.kit.audit.chain import append
from gbike.kit.audit.rows import Deed, deed
from gbike.kit.clock import Clock
from gbike.kit.envelope import Event, pack
from gbike.kit.ids import Ids
from gbike.kit.store import NO_FACTS, Conflict, Facts, StoreUnavailable, Tx
from gbike.kit.telemetry import NO_TRACE, Told, Trace, log, trace_now

BATCH = 512
"""Writes that share one commit, at most."""
QUEUE = 4096
"""Writes that may wait; one more is refused with StoreUnavailable."""
LATER_MS = 25
"""How long a write that nobody waits for may wait for company."""

PROBE_S = 1.0
"""How often a store that could not be written tries it by itself."""

Said = tuple[str, str, str, bytes, bytes]
"""An outbox row: message_id, type, key, headers, value."""


class OpenTx:
    """What an open transaction has on every engine: what it says and counts, until its batch commits."""

    def __init__(self, clock: Clock, ids: Ids, source: str) -> None:
        self._ids, self._source = ids, source
        self.trace: Trace = NO_TRACE
        self.by = ITSELF
        self.owner: Whose = EVERYBODYS
        self.key: IdempotencyKey | None = None
        self.audited: list[Deed] = []
        self.said: list[Said] = []
        self.counts: dict[str, int] = {}
        self.now_ms = clock.now_ms()
        """Wall time, ms: one moment for all that the transaction does."""
        self.boot = clock.boot()

    def say(self, event: Event) -> None:
        """Put `event` into the outbox (with all others of this batch, before it commits)."""
        message = pack(event, id=self._ids.new(), source=self._source, now_ms=self.now_ms, trace=self.trace)
        self.said.append((message.id, message.type, message.key, message.headers, message.value))

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to a counter (with all others of this batch, before it commits)."""
        self.counts[name] = self.counts.get(name, 0) + by

    def audit(self, action: str, subject: str, before: Facts = NO_FACTS, after: Facts = NO_FACTS) -> None:
        """Put a deed on record (with all others of this batch, before it commits)."""
        self.audited.append(deed(self.now_ms, self.by, self.trace, action, subject, before, after))


class Request:
    """One write on its way: what to run, for whom, and what became of it."""

    __slots__ = ("acting", "answer", "args", "failed", "fn", "future", "key", "trace")

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], key: str, future: asyncio.Future[Any]) -> None:
        self.fn, self.args, self.key, self.future = fn, args, key, future
        self.trace, self.acting = trace_now.get(), acting.get()
        self.answer: Any = None
        self.failed: BaseException | None = None

    def tell(self) -> None:
        """Answer the caller, if it is still there."""
        if self.future.cancelled():
            return
        if self.failed is not None:
            self.future.set_exception(self.failed)
        else:
            self.future.set_result(self.answer)


class HalfDone(Exception):
    """A request failed after it had changed something, and there is no savepoint to go back to."""


X = TypeVar("X", bound=OpenTx)


class BatchWriter(ABC, Generic[X]):
    """One connection that writes, the queue before it, and the task that takes batches from it."""

    def __init__(self, source: str, said: asyncio.Event, *, rehearse: bool = False) -> None:
        """`said` is set after each commit that left something in the outbox. `rehearse`: tests run each write twice."""
        self._source, self._said, self._rehearse = source, said, rehearse
        self._queue: deque[Request] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._closed = False
        self.failing = False
        """Whether the engine could not write (no room, a broken disk) when it last had to."""
        self._told = Told()
        self.hold = asyncio.Lock()
        """Held by whoever needs a moment between two batches (a backup)."""

    def submit(
        self, fn: Callable[..., Any], args: tuple[Any, ...], key: str = "", *, later: bool = False
    ) -> asyncio.Future[Any]:
        """Put a write into the next batch. `later`: nobody waits for it, so it shares the next batch, or gets its own
        after LATER_MS. Raises StoreUnavailable when too many wait."""
        if self._closed or len(self._queue) >= QUEUE:
            raise StoreUnavailable(f"{self._source}: " + ("closed" if self._closed else "too many writes are waiting"))
        loop = asyncio.get_running_loop()
        request = Request(fn, args, key, loop.create_future())
        self._queue.append(request)
        if later:
            loop.call_later(LATER_MS / 1000, self._wake)
        elif self._drain is None:
            self._wake()
        return request.future

    async def flush(self) -> None:
        """Return when all that was submitted to be done later is kept, or could not be."""
        await self.submit(_nothing, ())

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
        try:
            while self._queue:
                async with self.hold:
                    await self.step()
        finally:
            self._drain = None

    async def step(self) -> int:
        """One batch: run up to BATCH waiting writes and commit them together. Answers how many."""
        taken = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        batch = [request for request in taken if not request.future.cancelled()]
        if batch:
            await self._run(self._in_order(batch) if len(batch) > 1 else batch)
        return len(batch)

    def _in_order(self, batch: list[Request]) -> list[Request]:
        """The order in which a batch is run."""
        return batch

    async def _run(self, batch: list[Request]) -> None:
        """Run a batch in one transaction and tell each caller what became of it."""
        try:
            said = await self._transact(batch)
        except Exception as broken:  # whatever it was: nothing of the batch happened
            disk = self._cannot_write(broken)
            if not isinstance(broken, StoreUnavailable):
                if not disk or self._told.is_news(str(broken)):
                    log.error(
                        "a batch of writes was rolled back", store=self._source, writes=len(batch), why=str(broken)
                    )
                if len(batch) > 1:
                    for request in batch:  # find out whom it concerns
                        await self._run([request])
                    return
            if disk:
                self._fails()
            for request in batch:
                request.failed = StoreUnavailable(f"{self._source}: {broken}")
                request.failed.__cause__ = broken
        else:
            if said is None:
                return
            if said:
                self._said.set()
            if self.failing and (said or any(request.fn is probe for request in batch)):  # others may change nothing
                self.failing, self._told = False, Told()
                log.warning("the store can be written again", store=self._source)
        for request in batch:
            request.tell()

    def _fails(self) -> None:
        """Remember it, and try by itself until something can be written: nobody else may come."""
        if not self.failing:
            self.failing = True
            asyncio.get_running_loop().call_later(PROBE_S, self._try_again)

    def _try_again(self) -> None:
        if self._closed or not self.failing:
            return
        asyncio.get_running_loop().call_later(PROBE_S, self._try_again)
        if not self._queue:  # else what waits is a try
            self.submit(probe, ()).add_done_callback(lambda done: done.cancelled() or done.exception())

    @abstractmethod
    async def _transact(self, batch: list[Request]) -> bool | None:
        """Begin, `_execute`, commit; answers whether the batch said something, and None when it is not known yet what
        became of it: then whoever finds out tells the callers. When it raises, nothing happened: StoreUnavailable if
        every request would meet the same, anything else if it may concern one of them."""

    def _execute(self, batch: list[Request]) -> bool:
        """All of a transaction but its commit; answers whether it said something."""
        try:
            return self._attempt_all(batch, isolated=self._rehearse)
        except HalfDone:
            self._control("ROLLBACK")
            return self._attempt_all(batch, isolated=True)

    def _attempt_all(self, batch: list[Request], isolated: bool) -> bool:
        self._begin()
        said, audited, counts = list[Said](), list[Deed](), dict[str, int]()
        for request in batch:
            tx = self._attempt_isolated(request) if isolated else self._attempt(request)
            if tx is not None:
                said += tx.said
                audited += tx.audited
                for name, by in tx.counts.items():
                    counts[name] = counts.get(name, 0) + by
        if audited:
            append(cast(Tx, self._open()), audited)
        self._write(said, sorted(counts.items()))  # both last, and in one order: everybody wants these rows
        return bool(said)

    def _attempt(self, request: Request) -> X | None:
        """Run one request; None when it was refused. Raises HalfDone when that was after it had changed something."""
        request.failed = None
        tx = self._open()
        tx.trace, on_behalf = request.trace, request.acting
        tx.by, tx.owner, tx.key = on_behalf.by, on_behalf.owner, on_behalf.key
        before = self._changes()
        try:
            request.answer = request.fn(tx, *request.args)
        except Exception as refused:
            if self._breaks_the_batch(refused):
                raise
            request.failed = Conflict(str(refused)) if self._is_conflict(refused) else refused
            if self._changes() != before:
                raise HalfDone from refused
            return None
        return tx

    def _attempt_isolated(self, request: Request) -> X | None:
        """The same in a savepoint, so that what a failed request changed is taken back and the others stand."""
        tx = None
        for rehearsal in (True, False) if self._rehearse else (False,):
            self._control("SAVEPOINT request")
            try:
                tx = self._attempt(request)
            except HalfDone:
                tx = None
            if rehearsal or tx is None:
                self._control("ROLLBACK TO request")
            self._control("RELEASE request")
            if tx is None:
                break
        return tx

    @abstractmethod
    def _begin(self) -> None:
        """Begin a transaction."""

    @abstractmethod
    def _control(self, sql: str) -> None:
        """Run a statement about transactions."""

    @abstractmethod
    def _open(self) -> X:
        """What a request is given."""

    @abstractmethod
    def _changes(self) -> int:
        """A number that differs when something was changed in between, or the transaction can't go on."""

    @abstractmethod
    def _breaks_the_batch(self, error: Exception) -> bool:
        """Whether an error is about the engine and not about the request."""

    @abstractmethod
    def _cannot_write(self, error: Exception) -> bool:
        """Whether an error says that the engine has no room to write, or a broken disk."""

    @abstractmethod
    def _is_conflict(self, error: Exception) -> bool:
        """Whether a constraint of the database refused."""

    @abstractmethod
    def _write(self, said: list[Said], counts: list[tuple[str, int]]) -> None:
        """Insert outbox rows and add to counters, in this order."""


def _nothing(_tx: Tx) -> None:
    pass


def probe(tx: Tx) -> None:
    """As small as a write can be."""
    tx.count("probes")
