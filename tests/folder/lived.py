"""A data folder that was used on two days, and what is left of the first."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gbike.cli import app
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.services import NAMES
from tests.support import EVERY_RIDE_COSTS, Client

STORES = (*NAMES, "bus")


async def ride(data: Path, bikeid: int, env: dict[str, str] = EVERY_RIDE_COSTS) -> None:
    """A day: gbike starts, somebody rides, and it stops."""
    embedded = Embedded(DataFolder(data), env)
    client = Client(embedded.app)
    assert (await client.post("/bikes", {"bikeid": bikeid, "status": "사용가능"})).status == 201
    assert (await client.post("/userDeposits", {"userid": bikeid, "deposit": 98_907})).status == 201
    rent = await client.post("/rents", {"userid": bikeid, "bikeid": bikeid})
    assert (await client.patch(f"/rents/{rent.json['rentid']}", {"endlocation": "there"})).status == 200
    await embedded.settle()
    await embedded.stop()


class Lived:
    """The folder as it is today and as it was yesterday, a backup of each, and another folder."""

    def __init__(self, root: Path) -> None:
        self.today = root / "today"
        self.yesterday = root / "yesterday"
        self.other = root / "other"
        self.backup, self.older_backup = root / "backup", root / "older-backup"

    def copy(self, to: Path, what: str = "today") -> Path:
        """The folder, or the backup, to do something to."""
        shutil.copytree(getattr(self, what), to)
        return to


def gbike(*command: str, **env: Any) -> tuple[int, str]:
    """A verb's exit code and what it said on stderr."""
    done = CliRunner().invoke(app, command, env={"GBIKE_DATA": None, **env})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stderr


def refused(command: Sequence[str], *named: str) -> None:
    """A verb ends with 2 and one line without a traceback, in which all of this is."""
    code, printed = gbike(*command)
    assert (code, printed.count("\n")) == (2, 1), printed
    for name in named:
        assert name in printed, printed


def without_tables(file: Path) -> None:
    """A store of which only the header is left."""
    file.unlink()
    with closing(open_file(file)) as store:
        store.execute("CREATE TABLE gone (x)")
        store.execute("DROP TABLE gone")
