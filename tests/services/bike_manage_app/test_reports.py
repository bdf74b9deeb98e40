"""Reports: applied synchronously or cancelled, and paid once."""

import pytest

from gbike.kit.calls.peers import PeerAnswer
from gbike.kit.clock import rfc3339
from gbike.services.bike_manage_app.wiring import SPEC
from tests.services.lone import NOON, Lone

SEEN = {"managerid": "1", "bikeid": "7", "batterylevel": "50", "usableyn": "true"}


async def test_an_applied_report_is_said_with_what_was_seen() -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/bikeManageApps", SEEN)
    assert (reply.status, reply.json["reportid"], reply.json["usableyn"]) == (201, 1, True)
    assert lone.peer.asked[0][:2] == ("PUT", "/internal/bikes/7/reports/1")
    assert [
        (published["eventType"], published["reportid"], published["managerid"]) for published in await lone.published()
    ] == [("Reported", 1, 1)]


@pytest.mark.parametrize(
    ("answer", "status", "slug"),
    [
        (PeerAnswer(404, b"{}"), 404, "bike-unknown"),
        (PeerAnswer(500, b""), 503, "bike-service-unavailable"),
        (PeerAnswer(429, b""), 503, "bike-service-unavailable"),
        (None, 503, "bike-service-unavailable"),
    ],
)
async def test_a_report_that_was_not_applied_earns_nothing_and_may_be_sent_again(
    answer: PeerAnswer | None, status: int, slug: str
) -> None:
    lone = Lone(SPEC)
    lone.peer.answer = answer
    for key in ({}, {"idempotency_key": "k"}):
        reply = await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5}, **key)
        assert (reply.status, reply.json["type"].partition("#")[2]) == (status, slug)
    assert await lone.published() == []
    assert {row[0] for row in await lone.rows("SELECT status FROM reports")} == {"cancelled"}
    lone.peer.answer = PeerAnswer(200, b"{}")
    assert (await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5}, idempotency_key="k")).status == 201
    assert len(await lone.published()) == 1


async def test_the_same_number_again_is_the_same_report_and_with_other_contents_a_refusal() -> None:
    lone = Lone(SPEC)
    first = await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5})
    assert await lone.client.post("/bikeManageApps", {**SEEN, "reportid": "5"}) == first
    assert (await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5, "bikeid": 8})).status == 409
    other_manager = await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5, "managerid": 2})
    assert other_manager.status == 201
    assert len(await lone.published()) == 2


async def test_without_a_number_or_a_key_each_report_is_a_new_one() -> None:
    lone = Lone(SPEC)
    for number in (1, 2, 3):
        assert (await lone.client.post("/bikeManageApps", SEEN)).json["reportid"] == number


@pytest.mark.parametrize(
    ("field", "value"),
    [("usableyn", "yes"), ("usableyn", 1), ("batterylevel", 101), ("batterylevel", "-1"), ("managerid", 0)],
)
async def test_a_report_that_makes_no_sense_names_its_field_and_asks_nobody(field: str, value: object) -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/bikeManageApps", {**SEEN, field: value})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)
    assert lone.peer.asked == []


async def test_a_pending_report_is_swept_and_its_number_is_free_again() -> None:
    lone = Lone(SPEC)
    await lone.store.write(
        lambda tx: tx.execute(
            "INSERT INTO reports (managerid, bikeid, batterylevel, usableyn, status, sent_reportid, deadline_ms)"
            " VALUES (1, 7, 50, 1, 'pending', 5, ?)",
            (NOON + 600,),
        )
    )
    assert (await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5})).status == 409
    lone.clock.at_ms += 601
    sweeper = lone.worker("sweeper")
    assert await sweeper.step() == 1
    assert (await lone.client.post("/bikeManageApps", {**SEEN, "reportid": 5})).status == 201


async def test_a_report_is_read_only_once_it_is_made() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikeManageApps", SEEN)
    for method in ("PUT", "PATCH", "DELETE"):
        assert (await lone.client.send(method, "/bikeManageApps/1", SEEN)).status == 405


async def test_the_reports_of_a_bike_are_listed_with_when_they_were_applied() -> None:
    lone = Lone(SPEC)
    for bikeid in (7, 8, 7):
        await lone.client.post("/bikeManageApps", {**SEEN, "bikeid": bikeid})
    found = (await lone.client.get("/bikeManageApps?bikeid=7&sort=reportid,desc")).json
    assert [one["reportid"] for one in found["_embedded"]["bikeManageApps"]] == [3, 1]
    assert (found["page"]["totalElements"], found["_embedded"]["bikeManageApps"][0]["at"]) == (2, rfc3339(NOON))
    assert (await lone.client.get("/bikeManageApps?bikeid=x")).status == 422
