"""Flaws 11-24: renting, returning and reporting."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from dev.simulation.mutants import FREE_ANOTHERS_BIKE, TAKE_A_TAKEN_BIKE
from dev.simulation.seams import answering, before
from gbike.contracts.rent import Returned
from gbike.kit import settings
from gbike.kit.auth.rules import PUBLIC
from gbike.kit.calls.in_process import InProcessCaller
from gbike.kit.calls.peers import DEADLINE_HEADER, PeerAnswer
from gbike.kit.http.app import Operation
from gbike.kit.http.request import Request, Response
from gbike.services.bike import commands as bike_commands
from gbike.services.bike import domain as bike_domain
from gbike.services.bike import http as bike_http
from gbike.services.bike import storage as bikes
from gbike.services.bike import wiring as bike_wiring
from gbike.services.rent import domain as rent_domain
from gbike.services.rent import http as rent_http
from gbike.services.rent import saga as rent_saga
from gbike.services.rent import storage as rents
from gbike.services.rent import wiring as rent_wiring
from tests.flaws.planting import Town, a_town, flaw, held_up, replacing


async def bike_is(town: Town, bikeid: int = 1) -> str:
    """The public status of a bike."""
    return str((await town.see(f"/bikes/{bikeid}"))["status"])


@flaw(11, TAKE_A_TAKEN_BIKE)
async def test_flaw_11_two_riders_never_get_one_bike() -> None:
    """Bike looked first and set the status later; here one conditional update decides who has it."""
    town = await a_town()
    wishes = [town.client.post("/rents", {"userid": rider, "bikeid": 1}) for rider in range(1, 51)]
    answers = sorted(reply.status for reply in await asyncio.gather(*wishes))
    assert answers == [201] + [409] * 49
    assert len(await town.many("rents")) == 1


async def _take_it(http: bike_http.BikeHttp, request: Request) -> Response:
    await http._store.write(bike_commands.reserve_a_bike, request.id("bikeid"), 999, lambda: False)
    return Response(200, True)


@flaw(12, replacing(bike_http.BikeHttp, "old_check", _take_it))
async def test_flaw_12_reading_never_changes_a_bike() -> None:
    """A GET that anyone could send took bikes; here it is gone, and what takes a bike is not behind the public door."""
    town = await a_town()
    gone = await town.client.get("/bikes/chkAndUpdateStatus?bikeid=1")
    assert await bike_is(town) == "사용가능"
    assert (gone.status, gone.json["instead"]) == (410, "POST /rents")
    assert (await town.client.get("/bikes/getReportAndUpdate?bikeid=1&batterylevel=5&usableyn=false")).status == 410
    assert (await town.client.put("/internal/bikes/1/reservations/1", {})).status == 404
    assert await bike_is(town) == "사용가능"


def _leftover_sleep(patch: pytest.MonkeyPatch) -> None:
    reserve = bike_http.BikeHttp.reserve

    async def sleepy(http: bike_http.BikeHttp, request: Request) -> Response:
        await asyncio.sleep(0.4)
        return await reserve(http, request)

    patch.setattr(bike_http.BikeHttp, "reserve", sleepy)


@flaw(13, _leftover_sleep)
async def test_flaw_13_no_test_delay_is_left_in_a_rent() -> None:
    """Bike slept 400-620 ms at random before it answered; here a delay exists only where the demo's faults set one."""
    town = await a_town()
    assert all(part.delay is None for part in town.all.parts.values())
    slept: list[float] = []

    async def noted(seconds: float) -> None:
        slept.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "sleep", noted)
        await town.rent()
    assert not any(slept)


def _one_timeout_for_all(patch: pytest.MonkeyPatch) -> None:
    load = settings.load
    wrong = {"GBIKE_RENT_DEADLINE_MS": "610", "GBIKE_REPORT_DEADLINE_MS": "610"}
    patch.setattr(settings, "load", lambda kind, env: load(kind, {**env, **wrong}))


