"""Keep a release's stores: `python -m tests.upgrade.keep 0.1.0`, once, when that version is released."""

import asyncio
import sqlite3  # noqa: TID251 - it can dump, and nobody has the files open any more
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from gbike.app.data_folder import DataFolder
from gbike.app.embedded import Embedded
from tests.support import EVERY_RIDE_COSTS, Client

HERE = Path(__file__).parent


async def a_past(folder: DataFolder) -> None:
    """A ride that is over, one that is under way, money, points, and a return that nobody has heard of yet."""
    embedded = Embedded(folder, EVERY_RIDE_COSTS)
    client = Client(embedded.app)
    for path, body in (
        *(("/bikes", {"bikeid": bikeid, "location": "분당_정자역_1구역"}) for bikeid in (1, 2, 3)),
        ("/userDeposits", {"userid": 1, "deposit": 10_000}),
        ("/bikeManagers", {"managerid": 1, "userid": 1, "point": 1_000}),
        ("/bikeManageApps", {"managerid": 1, "bikeid": 3, "batterylevel": 40}),
        *(("/rents", {"userid": userid, "bikeid": userid}) for userid in (1, 2, 3)),
    ):
        assert (await client.post(path, body, idempotency_key=f"{path[1:]}-{body.get('bikeid')}")).status == 201
    assert (await client.patch("/rents/1", {"endlocation": "there"})).status == 200
    await embedded.settle()
    assert (await client.patch("/rents/2", {"endlocation": "there"})).status == 200
    await embedded.stop()


def main(version: str) -> None:
    """Write every store of such a past as SQL."""
    target = HERE / version
    target.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(a_past(DataFolder(Path(scratch))))
        for file in sorted(Path(scratch).glob("*.sqlite")):
            with closing(sqlite3.connect(file)) as store:
                (target / f"{file.stem}.sql").write_text("\n".join(store.iterdump()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
