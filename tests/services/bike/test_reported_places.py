"""Where the field staff say that a bike stands, in a report: by the rule of everybody's positions, as staff's."""

from typing import Any

import pytest

from gbike.contracts.account import AccountErased
from gbike.kit.store import Row
from tests.services.bike.test_places import ANOTHER, HOME, PARK, STATION, places, point, ride, shown, town, where
from tests.services.lone import NOON, Lone

HOUR_MS = 3_600_000


async def reports(lone: Lone, reportid: int, **told: Any) -> Any:
    """Bike 1 after a report that tells so of it."""
    body = {"batterylevel": 50, **told}
    assert (await lone.client.put(f"/internal/bikes/1/reports/{reportid}", body)).status == 200
    return await shown(lone)


async def test_a_report_sets_where_the_bike_stands_as_staff_s() -> None:
    lone = await town()
    bike = await reports(lone, 1, lat=HOME[0], lon=HOME[1])
    assert (point(bike), bike["location"]) == ((*HOME, "staff", False), "정자역")
    bike = await reports(lone, 2, location="공원")
    assert (point(bike), bike["location"]) == ((*PARK, "place", False), "공원")
    bike = await reports(lone, 3, location="다리 밑")
    assert (where(bike), point(bike), bike["location"]) == ((None, None), (*PARK, "place", True), "다리 밑")
    said = [(one["eventType"], one.get("act")) for one in (await lone.published())[2:]]
    assert said == [("UpdatedBikeState", None), ("UpdatedBike", "changed")] * 3


async def test_a_report_teaches_no_place_and_a_position_that_is_none_is_left_out() -> None:
    lone = await town()
    await reports(lone, 1, location="공원", lat=HOME[0], lon=HOME[1])
    assert where((await lone.client.get("/places/공원")).json) == PARK
    bike = await reports(lone, 2, lat=0, lon=0)
    assert point(bike) == (*HOME, "staff", False)
    await reports(lone, 3, location="새 곳", lat=HOME[0], lon=HOME[1])
    assert sorted(await places(lone)) == ["공원", "정자역"]


async def test_a_report_that_tells_no_place_moves_nothing_and_a_new_place_is_no_change_that_is_paid() -> None:
    lone = await town()
    before = await shown(lone)
    bike = await reports(lone, 1)
    assert (bike["location"], bike["point"]) == (before["location"], before["point"])
    body = {"batterylevel": 50, "location": "공원"}
    answer = await lone.client.put("/internal/bikes/1/reports/2", body)
    assert answer.json["changedby"] == 1


@pytest.mark.parametrize(
    ("seen_ms", "stands"), [(NOON + HOUR_MS, "공원"), (NOON - 1_999, "공원"), (NOON - 2_000, "정자역"), (-1, "정자역")]
)
async def test_a_report_that_waited_moves_no_bike_of_which_something_younger_is_known(
    seen_ms: int, stands: str
) -> None:
    lone = await town()
    lone.clock.at_ms += 2 * HOUR_MS
    bike = await reports(lone, 1, location="공원", seenat=seen_ms)
    assert (bike["location"], bike["batterylevel"]) == (stands, 50)


async def test_a_report_from_before_a_ride_s_end_leaves_the_bike_where_the_ride_ended() -> None:
    lone = await town()
    seen_ms = lone.clock.at_ms
    await ride(lone, 5, endlocation="집 앞", lat=HOME[0], lon=HOME[1])
    bike = await reports(lone, 1, lat=PARK[0], lon=PARK[1], seenat=seen_ms)
    assert point(bike) == (*HOME, "rider", False)


async def test_a_phone_s_clock_that_is_ahead_or_a_day_old_moves_no_bike_into_the_future() -> None:
    lone = await town()
    bike = await reports(lone, 1, lat=HOME[0], lon=HOME[1], seenat=lone.clock.at_ms + HOUR_MS)
    rows: list[Row] = await lone.rows("SELECT point_at_ms FROM bikes WHERE bikeid = 1")
    assert (point(bike)[:2], rows) == (HOME, [(lone.clock.at_ms,)])
    lone.clock.at_ms += 25 * HOUR_MS
    bike = await reports(lone, 2, lat=STATION[0], lon=STATION[1], seenat=lone.clock.at_ms - 24 * HOUR_MS)
    assert point(bike)[:2] == HOME


async def test_an_erasure_leaves_where_staff_saw_the_bike() -> None:
    lone = await town()
    await ride(lone, 5, ANOTHER, endlocation="집 앞", lat=HOME[0], lon=HOME[1])
    await reports(lone, 1, location="공원")
    await lone.tell(AccountErased(userid=ANOTHER))
    assert point(await shown(lone)) == (*PARK, "place", False)
