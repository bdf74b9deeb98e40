"""Who makes things go wrong: crashes at any step, stalls, a bike service that hangs, clocks that are set."""

from simulation.history import History
from simulation.node import Cluster, Node

LIKELY = ("rent", "rent", "bike", "bike", "bike_manage_app")
"""Nodes that are struck more often: they take part in calls between services."""


class Nemesis:
    """Strikes at steps drawn from the seed, until it is told to end."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self._cluster, self._history, self._rng = cluster, history, cluster.rng
        self._crash_at = self._stall_at = -1
        self._ended = False
        cluster.loop.strike = self._strike

    def begin(self) -> None:
        """From now on."""
        swarm = self._cluster.swarm
        self._crash_at, self._stall_at = self._after(swarm.crash_every), self._after(swarm.stall_every)
        self._aim()
        if swarm.bike_hangs:
            self._cluster.network.later(1.0 + 4.0 * self._rng.random(), self._hang)

    def end(self) -> None:
        """No more."""
        self._ended = True
        self._cluster.loop.strike_at = -1

    def _after(self, every: int) -> int:
        return self._cluster.loop.steps + 1 + int(self._rng.expovariate(1.0) * every) if every else -1

    def _aim(self) -> None:
        planned = [at for at in (self._crash_at, self._stall_at) if at > self._cluster.loop.steps]
        self._cluster.loop.strike_at = min(planned, default=-1)

    def _strike(self) -> None:
        swarm, node, now = self._cluster.swarm, self._choose(), self._cluster.loop.steps
        if self._crash_at == now:
            self._crash_at = self._after(swarm.crash_every)
            self._crash(node)
        if self._stall_at == now:
            self._stall_at = self._after(swarm.stall_every)
            self._stall(node, 8.0 * self._rng.random() ** 2)
        if swarm.steps_ms:
            node.clock.step_ms = self._rng.randint(-swarm.steps_ms, swarm.steps_ms)
            self._history.mark(f"{node.name} sets its clock to {node.clock.step_ms:+} ms")
        self._aim()

    def _choose(self) -> Node:
        named = [self._cluster.nodes[name] for name in LIKELY]
        return self._rng.choice([*self._cluster.everyone(), *named])

    def _crash(self, node: Node) -> None:
        if node.life.alive:
            self._history.mark(f"{node.name} crashes")
            node.crash()
            self._cluster.network.later(0.01 + 3.0 * self._rng.random() ** 2, node.start)

    def _stall(self, node: Node, seconds: float) -> None:
        self._history.mark(f"{node.name} stalls for {seconds:.2f} s")
        node.life.resumes_at = self._cluster.loop.time() + seconds

    def _hang(self) -> None:
        if not self._ended:
            self._stall(self._cluster.nodes["bike"], 1.0 + 9.0 * self._rng.random())
            self._cluster.network.later(5.0 + 15.0 * self._rng.random(), self._hang)
