"""`gbike cluster status` and `down` where a demo, not a cluster, runs on the folder."""

import asyncio
from pathlib import Path

import pytest

from gbike.run.control import Control
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import GBIKE


@pytest.mark.parametrize("verb", ["status", "down"])
async def test_a_demo_says_in_one_line_that_it_does_not_know_the_order(tmp_path: Path, verb: str) -> None:
    folder, control = DataFolder(tmp_path), Control(tmp_path)
    folder.acquire("gbike demo")
    folder.announce("gbike demo", control=control.path)
    await control.start({})
    command = [*GBIKE, "cluster", verb, "--data", str(tmp_path)]
    pipe = asyncio.subprocess.PIPE
    asked = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    printed, wrong = await asked.communicate()
    await control.stop()
    folder.release()
    assert (asked.returncode, printed) == (2, b"")
    assert wrong.decode().splitlines() == [f"'{verb}' can't be done here; what can: "]
