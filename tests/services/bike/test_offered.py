"""Which bikes are offered: available ones, and none that is known to be charged less than was set."""

from collections.abc import Mapping

import pytest

from gbike.services.bike.wiring import SPEC
from tests.services.lone import Lone

BIKES = (
    {"bikeid": 1, "batterylevel": 9},
    {"bikeid": 2, "batterylevel": 10},
    {"bikeid": 3},
    {"bikeid": 4, "batterylevel": 90, "status": "불량"},
    {"bikeid": 5, "batterylevel": 90, "status": "사용중"},
    {"bikeid": 6, "batterylevel": 90},
)
TEN: Mapping[str, str] = {"GBIKE_OFFER_FROM_BATTERY": "10"}


async def a_fleet(env: Mapping[str, str] = TEN) -> Lone:
    """Bike 6 is retired."""
    lone = Lone(SPEC, env)
    for bike in BIKES:
        assert (await lone.client.post("/bikes", bike)).status == 201
    assert (await lone.client.post("/bikes/6/retirement")).status == 200
    return lone


async def listed(lone: Lone, query: str) -> list[int]:
    """The numbers of the bikes of a list, which counts them all."""
    page = (await lone.client.get(f"/bikes?{query}")).json
    bikes = [bike["bikeid"] for bike in page["_embedded"]["bikes"]]
    assert page["page"]["totalElements"] == len(bikes)
    return bikes


@pytest.mark.parametrize(("env", "offered"), [(TEN, [2, 3]), ({}, [1, 2, 3])])
async def test_a_bike_charged_less_than_was_set_is_not_offered_and_an_unknown_charge_is(
    env: Mapping[str, str], offered: list[int]
) -> None:
    lone = await a_fleet(env)
    assert await listed(lone, "offered=true") == offered
    assert await listed(lone, "offered=false") == [n for n in range(1, 6) if n not in offered]
    assert await listed(lone, "retired=true&offered=true") == []
    assert await listed(lone, "retired=true&offered=false") == [6]
    shown = {n: (await lone.client.get(f"/bikes/{n}")).json["offered"] for n in range(1, 7)}
    assert [n for n, is_offered in shown.items() if is_offered] == offered
    reserved = {n: (await lone.client.put(f"/internal/bikes/{n}/reservations/{n}")).status for n in range(1, 7)}
    assert [n for n, status in reserved.items() if status == 200] == offered


async def test_whoever_wants_a_bike_that_is_too_low_is_told_why_also_the_second_time() -> None:
    lone = await a_fleet()
    first = await lone.client.put("/internal/bikes/1/reservations/5")
    assert (await lone.client.patch("/bikes/1", {"batterylevel": 100})).json["offered"] is True
    second = await lone.client.put("/internal/bikes/1/reservations/5")
    for refused in (first, second):
        assert (refused.status, refused.json["type"]) == (409, "/docs/status-codes#bike-unavailable")
        assert (refused.json["why"], refused.json["bikestatus"]) == ("battery", "사용가능")
    assert (await lone.client.put("/internal/bikes/1/reservations/6")).status == 200


async def test_a_ride_goes_on_when_its_bike_runs_low_and_ends_with_a_bike_that_is_not_offered() -> None:
    lone = await a_fleet()
    assert (await lone.client.put("/internal/bikes/2/reservations/5")).status == 200
    assert (await lone.client.patch("/bikes/2", {"batterylevel": 3})).json["status"] == "사용중"
    assert (await lone.client.put("/internal/bikes/2/reservations/5")).status == 200
    assert await listed(lone, "offered=true") == [3]
