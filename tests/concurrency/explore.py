"""Through all orders of two batches: depth first, each order from the same rows, from its beginning.

While a step meets nothing that the other side was ever seen to touch, it is no place to change sides. Of orders that
differ only in steps that don't meet (`footprint.dependent`), one is run: sleep sets (Godefroid). Such steps may be
swapped without a change of what is read, written or waited for, so all of these orders come to the same answers and
rows, and one that is wrong is wrong in the one that is run. test_pairs.py holds it against every order.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb
from typing import Any

from tests.concurrency.footprint import Step, dependent
from tests.concurrency.stepping import LET_GO, Steps

Play = Callable[[Callable[[Steps], int]], None]
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


class _Touched:
    """What each side was ever seen to touch."""

    def __init__(self) -> None:
        self._by = set[Step](), set[Step]()
        self._judged: dict[tuple[int, Step], bool] = {}

    def add(self, side: int, step: Step) -> None:
        """The side was about to do this."""
        if step not in self._by[side]:
            self._by[side].add(step)
            self._judged.clear()

    def meets_nothing(self, side: int, step: Step) -> bool:
        """Whether the other side was never seen to touch what the step touches."""
        known = self._judged.get((side, step))
        if known is None:
            known = self._judged[side, step] = not any(dependent(step, other) for other in self._by[1 - side])
        return known


class _Path:
    """The choices of one order: those of the last one up to where it differs, and new ones behind."""

    def __init__(
        self,
        nodes: list[_Node],
        touched: _Touched,
        sleeping: bool,
        passed: set[tuple[int, Step]] | None = None,
    ) -> None:
        """`passed`: takes steps after which sides were not changed."""
        self.nodes = nodes
        self._touched = touched
        self._sleeping = sleeping
        self._passed = set[tuple[int, Step]]() if passed is None else passed
        self._at, self._last = 0, 0
        self.strayed = self.redundant = False
        self.log: list[tuple[int, Step]] = []

    def choose(self, steps: Steps) -> int:
        """See Two.play. LET_GO where all that is left to choose was already run in another order."""
        for side, step in steps.items():
            self._touched.add(side, step)
        self._last = self._known(steps) if self._at < len(self.nodes) else self._new(steps)
        if self.redundant:
            return LET_GO
        self._at += 1
        self.log.append((self._last, steps[self._last]))
        return self._last

    def _known(self, steps: Steps) -> int:
        node = self.nodes[self._at]
        if node.chosen in steps:
            return node.chosen
        self.strayed = True
        del self.nodes[self._at :]
        return self._new(steps)

    def _new(self, steps: Steps) -> int:
        asleep = self._asleep(steps)
        awake = [side for side in steps if side not in asleep]
        if not awake:
            self.redundant = True
        chosen = self._last if self._last in awake else (awake or [*steps])[0]
        todo = [side for side in awake if side != chosen]
        alone = next((side for side in awake if self._touched.meets_nothing(side, steps[side])), None)
        if len(steps) == 2 and alone is not None:
            chosen, todo = alone, []
            self._passed.add((alone, steps[alone]))
        self.nodes.append(_Node(dict(steps), chosen, [] if self.redundant else todo, asleep))
        return chosen

    def _asleep(self, steps: Steps) -> set[int]:
        if not self._sleeping or not self.nodes:
            return set()
        before = self.nodes[-1]
        done = before.steps[before.chosen]
        return {side for side in before.asleep if side in steps and not dependent(before.steps[side], done)}


def explore(play: Play, *, sleeping: bool = True) -> Found:
    """Run every order that may come to something of its own; without `sleeping` every order at all. The first two are
    one batch after the other, which also tell what the two touch; when more was touched on the way, so that sides
    should have been changed where they were not, all is run again."""
    touched = _Touched()
    for first in (0, 1):
        path = _Path([], touched, sleeping=False)
        play(_prefer(first, path))
    lengths = [sum(1 for side, step in path.log if side == n and not touched.meets_nothing(n, step)) for n in (0, 1)]
    if not any(lengths):
        return Found(orders=1)
    passed: set[tuple[int, Step]] | None = None
    while passed is None or any(not touched.meets_nothing(*one) for one in passed):
        passed = set[tuple[int, Step]]()
        found = _all_orders(play, touched, passed, sleeping=sleeping)
    if sleeping:
        found.pruned = max(found.pruned, comb(sum(lengths), lengths[0]) - found.orders)
    return found


def _prefer(side: int, path: _Path) -> Callable[[Steps], int]:
    return lambda steps: path.choose({side: steps[side]} if side in steps else steps)


def _all_orders(play: Play, touched: _Touched, passed: set[tuple[int, Step]], *, sleeping: bool) -> Found:
    found, nodes = Found(), list[_Node]()
    while True:
        path = _Path(nodes, touched, sleeping, passed)
        play(path.choose)
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
            node.chosen = node.todo.pop()
            return True
        nodes.pop()
    return False
