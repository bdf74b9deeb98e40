"""One run: a seed becomes a swarm of faults, people, a storm, a calm, and a verdict."""

import asyncio
import contextlib
import gc
import logging
import time
from collections import Counter
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import structlog

from dev.simulation.acts import what_was_done
from dev.simulation.agreed import OVERDUE_MIN, PER_BIKE, wrong_with_what_was_agreed
from dev.simulation.complaints import Complainer, wrong_with_complaints
from dev.simulation.history import History
from dev.simulation.invariants import Violation, wrong_now, wrong_with_the_log
from dev.simulation.loop import SimLoop
from dev.simulation.nemesis import Nemesis
from dev.simulation.node import METRICS, Cluster
from dev.simulation.office import Cashier, Clerk, Keeper
from dev.simulation.oracle import wrong_with_history
from dev.simulation.people import Leaver, Operator, Person, Rider, Staff
from dev.simulation.swarm import Swarm, draw
from dev.simulation.town import Town
from dev.simulation.tries import wrong_with_tries
from dev.simulation.whereabouts import wrong_with_places
from dev.simulation.workshop import Workshop, wrong_with_holds
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore
from gbike.run.invariants import differing_lines, violations
from gbike.services.rent_and_billing_view.storage import VERSIONS, lines
from gbike.services.rent_and_billing_view.wiring import rebuild

STORM_S = 240.0
"""Virtual seconds that people may take."""
CALM_S = 30.0
"""Virtual seconds in which everything must settle once nothing goes wrong any more (L1, I6)."""
TARIFF = {"GBIKE_TARIFF_KRW": "100", "GBIKE_TARIFF_PER_S": "1", "GBIKE_TARIFF_ROUNDING": "ceil"}
NARROW = {f"GBIKE_{call}_{limit}": "1" for call in ("RENT", "REPORT") for limit in ("IN_FLIGHT", "WAITING")}
BY_CHANGES = {"GBIKE_POINTS_FOR": "changes", "GBIKE_POINTS_PER_BIKE": str(PER_BIKE), "GBIKE_POINTS_PER_DAY": "20000"}
RECOVERIES = {
    "rent-was-cancelled": "tombstones met",
    "swept": "rents and reports swept",
    "open": "breaker opened",
    "half_open": "breaker half-opened",
    "closed": "breaker closed",
    "circuit-open": "refused by an open breaker",
    "busy": "refused by a full bulkhead",
    "bike-service-timeout": "gave up waiting for bike",
    "rent-given-up": "rents opened too late",
    "report-given-up": "reports applied too late",
    "idempotency-key-in-flight": "keys in flight",
    "report-in-flight": "reports in flight",
    "too-many-open-rents": "riders at their limit",
    "store-unavailable": "refused because a commit failed",
    "bike-unavailable": "bikes taken",
    "points-differ": "conversions that expected other points",
    "balance-changed": "corrections that saw another balance",
    "correction-too-much": "corrections of more than is left",
    "rider-blocked": "riders without money, or blocked",
    "clock-behind": "refused by a clock that is behind",
}
"""What the product's metrics say of its recoveries, and how it is told."""
EXPECTED = ("a batch of writes was rolled back", "the wall clock is behind")
"""Errors that the product logs because a fault of ours struck: how they begin."""


@dataclass
class Verdict:
    """How a run went."""

    seed: int
    swarm: Swarm
    violation: str | None = None
    digest: str = ""
    steps: int = 0
    virtual_s: float = 0.0
    real_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    tail: list[str] = field(default_factory=list)


def run_seed(seed: int, swarm: Swarm | None = None) -> Verdict:
    """Run one seed, to its end or its first violation. The same seed and swarm: the same history."""
    rng = Random(seed)
    swarm = swarm or draw(rng)
    verdict = Verdict(seed, swarm)
    began, loop = time.perf_counter(), SimLoop(rng)
    gc.disable()
    run = Run(loop, rng, swarm, Town(Random(f"town {seed}")))
    with _errors_kept(run.errors):
        try:
            loop.run_until_complete(run.whole())
        except Violation as wrong:
            verdict.violation = str(wrong)
        except Exception as broken:
            verdict.violation = f"the run broke: {broken!r}"
        finally:
            loop.discard()
            gc.enable()
    verdict.digest = run.digest()
    verdict.steps = loop.steps
    verdict.virtual_s = loop.time()
    verdict.seen, verdict.real_s = run.seen(), time.perf_counter() - began
    if verdict.violation:
        verdict.tail = run.history.tail(25)
    return verdict


