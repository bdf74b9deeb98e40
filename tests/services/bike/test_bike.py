"""A bike: who may have it, what staff may do to it, and that messages in any order leave it right."""

from itertools import permutations, product
from typing import Any
from urllib.parse import quote

import pytest

from gbike.contracts.rent import RentCancelled, Returned
from gbike.services.bike.domain import (
    STAFF,
    Bike,
    BikeIsRidden,
    Hold,
    Location,
    Status,
    a_new_bike,
    marked,
    reported,
    retired,
)
from gbike.services.bike.wiring import SPEC
from tests.services.lone import NOON, Lone

AVAILABLE = Status.AVAILABLE
IN_USE = Status.IN_USE
BROKEN = Status.BROKEN


def a_bike(rentid: int | None = None, held: bool = False, broken: bool = False, gone: bool = False) -> Bike:
    """A bike with these marks."""
    holds = (Hold(STAFF),) if held else ()
    return Bike(1, Location("정자역"), 80, rentid, len(holds), broken=broken, retired=gone, version=1, holds=holds)


async def found(lone: Lone, query: str) -> tuple[list[int], int]:
    """The numbers of the bikes that a list begins with, and how many there are in all."""
    page = (await lone.client.get(f"/bikes?{quote(query, safe='=&,')}")).json
    return [bike["bikeid"] for bike in page["_embedded"]["bikes"]], page["page"]["totalElements"]


async def test_a_rider_s_list_begins_with_the_available_bikes_that_are_near() -> None:
    """In Bundang a degree east is a fifth shorter than a degree north; a bike nobody knows where comes last."""
    lone = Lone(SPEC)
    places = {
        1: (37.40, 127.10),
        2: (37.3670, 127.1120),
        3: (37.3707, 127.1083),
        4: (None, None),
        5: (37.3671, 127.1083),
    }
    for bikeid, (lat, lon) in places.items():
        await lone.client.post("/bikes", {"bikeid": bikeid, "lat": lat, "lon": lon})
    for bikeid, status in ((6, IN_USE), (7, BROKEN)):
        await lone.client.post("/bikes", {"bikeid": bikeid, "lat": 37.367, "lon": 127.1083, "status": status})
    assert await found(lone, f"status={AVAILABLE}&near=37.3670,127.1083") == ([5, 2, 3, 1, 4], 5)
    assert await found(lone, f"status={AVAILABLE}&near=37.3670,127.1083&size=2&page=1") == ([3, 1], 5)
    assert await found(lone, "near=37.3670,127.1083&size=2") == ([6, 7], 7)
    assert await found(lone, f"status={IN_USE}") == ([6], 1)
    assert await found(lone, f"status={BROKEN}") == ([7], 1)
    assert await found(lone, f"status={AVAILABLE}&size=2") == ([1, 2], 5)


@pytest.mark.parametrize("near", ["", "37", "37,", "a,b", "37,127,1", "91,0", "0,181", "nan,0", "1e1,0", "37.1;127"])
async def test_a_place_that_is_none_is_refused(near: str) -> None:
    reply = await Lone(SPEC).client.get(f"/bikes?near={near}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "near")


async def test_a_status_that_no_bike_has_is_refused() -> None:
    reply = await Lone(SPEC).client.get("/bikes?status=free")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "status")


@pytest.mark.parametrize(("rentid", "held", "broken"), list(product((None, 5), (False, True), (False, True))))
def test_the_status_is_derived_from_the_ride_and_the_marks_of_staff(
    rentid: int | None, held: bool, broken: bool
) -> None:
    expected = IN_USE if rentid or held else BROKEN if broken else AVAILABLE
    assert a_bike(rentid, held, broken).status is expected


