"""The saga runner: steps in order, undos newest first, the failed step's too, and the failure told to each."""

import pytest

from gbike.kit.saga import Step, nothing_to_undo, run


class Broken(Exception):
    """A step failed."""


def a_table(told: list[str], failing: str = "", failing_undo: str = "") -> list[Step[int]]:
    """Three steps that count and tell what they do."""

    def step(name: str) -> Step[int]:
        async def do(state: int) -> int:
            told.append(f"{name} {state}")
            if name == failing:
                raise Broken(name)
            return state + 1

        async def undo(state: int, why: Exception) -> None:
            told.append(f"undo {name} {state} {why}")
            if name == failing_undo:
                raise ValueError(name)

        return Step(name, do, undo)

    return [step(name) for name in ("a", "b", "c")]


async def test_steps_are_done_in_order_and_hand_their_state_on() -> None:
    told: list[str] = []
    assert await run(a_table(told), 0) == 3
    assert told == ["a 0", "b 1", "c 2"]


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ("a", ["a 0", "undo a 0 a"]),
        ("b", ["a 0", "b 1", "undo b 1 b", "undo a 0 b"]),
        ("c", ["a 0", "b 1", "c 2", "undo c 2 c", "undo b 1 c", "undo a 0 c"]),
    ],
)
async def test_a_failed_step_is_undone_like_those_before_it_newest_first(failing: str, expected: list[str]) -> None:
    told: list[str] = []
    with pytest.raises(Broken, match=failing):
        await run(a_table(told, failing), 0)
    assert told == expected


async def test_an_undo_that_fails_is_not_hidden() -> None:
    told: list[str] = []
    with pytest.raises(ValueError, match="b") as failed:
        await run(a_table(told, "c", failing_undo="b"), 0)
    assert isinstance(failed.value.__context__, Broken)


async def test_a_saga_without_steps_changes_nothing_and_nothing_is_undone_for_nothing() -> None:
    assert await run([], 7) == 7
    assert await nothing_to_undo(7, Broken()) is None
