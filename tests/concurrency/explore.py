"""Through all orders of two batches: depth first, each order from the same rows, from its beginning.

While a step meets nothing that the other side was ever seen to touch, it is no place to change sides, and nobody asks
before it. Of orders that differ only in steps that don't meet (`footprint.dependent`), one is run: sleep sets
(Godefroid). Such steps may be swapped without a change of what is read, written or waited for, so all of these orders
come to the same answers and rows, and one that is wrong is wrong in the one that is run.

Of orders that differ only in when a side begins to wait, one is run: until the other's transaction ends, a statement
that waits sees the same rows whenever it began to. Not where the side that waits holds what the other may want, of
another statement or of this one: then it decides who waits for whom. test_pairs.py holds all this against every order.
"""

import threading
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from math import comb
from typing import Any

from tests.concurrency.footprint import Step, dependent
from tests.concurrency.stepping import LET_GO, Order, Steps

Play = Callable[[Order], None]
"""Runs both batches once, from the same rows, and judges what came of it."""


@dataclass
class Found:
    """What became of a pair."""

    orders: int = 0
    pruned: int = 0
    """Orders that were left, as they differ from one that was run only in steps that don't meet."""
    strayed: int = 0
    """Orders in which PostgreSQL chose another victim of a deadlock than the time before."""
    failures: int = 0
    """Transactions in which a statement failed: in order or not, somebody waited for a deadlock."""
    wrong: list[str] = field(default_factory=list)
    came: list[Any] = field(default_factory=list)
    """The answers and rows that orders came to, each once."""


@dataclass
class _Node:
    steps: dict[int, Step]
    chosen: int
    todo: list[int]
    asleep: set[int]
    waiting: set[int]
    """Of these, who would wait, here as where it was run."""
    waited: bool = False
    """Whether who was chosen waits now, and holds nothing."""


class _Touched:
    """What each side was ever seen to touch; both may tell at the same time."""

    def __init__(self) -> None:
        self._by = set[Step](), set[Step]()
        self._judged: dict[tuple[int, Step], bool] = {}
        self._alone = threading.Lock()

    def meets_nothing(self, side: int, step: Step) -> bool:
        """The side is about to do this: whether the other was never seen to touch what it touches."""
        with self._alone:
            if step not in self._by[side]:
                self._by[side].add(step)
                self._judged.clear()
            known = self._judged.get((side, step))
            if known is None:
                known = self._judged[side, step] = not any(dependent(step, other) for other in self._by[1 - side])
            return known


class _Serial:
    """One batch after the other."""

    def __init__(self, touched: _Touched, first: int) -> None:
        self.first = first
        self.log: list[tuple[int, Step]] = []
        self._touched = touched

    def asks(self, side: int, step: Step) -> bool:
        """See Order."""
        self._touched.meets_nothing(side, step)
        self.log.append((side, step))
        return False

    def choose(self, steps: Steps, waiting: Set[int]) -> int:
        """Nobody asks."""
        raise AssertionError(steps)


class _Path:
    """The choices of one order: those of the last one up to where it differs, and new ones behind."""

    first = None

    def __init__(self, nodes: list[_Node], touched: _Touched, passed: set[tuple[int, Step]], *, sleeping: bool) -> None:
        """`passed`: takes steps before which nobody asked."""
        self.nodes = nodes
        self._touched = touched
        self._sleeping = sleeping
        self._passed = passed
        self._at, self._last = 0, 0
        self._holds = [False, False]
        self.strayed = self.redundant = False

    def asks(self, side: int, step: Step) -> bool:
        """See Order."""
        if not self._touched.meets_nothing(side, step):
            return True
        self._passed.add((side, step))
        return False

    def choose(self, steps: Steps, waiting: Set[int]) -> int:
        """See Order. LET_GO where all that is left to choose was already run in another order."""
        if self._at:
            before = self.nodes[self._at - 1]
            step = before.steps[before.chosen]
            before.waited = before.chosen in waiting and step.is_at_one and not self._holds[before.chosen]
            self._went(before.chosen, step)
        self._last = self._known(steps) if self._at < len(self.nodes) else self._new(steps)
        if self.redundant:
            return LET_GO
        self._at += 1
        return self._last

    def _went(self, side: int, step: Step) -> None:
        if step.sql in ("COMMIT", "ROLLBACK"):
            self._holds[side] = False
        elif step.writes or step.locks:
            self._holds[side] = True

    def _known(self, steps: Steps) -> int:
        node = self.nodes[self._at]
        if node.chosen in steps:
            return node.chosen
        self.strayed = True
        del self.nodes[self._at :]
        return self._new(steps)

    def _new(self, steps: Steps) -> int:
        asleep, waiting = self._asleep(steps)
        awake = [side for side in steps if side not in asleep]
        if not awake:
            self.redundant = True
        other = 1 - self._last
        if other in awake and self._holds[self._last] and not self._holds[other]:
            chosen = other  # it may have to wait: that is to be known first
        else:
            chosen = self._last if self._last in awake else (awake or [*steps])[0]
        todo = [side for side in awake if side != chosen]
        self.nodes.append(_Node(dict(steps), chosen, [] if self.redundant else todo, asleep, waiting))
        return chosen

    def _asleep(self, steps: Steps) -> tuple[set[int], set[int]]:
        """Whose step need not be run here, and who of them would wait."""
        if not self._sleeping or not self.nodes:
            return set(), set()
        before = self.nodes[-1]
        done = before.steps[before.chosen]
        waiting = set() if done.ends else before.waiting & steps.keys()
        apart = {side for side in before.asleep & steps.keys() if not dependent(before.steps[side], done)}
        return apart | waiting, waiting


def explore(play: Play, *, sleeping: bool = True) -> Found:
    """Run every order that may come to something of its own; without `sleeping` every order at all. The first two are
    one batch after the other, which also tell what the two touch; when more was touched on the way, so that sides
    should have been changed where they were not, all is run again."""
    touched = _Touched()
    for first in (0, 1):
        serial = _Serial(touched, first)
        play(serial)
    lengths = [sum(1 for side, step in serial.log if side == n and not touched.meets_nothing(n, step)) for n in (0, 1)]
    if not any(lengths):
        return Found(orders=1)
    passed: set[tuple[int, Step]] | None = None
    while passed is None or not all(touched.meets_nothing(*one) for one in passed):
        passed = set[tuple[int, Step]]()
        found = _all_orders(play, touched, passed, sleeping=sleeping)
    if sleeping:
        found.pruned = max(found.pruned, comb(sum(lengths), lengths[0]) - found.orders)
    return found


def _all_orders(play: Play, touched: _Touched, passed: set[tuple[int, Step]], *, sleeping: bool) -> Found:
    found, nodes = Found(), list[_Node]()
    while True:
        path = _Path(nodes, touched, passed, sleeping=sleeping)
        play(path)
        found.orders += not path.redundant
        found.pruned += path.redundant
        found.strayed += path.strayed
        if not _next(nodes, sleeping):
            return found


def _next(nodes: list[_Node], sleeping: bool) -> bool:
    """Cut back to the last choice that has another side left, and make that one."""
    while nodes:
        node = nodes[-1]
        if node.todo:
            if sleeping:
                node.asleep.add(node.chosen)
                if node.waited:
                    node.waiting.add(node.chosen)
            node.chosen, node.waited = node.todo.pop(), False
            return True
        nodes.pop()
    return False
