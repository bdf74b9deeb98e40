"""Where a bike is: what riders and staff tell of it, what is no position, and the places that are known."""

from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.rent import Returned
from gbike.services.bike.wiring import SPEC
from tests.services.lone import NOON, Lone

STATION, PARK = (37.3670, 127.1083), (37.3500, 127.1000)
HOME = (37.3600, 127.1050)
RIDER, ANOTHER = 3, 4


async def town() -> Lone:
    """Bike 1 at a station, and a park where another one was registered."""
    lone = Lone(SPEC)
    for bikeid, name, (lat, lon) in ((2, "공원", PARK), (1, "정자역", STATION)):
        made = await lone.client.post("/bikes", {"bikeid": bikeid, "location": name, "lat": lat, "lon": lon})
        assert made.status == 201
    return lone


async def ride(lone: Lone, rentid: int, userid: int = RIDER, **told: Any) -> Any:
    """Bike 1 after a ride that ended so, a minute after the one before."""
    lone.clock.at_ms += 60_000
    assert (await lone.client.put(f"/internal/bikes/1/reservations/{rentid}")).status == 200
    facts: dict[str, Any] = {"rentid": rentid, "userid": userid, "bikeid": 1, "status": "returned"}
    await lone.tell(Returned(**facts, endtime=lone.clock.at_ms, starttime=NOON, **told))
    return await shown(lone)


async def shown(lone: Lone) -> Any:
    """Bike 1 as staff see it."""
    return (await lone.client.get("/bikes/1")).json


def where(bike: Any) -> tuple[Any, Any]:
    """Its present position."""
    return bike["lat"], bike["lon"]


def point(bike: Any) -> tuple[Any, Any, Any, Any]:
    """The point that was known last: where, by whom, whether it is stale."""
    known = bike["point"]
    return known["lat"], known["lon"], known["by"], known["stale"]


async def places(lone: Lone, query: str = "") -> list[str]:
    """The names of a list of places."""
    page = (await lone.client.get(f"/places{quote(query, safe='?=&,')}")).json
    return [place["name"] for place in page["_embedded"]["places"]]


async def test_a_position_that_the_rider_sends_is_the_bikes_point_with_its_moment_and_source() -> None:
    lone = await town()
    bike = await ride(lone, 5, endlocation="집 앞", lat=HOME[0], lon=HOME[1])
    assert (where(bike), point(bike), bike["point"]["accuracy"]) == (HOME, (*HOME, "rider", False), None)
    assert bike["point"]["at"] == bike["lastseen"]
    measured = lone.clock.at_ms + 58_000
    bike = await ride(lone, 6, endlocation="집 앞", lat=HOME[0], lon=HOME[1], accuracy=12.5, measuredat=measured)
    assert (point(bike), bike["point"]["accuracy"]) == ((*HOME, "phone", False), 12.5)
    assert bike["point"]["at"] < bike["lastseen"]
    published = (await lone.published())[-1]
    assert (published["pointat"], published["pointby"], published["accuracy"]) == (measured, "phone", 12.5)


@pytest.mark.parametrize("name", ["공원", " 공원\t", normalize("NFD", "공원")])
async def test_a_text_that_names_a_known_place_sets_that_places_point(name: str) -> None:
    lone = await town()
    bike = await ride(lone, 5, endlocation=name)
    assert (where(bike), point(bike), bike["location"]) == (PARK, (*PARK, "place", False), "공원")


async def test_a_place_is_known_by_the_name_that_riders_read() -> None:
    """Operators write _ where the pages show a blank."""
    lone = await town()
    body = {"bikeid": 3, "location": "수내역_1번_출구", "lat": HOME[0], "lon": HOME[1]}
    assert (await lone.client.post("/bikes", body)).status == 201
    bike = await ride(lone, 5, endlocation="수내역 1번 출구")
    assert (where(bike), point(bike)) == (HOME, (*HOME, "place", False))
    assert await places(lone, "?q=역 1번") == await places(lone, "?q=1번_출구") == ["수내역_1번_출구"]


