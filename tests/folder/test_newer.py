"""Going back: a folder that a newer release has expanded is left as it is, and rides go on in it."""

from contextlib import closing
from pathlib import Path

from gbike.cli import verify
from gbike.kit.storage.migrations.migrate import version_of
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.services import NAMES
from tests.support import EVERY_RIDE_COSTS, Client


def expand(path: Path) -> None:
    """What a newer release may do to a store: a table, and in each table a column that old code does not fill."""
    with closing(open_file(path)) as store:
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (table,) in tables.fetchall():
            if table != "alembic_version":
                store.execute(f'ALTER TABLE "{table}" ADD COLUMN newer TEXT')
        store.execute("CREATE TABLE newer (what TEXT); UPDATE alembic_version SET version_num = '9999'")


async def ride(folder: DataFolder, userid: int) -> None:
    """A ride from its start to its closed bill."""
    embedded = Embedded(folder, EVERY_RIDE_COSTS)
    client = Client(embedded.app)
    assert (await client.post("/bikes", {"bikeid": userid})).status == 201
    assert (await client.post("/userDeposits", {"userid": userid, "deposit": 10_000})).status == 201
    rentid = (await client.post("/rents", {"userid": userid, "bikeid": userid})).json["rentid"]
    assert (await client.patch(f"/rents/{rentid}", {"endlocation": "there"})).status == 200
    await embedded.settle()
    assert (await client.get(f"/rentAndBillingViews/{rentid}")).json["billingStatus"] == "CLOSEBILL"
    await embedded.stop()


async def test_rides_go_on_in_a_folder_that_is_newer(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    await ride(folder, 1)
    stores = [folder.bus_path, *map(folder.store_path, NAMES)]
    for store in stores:
        expand(store)
    await ride(folder, 2)
    assert {version_of(store) for store in stores} == {"9999"}
    told: list[str] = []
    assert await verify.verify(folder, EVERY_RIDE_COSTS, told.append) == 0, told
