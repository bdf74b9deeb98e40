"""The simulator's event loop: virtual time, an order drawn from the seed, and crashes at every await."""

import asyncio
import gc
from random import Random

import pytest

from dev.simulation.loop import Life, SimLoop, Stuck


def order_of_eight(seed: int) -> list[int]:
    loop, seen = SimLoop(Random(seed)), list[int]()

    async def note(number: int) -> None:
        seen.append(number)

    async def main() -> None:
        await asyncio.gather(*(note(number) for number in range(8)))

    loop.run_until_complete(main())
    loop.discard()
    return seen


def test_an_hour_passes_at_once() -> None:
    loop = SimLoop(Random(1))
    loop.run_until_complete(asyncio.sleep(3600))
    assert 3600 <= loop.time() < 3601
    assert loop.steps < 10
    loop.discard()


def test_timers_fire_in_the_order_of_their_time() -> None:
    loop, seen = SimLoop(Random(1)), list[float]()

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(seconds)

    async def main() -> None:
        await asyncio.gather(*map(wait, (3.0, 1.0, 2.0)))

    loop.run_until_complete(main())
    assert seen == [1.0, 2.0, 3.0]
    loop.discard()


def test_the_same_seed_gives_the_same_order_and_another_seed_another_one() -> None:
    assert order_of_eight(5) == order_of_eight(5)
    assert len({tuple(order_of_eight(seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize("wait", [asyncio.sleep(10), asyncio.sleep(0)], ids=["at a timer", "when ready"])
def test_a_crashed_node_does_nothing_any_more_not_even_its_finally(wait: object) -> None:
    loop = SimLoop(Random(1))
    life = Life("rent", 1)
    did = list[str]()

    async def child() -> None:
        try:
            did.append("began")
            await asyncio.sleep(5)
            did.append("went on")
        finally:
            did.append("cleaned up after its death")

    async def parent() -> None:
        task = asyncio.ensure_future(child())
        await wait  # type: ignore[misc]
        await task

    async def main() -> None:
        started = loop.create_task(parent(), context=life.context())
        await asyncio.sleep(1)
        loop.bury(life)
        del started
        gc.collect()
        await asyncio.sleep(60)

    loop.run_until_complete(main())
    assert did == ["began"]
    assert loop.dropped > 0
    loop.discard()


def test_a_crash_of_one_node_leaves_the_others_alone() -> None:
    loop = SimLoop(Random(1))
    dies = Life("rent", 1)
    lives = Life("bike", 1)
    did = list[str]()

    async def work(name: str) -> None:
        await asyncio.sleep(2)
        did.append(name)

    async def main() -> None:
        tasks = [loop.create_task(work(life.node), context=life.context()) for life in (dies, lives)]
        await asyncio.sleep(1)
        loop.bury(dies)
        await asyncio.sleep(5)
        assert [task.done() for task in tasks] == [False, True]

    loop.run_until_complete(main())
    assert did == ["bike"]
    loop.discard()


def test_a_stalled_node_goes_on_later_where_it_was() -> None:
    loop = SimLoop(Random(1))
    life = Life("bike", 1)
    when = list[float]()

    async def work() -> None:
        await asyncio.sleep(1)
        when.append(loop.time())

    async def main() -> None:
        task = loop.create_task(work(), context=life.context())
        life.resumes_at = 30.0
        await task

    loop.run_until_complete(main())
    assert 30.9 < when[0] < 31.1
    loop.discard()


def test_waiting_for_nothing_is_noticed() -> None:
    loop = SimLoop(Random(1))
    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())
    loop.discard()


def test_what_would_go_to_a_thread_is_done_at_once() -> None:
    loop = SimLoop(Random(1))
    assert loop.run_until_complete(loop.run_in_executor(None, lambda: 42)) == 42
    with pytest.raises(ZeroDivisionError):
        loop.run_until_complete(loop.run_in_executor(None, lambda: 1 // 0))
    loop.discard()