async def test_another_text_keeps_the_old_point_and_marks_it_stale() -> None:
    """On no map, last in every list by distance, and listed all the same."""
    lone = await town()
    bike = await ride(lone, 5, endlocation="집 앞")
    assert (bike["location"], where(bike), point(bike)) == ("집 앞", (None, None), (*STATION, "staff", True))
    published = (await lone.published())[-1]
    assert (published["lat"], published["lon"], published["stale"]) == (None, None, True)
    near = (await lone.client.get("/bikes?near=37.3670,127.1083")).json["_embedded"]["bikes"]
    assert [one["bikeid"] for one in near] == [2, 1]
    bike = await ride(lone, 6, endlocation="공원")
    assert point(bike) == (*PARK, "place", False), "until it is known again"


@pytest.mark.parametrize("text", [None, "", "  "])
async def test_without_text_and_position_the_place_stays_as_it_was(text: str | None) -> None:
    lone = await town()
    bike = await ride(lone, 5, endlocation=text)
    assert (bike["status"], bike["location"], where(bike), point(bike)) == (
        *("사용가능", "정자역", STATION),
        (*STATION, "staff", False),
    )


@pytest.mark.parametrize(
    ("lat", "lon", "why"),
    [
        *((0.0, 0.0, "zero"), (37.36, None, "half"), (None, 127.1, "half")),
        *((35.1, 129.0, "far"), (52.5, 13.4, "far"), (36.4671, 127.1083, None)),
    ],
)
async def test_a_position_that_is_none_is_left_out_of_a_return_and_said(
    lat: float | None, lon: float | None, why: str | None
) -> None:
    """Also where an older rent sends it on."""
    lone = await town()
    bike = await ride(lone, 5, endlocation="공원", lat=lat, lon=lon)
    assert where(bike) == ((lat, lon) if why is None else PARK)
    assert (await lone.published())[-1].get("noposition") == why


async def test_what_is_swapped_is_told_from_what_is_far() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 1, "location": "Kampala", "lat": 0.3, "lon": 32.6})
    registered = await lone.client.post("/bikes", {"bikeid": 2, "location": "Kampala 2", "lat": 32.6, "lon": 0.3})
    assert (registered.status, registered.json["noposition"], registered.json["point"]) == (201, "swapped", None)
    assert await places(lone) == ["Kampala", "Kampala 2"]


@pytest.mark.parametrize(("lat", "lon"), [(0, 0), (37.4, None), ("127.1083", "37.3670"), (35.1, 129.0)])
async def test_what_staff_send_is_judged_by_the_same_rule(lat: Any, lon: Any) -> None:
    why = {0: "zero", 37.4: "half", "127.1083": "swapped", 35.1: "far"}[lat]
    lone = await town()
    body = {"lat": lat, "lon": lon, "batterylevel": 40}
    patched = await lone.client.patch("/bikes/1", body)
    assert (patched.status, patched.json["noposition"], patched.json["batterylevel"]) == (200, why, 40)
    assert point(patched.json) == (*STATION, "staff", False)
    put = await lone.client.put("/bikes/1", {**body, "location": "정자역"})
    assert (put.status, put.json["noposition"], point(put.json)) == (200, why, (*STATION, "place", False))
    registered = await lone.client.post("/bikes", {"bikeid": 3, **body})
    assert (registered.status, registered.json["noposition"], where(registered.json)) == (201, why, (None, None))
    assert [event.get("noposition") for event in await lone.published()][-3:] == [why] * 3
    assert (await shown(lone))["noposition"] is None, "it is said once, and kept nowhere"


@pytest.mark.parametrize("value", ["east", "1e1", True, [1]])
async def test_what_is_no_number_is_refused(value: Any) -> None:
    reply = await Lone(SPEC).client.post("/bikes", {"bikeid": 1, "lat": value, "lon": 127.0})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "lat")


async def test_without_a_known_point_nothing_is_far() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikes", {"bikeid": 9, "location": "정자역"})
    for bikeid, (lat, lon) in enumerate(((37.4, 127.1), (35.1, 129.0)), start=1):
        made = await lone.client.post("/bikes", {"bikeid": bikeid, "lat": lat, "lon": lon})
        assert (made.json["noposition"], where(made.json)) == (None, (lat, lon))


