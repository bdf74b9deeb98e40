"""Two processes of a service, each with the product's own writer over a connection of its own, that ask before every
statement: whoever holds the reins says who goes next, and sees in PostgreSQL who waits for a lock."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult

from gbike.kit.clock import Moment, SystemIds
from gbike.kit.storage.postgres.connection import Dialer, Session
from gbike.kit.storage.postgres.readers import Readers
from gbike.kit.storage.postgres.writer import PostgresWriter
from tests.concurrency.footprint import Step, Touched

NOW = 1_800_000_000_000
POLL_S = 0.0005
"""After so long without news of a statement it is asked whether it waits; and again after twice as long each time."""
LONGEST_LOOK_S = 0.016
STUCK_S = 60
DEADLOCK_MS = 1
"""PostgreSQL looks for a deadlock when somebody has waited for so long, not before."""
_END_BEGINS = "UPDATE audit_head SET number"
"""From here on all is what a batch writes at its end."""
_BLOCKED = "SELECT pid FROM unnest(%s::int[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0"

Write = tuple[Callable[..., Any], tuple[Any, ...], str]
"""What a store's `write` is given: a command, its arguments, its key."""
Outcome = tuple[str, ...]


class Fixed:
    """A clock that stands."""

    def now_ms(self) -> int:
        return NOW

    def monotonic_ms(self) -> float:
        return 0.0

    def moment(self) -> Moment:
        return Moment(self.now_ms(), "this boot", 0)


class _Here(Executor):
    """Runs what it is given in the thread that gives it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **more))
        except BaseException as failed:
            done.set_exception(failed)
        return done


class _Gated(Session):
    """A session whose statements wait for leave."""

    gate: "Side"

    def run(self, sql: str, params: Sequence[Any]) -> PGresult:
        self.gate.ask_for(sql, params)
        return super().run(sql, params)

    def together(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> list[PGresult]:
        every = list(statements)
        if every[-1][0] == "COMMIT":
            self.gate.ask_to_end("COMMIT")
            try:
                return super().together(every)
            finally:
                self.gate.ended()
        if len({sql for sql, _ in every}) == 1 and every[0][0] != "BEGIN":
            self.gate.ask_for(*every[0])
            return super().together(every)
        begin = 1 if every[0][0] == "BEGIN" else 0
        first = super().together(every[:begin]) if begin else []
        return [*first, *(self.run(sql, params) for sql, params in every[begin:])]

    def control(self, sql: str) -> None:
        if sql.startswith("ROLLBACK"):
            if self.in_error:
                self.gate.failed = True
                self.gate.failures += 1
            else:
                self.gate.ask_to_end(sql)
        super().control(sql)
        if sql == "ROLLBACK":
            self.gate.ended()


class _Writer(PostgresWriter):
    """The product's writer over a gated session."""

    gate: "Side"

    def _connect(self) -> None:
        super()._connect()
        plain = self._session
        assert plain is not None
        gated = _Gated(plain.connection)
        gated._names, gated.gate = plain._names, self.gate
        self._session = gated
        self.gate.pid = plain.connection.info.backend_pid


class Side:
    """One process: a thread, an event loop, a writer."""

    def __init__(self, url: str, name: str, news: "SimpleQueue[tuple[Side, Step | list[Outcome]]]") -> None:
        self.pid = 0
        self.stepped = False
        self.failures = 0
        """Its transactions in which a statement failed: of a deadlock the victim's."""
        self.failed = False
        """Whether a statement of it failed since it was last let go: its locks may be free then."""
        self._name, self._news = name, news
        self._go = SimpleQueue[None]()
        self._jobs = SimpleQueue[Sequence[Write] | None]()
        self._touched = Touched()
        self._ending = False
        clock, ids = Fixed(), SystemIds()
        dial = Dialer(url, clock, name)
        self._readers = Readers(dial, 1, 1_000)
        self._writer = _Writer(
            dial, _Here(), self._readers, clock=clock, ids=ids, source=name, published=asyncio.Event(), run_twice=False
        )
        self._writer.gate = self
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return self._name

    def begin(self, writes: Sequence[Write], *, stepped: bool) -> None:
        """Let it run a batch."""
        self.stepped = stepped
        self._jobs.put(writes)

    def go(self) -> None:
        """Let it do the step that it asked for."""
        self.failed = False
        self._go.put(None)

    def close(self) -> None:
        """Hang up."""
        self.stepped = False
        self._jobs.put(None)
        self._thread.join(10)
        self._readers.close()

    def ask_for(self, sql: str, params: Sequence[Any]) -> None:
        """In its thread: wait for leave to run a statement."""
        if self._ending:
            return
        if sql.startswith(_END_BEGINS):
            self.ask_to_end("COMMIT")
            return
        self._ask(self._touched.statement(sql, params))

    def ask_to_end(self, sql: str) -> None:
        """In its thread: wait for leave to write what comes last, and commit; or to roll back."""
        if not self._ending:
            self._ending = sql == "COMMIT"
            self._ask(self._touched.end(sql))

    def ended(self) -> None:
        """In its thread: the transaction is over."""
        self._ending, self._touched = False, Touched()

    def _ask(self, step: Step) -> None:
        if self.stepped:
            self._news.put((self, step))
            self._go.get()

    def _work(self) -> None:
        loop = asyncio.new_event_loop()
        while (writes := self._jobs.get()) is not None:
            self._news.put((self, loop.run_until_complete(self._batch(writes))))
        loop.run_until_complete(self._writer.close())
        loop.close()

    async def _batch(self, writes: Sequence[Write]) -> list[Outcome]:
        futures = [self._writer.write(fn, *args, key=key) for fn, args, key in writes]
        done = await asyncio.gather(*futures, return_exceptions=True)
        return [_outcome(one) for one in done]