@pytest.mark.parametrize(
    ("status", "held", "broken"), [(AVAILABLE, False, False), (IN_USE, True, False), (BROKEN, False, True)]
)
def test_a_bike_registered_as_in_use_is_held_by_staff(status: Status, held: bool, broken: bool) -> None:
    bike = a_new_bike(1, status, Location(), None)
    assert (bike.held, bike.broken, bike.rentid, bike.status) == (held, broken, None, status)


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        (a_bike(), AVAILABLE, a_bike()),
        (a_bike(), IN_USE, a_bike(held=True)),
        (a_bike(), BROKEN, a_bike(broken=True)),
        (a_bike(held=True), AVAILABLE, a_bike()),
        (a_bike(held=True, broken=True), AVAILABLE, a_bike()),
        (a_bike(broken=True), IN_USE, a_bike(held=True, broken=True)),
        (a_bike(broken=True), AVAILABLE, a_bike()),
        (a_bike(5), IN_USE, a_bike(5)),
        (a_bike(5), BROKEN, a_bike(5, broken=True)),
        (a_bike(5), AVAILABLE, None),
        (a_bike(5, broken=True), AVAILABLE, None),
    ],
)
def test_an_operator_sets_and_clears_marks_but_never_ends_a_ride(
    before: Bike, asked: Status, after: Bike | None
) -> None:
    if after is None:
        with pytest.raises(BikeIsRidden):
            marked(before, asked)
    else:
        assert marked(before, asked) == after


@pytest.mark.parametrize(("broken", "usable"), list(product((False, True), (None, False, True))))
def test_a_report_clears_broken_but_never_held(broken: bool, usable: bool | None) -> None:
    bike = reported(a_bike(held=True, broken=broken), 40, usable)
    assert bike.held
    assert bike.broken is (broken if usable is None else not usable)
    assert bike.batterylevel == 40


LOST = "UPDATE bikes SET rentid = 5 WHERE bikeid = 1"
"""As two writers of an older version left it: the rent's tombstone was not seen by the reservation, nor the other way
round."""


async def with_a_lost_bike() -> Lone:
    """Bike with bike 1, which carries the number of a cancelled rent."""
    lone = await with_a_bike()
    await lone.tell(cancelled(5))
    await lone.store.write(lambda tx: tx.execute(LOST))
    return lone


async def test_an_operator_frees_a_bike_that_carries_a_rent_which_is_over() -> None:
    lone = await with_a_lost_bike()
    freed = await lone.client.patch("/bikes/1", {"status": "사용가능"})
    assert (freed.status, freed.json["status"]) == (200, "사용가능")
    assert await lone.rows("SELECT rentid, version FROM bikes") == [(None, 2)]
    published = (await lone.published())[-1]
    assert (published["eventType"], published["status"], published["rentid"]) == ("UpdatedBike", "사용가능", 5)
    deeds = await lone.rows("SELECT subject, before, after FROM audit WHERE action = 'bike freed'")
    assert deeds == [("bike:1", '{"rentid":5}', '{"rentid":null}')]
    assert await reserve(lone, 6) == 200


async def test_a_bike_that_carries_a_rent_which_is_over_is_retired_too() -> None:
    lone = await with_a_lost_bike()
    assert (await lone.client.post("/bikes/1/retirement")).status == 200
    assert await lone.rows("SELECT rentid, retired FROM bikes") == [(None, 1)]


async def test_a_bike_that_is_really_ridden_is_freed_by_nobody() -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    refused = await lone.client.patch("/bikes/1", {"status": "사용가능"})
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "bike-is-ridden")
    assert await lone.rows("SELECT rentid FROM bikes") == [(5,)]


async def test_another_change_of_a_lost_bike_does_not_free_it() -> None:
    lone = await with_a_lost_bike()
    assert (await lone.client.patch("/bikes/1", {"batterylevel": 3})).status == 200
    assert await lone.rows("SELECT rentid, batterylevel FROM bikes") == [(5, 3)]


def test_a_ridden_bike_is_not_retired() -> None:
    with pytest.raises(BikeIsRidden):
        retired(a_bike(5))
    assert retired(a_bike()).retired


async def with_a_bike(**more: Any) -> Lone:
    """Bike with bike 1."""
    lone = Lone(SPEC)
    assert (await lone.client.post("/bikes", {"bikeid": 1, "location": "정자역", **more})).status == 201
    return lone


async def test_a_reservation_is_answered_with_where_the_bike_stands_and_again_the_same() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1, "location": "정자역", "lat": 37.367, "lon": 127.1083})
    await lone.client.post("/bikes", {"bikeid": 2})
    had = [(await lone.client.put("/internal/bikes/1/reservations/5", {})).json for _ in range(2)]
    assert had == [{"bikeid": 1, "rentid": 5, "location": "정자역", "lat": 37.367, "lon": 127.1083}] * 2
    nowhere = (await lone.client.put("/internal/bikes/2/reservations/6", {})).json
    assert (nowhere["location"], nowhere["lat"], nowhere["lon"]) == (None, None, None)


