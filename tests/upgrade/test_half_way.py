"""What a version left half-way is finished by the code of today: open rides, open bills, events nobody has heard."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gbike.cli import verify
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import restore
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, mode_of
from gbike.run.registry import specs
from tests.journeys.engines import House
from tests.journeys.fleet import assert_nothing_is_violated, every
from tests.postgres import Server
from tests.security.people import ISSUER, UNLIMITED, As, TestIssuer
from tests.services.account.people import prove_all
from tests.support import EVERY_RIDE_COSTS, Client
from tests.upgrade.keep import key_of
from tests.upgrade.kept import OPEN, OVER, VERSIONS, fee, packed, put_back, restored, unpacked

DEARER = {"GBIKE_TARIFF_KRW": "700"}


class Past:
    """What was kept, which the code of today opens as often as it is asked to."""

    def open(self, more: dict[str, str] | None = None) -> tuple[Embedded, Client]:
        """All services on it, and a client that may do everything."""
        raise NotImplementedError


class Folder(Past):
    """A data folder."""

    def __init__(self, kept: Path, target: Path, mode: Mode) -> None:
        self.mode, self.folder = mode, put_back(kept / mode.name.lower(), target)

    def open(self, more: dict[str, str] | None = None) -> tuple[Embedded, Client]:
        """See Past.open."""
        env = {**EVERY_RIDE_COSTS, **UNLIMITED, **(more or {})}
        embedded = Embedded(self.folder, env, secure=self.mode is Mode.SECURE)
        if self.mode is Mode.DEMO:
            return embedded, Client(embedded.app)
        issuer = TestIssuer(embedded.clock)
        embedded.auth_mode.trust(ISSUER, issuer)  # type: ignore[attr-defined]
        return embedded, As(embedded.app, issuer.token(900, "admin"))


class Databases(Past):
    """A cluster's databases."""

    def __init__(self, kept: Path, server: Server) -> None:
        self.urls = restored(kept / "postgres", server)

    def open(self, more: dict[str, str] | None = None) -> tuple[Embedded, Client]:
        """See Past.open."""
        for spec in specs():
            migrate_url(self.urls[spec.name], spec.versions)
        house = House(self.urls, more)
        return house, Client(house.app)


@pytest.fixture(params=VERSIONS, ids=[version.name for version in VERSIONS])
def kept(request: pytest.FixtureRequest) -> Path:
    """What a version left."""
    version: Path = request.param
    return version


@pytest.fixture(params=["demo", "secure", "postgres"])
def past(kept: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Past]:
    """Each form of it."""
    if request.param != "postgres":
        yield Folder(kept, tmp_path, Mode[request.param.upper()])
        return
    server: Server = request.getfixturevalue("server")
    past = Databases(kept, server)
    yield past
    for url in past.urls.values():
        server.drop(url)


async def bills(client: Client) -> dict[int, dict[str, Any]]:
    """Every bill, by its rent."""
    return {bill["rentid"]: bill for bill in await every(client, "/billings")}


async def give_back(client: Client) -> None:
    """The returns of all rides that are under way."""
    for rentid in OPEN:
        assert (await client.patch(f"/rents/{rentid}", {"endlocation": "there"})).status == 200


async def test_what_was_left_half_way_settles(past: Past) -> None:
    embedded, client = past.open()
    await embedded.settle()
    found = await bills(client)
    assert {rentid for rentid, bill in found.items() if bill["status"] == "CLOSEBILL"} == OVER
    assert {rentid for rentid, bill in found.items() if bill["status"] == "OPENBILL"} == OPEN
    assert (await client.get("/bikeManagers/1")).json["point"] == 1_500
    assert (await client.get("/userDeposits/1")).json["deposit"] == 10_000 - found[1]["fee"] + 500
    await give_back(client)
    await embedded.settle()
    found = await bills(client)
    assert {bill["status"] for bill in found.values()} == {"CLOSEBILL"}
    assert {rentid: bill["fee"] for rentid, bill in found.items()} == {n: fee(bill) for n, bill in found.items()}
    await assert_nothing_is_violated(embedded, client)
    await embedded.stop()


