"""A store that breaks at one command: what a saga leaves behind wherever it stops."""

from collections.abc import Callable
from typing import Any

Command = Callable[..., Any]


class Broken(Exception):
    """Something failed."""


class Fragile:
    """A store in which one command breaks, before or after it did its work, and others are done twice."""

    def __init__(
        self, store: Any, breaks: Command | None, *, after: bool = False, twice: Command | None = None
    ) -> None:
        self._store, self._twice = store, twice
        self._breaks, self._after = breaks, after

    async def write(self, fn: Command, *args: Any, key: str = "") -> Any:
        if fn is self._breaks and not self._after:
            raise Broken
        if fn is self._twice:
            await self._store.write(fn, *args, key=key)
        answer = await self._store.write(fn, *args, key=key)
        if fn is self._breaks:
            raise Broken
        return answer
