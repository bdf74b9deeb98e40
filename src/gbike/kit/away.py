"""Away from the event loop: what computes for long, in a thread."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Away(Protocol):
    """Runs what takes long where it holds up nobody."""

    def __call__(self, fn: Callable[..., T], *args: Any) -> Awaitable[T]:
        """What `fn` answers; raises what it raises."""


def one_at_a_time(name: str) -> Away:
    """In a thread of this name, which is begun when it is first needed."""
    threads = ThreadPoolExecutor(1, name)

    def away(fn: Callable[..., T], *args: Any) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(threads, fn, *args)

    return away