async def reserve(lone: Lone, rentid: int, bikeid: int = 1) -> int:
    """What a rent's wish for the bike is answered."""
    return (await lone.client.put(f"/internal/bikes/{bikeid}/reservations/{rentid}")).status


async def status_of(lone: Lone) -> str:
    """The public status of bike 1."""
    return str((await lone.client.get("/bikes/1")).json["status"])


def returned(rentid: int, place: str | None = "서현역") -> Returned:
    """The ride of this rent is over."""
    return Returned(rentid=rentid, userid=1, bikeid=1, status="returned", endtime=NOON, endlocation=place)


def cancelled(rentid: int) -> RentCancelled:
    """This rent did not begin."""
    return RentCancelled(rentid=rentid, userid=1, bikeid=1, reason="PeerTimeout")


async def test_a_bike_is_reserved_for_one_rent_however_often_it_asks() -> None:
    lone = await with_a_bike()
    assert [await reserve(lone, 5), await reserve(lone, 5), await reserve(lone, 6)] == [200, 200, 409]
    assert [published["eventType"] for published in await lone.published()] == ["RegisteredBike", "ChkAndUpdatedStatus"]


async def test_a_refused_rent_leaves_a_tombstone_and_never_gets_the_bike_later() -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    assert await reserve(lone, 6) == 409
    await lone.tell(returned(5))
    assert await status_of(lone) == "사용가능"
    assert await reserve(lone, 6) == 409
    assert await status_of(lone) == "사용가능"


async def test_a_refused_reservation_that_is_delivered_twice_is_refused_alike_both_times() -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    first = await lone.client.put("/internal/bikes/1/reservations/6")
    await lone.tell(returned(5))
    second = await lone.client.put("/internal/bikes/1/reservations/6")
    assert (first.status, first.json["bikestatus"]) == (409, "사용중")
    assert (second.status, second.json["bikestatus"]) == (409, "사용중")


async def test_a_reservation_after_its_own_cancellation_is_refused() -> None:
    lone = await with_a_bike()
    await lone.tell(cancelled(5))
    assert await reserve(lone, 5) == 410
    assert await status_of(lone) == "사용가능"


@pytest.mark.parametrize("more", [{"status": "사용중"}, {"status": "불량"}])
async def test_a_bike_out_of_service_is_never_reserved(more: dict[str, str]) -> None:
    lone = await with_a_bike(**more)
    assert await reserve(lone, 5) == 409


async def test_an_unknown_bike_is_a_404_and_its_rent_is_buried() -> None:
    lone = Lone(SPEC)
    assert [await reserve(lone, 5), await reserve(lone, 5)] == [404, 404]
    assert (await lone.client.post("/bikes", {"bikeid": 1})).status == 201
    assert await reserve(lone, 5) == 404
    assert await status_of(lone) == "사용가능"


async def test_a_retired_bike_is_gone_from_the_list_and_never_reserved() -> None:
    lone = await with_a_bike()
    assert (await lone.client.post("/bikes/1/retirement")).json["retired"] is True
    assert await reserve(lone, 5) == 409
    listed = (await lone.client.get("/bikes")).json
    assert (listed["_embedded"]["bikes"], listed["page"]["totalElements"]) == ([], 0)


@pytest.mark.parametrize(
    "order", list(permutations([returned(5), returned(5), cancelled(6), returned(4, "판교역")])), ids=str
)
async def test_messages_in_any_order_free_only_the_ride_they_speak_of(order: list[Any]) -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    await lone.tell(*order)
    bike = (await lone.client.get("/bikes/1")).json
    assert (bike["status"], bike["location"]) == ("사용가능", "서현역")
    assert await reserve(lone, 7) == 200
    await lone.tell(*order)
    assert await status_of(lone) == "사용중"
    await lone.stop()


async def test_what_the_caller_no_longer_waits_for_is_not_done() -> None:
    lone = await with_a_bike()
    late = await lone.client.send("PUT", "/internal/bikes/1/reservations/5", {}, x_gbike_deadline_ms="0")
    assert late.status == 503
    assert await status_of(lone) == "사용가능"


async def report(lone: Lone, reportid: int, battery: int, usable: bool | None = None) -> int:
    """What bikeManageApp is answered."""
    body = {"batterylevel": battery, "usableyn": usable}
    return (await lone.client.put(f"/internal/bikes/1/reports/{reportid}", body)).status


