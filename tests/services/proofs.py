"""The three proofs of every saga: each step twice, a failure at each step in turn, each undo twice."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gbike.kit.saga import Step, run


class Broken(Exception):
    """A step failed."""


async def _twice(step: Step[Any], state: Any) -> Any:
    await step.do(state)
    return await step.do(state)


def each_step_twice(steps: Sequence[Step[Any]], but: Sequence[str] = ()) -> list[Step[Any]]:
    """The saga with every step run twice, but those that only put a wish on record."""
    return [
        step if step.name in but else Step(step.name, lambda state, step=step: _twice(step, state), step.undo)  # type: ignore[misc]
        for step in steps
    ]


def failing(steps: Sequence[Step[Any]], at: int, after: bool) -> list[Step[Any]]:
    """The saga with one step that fails, before or after it did its work."""

    async def fail(state: Any) -> Any:
        if after:
            await steps[at].do(state)
        raise Broken

    return [Step(step.name, fail if n == at else step.do, step.undo) for n, step in enumerate(steps)]


def each_undo_twice(steps: Sequence[Step[Any]]) -> list[Step[Any]]:
    """The saga with every undo run twice."""

    def doubled(step: Step[Any]) -> Callable[[Any, Exception], Awaitable[None]]:
        async def undo(state: Any, why: Exception) -> None:
            await step.undo(state, why)
            await step.undo(state, why)

        return undo

    return [Step(step.name, step.do, doubled(step)) for step in steps]


async def fails(steps: Sequence[Step[Any]], state: Any) -> bool:
    """Whether the saga failed as planned."""
    try:
        await run(steps, state)
    except Broken:
        return True
    return False
