"""Two processes of a service, each with the product's own writer over a connection of its own, that ask before every
statement which the other may meet: whoever holds the reins says who goes next, and sees in PostgreSQL who waits for a
lock."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import psycopg
from psycopg.pq.abc import PGresult

from gbike.kit.clock import Moment, SystemIds
from gbike.kit.storage.postgres.connection import Dialer, Session
from gbike.kit.storage.postgres.readers import Readers
from gbike.kit.storage.postgres.writer import PostgresWriter
from tests.concurrency.footprint import Step, Touched, together

NOW = 1_800_000_000_000
POLL_S = 0.0005
"""After so long without news of a statement it is asked whether it waits; and again after twice as long each time."""
LONGEST_LOOK_S = 0.016
STUCK_S = 60
DEADLOCK_MS = 1
"""PostgreSQL looks for a deadlock when somebody has waited for so long, not before."""
_END_BEGINS = "UPDATE audit_head SET number"
"""From here on all is what a batch writes at its end."""
_PATIENT = "SET lock_timeout = 0; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
"""Here somebody waits for as long as whoever holds the reins takes; who is stuck is seen by STUCK_S."""
_BLOCKED = "SELECT pid FROM unnest(%s::int[]) AS pid WHERE cardinality(pg_blocking_pids(pid)) > 0"

Write = tuple[Callable[..., Any], tuple[Any, ...], str]
"""What a store's `write` is given: a command, its arguments, its key."""
Outcome = tuple[str, ...]