@pytest.mark.parametrize("order", list(permutations([(1, 10), (2, 20), (3, 30)])), ids=str)
async def test_the_newest_report_stands_in_whatever_order_reports_come(order: list[tuple[int, int]]) -> None:
    lone = await with_a_bike()
    for reportid, battery in (*order, *order):
        assert await report(lone, reportid, battery) == 200
    assert (await lone.client.get("/bikes/1")).json["batterylevel"] == 30
    await lone.stop()


async def test_a_bike_reported_broken_on_its_ride_is_broken_after_it() -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    assert await report(lone, 1, 50, usable=False) == 200
    assert await status_of(lone) == "사용중"
    await lone.tell(returned(5))
    assert await status_of(lone) == "불량"
    await report(lone, 2, 50, usable=True)
    assert await status_of(lone) == "사용가능"


async def test_put_clears_what_is_not_sent_but_never_the_status_and_patch_keeps_it() -> None:
    lone = await with_a_bike(batterylevel=70)
    patched = (await lone.client.patch("/bikes/1", {"batterylevel": "60"})).json
    assert (patched["location"], patched["batterylevel"]) == ("정자역", 60)
    replaced = (await lone.client.put("/bikes/1", {"location": "판교역"})).json
    assert (replaced["location"], replaced["batterylevel"], replaced["status"]) == ("판교역", None, "사용가능")
    assert (await lone.client.put("/bikes/2", {"location": "판교역"})).status == 404


async def test_an_operator_can_not_free_a_ridden_bike() -> None:
    lone = await with_a_bike()
    await reserve(lone, 5)
    assert (await lone.client.patch("/bikes/1", {"status": "사용가능"})).status == 409
    assert (await lone.client.post("/bikes/1/retirement")).status == 409
    assert await status_of(lone) == "사용중"


async def test_what_was_said_of_a_bike_can_be_read_newest_first_and_of_no_other() -> None:
    lone = Lone(SPEC)
    for bikeid in (1, 11):
        await lone.client.post("/bikes", {"bikeid": bikeid, "location": "정자역"})
    await lone.client.patch("/bikes/1", {"batterylevel": 40})
    published = (await lone.client.get("/bikes/1/events")).json
    assert [event["type"] for event in published["_embedded"]["events"]] == ["UpdatedBike", "RegisteredBike"]
    assert (published["_embedded"]["events"][0]["facts"]["batterylevel"], published["page"]["totalElements"]) == (40, 2)
    assert (await lone.client.get("/bikes/2/events")).status == 404


async def test_a_bike_was_last_seen_when_somebody_stood_at_it_and_not_when_a_desk_changed_it() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1})
    registered = (await lone.client.get("/bikes/1")).json["lastseen"]
    lone.clock.at_ms += 60_000
    await lone.client.patch("/bikes/1", {"batterylevel": 40})
    assert (await lone.client.get("/bikes/1")).json["lastseen"] == registered
    seen = [registered]
    for step in (
        lambda: lone.client.put("/internal/bikes/1/reports/5", {"batterylevel": 30}),
        lambda: lone.client.put("/internal/bikes/1/reservations/9"),
        lambda: lone.tell(Returned(rentid=9, userid=3, bikeid=1, status="returned", endtime=NOON, starttime=NOON)),
    ):
        lone.clock.at_ms += 60_000
        await step()
        seen.append((await lone.client.get("/bikes/1")).json["lastseen"])
    assert seen == sorted(set(seen))


async def test_the_answer_to_a_report_names_the_newest_that_changed_the_bike() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1, "batterylevel": 50})

    async def changed_by(reportid: int, battery: int, usableyn: bool | None = None) -> int:
        body = {"batterylevel": battery, "usableyn": usableyn}
        reply = await lone.client.put(f"/internal/bikes/1/reports/{reportid}", body)
        return int(reply.json["changedby"])

    assert await changed_by(1, 50) == 0
    assert await changed_by(2, 40) == 2
    assert await changed_by(3, 40, usableyn=True) == 2
    assert await changed_by(4, 40, usableyn=False) == 4
    assert [await changed_by(4, 40, usableyn=False), await changed_by(2, 10)] == [4, 4], "doubled, and too late"
