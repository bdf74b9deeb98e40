"""An asyncio event loop whose time is virtual and whose order is drawn from a seed.

Among the handles that are ready a random one runs next; when none is ready, time jumps to the next timer. Each handle
belongs to the life of the node that started it: when a node crashes, all handles of that life vanish where they wait,
so a crash is possible at every await. What a dead life leaves behind is kept in a graveyard until the run is over;
otherwise the garbage collector would run its `finally` blocks, after death.
"""

import asyncio
import contextlib
import contextvars
import heapq
from asyncio import events
from collections.abc import Callable
from random import Random
from typing import Any

TICK_S = 0.000_02
"""How long one step takes in virtual time, so that a busy node is a slow one."""
LOOK_EVERY = 64
"""Steps between two calls of `look`."""


class Life:
    """One life of one node: from its start to its crash."""

    def __init__(self, node: str, epoch: int) -> None:
        self.node, self.epoch = node, epoch
        self.alive = True
        self.owes: list[asyncio.Future[Any]] = []
        """Answers that somebody waits for."""
        self.resumes_at = 0.0
        """Virtual time before which nothing of this life runs (a stopped process, a full machine)."""

    def context(self) -> contextvars.Context:
        """A fresh context in which everything started belongs to this life."""
        context = contextvars.Context()
        context.run(LIFE.set, self)
        return context


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class Stuck(Exception):
    """Nothing is ready and no timer is set: whoever is awaited will never come."""


class SimLoop(asyncio.BaseEventLoop):
    """The loop. `look` is called every LOOK_EVERY steps, `strike` when `strike_at` steps have been made."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng
        self._now = 0.0
        self._ready: list[asyncio.Handle] = []
        self.steps = 0
        self.dropped = 0
        self.look: Callable[[], None] = lambda: None
        self.strike: Callable[[], None] = lambda: None
        self.strike_at = -1
        self._graveyard: list[asyncio.Task[Any]] = []
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def bury(self, life: Life) -> None:
        """End a life: nothing it started runs again."""
        life.alive = False
        self._graveyard += asyncio.all_tasks(self)

    def discard(self) -> None:
        """The run is over: end what still waits, here and not by the garbage collector, without a word."""
        for task in {*self._graveyard, *asyncio.all_tasks(self)}:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            _end(task.get_coro())
        self._ready.clear()
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._graveyard.clear()
        self.close()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Run `func` at once: there are no threads here."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as failure:
            future.set_exception(failure)
        return future

    def _run_once(self) -> None:
        ready, timers = self._ready, self._scheduled  # type: ignore[attr-defined]
        rng = self._rng
        for _ in range(LOOK_EVERY):
            while timers and (timers[0]._when <= self._now or not ready):
                timer = heapq.heappop(timers)
                timer._scheduled = False
                if not timer._cancelled:
                    self._now = max(self._now, timer._when)
                    ready.append(timer)
            if not ready:
                raise Stuck(f"at {self._now:.3f} s")
            chosen = int(rng.random() * len(ready))
            handle, ready[chosen] = ready[chosen], ready[-1]
            ready.pop()
            self._run_one(handle)
            if self._stopping:  # type: ignore[attr-defined]
                return
        self.look()

    def _run_one(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        life = handle._context.get(LIFE)  # type: ignore[attr-defined]
        if life is not None:
            if not life.alive:
                self.dropped += 1
                return
            if life.resumes_at > self._now:
                self._later(handle, life.resumes_at)
                return
        self.steps += 1
        self._now += TICK_S
        handle._run()
        if self.steps == self.strike_at:
            self.strike()

    def _later(self, handle: asyncio.Handle, when: float) -> None:
        timer = events.TimerHandle(when, _resume, (handle,), self, handle._context)  # type: ignore[attr-defined]
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]

    def _write_to_self(self) -> None:
        return

    def _process_events(self, event_list: Any) -> None:
        return


def _resume(handle: Any) -> None:
    """Run a handle whose life was stopped when its turn came, unless it was cancelled meanwhile."""
    if not handle._cancelled:
        handle._callback(*handle._args)


def _end(coroutine: Any) -> None:
    """Close a coroutine that will not go on; what its `finally` blocks think of that is of no interest any more."""
    with contextlib.suppress(BaseException):
        coroutine.close()
