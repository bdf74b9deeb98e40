"""`gbike up` under systemd: its units are valid, and the nightly backup keeps what it should."""

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import gbike
from tests.support import EVERY_RIDE_COSTS, Client

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
GBIKE = Path(sysconfig.get_path("scripts")) / "gbike"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    names = [file.name for file in UNITS.iterdir() if file.suffix in (".service", ".timer")]
    for name in names:  # what a unit starts must be there
        here = (UNITS / name).read_text("utf-8").replace("/opt/gbike/bin/gbike", str(GBIKE))
        (tmp_path / name).write_text(here.replace("/opt/gbike", str(ROOT)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(f"./{name}" for name in names)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if "gbike" in line]
    assert ours == []


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a bike."""

    async def made() -> None:
        whole = Embedded(DataFolder(tmp_path / "data"), EVERY_RIDE_COSTS)
        assert (await Client(whole.app).post("/bikes", {"bikeid": 7, "status": "사용가능"})).status == 201
        await whole.settle()
        await whole.stop()

    (tmp_path / "data").mkdir()
    asyncio.run(made())
    return tmp_path / "data"


def backed_up(data: Path, **told: str) -> subprocess.CompletedProcess[str]:
    """What the timer runs."""
    known = {"GBIKE": str(GBIKE), "GBIKE_DATA": str(data), "BACKUPS": str(data.parent / "backups"), **told}
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **known}
    return subprocess.run([UNITS / "gbike-backup"], env=env, capture_output=True, text=True, timeout=120)


def kept(data: Path) -> list[str]:
    return sorted(path.name for path in (data.parent / "backups").iterdir() if path.is_dir())


def test_the_newest_are_kept_and_each_is_taken_to_a_second_place(data: Path) -> None:
    there = data.parent / "elsewhere"
    there.mkdir()
    for _ in range(3):
        done = backed_up(data, KEEP="2", OFFSITE=f'cp -r "$BACKUP" "{there}/"')
        assert done.returncode == 0, done.stderr
    assert len(kept(data)) == 2
    copied = sorted(path.name for path in there.iterdir())
    assert len(copied) == 3
    assert kept(data) == copied[1:]
    assert (data.parent / "backups").stat().st_mode & 0o077 == 0
    back = data.parent / "back"
    assert gbike("restore", str(there / copied[-1]), "--data", str(back)).returncode == 0
    assert gbike("verify", "--data", str(back)).stdout == "0 violations\n"


def test_what_fails_removes_nothing_and_says_so(data: Path) -> None:
    assert backed_up(data, KEEP="1").returncode == 0
    [first] = kept(data)
    assert backed_up(data, KEEP="1", OFFSITE="false; true").returncode != 0  # the second place is away
    assert first in kept(data)
    assert len(kept(data)) == 2
    (data.parent / "backups" / ".new").mkdir()  # of one that was interrupted
    assert backed_up(data.parent / "nothing", KEEP="1").returncode != 0
    assert len(kept(data)) == 2
    assert backed_up(data, KEEP="none").returncode == 2
    assert backed_up(data, KEEP="1").returncode == 0
    assert len(kept(data)) == 1