class Run:
    """The parts of one run."""

    def __init__(self, loop: SimLoop, rng: Random, swarm: Swarm, town: Town) -> None:
        self.loop = loop
        self.rng = rng
        self.swarm = swarm
        env = {**TARIFF, **(NARROW if swarm.narrow else {}), **(BY_CHANGES if swarm.by_changes else {})}
        env |= {"GBIKE_OVERDUE_MIN": str(OVERDUE_MIN)}
        env |= {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": str(swarm.most_open), "GBIKE_RENT_MINIMUM_KRW": str(swarm.minimum)}
        self.cluster = Cluster(loop, rng, swarm, env)
        self.history = History(self.cluster, town)
        self.nemesis = Nemesis(self.cluster, self.history)
        self.errors: list[str] = []
        self._turn = 0
        self._before = _counted()
        loop.look = self.look

    async def whole(self) -> None:
        """The storm, the calm, the verdict. Raises Violation."""
        self.cluster.start()
        self.nemesis.begin()
        operator = Operator(self.history, self.rng, self.swarm, "operator")
        await operator.register()
        people: list[Person] = [operator]
        people += [Rider(self.history, self.rng, self.swarm, number + 1) for number in range(self.swarm.riders)]
        people += [Staff(self.history, self.rng, self.swarm, number + 1) for number in range(self.swarm.managers)]
        people += [Cashier(self.history, self.rng, self.swarm, "cashier")]
        people += [Clerk(self.history, self.rng, self.swarm, "clerk")]
        people += [Leaver(self.history, self.rng, self.swarm, 90)] if self.history.town.somebody_leaves else []
        people += [Keeper(self.history, self.rng, self.swarm, "keeper")]
        people += [Workshop(self.history, self.rng, self.swarm, f"shop-{n + 1}") for n in range(self.swarm.holders)]
        callers = range(self.swarm.complainers)
        people += [Complainer(self.history, self.rng, self.swarm, f"caller-{n + 1}") for n in callers]
        living = [asyncio.ensure_future(person.live()) for person in people]
        await asyncio.wait(living, timeout=STORM_S)
        self.nemesis.end()
        self.cluster.heal()
        for life in living:
            life.cancel()
        for done in await asyncio.gather(*living, return_exceptions=True):
            if isinstance(done, Exception):
                raise done
        await self._probe()
        await self._settle()
        await self.judge()

    async def _probe(self) -> None:
        """L2: once the trouble is over, a free bike can be rented again within 15 s (the breaker closes)."""
        probe = Operator(self.history, self.rng, self.swarm, "probe")
        until = self.loop.time() + 20.0
        told = self.history.town.at("depot", "none")
        body = {"bikeid": 999, **told.body}
        await probe.insist(lambda: probe.ask("bike", "bike", "POST", "/bikes", body, bikeid=999, told=told))
        wish: dict[str, Any] = {"userid": 999, "bikeid": 999}
        while (rented := await probe.ask("rent", "rent", "POST", "/rents", wish, **wish)).kind != "ok":
            if self.loop.time() > until:
                raise Violation(f"L2 a free bike can't be rented long after the trouble: {rented.line()}")
            await asyncio.sleep(1.0)
        path = f"/rents/{rented.answer['rentid']}"
        await probe.ask("return", "rent", "PATCH", path, {"status": "returned"}, rentid=rented.answer["rentid"])

    async def _settle(self) -> None:
        until = self.loop.time() + CALM_S
        while not self.cluster.quiet():
            if self.loop.time() > until:
                raise Violation(f"L1 nothing goes wrong any more, but it is not settled after {CALM_S:.0f} s")
            await asyncio.sleep(0.5)

    def look(self) -> None:
        """† one service after the other; of the money, what each commit since the last look showed. Raises
        Violation."""
        if self.errors:
            raise Violation(f"an error was logged: {self.errors[0]}")
        if self.cluster.wrong:
            raise Violation(self.cluster.wrong[0])
        nodes = list(self.cluster.nodes.values())
        node = nodes[self._turn % len(nodes)]
        self._turn += 1
        for wrong in wrong_now(node.name, node.reading, self.swarm.most_open):
            raise Violation(wrong)

    async def judge(self) -> None:
        """Everything that must hold at rest. Raises Violation with what does not."""
        for _ in self.cluster.nodes:
            self.look()
        readings = {name: node.reading for name, node in self.cluster.nodes.items()}
        wrong = [*violations(readings), *wrong_with_the_log(readings, self.cluster.log.reading)]
        wrong += wrong_with_history(self.history.attempts, readings)
        wrong += wrong_with_what_was_agreed(self.history.attempts, readings, self.swarm, self.nemesis.tariffs)
        wrong += wrong_with_places(self.history.attempts, readings, steady=not self.swarm.steps_ms)
        wrong += wrong_with_holds(self.history.attempts)
        wrong += wrong_with_complaints(self.history.attempts, readings)
        wrong += wrong_with_tries(readings)
        wrong += await self._view_folded_anew()
        if self.swarm.harmless:
            wrong += [
                f"L5 nothing went wrong, and yet: {attempt.line()}"
                for attempt in self.history.attempts
                if attempt.kind == "info" or attempt.status >= 500
            ]
        if wrong:
            raise Violation("; ".join(wrong[:3]))

    async def _view_folded_anew(self) -> list[str]:
        """I23: the view is the fold of the events it kept."""
        node, anew = self.cluster.nodes["rent_and_billing_view"], in_memory(VERSIONS)
        source, target = (
            SqliteStore(None, clock=node.clock, ids=self.cluster.ids, source="view", memory=memory)
            for memory in (node.connection, anew)
        )
        await rebuild(source, target)
        return list(differing_lines(lines(node.reading), lines(SqliteReading(anew))))

    def digest(self) -> str:
        """The hash of the history."""
        return f"{self.history.digest()}-{self.loop.steps}"

    def seen(self) -> Counter[str]:
        """Which faults struck and which recoveries were seen."""
        after = _counted()
        after.subtract(self._before)
        seen = +after + self.cluster.network.struck
        seen["crashes"] = sum(node.crashes for node in self.cluster.everyone())
        seen["handles that vanished"] = self.loop.dropped
        seen["requests"] = len(self.history.attempts)
        seen["commits"] = sum(node.commits for node in self.cluster.everyone())
        seen += what_was_done(self.history.attempts, {name: node.reading for name, node in self.cluster.nodes.items()})
        for attempt in self.history.attempts:
            seen[f"answered {attempt.kind}"] += 1
            if (told := attempt.facts.get("told")) is not None:
                seen[f"positions told, {told.kind}"] += 1
        answered = Counter(a.key for a in self.history.attempts if a.key and a.kind == "ok")
        seen["keys replayed"] = sum(times - 1 for times in answered.values())
        return seen


def _counted() -> Counter[str]:
    """What the product counts of its own recoveries, so far in this process."""
    found: Counter[str] = Counter()
    for metric in (METRICS.swept, METRICS.breaker_moves, METRICS.refusals):
        for sample in next(iter(metric.collect())).samples:
            name = RECOVERIES.get(sample.labels.get("reason") or sample.labels.get("to") or "swept")
            if name is not None and sample.name.endswith("_total"):
                found[name] += int(sample.value)
    return found


@contextlib.contextmanager
def _errors_kept(errors: list[str]) -> Iterator[None]:
    """The product's own error log, kept instead of printed."""
    before = structlog.get_config()

    def keep(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        if not event["event"].startswith(EXPECTED):
            errors.append(" ".join(f"{name}={value!r}" for name, value in event.items()))
        raise structlog.DropEvent

    wrapper = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(processors=[keep], wrapper_class=wrapper, cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