async def test_staff_who_only_name_another_place_move_the_bike_there_or_nobody_knows_where() -> None:
    lone = await town()
    assert point((await lone.client.patch("/bikes/1", {"location": "공원"})).json) == (*PARK, "place", False)
    assert point((await lone.client.patch("/bikes/1", {"location": "창고"})).json) == (*PARK, "place", True)
    back = {"lat": HOME[0], "lon": HOME[1]}
    assert point((await lone.client.patch("/bikes/1", back)).json) == (*HOME, "staff", False)
    version = (await lone.rows("SELECT version FROM bikes WHERE bikeid = 1"))[0]
    lone.clock.at_ms += 1_000
    assert point((await lone.client.patch("/bikes/1", {"location": " 창고", **back})).json) == (*HOME, "staff", False)
    assert (await lone.rows("SELECT version FROM bikes WHERE bikeid = 1"))[0] == version, "nothing new was told"
    cleared = (await lone.client.patch("/bikes/1", {"lat": None, "lon": None, "location": ""})).json
    assert (cleared["location"], cleared["point"], cleared["noposition"]) == (None, None, None)


async def test_places_are_learned_from_registrations_and_from_staff_and_never_from_a_rider() -> None:
    lone = await town()
    await ride(lone, 5, endlocation="집 앞", lat=HOME[0], lon=HOME[1])
    await lone.client.patch("/bikes/2", {"location": "창고"})
    await lone.client.post("/bikes", {"bikeid": 3, "location": "이름뿐"})
    await lone.client.post("/bikes", {"bikeid": 4, "location": "공원 ", "lat": PARK[0] + 0.001, "lon": PARK[1]})
    assert await places(lone) == ["공원", "이름뿐", "정자역"]
    assert point(await ride(lone, 6, endlocation="공원")) == (*PARK, "place", False), (
        "the first who registers there tells"
    )
    await lone.client.patch("/bikes/2", {"location": "공원", "lat": HOME[0], "lon": HOME[1]})
    assert point(await ride(lone, 7, endlocation="공원")) == (*HOME, "place", False), "staff may correct it"
    assert where(await ride(lone, 8, endlocation="이름뿐")) == (None, None)


async def test_places_are_listed_with_their_bikes_by_name_by_distance_and_by_search() -> None:
    lone = Lone(SPEC)
    for bikeid, (name, lat) in enumerate((("100호", 37.30), ("10호", 37.31), ("9호", 37.32), ("Dock_A", None))):
        body = {"bikeid": bikeid + 1, "location": name, "lat": lat, "lon": lat and 127.0}
        await lone.client.post("/bikes", body)
    await lone.client.post("/bikes", {"bikeid": 9, "location": "100호 ", "lat": 37.3, "lon": 127.0})
    await lone.client.put("/internal/bikes/2/reservations/5")
    page = (await lone.client.get("/places")).json
    assert [(place["name"], place["lat"], place["bikes"]) for place in page["_embedded"]["places"]] == [
        *(("9호", 37.32, 1), ("10호", 37.31, 0), ("100호", 37.3, 2), ("Dock_A", None, 1)),
    ]
    assert page["page"]["totalElements"] == 4
    assert await places(lone, "?near=37.30,127.0") == ["100호", "10호", "9호", "Dock_A"]
    assert await places(lone, "?near=37.30,127.0&size=1&page=1") == ["10호"]
    assert await places(lone, "?q=0호") == ["10호", "100호"]
    assert await places(lone, f"?q={normalize('NFD', '0호')}") == ["10호", "100호"]
    assert await places(lone, "?q=DOCK_") == ["Dock_A"]
    assert await places(lone, "?q=DOCK\x00_") == ["Dock_A"]
    assert [await places(lone, f"?q={sign}") for sign in ("%", "!", "k%A", "'")] == [[], [], [], []]
    assert (await places(lone, "?sort=bikes,desc"))[0] == "100호"
    assert (await lone.client.get("/places?near=here")).status == 422
    listed = (await lone.client.get("/bikes?sort=location,asc")).json["_embedded"]["bikes"]
    assert [bike["location"] for bike in listed] == ["9호", "10호", "100호", "100호", "Dock_A"]


