"""How a test waits: for something to be so, never for some time to pass.

Tests sleep nowhere else; architecture/test_sleeping.py names the few that must let time go by.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

POLL_S = 0.02


def until(true: Callable[[], Any], within_s: float = 30, what: str = "") -> Any:
    """What `true` answers once it is something; fails when it is nothing for so long."""
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, what or "it did not become true"
        time.sleep(0.05)
    return found


async def soon(true: Callable[[], Any | Awaitable[Any]], within_s: float = 30, look_s: float = POLL_S) -> Any:
    """The same on an event loop, where others go on meanwhile; `true` may be a coroutine function."""
    end = time.monotonic() + within_s
    while not (found := await found if isawaitable(found := true()) else found):
        assert time.monotonic() < end, "it did not become true"
        await asyncio.sleep(look_s)
    return found


async def a_while() -> None:
    """A breath between two tries of something that failed for now."""
    await asyncio.sleep(POLL_S)


async def for_ever() -> None:
    """Never answers."""
    await asyncio.Event().wait()
