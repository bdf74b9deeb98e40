"""The wire between clients and services, and between services: late, lossy, doubling; it never cancels the callee."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from dev.simulation.loop import Life, SimLoop
from dev.simulation.swarm import Swarm
from gbike.kit.calls.in_process import Asgi, call_asgi
from gbike.kit.calls.peers import PeerAnswer, PeerUnreachable

TAIL_S = 12.0
"""The latest that a message arrives."""


class Network:
    """Carries requests to nodes. `swarm` may be replaced while it runs."""

    def __init__(self, loop: SimLoop, rng: Random, swarm: Swarm) -> None:
        self._loop = loop
        self._rng = rng
        self.swarm = swarm
        self.struck: Counter[str] = Counter()
        """How often each kind of fault struck."""
        self._nothing = LIFE_OF_THE_WIRE.context()

    def delay(self) -> float:
        """Seconds that one message takes."""
        if self._rng.random() < self.swarm.slow:
            self.struck["messages late"] += 1
            return TAIL_S * self._rng.random() ** 3 + 0.05
        return 0.000_2 + 0.004 * self._rng.random()

    def later(self, delay_s: float, fn: Callable[..., None], *args: Any) -> None:
        """Run `fn` later, whoever has died by then."""
        self._loop.call_later(delay_s, fn, *args, context=self._nothing.copy())

    async def send(self, find: "Target", request: "Request", *, may_double: bool) -> PeerAnswer:
        """The answer to a request. Raises PeerUnreachable, or never comes back within TAIL_S."""
        reply: asyncio.Future[PeerAnswer] = self._loop.create_future()
        if self._rng.random() < self.swarm.refused:
            self.later(self.delay(), _fail, reply, "refused")
        elif self._rng.random() < self.swarm.lost:
            self.struck["requests lost"] += 1
            self.later(TAIL_S, _fail, reply, "lost")
        else:
            self.later(self.delay(), self._deliver, find, request, reply)
        if may_double and self._rng.random() < self.swarm.doubled:
            self.struck["calls doubled"] += 1
            self.later(self.delay() + self.delay(), self._deliver, find, request, self._loop.create_future())
        return await reply

    def _deliver(self, find: "Target", request: "Request", reply: asyncio.Future[PeerAnswer]) -> None:
        life, app = find()
        if app is None or not life.alive:
            self.later(self.delay(), _fail, reply, "nobody there")
            return
        life.owes.append(reply)
        self._loop.create_task(self._serve(app, life, request, reply), context=life.context())

    async def _serve(self, app: Asgi, life: Life, request: "Request", reply: asyncio.Future[PeerAnswer]) -> None:
        answer = await call_asgi(app, *request)
        life.owes.remove(reply)
        if self._rng.random() < self.swarm.lost:
            self.struck["replies lost"] += 1
            self.later(TAIL_S, _fail, reply, "the reply was lost")
        else:
            self.later(self.delay(), _answer, reply, answer)

    def hang_up(self, life: Life) -> None:
        """The node died: whoever waits for its answer sees the connection break."""
        for reply in life.owes:
            self.later(self.delay(), _fail, reply, "connection reset")
        life.owes.clear()


Target = Callable[[], tuple[Life, Asgi | None]]
Request = tuple[str, str, bytes, dict[str, str]]
LIFE_OF_THE_WIRE = Life("wire", 0)


class SimCaller:
    """One service's way to a peer (kit.peers.Caller)."""

    def __init__(self, network: Network, find: Target) -> None:
        self._network, self._find = network, find

    async def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> PeerAnswer:
        """See Caller.call."""
        return await self._network.send(self._find, (method, path, body, headers), may_double=True)


def _fail(reply: asyncio.Future[PeerAnswer], why: str) -> None:
    if not reply.done():
        reply.set_exception(PeerUnreachable(why))
        reply.exception()


def _answer(reply: asyncio.Future[PeerAnswer], answer: PeerAnswer) -> None:
    if not reply.done():
        reply.set_result(answer)