class Order(Protocol):
    """Who goes when."""

    first: int | None
    """Whose batch is done before the other's begins; None: `asks` and `choose` say."""

    def asks(self, side: int, step: Step) -> bool:
        """In a side's thread, before each step: whether it must be chosen, or may go on."""

    def choose(self, steps: "Steps", waiting: Set[int]) -> int:
        """Who goes next, of those that asked for a step; the others wait for a lock, or have finished."""


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
        step = self.gate.ask_for((sql, params))
        rows = None
        try:
            result = super().run(sql, params)
            rows = result.command_tuples
        finally:
            self.gate.ran(step, rows)
        return result

    def together(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> list[PGresult]:
        every = list(statements)
        if every[-1][0] == "COMMIT":
            self.gate.ask_to_end("COMMIT")
            try:
                return super().together(every)
            finally:
                self.gate.ended()
        if len({sql for sql, _ in every}) == 1 and every[0][0] != "BEGIN":
            self.gate.ran(self.gate.ask_for(*every))
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
        plain.control(_PATIENT)
        gated = _Gated(plain.connection)
        gated._names, gated.gate = plain._names, self.gate
        self._session = gated
        self.gate.pid = plain.connection.info.backend_pid


class Side:
    """One process: a thread, an event loop, a writer."""

    def __init__(
        self, url: str, number: int, name: str, news: "SimpleQueue[tuple[Side, Step | list[Outcome]]]"
    ) -> None:
        self.pid = 0
        self.order: Order | None = None
        """Who is asked; None: nobody, it does as it likes."""
        self.number = number
        self.failures = 0
        """Its transactions in which a statement failed: of a deadlock the victim's."""
        self.failed = False
        """Whether a statement of it failed since it was last let go: its locks may be free then."""
        self.may_wait = False
        """Whether it is at a step that it asked for: no other can wait for a lock."""
        self.waited = False
        """Whether it was seen to wait at that step."""
        self._name, self._news = name, news
        self._go = SimpleQueue[None]()
        self._jobs = SimpleQueue[Sequence[Write] | None]()
        self.last = dict[str, int]()
        """See Touched."""
        self._touched = Touched(self.last)
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

    def begin(self, writes: Sequence[Write], order: Order | None) -> None:
        """Let it run a batch."""
        self.order = order
        self._jobs.put(writes)

    def go(self) -> None:
        """Let it do the step that it asked for."""
        self.failed = False
        self.may_wait = True
        self._go.put(None)

    def close(self) -> None:
        """Hang up."""
        self.order = None
        self._jobs.put(None)
        self._thread.join(10)
        self._readers.close()

    def ask_for(self, *statements: tuple[str, Sequence[Any]]) -> Step | None:
        """In its thread: wait for leave to run a statement, or several at once; None: it is part of the end."""
        if self._ending:
            return None
        if statements[0][0].startswith(_END_BEGINS):
            self.ask_to_end("COMMIT")
            return None
        step = together([self._touched.statement(*one) for one in statements])
        self._ask(step)
        return step

    def ran(self, step: Step | None, rows: int | None = None) -> None:
        """In its thread: the statement was run, and changed so many rows. Who waited for a row holds it, even if it is
        no longer one that the statement wants."""
        if step is not None:
            self._touched.ran(step, nothing=rows == 0 and not self.waited)

    def ask_to_end(self, sql: str) -> None:
        """In its thread: wait for leave to write what comes last, and commit; or to roll back."""
        if not self._ending:
            self._ending = sql == "COMMIT"
            self._ask(self._touched.end(sql))

    def ended(self) -> None:
        """In its thread: the transaction is over."""
        self.may_wait = False
        self._ending, self._touched = False, Touched(self.last)

    def _ask(self, step: Step) -> None:
        self.may_wait = self.waited = False
        order = self.order  # which may be taken away at any moment
        if order is not None and order.asks(self.number, step):
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
        self.sides = [Side(url, number, f"{service} {name}", self._news) for number, name in enumerate("AB")]
        self._watch = psycopg.connect(url, autocommit=True)
        self.alone([])  # connects
        self.waits = 0
        self._waiting = set[int]()

    def close(self) -> None:
        """Hang up."""
        for side in self.sides:
            side.close()
        self._watch.close()

    def given(self, last: Mapping[str, int]) -> None:
        """The highest numbers that sequences gave, by their tables."""
        for side in self.sides:
            side.last.update(last)

    @property
    def failures(self) -> int:
        """Transactions in which a statement failed, so far."""
        return sum(side.failures for side in self.sides)

    def alone(self, writes: Sequence[Write]) -> list[Outcome]:
        """Run a batch in one go."""
        nothing: Write = (lambda tx: tx.one("SELECT 1"), (), "")
        for side in self.sides:
            side.begin(list(writes) if writes and side is self.sides[0] else [nothing], None)
        found: dict[Side, Any] = dict(self._news.get(timeout=30) for _ in self.sides)
        return list(found[self.sides[0]])

    def play(self, batches: Sequence[Sequence[Write]], order: Order) -> list[list[Outcome]]:
        """Run two batches in an order, and answer what each was told."""
        done = dict[int, Any]()
        if order.first is not None:
            for number in (order.first, 1 - order.first):
                self.sides[number].begin(batches[number], order)
                done[number] = self._news.get(timeout=STUCK_S)[1]
        else:
            self._play(batches, order, done)
        return [done[0], done[1]]

    def _play(self, batches: Sequence[Sequence[Write]], order: Order, done: dict[int, list[Outcome]]) -> None:
        at, busy = dict[int, Step](), set[int]()
        self._waiting = set()
        for side, batch in zip(self.sides, batches, strict=True):
            side.begin(batch, order)
            busy.add(side.number)
        self._settle(busy, at, done)
        while at:
            chosen = order.choose(at, self._waiting)
            if chosen == LET_GO:
                self._let_go(busy, at, done)
                break
            begun = time.monotonic()
            step = at.pop(chosen)
            busy.add(chosen)
            self.sides[chosen].go()
            self._settle(busy, at, done, partial(self._holds, chosen, step, begun))

    def _let_go(self, busy: set[int], at: dict[int, Step], done: dict[int, list[Outcome]]) -> None:
        """Both run to their ends as they like."""
        for side in self.sides:
            side.order = None
        for number in at:
            self.sides[number].go()
        for _ in range(len(busy) + len(at)):
            side, news = self._news.get(timeout=STUCK_S)
            while isinstance(news, Step):  # it asked before it was let go
                side.go()
                side, news = self._news.get(timeout=STUCK_S)
            done[side.number] = news
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
                may_wait = look_s == LONGEST_LOOK_S or any(self.sides[number].may_wait for number in busy)
                blocked = self._blocked(busy) if may_wait else set[int]()
                if at and blocked == busy and len(busy) == 1:
                    self.waits += 1
                    self._waiting = blocked
                    for number in blocked:
                        self.sides[number].waited = True
                    return
                self._waiting = set()
                look_s = min(2 * look_s, LONGEST_LOOK_S)
                if time.monotonic() > until:
                    raise Stuck(f"{[self.sides[n] for n in busy]} of {at}") from None
            else:
                busy.discard(side.number)
                self._waiting = self._waiting - {side.number}
                if isinstance(news, Step):
                    at[side.number] = news
                else:
                    done[side.number] = news

    def _blocked(self, busy: set[int]) -> set[int]:
        pids = {self.sides[number].pid: number for number in busy}
        return {pids[row[0]] for row in self._watch.execute(_BLOCKED, ([*pids],))}
