"""The data folder of a running process: its stores are sealed at the start, and the manifest follows their generations.

A store counts in its own transaction, the manifest afterwards: a store may be ahead of the manifest, never behind.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor

import msgspec

from gbike.kit.storage.sqlite.seal import DEMO, SECURE
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.telemetry import log
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.manifest import BUS, Kept, look, take, write


class Generations:
    """What the manifest has of the stores' generations."""

    def __init__(self, folder: DataFolder, *, secure: bool) -> None:
        """Look at the folder before its stores are opened; `secure`: what a new one is. Raises NotWhole, OSError."""
        self._path, seen = folder.path, look(folder.path)
        self.log_lost = seen.log_lost
        """Whether the log was missing, empty, older or another folder's."""
        self._foreign = seen.log_foreign
        self._manifest = take(seen, seen.mode or (SECURE if secure else DEMO))
        self._schemas = {name: file.schema for name, file in seen.files.items()}
        self._stores: Mapping[str, SqliteStore] = {}
        self._writing: asyncio.Future[None] | None = None

    def seal(self, stores: Mapping[str, SqliteStore], schemas: Mapping[str, str]) -> None:
        """Count a generation of each store, whose `schemas` are these by now. Raises OSError, apsw.Error."""
        self._stores = stores
        self._schemas = {name: max(schema, self._schemas.get(name, "")) for name, schema in schemas.items()}
        for name, store in stores.items():
            # Whoever is killed before the log is made anew finds it without an epoch, which no store knows.
            first = "DELETE FROM epoch" if name == BUS and self.log_lost else ""
            if first and self._foreign:
                first += "; DELETE FROM log"  # what was said elsewhere is not for us
            store.seal(self._manifest.id, self._manifest.mode, first)
        self._keep()

    async def follow(self, threads: Executor | None) -> int:
        """Write the generations that were counted since; answers how many, 0 mostly. Raises OSError."""
        kept = self._manifest.stores
        ahead = sum(kept[name].generation != store.generation for name, store in self._stores.items())
        if ahead:
            self._writing = asyncio.get_running_loop().run_in_executor(threads, self._keep)
            await asyncio.shield(self._writing)
        return ahead

    async def stop(self) -> None:
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        try:
            self._keep()
        except OSError as full:  # then the stores are ahead, which is no harm
            log.warning("the manifest could not be written", folder=str(self._path), why=str(full))

    def _keep(self) -> None:
        kept = {name: Kept(self._schemas[name], store.generation) for name, store in self._stores.items()}
        now = msgspec.structs.replace(self._manifest, stores={**self._manifest.stores, **kept}, sha256={})
        write(self._path, now)
        self._manifest = now
