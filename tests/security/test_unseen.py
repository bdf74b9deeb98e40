"""Places and names with bidi marks, controls and formulas: cleaned on every way in, harmless on the way out."""

from pathlib import Path

from gbike.cli import privacy
from gbike.kit.store import Tx
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import StoreLocation
from tests.privacy.people import SETTINGS, sign_up
from tests.support import Client

HOSTILE, SEEN = "\u202e=HYPER\u200bLINK(1)\x1b\r\n\u2066", "=HYPERLINK(1)"


async def test_a_place_is_cleaned_on_every_way_in() -> None:
    embedded = Embedded(None, SETTINGS)
    client = Client(embedded.app)
    made = await client.post("/bikes", {"bikeid": 1, "status": "사용가능", "location": HOSTILE})
    assert made.json["location"] == SEEN
    assert (await client.patch("/bikes/1", {"location": f"1{HOSTILE}"})).json["location"] == f"1{SEEN}"
    bike = {"bikeid": 1, "status": "사용가능", "location": f"2{HOSTILE}", "batterylevel": 1, "lat": 37, "lon": 127}
    assert (await client.put("/bikes/1", bike)).json["location"] == f"2{SEEN}"
    rent = (await client.post("/rents", {"userid": 1, "bikeid": 1})).json["rentid"]
    back = await client.patch(f"/rents/{rent}", {"endlocation": f"3{HOSTILE}"})
    assert back.json["endlocation"] == f"3{SEEN}"
    await embedded.settle()
    assert (await client.get("/bikes/1")).json["location"] == f"3{SEEN}"
    await embedded.stop()


async def test_the_name_of_an_account_is_cleaned(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    person = await sign_up(embedded, "kim", 100)
    renamed = await Client(embedded.app).patch(f"/accounts/{person.userid}", {"name": "Kim\u202e\u200b"})
    assert (renamed.status, renamed.json["name"]) == (200, "Kim")
    unseen = await Client(embedded.app).patch(f"/accounts/{person.userid}", {"name": "\u200b\u3164"})
    assert unseen.status == 422
    await embedded.stop()


async def test_what_was_kept_before_is_exported_clean_and_runs_in_no_spreadsheet(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    embedded = Embedded(folder, SETTINGS)
    client = Client(embedded.app)
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    rent = (await client.post("/rents", {"userid": 7, "bikeid": 1})).json["rentid"]
    await client.patch(f"/rents/{rent}", {"endlocation": "dock", "lat": -37.5, "lon": 127})

    def as_of_old(tx: Tx) -> None:
        tx.execute("UPDATE rents SET endlocation = ? WHERE rentid = ?", (HOSTILE, rent))

    await embedded.part("rent").store.write(as_of_old)
    await embedded.stop()
    (ride,) = privacy.export(StoreLocation(folder.path), 7)["rent"]["rents"]
    assert (ride["endlocation"], ride["lat"]) == (f"'{SEEN} ", -37.5)
