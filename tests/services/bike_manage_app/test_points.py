"""What a report earns: decided when it is applied, and by the rules that the operator set."""

import json

from gbike.kit.calls.peers import PeerAnswer
from gbike.services.bike_manage_app.wiring import SPEC
from tests.services.lone import Lone

SEEN = {"managerid": 1, "bikeid": 7, "batterylevel": 50, "usableyn": True}
FOR_CHANGES = {"GBIKE_POINTS_FOR": "changes"}
MINUTE_MS = 60_000


def changed_by(lone: Lone, reportid: int | None) -> None:
    """What bike answers from now on; None: an older bike, which does not tell."""
    told = {} if reportid is None else {"changedby": reportid}
    lone.peer.answer = PeerAnswer(200, json.dumps({"bikeid": 7, "status": "사용가능", **told}).encode())


async def earned(lone: Lone, **seen: int) -> int:
    """What a report earns, as its manager is told and as it is said."""
    reply = await lone.client.post("/bikeManageApps", {**SEEN, **seen})
    assert reply.status == 201, reply
    published = (await lone.published())[-1]
    assert (published["reportid"], published["points"]) == (reply.json["reportid"], reply.json["points"])
    return int(reply.json["points"])


async def test_as_the_original_each_report_earns_1000_points() -> None:
    lone = Lone(SPEC)
    changed_by(lone, 0)
    assert [await earned(lone) for _ in range(3)] == [1000, 1000, 1000]


async def test_for_changes_a_report_that_changed_nothing_is_taken_and_earns_nothing() -> None:
    lone = Lone(SPEC, FOR_CHANGES)
    changed_by(lone, 1)
    assert [await earned(lone) for _ in range(30)] == [1000] + [0] * 29
    changed_by(lone, 31)
    assert await earned(lone, batterylevel=40) == 1000


async def test_what_another_changed_is_not_ones_own_and_an_older_bike_is_believed() -> None:
    lone = Lone(SPEC, FOR_CHANGES)
    changed_by(lone, 1)
    assert [await earned(lone, managerid=one) for one in (1, 2)] == [1000, 0]
    changed_by(lone, None)
    assert await earned(lone, managerid=2) == 1000


async def test_a_try_that_bike_had_stored_is_paid_once_when_it_is_sent_again() -> None:
    lone = Lone(SPEC, FOR_CHANGES)
    lone.peer.answer = None
    assert (await lone.client.post("/bikeManageApps", SEEN)).status == 503
    changed_by(lone, 1)
    assert await earned(lone, managerid=2) == 0
    assert await earned(lone, bikeid=8) == 0
    assert [await earned(lone) for _ in range(3)] == [1000, 0, 0]


async def test_a_try_that_is_still_under_way_and_its_repeat_are_paid_once_together() -> None:
    lone = Lone(SPEC, FOR_CHANGES)
    changed_by(lone, 1)
    first, again = {**SEEN, "reportid": 5}, []

    async def sends_it_again() -> None:
        if not again:
            again.append(0)
            again[0] = await earned(lone)

    lone.peer.meanwhile = sends_it_again
    assert ((await lone.client.post("/bikeManageApps", first)).json["points"], again) == (0, [1000])


async def test_at_most_so_many_reports_of_a_bike_are_paid_to_a_manager_in_30_minutes() -> None:
    lone = Lone(SPEC, {"GBIKE_POINTS_PER_BIKE": "2"})
    assert [await earned(lone) for _ in range(3)] == [1000, 1000, 0]
    assert [await earned(lone, bikeid=8), await earned(lone, managerid=2)] == [1000, 1000]
    lone.clock.at_ms += 30 * MINUTE_MS
    assert await earned(lone) == 1000


async def test_a_manager_earns_at_most_so_many_points_in_24_hours() -> None:
    lone = Lone(SPEC, {"GBIKE_POINTS_PER_DAY": "2500"})
    assert [await earned(lone, bikeid=bike) for bike in (1, 2, 3)] == [1000, 1000, 0]
    assert await earned(lone, managerid=2) == 1000
    lone.clock.at_ms += 24 * 60 * MINUTE_MS
    assert await earned(lone) == 1000


async def test_what_is_counted_is_found_by_index() -> None:
    lone = Lone(SPEC)
    plan = await lone.rows(
        "EXPLAIN QUERY PLAN SELECT count(*) FILTER (WHERE bikeid = 1 AND applied_ms > 1), coalesce(sum(points), 0)"
        " FROM reports WHERE managerid = 1 AND status = 'applied' AND points > 0 AND applied_ms > 1"
    )
    assert "reports_paid" in plan[0][-1]