async def test_an_erasure_coarsens_the_points_of_a_rider_stale_ones_too() -> None:
    lone = await town()
    told: dict[str, Any] = {"lat": HOME[0] + 0.0003, "lon": HOME[1], "accuracy": 8.0}
    await ride(lone, 5, endlocation="집 앞", measuredat=lone.clock.at_ms + 60_000, **told)
    bike = await ride(lone, 6, ANOTHER, endlocation="친구 집")
    assert (bike["point"]["stale"], bike["point"]["accuracy"]) == (True, 8.0)
    held = await lone.rows("SELECT left_by, point_of FROM bikes WHERE bikeid = 1")
    assert held == [(ANOTHER, RIDER)]
    await lone.tell(AccountErased(userid=RIDER))
    left = (await shown(lone))["point"]
    assert left == {"lat": 37.36, "lon": 127.11, "at": None, "by": None, "accuracy": None, "stale": True}
    assert (await shown(lone))["location"] == "친구 집"
    assert "37.3603" not in str(await lone.rows("SELECT value FROM outbox"))
    await lone.tell(AccountErased(userid=ANOTHER))
    assert ((await shown(lone))["location"], (await shown(lone))["point"]["stale"]) == (None, True)
    assert await lone.rows("SELECT 1 FROM bikes WHERE left_by IS NOT NULL OR point_of IS NOT NULL") == []


@pytest.mark.parametrize("first", [True, False], ids=["the erasure first", "the return first"])
async def test_a_return_that_comes_together_with_its_riders_erasure_tells_no_place(first: bool) -> None:
    lone = await town()
    assert (await lone.client.put("/internal/bikes/1/reservations/5")).status == 200
    told: dict[str, Any] = {"endlocation": "집 앞", "lat": HOME[0] + 0.0003, "lon": HOME[1]}
    back = Returned(5, userid=RIDER, bikeid=1, status="returned", endtime=NOON, starttime=NOON, **told)
    await lone.tell(*((AccountErased(userid=RIDER), back) if first else (back, AccountErased(userid=RIDER))))
    bike = await shown(lone)
    assert (bike["status"], bike["location"], where(bike)) == ("사용가능", "정자역", STATION)
    assert await lone.rows("SELECT 1 FROM bikes WHERE left_by IS NOT NULL OR point_of IS NOT NULL") == []
    assert "집" not in str(await lone.rows("SELECT value FROM outbox"))


async def test_an_operator_says_where_a_place_is_and_so_opens_another_town() -> None:
    lone = await town()
    busan = {"lat": 35.1, "lon": 129.0}
    assert (await lone.client.post("/bikes", {"bikeid": 3, "location": "부산역", **busan})).json["noposition"] == "far"
    told = await lone.client.post("/places", {"name": " 부산역", **busan})
    assert (told.status, told.json["name"], told.json["lat"], told.json["bikes"]) == (200, "부산역", 35.1, 1)
    assert where((await lone.client.post("/bikes", {"bikeid": 4, **busan})).json) == (35.1, 129.0)
    again = (await lone.client.post("/places", {"name": "부산역", "lat": 129.0, "lon": 35.1})).json
    assert (again["noposition"], again["lat"]) == ("swapped", 35.1), "and stays where it is"
    one = await lone.client.get("/places/" + normalize("NFD", "부산역"))
    assert (one.status, one.json["name"]) == (200, "부산역")
    assert one.json["_links"]["self"]["href"].endswith("/places/" + quote("부산역"))
    assert (await lone.client.get("/places/nowhere")).status == 404
    assert (await lone.client.post("/places", {"name": " "})).status == 422
    deeds = await lone.rows("SELECT subject, after FROM audit WHERE action = 'place told'")
    assert deeds == [("places", '{"positioned":true}'), ("places", '{"positioned":false}')]


async def test_a_place_is_found_by_its_link_also_with_a_slash_in_its_name() -> None:
    lone = Lone(SPEC)
    for name in ("시청역/1번 출구", "50%"):
        told = (await lone.client.post("/places", {"name": name})).json
        found = await lone.client.get(f"/places/{name}")
        assert (found.status, found.json["name"]) == (200, told["name"])
