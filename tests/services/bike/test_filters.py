"""The fleet's list narrowed: by what a bike is, is called and where it stands, by its holds, and to retired ones."""

from urllib.parse import quote

import pytest

from gbike.services.bike.wiring import SPEC
from tests.services.lone import Lone

BIKES = (
    {"bikeid": 1, "location": "정자역_1구역", "batterylevel": 90, "label": "SPB-1"},
    {"bikeid": 2, "location": "정자역 10구역", "batterylevel": 15},
    {"bikeid": 10, "location": "정자역 1구역", "batterylevel": 20, "label": "A-10"},
    {"bikeid": 4, "location": "100%", "status": "사용중"},
    {"bikeid": 5, "batterylevel": 10, "status": "불량"},
    {"bikeid": 6, "location": "Pier 7"},
    {"bikeid": 7, "location": "창고", "label": "SPB-7"},
)


async def a_fleet() -> Lone:
    """Bike 2 is held until yesterday, bike 6 until tomorrow; bikes 7 and 8 are retired, and somebody holds 8."""
    lone = Lone(SPEC)
    for bike in (*BIKES, {"bikeid": 8}):
        assert (await lone.client.post("/bikes", bike)).status == 201
    for bikeid, due in ((2, "2026-09-20T00:00:00Z"), (6, "2026-09-23T00:00:00Z"), (8, "2026-09-20T00:00:00Z")):
        hold = {"reason": "brake", "due": due}
        assert (await lone.client.put(f"/bikes/{bikeid}/holds/ticket-1", hold)).status == 200
    for bikeid in (7, 8):
        assert (await lone.client.post(f"/bikes/{bikeid}/retirement")).status == 200
    return lone


async def test_filters_say_which_bikes_and_all_of_them_combine() -> None:
    lone = await a_fleet()
    for query, bikes in {
        "": [1, 2, 4, 5, 6, 10],
        "status=사용중": [2, 4, 6],
        "status=사용가능&batterybelow=30": [10],
        "batterybelow=20": [2, 5],
        "held=true": [2, 4, 6],
        "held=false": [1, 5, 10],
        "due=past": [2],
        "held=true&due=past&status=사용중": [2],
        "retired=true": [7, 8],
        "retired=false": [1, 2, 4, 5, 6, 10],
        "retired=true&due=past": [8],
        "retired=true&status=불량": [7],
        "retired=true&status=사용중": [8],
        "retired=true&status=사용가능": [],
        "place=정자역 1구역": [1, 10],
        "place=정자역": [],
        "q=1": [1, 2, 4, 10],
        "q=spb": [1],
        "q=spb&retired=true": [7],
        "q=정자역 1": [1, 2, 10],
        "q=정자역_10": [2],
        "q=pier": [6],
        "q=0%25": [4],
        "q=PIER 7&near=37.3,127.1": [6],
        "q=nothing": [],
    }.items():
        page = (await lone.client.get(f"/bikes?{quote(query, safe='=&%,')}")).json
        assert [bike["bikeid"] for bike in page["_embedded"]["bikes"]] == bikes, query
        assert page["page"]["totalElements"] == len(bikes), query


async def test_a_hold_that_is_due_shows_once_its_day_has_come() -> None:
    lone = await a_fleet()
    lone.clock.at_ms += 3 * 24 * 3_600_000
    page = (await lone.client.get("/bikes?due=past&sort=bikeid,desc")).json
    assert [bike["bikeid"] for bike in page["_embedded"]["bikes"]] == [6, 2]


@pytest.mark.parametrize("query", ["batterybelow=-1", "held=yes", "due=2026-01-01", "retired=1", "color=red"])
async def test_what_no_bike_can_be_narrowed_by_is_refused(query: str) -> None:
    reply = await Lone(SPEC).client.get(f"/bikes?{query}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, query.partition("=")[0])
