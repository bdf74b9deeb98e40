"""Everything in one process over a data folder, open (`gbike demo`) or secure (`gbike up`), and what can be asked of
it over the control socket of the folder."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from gbike.run.control import Control, Verb
from gbike.run.embedded import Embedded
from gbike.run.erasure import erasure_verbs
from gbike.run.folder.backup import copy_running
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.folder.manifest import TAKEN
from gbike.run.import_verbs import import_verbs
from gbike.run.store_verbs import store_verbs
from gbike.run.tracing import start_tracing, stop_tracing


@asynccontextmanager
async def held(data: Path, command: str) -> AsyncIterator[tuple[DataFolder, Control]]:
    """The folder, whose one writer we are, and its control socket. Raises FolderInUse."""
    folder, control = DataFolder(data), Control(data)
    folder.acquire(command)
    try:
        yield folder, control
    finally:
        await control.stop()
        folder.release()


def claimed(folder: DataFolder, mode: Mode, *, adopt: bool) -> None:
    """Mark the folder as this mode's; tells what is taken as it is. Raises OtherMode, NotWhole."""
    for taken in claim(folder, mode, adopt=adopt):
        Console(stderr=True).print(f"{TAKEN}: {taken}", soft_wrap=True)


@asynccontextmanager
async def opened(folder: DataFolder, env: Mapping[str, str], *, secure: bool) -> AsyncIterator[Embedded]:
    """All services over the folder, until the context ends. Raises BadSetting, NotWhole."""
    tracing = start_tracing(os.environ)
    embedded = Embedded(folder, env, secure=secure, tracing=tracing)
    try:
        yield embedded
    finally:
        await embedded.stop()
        stop_tracing(tracing)


def running_verbs(embedded: Embedded) -> dict[str, Verb]:
    """Backups, dead letters, mends, erasures, imports."""

    async def backup(target: str) -> str:
        held_ms = await copy_running(embedded, Path(target))
        return f"copied to {target}; writers were held for {held_ms:.1f} ms"

    async def copy(target: str) -> str:
        await copy_running(embedded, Path(target), backup=False)
        return f"copied to {target}"

    return {
        "backup": backup,
        "copy": copy,
        **erasure_verbs(embedded),
        **store_verbs(embedded),
        **import_verbs(embedded),
    }