@flaw(14, _one_timeout_for_all)
async def test_flaw_14_bike_has_1200_ms_for_a_rent_and_600_ms_for_a_report() -> None:
    """The text said 1200 and 600 ms, the code 610 for both; here each is a setting of its own, and bike is told."""
    town = await a_town()
    told: list[int] = []
    call = InProcessCaller.call

    async def overheard(
        caller: InProcessCaller, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> PeerAnswer:
        told.append(int(headers[DEADLINE_HEADER]))
        return await call(caller, method, path, body, headers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InProcessCaller, "call", overheard)
        await town.rent()
        await town.client.post("/bikeManageApps", {"managerid": 1, "bikeid": 1, "batterylevel": 50})
    assert told == [1200, 600]


def _undo_nothing(*_args: object) -> None:
    return None


@flaw(
    15,
    replacing(rent_saga, "give_up_the_wish", _undo_nothing),
    answering(bikes, "release", None),
)
async def test_flaw_15_a_bike_that_answered_too_late_ends_free() -> None:
    """A time-out left the bike 사용중 without a rent; here the rent is cancelled and says so, and bike frees it."""
    town = await a_town(rent_deadline_ms="100")
    async with held_up():  # and then the late reservation arrives
        reply = await town.client.post("/rents", {"userid": 1, "bikeid": 1})
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    await town.all.settle()
    assert await bike_is(town) == "사용가능"
    assert await town.rows("rent", "SELECT status FROM rents") == [("cancelled",)]
    await town.rent()


@flaw(16, replacing(rent_wiring, "REFUSALS", {}))
async def test_flaw_16_a_refused_rent_says_why_and_when_to_try_again() -> None:
    """Taken, slow and broken were all a 500; here they are 409, 404 and 503 with Retry-After, each a named problem."""
    town = await a_town()
    await town.rent()
    seen = []
    for bikeid in (1, 404):
        reply = await town.client.post("/rents", {"userid": 2, "bikeid": bikeid})
        seen.append((reply.status, reply.json["type"].partition("#")[2], reply.headers.get("retry-after")))
    await town.all.part("bike").stop()
    reply = await town.client.post("/rents", {"userid": 2, "bikeid": 2})
    seen.append((reply.status, reply.json["type"].partition("#")[2], reply.headers.get("retry-after")))
    assert seen == [
        (409, "bike-unavailable", None),
        (404, "bike-unknown", None),
        (503, "bike-service-unavailable", "2"),
    ]


def _again(patch: pytest.MonkeyPatch) -> None:
    def load(read: Any, rentid: int) -> rent_domain.KnownRent:
        rent = found(read, rentid)
        if isinstance(rent, rent_domain.ReturnedRent):
            return rent_domain.OpenRent(rent.rentid, rent.userid, rent.bikeid, rent.started_ms)
        return rent

    found = rents.load
    patch.setattr(rents, "load", load)


@flaw(17, replacing(rent_http.RentReturn, "is_a_return", True), _again)
async def test_flaw_17_only_a_return_returns_and_a_second_one_changes_nothing() -> None:
    """Any PATCH was a return, each with a new end and a new fee; here a second return answers the first result."""
    town = await a_town()
    rentid = await town.rent()
    assert (await town.client.patch(f"/rents/{rentid}", {})).json["status"] == "rented"
    assert (await town.client.patch(f"/rents/{rentid}", {"fee": 0, "starttime": "now"})).json["status"] == "rented"
    town.clock.at_ms += 5_000
    first = await town.give_back(rentid, "서현역")
    await town.all.settle()
    town.clock.at_ms += 60_000
    assert await town.give_back(rentid, "판교역") == first
    await town.all.settle()
    assert [bill["fee"] for bill in await town.many("billings")] == [500]
    assert len(await town.published("Returned")) == 1


@flaw(18, FREE_ANOTHERS_BIKE)
async def test_flaw_18_a_return_told_again_never_frees_the_next_riders_bike() -> None:
    """Any Returned freed the bike; here only the rent that rides it can (fencing)."""
    town = await a_town()
    old = await town.ride()
    await town.rent(userid=2)
    await town.tell("rent", Returned(rentid=old, userid=1, bikeid=1, status="returned", endtime=5, starttime=1))
    assert await bike_is(town) == "사용중"
    assert (await town.client.post("/rents", {"userid": 3, "bikeid": 1})).status == 409


@flaw(19, before(bikes, "release", "UPDATE bikes SET broken = 0 WHERE bikeid = ?", lambda bikeid, *_: (bikeid,)))
async def test_flaw_19_a_broken_bike_stays_broken_when_it_is_returned() -> None:
    """A return wrote 사용가능 over 불량; here the marks of staff and the ride are facts of their own."""
    town = await a_town()
    rentid = await town.rent()
    report = {"managerid": 1, "bikeid": 1, "batterylevel": 10, "usableyn": "false"}
    assert (await town.client.post("/bikeManageApps", report)).status == 201
    assert await bike_is(town) == "사용중"
    await town.give_back(rentid)
    await town.all.settle()
    assert await bike_is(town) == "불량"
    assert (await town.client.post("/rents", {"userid": 2, "bikeid": 1})).status == 409


@flaw(20, before(bikes, "release", "UPDATE bikes SET location = NULL WHERE bikeid = ?", lambda bikeid, *_: (bikeid,)))
async def test_flaw_20_a_return_without_a_place_keeps_the_bikes_last_one() -> None:
    """A return without a place made the bike's location null; here the place is optional and the old one stays."""
    town = await a_town()
    rentid = await town.rent()
    assert (await town.client.patch(f"/rents/{rentid}", {"status": "RETURNED"})).json["status"] == "returned"
    await town.all.settle()
    bike = await town.see("/bikes/1")
    assert (bike["status"], bike["location"]) == ("사용가능", "정자역")


_reported = bike_domain.reported


def _never_clearing(bike: bike_domain.Bike, batterylevel: int, usableyn: bool | None) -> bike_domain.Bike:
    return _reported(bike, batterylevel, None if usableyn else usableyn)


@flaw(21, replacing(bike_domain, "reported", _never_clearing))
async def test_flaw_21_a_report_mends_a_bike_too_and_a_typo_breaks_none() -> None:
    """`yes` meant false, nothing ever cleared 불량, bad values were a 500; here the field is named."""
    town = await a_town()
    fine = {"managerid": "1", "bikeid": "1", "batterylevel": "50", "usableyn": "true"}
    bad: Sequence[tuple[str, Any]] = (
        ("usableyn", "yes"),
        ("batterylevel", -5),
        ("batterylevel", 9999),
        ("batterylevel", None),
        ("bikeid", None),
        ("bikeid", "abc"),
    )
    for field, value in bad:
        reply = await town.client.post("/bikeManageApps", {**fine, field: value})
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), (field, value)
    assert (await town.client.post("/bikeManageApps", {**fine, "bikeid": 404})).status == 404
    assert await bike_is(town) == "사용가능"
    for usable, status in (("false", "불량"), ("true", "사용가능")):
        assert (await town.client.post("/bikeManageApps", {**fine, "usableyn": usable})).status == 201
        assert await bike_is(town) == status


