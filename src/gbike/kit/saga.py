"""A saga is a table of steps and undos. A step that failed may have happened, so it is undone like those before it.

Three proofs hold for every saga and are run by the tests: each step may run twice, the saga may fail at each step in
turn and leaves the world as it was, and each undo may run twice.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

S = TypeVar("S")

LEFT_BEHIND_MS = 3_000
"""So long after a peer's last moment a saga that is still under way counts as left behind by a process that died.
Around the peer's answer come transactions of its own, which take their time on a busy machine: a sweeper in a hurry
cancels what is about to be done. With the longest deadline, 1.2 s, it is less than the gateway waits (5 s)."""


async def nothing_to_undo(_state: object, _why: Exception) -> None:
    """The undo of a step that leaves nothing behind, or whose trace an earlier step's undo removes."""


class Step(msgspec.Struct, Generic[S], frozen=True):
    """One step: `do` answers the state for the next one; `undo` removes its trace, told why the saga failed."""

    name: str
    do: Callable[[S], Awaitable[S]]
    undo: Callable[[S, Exception], Awaitable[None]] = nothing_to_undo


async def run(steps: Sequence[Step[S]], state: S) -> S:
    """Do the steps in order. When one fails, undo it and those before it, newest first, and raise its failure."""
    begun: list[tuple[Step[S], S]] = []
    for step in steps:
        begun.append((step, state))
        try:
            state = await step.do(state)
        except Exception as failure:
            for earlier, before in reversed(begun):
                await earlier.undo(before, failure)
            raise
    return state