def _outcome(answer: Any) -> Outcome:
    if isinstance(answer, BaseException):
        return ("refused", type(answer).__name__, repr(answer.args))
    return ("answered", repr(answer))


class Stuck(Exception):
    """Nobody goes on, and nobody waits."""


Steps = Mapping[int, Step]
LET_GO = -1
"""Chosen instead of a side: what comes of this order is known."""


class Two:
    """Two sides, and the connection that sees who waits."""

    def __init__(self, url: str, service: str) -> None:
        self._news = SimpleQueue[tuple[Side, Step | list[Outcome]]]()
        self.sides = [Side(url, f"{service} {name}", self._news) for name in "AB"]
        self._watch = psycopg.connect(url, autocommit=True)
        self.alone([])  # connects
        self.waits = 0
        self._waiting = set[int]()

    def close(self) -> None:
        """Hang up."""
        for side in self.sides:
            side.close()
        self._watch.close()

    @property
    def failures(self) -> int:
        """Transactions in which a statement failed, so far."""
        return sum(side.failures for side in self.sides)

    def alone(self, writes: Sequence[Write]) -> list[Outcome]:
        """Run a batch in one go."""
        nothing: Write = (lambda tx: tx.one("SELECT 1"), (), "")
        for side in self.sides:
            side.begin(list(writes) if writes and side is self.sides[0] else [nothing], stepped=False)
        found: dict[Side, Any] = dict(self._news.get(timeout=30) for _ in self.sides)
        return list(found[self.sides[0]])

    def play(self, batches: Sequence[Sequence[Write]], choose: Callable[[Steps], int]) -> list[list[Outcome]]:
        """Run two batches; `choose` is told what each that may go on would do, and says who does."""
        at = dict[int, Step]()
        done = dict[int, list[Outcome]]()
        busy = set[int]()
        self._waiting = set()
        for number, (side, batch) in enumerate(zip(self.sides, batches, strict=True)):
            side.begin(batch, stepped=True)
            busy.add(number)
        self._settle(busy, at, done)
        while at:
            chosen = choose(at)
            if chosen == LET_GO:
                self._let_go(busy, at, done)
                break
            begun = time.monotonic()
            step = at.pop(chosen)
            busy.add(chosen)
            self.sides[chosen].go()
            self._settle(busy, at, done, partial(self._holds, chosen, step, begun))
        return [done[0], done[1]]

    def _let_go(self, busy: set[int], at: dict[int, Step], done: dict[int, list[Outcome]]) -> None:
        """Both run to their ends as they like."""
        for side in self.sides:
            side.stepped = False
        for number in at:
            self.sides[number].go()
        for _ in range(len(busy) + len(at)):
            side, news = self._news.get(timeout=STUCK_S)
            while isinstance(news, Step):  # it asked before it was let go
                side.go()
                side, news = self._news.get(timeout=STUCK_S)
            done[self.sides.index(side)] = news
        self._waiting = set()

    def _holds(self, chosen: int, step: Step, begun: float) -> bool:
        """Whether who waited for a side before its step is sure to wait on: it ended nothing, nothing of it failed, and
        for a deadlock it was too short."""
        long = (time.monotonic() - begun) * 1_000 >= DEADLOCK_MS
        return not (step.ends or self.sides[chosen].failed or long)

    def _settle(
        self,
        busy: set[int],
        at: dict[int, Step],
        done: dict[int, list[Outcome]],
        holds: Callable[[], bool] = lambda: False,
    ) -> None:
        """Until everybody asks, has finished, or waits for the other. Who waited before is asked about at once, and not
        at all where it is sure to wait on (`holds`): most steps of the other set nobody free."""
        look_s, until = POLL_S, time.monotonic() + STUCK_S
        while busy:
            if busy == self._waiting and at and holds():
                self.waits += 1
                return
            try:
                side, news = self._news.get(timeout=0 if busy == self._waiting and at else look_s)
            except Empty:
                blocked = self._blocked(busy)
                if at and blocked == busy and len(busy) == 1:
                    self.waits += 1
                    self._waiting = blocked
                    return
                self._waiting = set()
                look_s = min(2 * look_s, LONGEST_LOOK_S)
                if time.monotonic() > until:
                    raise Stuck(f"{[self.sides[n] for n in busy]} of {at}") from None
            else:
                number = self.sides.index(side)
                busy.discard(number)
                self._waiting = self._waiting - {number}
                if isinstance(news, Step):
                    at[number] = news
                else:
                    done[number] = news

    def _blocked(self, busy: set[int]) -> set[int]:
        pids = {self.sides[number].pid: number for number in busy}
        return {pids[row[0]] for row in self._watch.execute(_BLOCKED, ([*pids],))}
