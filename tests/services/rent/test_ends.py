"""How a ride may end at another moment than now: tapped without a line, or by an admin."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gbike.services.rent.wiring import SPEC
from tests.services.lone import NOON, Lone

WISH = {"userid": 3, "bikeid": 1}
OVER = {"reason": "it stood at the station"}


def at(ms: int, zone: int = 0) -> str:
    """A moment as the page writes it, or with another offset."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
    text = (moment + timedelta(hours=zone)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{text}+{zone:02d}:00" if zone else f"{text}Z"


async def a_ride(seconds: int, env: dict[str, str] | None = None) -> Lone:
    """A ride that has lasted so long."""
    lone = Lone(SPEC, env)
    await lone.client.post("/rents", WISH)
    lone.clock.at_ms += seconds * 1_000
    return lone


@pytest.mark.parametrize(
    ("tapped_ms", "ended_ms", "endedby"),
    [
        (6_000, 6_000, "offline"),
        (42_000, 42_000, "offline"),
        (-5_000, 0, "offline"),  # never before the start
        (42_001, 42_000, "rider"),  # to come
        (-260_001, 42_000, "rider"),  # longer ago than is honoured
        (None, 42_000, "rider"),
    ],
)
async def test_a_return_tapped_without_a_line_ends_the_ride_at_the_tap(
    tapped_ms: int | None, ended_ms: int, endedby: str
) -> None:
    lone = await a_ride(42)
    tapped = {} if tapped_ms is None else {"tappedat": at(NOON + tapped_ms)}
    reply = await lone.client.patch("/rents/1", {"endlocation": "서현역", **tapped})
    assert (reply.status, reply.json["endtime"], reply.json["endedby"]) == (200, at(NOON + ended_ms), endedby)
    published = (await lone.published())[-1]
    assert (published["endtime"], published["endedby"]) == (NOON + ended_ms, endedby)
    assert (await lone.client.get("/rents/1")).json == reply.json


async def test_a_tap_is_told_with_any_offset_and_by_put_too() -> None:
    lone = await a_ride(42)
    assert (await lone.client.put("/rents/1", {"status": "returned", "tappedat": at(NOON + 6_000, 9)})).status == 200
    assert (await lone.published())[-1]["endtime"] == NOON + 6_000


async def test_how_long_ago_a_tap_may_be_is_set() -> None:
    lone = await a_ride(42, {"GBIKE_OFFLINE_RETURN_S": "10"})
    await lone.client.patch("/rents/1", {"endlocation": "x", "tappedat": at(NOON + 6_000)})
    assert (await lone.published())[-1]["endtime"] == NOON + 42_000


async def test_a_tap_counts_back_from_the_honest_end_also_when_the_wall_clock_was_set() -> None:
    lone = await a_ride(42)
    lone.clock.wall_step_ms = 10_800_000
    await lone.client.patch("/rents/1", {"endlocation": "x", "tappedat": at(lone.clock.now_ms() - 36_000)})
    assert (await lone.published())[-1]["endtime"] == NOON + 6_000


async def test_a_tap_alone_returns_nothing_and_one_that_is_no_moment_is_refused_by_name() -> None:
    lone = await a_ride(42)
    assert (await lone.client.patch("/rents/1", {"tappedat": at(NOON)})).json["status"] == "rented"
    for wrong in ("yesterday", "2026-11-29T09:30:00", 1_790_000_000_000, "2026-02-30T00:00:00Z", True):
        refused = await lone.client.patch("/rents/1", {"endlocation": "x", "tappedat": wrong})
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, "tappedat"), wrong
    assert len(await lone.published()) == 1


async def test_an_admin_ends_a_ride_at_an_earlier_moment_and_it_is_on_record() -> None:
    lone = await a_ride(3_600)
    reply = await lone.client.post("/rents/1/end", {"at": at(NOON + 60_000), **OVER}, idempotency_key="k")
    assert (reply.status, reply.json["endtime"], reply.json["endedby"]) == (200, at(NOON + 60_000), "admin")
    assert await lone.client.post("/rents/1/end", {"at": at(NOON + 60_000), **OVER}, idempotency_key="k") == reply
    published = (await lone.published())[1:]
    assert [(event["eventType"], event["endtime"], event["endedby"]) for event in published] == [
        ("Returned", NOON + 60_000, "admin")
    ]
    [(action, subject, after)] = await lone.rows("SELECT action, subject, after FROM audit")
    assert (action, subject) == ("ride ended", "user:3")
    assert OVER["reason"] in after
    late = await lone.client.patch("/rents/1", {"endlocation": "서현역"})
    assert (late.status, late.json["endtime"]) == (200, at(NOON + 60_000))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"at": "soon", **OVER}, "at"),
        ({"at": at(NOON)}, "body"),
        ({"at": at(NOON), "reason": " "}, "reason"),
    ],
)
async def test_an_end_without_a_moment_that_can_be_read_or_without_a_reason_changes_nothing(
    body: dict[str, Any], field: str
) -> None:
    lone = await a_ride(42)
    refused = await lone.client.post("/rents/1/end", body)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)
    assert len(await lone.published()) == 1
    assert await lone.rows("SELECT count(*) FROM audit") == [(0,)]


@pytest.mark.parametrize("after_ms", [-1, 42_001])
async def test_an_end_outside_the_ride_changes_nothing(after_ms: int) -> None:
    lone = await a_ride(42)
    refused = await lone.client.post("/rents/1/end", {"at": at(NOON + after_ms), **OVER})
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "end-outside-ride")
    assert (refused.json["starttime"], refused.json["now"]) == (at(NOON), at(NOON + 42_000))
    assert len(await lone.published()) == 1


async def test_an_end_without_a_moment_is_now() -> None:
    lone = await a_ride(42)
    reply = await lone.client.post("/rents/1/end", OVER)
    assert (reply.status, reply.json["endtime"], reply.json["endedby"]) == (200, at(NOON + 42_000), "admin")


async def test_what_is_over_or_never_began_can_t_be_ended() -> None:
    lone = await a_ride(42)
    await lone.client.patch("/rents/1", {"status": "returned"})
    lone.peer.answer = None
    await lone.client.post("/rents", WISH)
    wish = {"at": at(NOON), **OVER}
    replies = [await lone.client.post(f"/rents/{rentid}/end", wish) for rentid in (1, 2, 3)]
    assert [(reply.status, reply.json["type"].partition("#")[2]) for reply in replies] == [
        (409, "rent-returned"),
        (409, "rent-cancelled"),
        (404, "rent-unknown"),
    ]
    assert (await lone.published())[1]["endedby"] == "rider"
