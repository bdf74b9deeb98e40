"""Who makes things go wrong: crashes at any step, stalls, a bike service that hangs, clocks that are set.

And an operator who sets another tariff while people ride.
"""

from collections.abc import Mapping

from dev.simulation.history import History
from dev.simulation.node import Cluster, Node
from gbike.services.billing.domain import Rounding, Tariff

LIKELY = ("rent", "rent", "bike", "bike", "bike_manage_app")
"""Nodes that are struck more often: they take part in calls between services."""

A_MINUTE_MS = 60_000


def _tariff(env: Mapping[str, str]) -> Tariff:
    """The tariff that billing is started with."""
    krw, per_s = int(env["GBIKE_TARIFF_KRW"]), int(env["GBIKE_TARIFF_PER_S"])
    return Tariff(krw, per_s, Rounding(env["GBIKE_TARIFF_ROUNDING"]))


class Nemesis:
    """Strikes at steps drawn from the seed, until it is told to end."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self._cluster = cluster
        self._history = history
        self._rng = cluster.rng
        self._crash_at = self._stall_at = -1
        self._ended = False
        self.tariffs = [_tariff(cluster.env)]
        """What the operator set, in order."""
        cluster.loop.strike = self._strike

    def begin(self) -> None:
        """From now on."""
        swarm = self._cluster.swarm
        self._crash_at, self._stall_at = self._after(swarm.crash_every), self._after(swarm.stall_every)
        self._aim()
        if swarm.bike_hangs:
            self._cluster.network.later(1.0 + 4.0 * self._rng.random(), self._hang)
        if swarm.tariffs:
            self._cluster.network.later(20.0 * self._rng.random(), self._reprice)

    def end(self) -> None:
        """No more."""
        self._ended = True
        self._cluster.loop.strike_at = -1
        if self._cluster.swarm.steps_ms > A_MINUTE_MS:  # a store may know moments that are hours ahead: say that it may
            self._cluster.env = {**self._cluster.env, "GBIKE_CLOCK_BEHIND": "accept"}
            self._cluster.nodes["rent"].crash()

    def _after(self, every: int) -> int:
        return self._cluster.loop.steps + 1 + int(self._rng.expovariate(1.0) * every) if every else -1

    def _aim(self) -> None:
        planned = [at for at in (self._crash_at, self._stall_at) if at > self._cluster.loop.steps]
        self._cluster.loop.strike_at = min(planned, default=-1)

    def _strike(self) -> None:
        swarm = self._cluster.swarm
        node = self._choose()
        now = self._cluster.loop.steps
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

    def _reprice(self) -> None:
        """The operator sets another tariff and starts billing anew; it is down for a while, and people ride."""
        if self._ended:
            return
        krw = str(self._rng.choice((50, 100, 200, 1_000)))
        self._cluster.env = {**self._cluster.env, "GBIKE_TARIFF_KRW": krw}
        self.tariffs.append(_tariff(self._cluster.env))
        self._history.mark(f"the tariff is {self.tariffs[-1]} now")
        billing = self._cluster.nodes["billing"]
        billing.crash()
        self._cluster.network.later(8.0 * self._rng.random() ** 2, billing.start)
        self._cluster.network.later(5.0 + 40.0 * self._rng.random(), self._reprice)

    def _stall(self, node: Node, seconds: float) -> None:
        self._history.mark(f"{node.name} stalls for {seconds:.2f} s")
        node.life.resumes_at = self._cluster.loop.time() + seconds

    def _hang(self) -> None:
        if not self._ended:
            self._stall(self._cluster.nodes["bike"], 1.0 + 9.0 * self._rng.random())
            self._cluster.network.later(5.0 + 15.0 * self._rng.random(), self._hang)
