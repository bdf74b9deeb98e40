"""Passwords as argon2id hashes: slow on purpose, so away from the event loop, a few at once, and a bounded queue.

Whoever floods the sign-in with guesses meets a full queue, not a machine without memory.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Meta, Struct

T = TypeVar("T")


class PasswordSettings(Struct, frozen=True):
    """What a hash costs, and how many are made at once. The defaults are OWASP's for argon2id with little memory."""

    password_memory_kib: Annotated[int, Meta(ge=8_192, le=1_048_576, description="memory of one hash, KiB")] = 19_456
    password_passes: Annotated[int, Meta(ge=1, le=20, description="passes over the memory of one hash")] = 2
    password_lanes: Annotated[int, Meta(ge=1, le=8, description="lanes of one hash")] = 1
    hashing_at_once: Annotated[int, Meta(ge=1, le=16, description="passwords hashed at the same time")] = 2
    hashing_waiting: Annotated[
        int, Meta(ge=0, le=1_000, description="passwords that may wait to be hashed; the next one is refused with 503")
    ] = 32


class HashingBusy(Exception):
    """Too many passwords wait to be hashed; nothing was done."""

    def __init__(self) -> None:
        super().__init__("too many passwords wait to be hashed")
        self.retry_after_s = 1


class Passwords:
    """Makes and checks hashes."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.password_passes,
            memory_cost=settings.password_memory_kib,
            parallelism=settings.password_lanes,
        )
        self._at_once = settings.hashing_at_once
        self._most = settings.hashing_at_once + settings.hashing_waiting
        self._under_way = 0
        self._threads: ThreadPoolExecutor | None = None
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep, of the password as NFC: however a keyboard composes it. Raises HashingBusy."""
        return await self._run(self._hasher.hash, unicodedata.normalize("NFC", password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether the password was hashed to this. None (nobody's) takes as long and never fits. Raises HashingBusy."""
        return await self.which([kept] if kept else [], password, 1) is not None

    async def which(self, kept: Sequence[str], password: str, tries: int) -> int | None:
        """Which of the hashes is the password's. When it is none, that took as long as `tries` of them, however many
        there are. Raises HashingBusy."""
        return await self._run(self._which, kept, password, tries)

    def is_old(self, kept: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _which(self, kept: Sequence[str], password: str, tries: int) -> int | None:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash("nobody's")
        composed = unicodedata.normalize("NFC", password)
        ways = dict.fromkeys((composed, password))  # as typed: hashes of before are not of NFC
        for at, one in enumerate(kept):
            if any(self._fits(one, way) for way in ways):
                return at
        for _ in range(max(tries - len(kept), 0) * len(ways)):
            self._fits(self._nobodys, composed)
        return None

    def _fits(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, fn: Callable[..., T], *args: object) -> T:
        if self._under_way >= self._most:
            raise HashingBusy
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._at_once, "hashing")
        self._under_way += 1
        job = asyncio.get_running_loop().run_in_executor(self._threads, fn, *args)
        job.add_done_callback(self._done)  # not when the caller gives up: the thread goes on hashing
        return await asyncio.shield(job)

    def _done(self, job: "asyncio.Future[T]") -> None:
        self._under_way -= 1
        if not job.cancelled():
            job.exception()
