"""The store on PostgreSQL, which several processes may share: group commit in a few threads, reads in others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from zlib import crc32

from gbike.kit.clock import Clock, Ids, news
from gbike.kit.storage.postgres.connection import Dialer
from gbike.kit.storage.postgres.readers import Leader, Readers
from gbike.kit.storage.postgres.writer import PostgresWriter
from gbike.kit.store import Args, Reading, StoreUnavailable, Tx

WRITERS = 3
"""Connections that write. The first is for whoever names no key (consumer, relay, sweeper, housekeeper): their long
transactions share a commit and hold up no command. The others divide the keys among them: one alone leaves a core
idle while it waits for its answers, and more make the batches smaller (docs/operate/performance.md)."""
READERS = 4
"""Connections that read."""
READ_MS = 5_000
"""How long a statement of a read may take."""
SCANS = 2
"""Connections for what takes long."""
SCAN_MS = 120_000
"""How long a statement of a scan may take."""
POLL_MS = 200
"""How often a relay at rest looks for what another process said: its own process tells it at once. No NOTIFY: it makes
commits wait for each other."""

T = TypeVar("T")


class PostgresStore:
    """A Store in one PostgreSQL database. It connects when it is first used, and again whenever it must."""

    def __init__(
        self, url: str, *, clock: Clock, ids: Ids, source: str, password_file: str = "", run_twice: bool = False
    ) -> None:
        """`source`: who we are, to the server and in the outbox. `run_twice`: tests run each write twice."""
        dial = Dialer(url, clock, source, password_file)
        self._source, self._closed = source, False
        self._published = asyncio.Event()
        self._readers, self._scans = Readers(dial, READERS, READ_MS), Readers(dial, SCANS, SCAN_MS)
        self._leader = Leader(dial, READ_MS)
        self._threads = ThreadPoolExecutor(WRITERS, "write")
        self.writers = [
            PostgresWriter(
                dial,
                self._threads,
                self._readers,
                clock=clock,
                ids=ids,
                source=source,
                published=self._published,
                run_twice=run_twice,
            )
            for _ in range(WRITERS)
        ]

    @property
    def failing(self) -> bool:
        return any(writer.failing for writer in self.writers)

    def write(self, fn: Callable[[Tx, *Args], T], *args: *Args, key: str = "") -> asyncio.Future[T]:
        writer = self.writers[1 + crc32(key.encode()) % (WRITERS - 1) if key else 0]
        return writer.write(fn, *args, key=key)

    def write_later(self, fn: Callable[[Tx, *Args], None], *args: *Args) -> asyncio.Future[None]:
        return self.writers[0].write_later(fn, *args)

    async def read(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        self._be_open()
        return await self._readers.run(fn, *args)

    async def scan(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T:
        self._be_open()
        return await self._scans.run(fn, *args)

    async def read_as_leader(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        """See Store.read_as_leader: whoever holds the advisory lock reads, over the connection that holds it."""
        self._be_open()
        return await self._leader.run(fn, *args)

    async def something_published(self, timeout_ms: int) -> None:
        await news(self._published, min(timeout_ms, POLL_MS))
        self._published.clear()

    async def wipe(self) -> bool:
        """See Store.wipe: old row versions and the log are PostgreSQL's to remove (docs/guide/privacy.md)."""
        return True

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.gather(*(writer.close() for writer in self.writers))
        for part in (self._leader, self._readers, self._scans):
            part.close()
        self._threads.shutdown()

    def _be_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._source}: closed")
