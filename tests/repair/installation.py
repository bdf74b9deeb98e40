"""A data folder or databases that something went wrong with, and the commands as another process runs them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gbike.cli import repair, verify
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings
from tests.support import EVERY_RIDE_COSTS

T = TypeVar("T")


async def beside(command: Callable[[], T]) -> T:
    """Run a command as another process would, while the services of this one go on."""
    return await asyncio.get_running_loop().run_in_executor(None, command)


class Installation:
    """A data folder, and the services that run on it, if any do."""

    def __init__(self, folder: DataFolder, house: Embedded | None = None) -> None:
        self.folder, self.house = folder, house

    async def findings(self) -> list[repair.Finding]:
        """What `gbike repair` lists."""
        return await beside(lambda: repair.findings(self.folder, EVERY_RIDE_COSTS, print))

    async def mend(self, found: list[repair.Finding], number: int | None = None) -> None:
        """`gbike repair [N] --yes`, and what follows from it."""
        mends = repair.chosen(found, number)
        told = await beside(lambda: list(repair.mend(self.folder, EVERY_RIDE_COSTS, mends)))
        assert [printed for well, printed in told if not well] == []
        if self.house is not None:
            await self.house.settle()

    async def violations(self) -> list[str]:
        """What `gbike verify` finds."""
        told: list[str] = []
        await beside(lambda: asyncio.run(verify.verify(self.folder, EVERY_RIDE_COSTS, told.append)))
        return told

    def deeds(self, service: str) -> list[tuple[str, str]]:
        """What is on record of whoever has the command line: action and subject."""
        with open_readings(self.folder) as stores:
            rows = stores[service].all("SELECT action, subject FROM audit WHERE who = 'local' ORDER BY number")
        return [(row[0], row[1]) for row in rows]


Breaking = Callable[[Embedded], Awaitable[None]]
Make = Callable[[str, Breaking], Awaitable[Installation]]