@flaw(22, replacing(rents, "open_rents", lambda tx, userid: 0))
async def test_flaw_22_a_rider_has_no_more_open_rents_than_the_setting_allows() -> None:
    """Riders without a number and with any number of open rents were accepted; here both are refused."""
    town = await a_town(max_open_rents_per_rider="1")
    for rider in (None, "", 0, -1, "null"):
        assert (await town.client.post("/rents", {"userid": rider, "bikeid": 1})).status == 422
    wishes = [town.client.post("/rents", {"userid": 1, "bikeid": bikeid}) for bikeid in (1, 2)]
    assert sorted(reply.status for reply in await asyncio.gather(*wishes)) == [201, 409]
    await town.all.settle()
    assert sorted([await bike_is(town, 1), await bike_is(town, 2)]) == ["사용가능", "사용중"]


@flaw(23, before(bikes, "add", "DELETE FROM bikes WHERE bikeid = ?", lambda bike: (bike.bikeid,)))
async def test_flaw_23_a_client_writes_only_its_own_fields_and_only_new_things() -> None:
    """POST with an existing number overwrote it, and clients set status and start; here 409, and those are ignored."""
    town = await a_town()
    rentid = await town.rent()
    again = {"bikeid": 1, "status": "사용가능", "location": "훔친 곳"}
    assert (await town.client.post("/bikes", again)).status == 409
    bike = await town.see("/bikes/1")
    assert (bike["status"], bike["location"]) == ("사용중", "정자역")
    hijack = {"rentid": rentid, "userid": 2, "bikeid": 2, "status": "returned", "starttime": "2001-01-01T00:00:00Z"}
    reply = await town.client.post("/rents", hijack)
    assert (reply.status, reply.json["rentid"], reply.json["status"]) == (201, rentid + 1, "rented")
    assert reply.json["starttime"].startswith("2026-")
    assert (await town.see(f"/rents/{rentid}"))["status"] == "rented"


def _deletable(patch: pytest.MonkeyPatch) -> None:
    async def forget(request: Request) -> Response:
        return Response(204)

    more = Operation("DELETE", "/bikes/{bikeid}", forget, "Forget a bike", PUBLIC)
    made = bike_wiring.operations
    patch.setattr(bike_wiring, "operations", lambda *args, **named: [*made(*args, **named), more])


@flaw(24, _deletable)
async def test_flaw_24_nothing_with_a_history_is_deleted() -> None:
    """DELETE removed open rents, bills and ridden bikes without a word; here it is 405, and a bike is retired."""
    town = await a_town()
    await town.ride()
    await town.client.post("/bikeManageApps", {"managerid": 1, "bikeid": 1, "batterylevel": 50})
    await town.all.settle()
    every = ("rents", "bikes", "billings", "userDeposits", "rentAndBillingViews", "bikeManageApps", "bikeManagers")
    for collection, number in itertools.product(every, ("", "/1")):
        assert (await town.client.delete(f"/{collection}{number}")).status == 405
        assert (await town.client.get(f"/{collection}{number}")).status == 200
    assert (await town.client.post("/bikes/1/retirement")).json["retired"] is True
    assert (await town.client.post("/rents", {"userid": 1, "bikeid": 1})).status == 409