async def test_rides_are_priced_by_the_tariff_they_began_under_whenever_it_changed(past: Past) -> None:
    embedded, _ = past.open()
    for name, part in embedded.parts.items():
        part.answer(stopped=name != "billing")  # who has not heard of ride 4's return, which waits in rent's outbox
    await embedded.settle()
    await embedded.stop()
    embedded, client = past.open(DEARER)
    await embedded.settle()
    await give_back(client)
    later = (await client.post("/rents", {"userid": 2, "bikeid": 1})).json["rentid"]
    await client.patch(f"/rents/{later}", {"endlocation": "here"})
    await embedded.settle()
    found = await bills(client)
    assert {n: found[n]["fee"] for n in OVER | OPEN} == {n: fee(found[n]) for n in OVER | OPEN}
    assert found[later]["fee"] == 7 * fee(found[later])
    await assert_nothing_is_violated(embedded, client)
    await embedded.stop()


@pytest.mark.parametrize("mode", list(Mode))
async def test_verify_of_a_stopped_folder_finds_nothing(kept: Path, mode: Mode, tmp_path: Path) -> None:
    past = Folder(kept, tmp_path, mode)
    assert mode_of(past.folder) is mode
    told: list[str] = []
    assert await verify.verify(past.folder, EVERY_RIDE_COSTS, told.append) == 0, told


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_backup_is_restored_and_verified(kept: Path, mode: Mode, tmp_path: Path) -> None:
    kept = kept / mode.name.lower()
    archive, target = packed(kept), tmp_path / "backup"
    backup = unpacked(archive, target) if archive else put_back(kept, target).path
    folder = DataFolder(tmp_path / "data")
    restore(backup, folder)
    assert mode_of(folder) is mode
    told: list[str] = []
    assert await verify.verify(folder, EVERY_RIDE_COSTS, told.append) == 0, told


@pytest.fixture
async def secure(kept: Path, tmp_path: Path) -> AsyncIterator[tuple[Embedded, Client]]:
    """The secure folder, settled."""
    embedded, admin = Folder(kept, tmp_path, Mode.SECURE).open()
    await embedded.settle()
    yield embedded, admin
    await embedded.stop()


async def test_a_rider_whose_ride_is_open_begins_another_after_its_return(secure: tuple[Embedded, Client]) -> None:
    embedded, admin = secure
    assert (await admin.post("/rents", {"userid": 3, "bikeid": 1})).status == 409  # rent 6 is open
    assert (await admin.patch("/rents/6", {"endlocation": "there"})).status == 200
    await embedded.settle()
    assert (await admin.post("/userDeposits/3/topUps", {"amount": 1_000_000_000}, idempotency_key="a")).status == 201
    await embedded.settle()
    assert (await admin.post("/rents", {"userid": 3, "bikeid": 1})).status == 201


async def test_an_answer_that_was_kept_is_given_again(kept: Path, tmp_path: Path) -> None:
    embedded, client = Folder(kept, tmp_path, Mode.DEMO).open()
    body = {"userid": 5, "bikeid": 8}
    replayed = await client.post("/rents", body, idempotency_key=key_of("POST", "/rents", body))
    assert (replayed.status, replayed.json["rentid"]) == (201, 7)
    assert replayed.headers["idempotent-replayed"] == "true"
    await embedded.stop()


async def test_riders_of_before_sign_in_stay_in_and_see_where(past: Past) -> None:
    embedded, _ = past.open()
    stranger = Client(embedded.app)
    rider = {"contact": "3@example.com", "password": "a bicycle at dawn"}
    if isinstance(past, Databases):  # nobody had an account there
        await stranger.post("/accounts", {"name": "A", **rider})
        await embedded.part("account").store.write(prove_all)
    session = await stranger.post("/sessions", rider)
    assert session.status == 200, session
    assert (await stranger.post("/sessions", {**rider, "password": "a bicycle at dusk"})).status == 401
    again = await stranger.post("/sessions/refresh", {"refresh_token": session.json["refresh_token"]})
    mine = As(embedded.app, again.json["access_token"])
    shown = (await mine.get(f"/accounts/{session.json['userid']}/sessions")).json["sessions"]
    assert len(shown) == 1
    assert (await mine.post(f"/accounts/{session.json['userid']}/authenticator")).status == 200, "a recent sign-in"
    await embedded.stop()
