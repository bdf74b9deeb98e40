"""What a report tells beside battery and fault, and how long that is kept."""

import json

import pytest

from gbike.contracts.account import AccountErased
from gbike.kit.calls.peers import PeerAnswer
from gbike.kit.clock import rfc3339
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.services.bike_manage_app.storage import TOLD_KEPT
from gbike.services.bike_manage_app.wiring import SPEC
from tests.services.lone import NOON, Lone

SEEN = {"managerid": 1, "bikeid": 7, "batterylevel": 12, "usableyn": False}
TOLD = {"fault": "brake", "words": "앞 브레이크가 헐거워요", "location": "정자역", "lat": 37.367, "lon": 127.108}
NOT_TOLD = dict.fromkeys(("fault", "words", "location", "lat", "lon", "why"))


async def test_a_report_tells_the_fault_in_words_and_where_the_bike_stands_now() -> None:
    lone = Lone(SPEC)
    sent = {**SEEN, **TOLD, "seenat": rfc3339(NOON - 60_000)}
    answer = (await lone.client.post("/bikeManageApps", sent)).json
    assert {name: answer[name] for name in TOLD} == TOLD
    assert (await lone.client.get("/bikeManageApps/1")).json == answer
    asked = json.loads(lone.peer.asked[0][2] or b"")
    stands = {name: TOLD[name] for name in ("location", "lat", "lon")}
    assert asked == {"batterylevel": 12, "usableyn": False, **stands, "seenat": NOON - 60_000}


async def test_a_report_as_the_original_sent_it_asks_bike_for_no_more_than_before() -> None:
    lone = Lone(SPEC)
    answer = (await lone.client.post("/bikeManageApps", SEEN)).json
    assert {name: answer[name] for name in NOT_TOLD} == NOT_TOLD
    assert json.loads(lone.peer.asked[0][2] or b"") == {"batterylevel": 12, "usableyn": False}


async def test_words_and_places_stay_out_of_what_is_said_and_of_the_audit() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikeManageApps", {**SEEN, **TOLD})
    said = json.dumps(await lone.published(), ensure_ascii=False)
    (deed,) = await lone.rows("SELECT after FROM audit WHERE action = 'bike reported'")
    assert not [word for word in ("헐거워요", "정자역", "37.367") if word in said + deed[0]]
    assert json.loads(deed[0])["fault"] == "brake"


@pytest.mark.parametrize(
    ("field", "value"),
    [("fault", "dirty"), ("fault", "safety"), ("words", "x" * 501), ("words", "a\x00b"), ("seenat", "yesterday")],
)
async def test_what_fits_no_report_is_named_and_asks_nobody(field: str, value: str) -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/bikeManageApps", {**SEEN, **TOLD, field: value})
    assert (reply.status, reply.json["errors"][0]["field"], lone.peer.asked) == (422, field, [])


@pytest.mark.parametrize("field", ["fault", "words", "location", "lat", "lon"])
async def test_the_same_number_with_other_words_or_another_place_is_another_report(field: str) -> None:
    lone = Lone(SPEC)
    sent = {**SEEN, **TOLD, "reportid": 5}
    first = await lone.client.post("/bikeManageApps", sent)
    assert await lone.client.post("/bikeManageApps", sent) == first
    other = {"fault": "chain", "words": "other", "location": "서현역", "lat": 37.4, "lon": 127.2}[field]
    refused = await lone.client.post("/bikeManageApps", {**sent, field: other})
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "report-differs")


async def test_words_and_places_are_forgotten_after_90_days_and_the_report_stays() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/bikeManageApps", {**SEEN, **TOLD})
    lone.peer.answer = None
    await lone.client.post("/bikeManageApps", {**SEEN, **TOLD})  # cancelled, and forgotten with the others
    keeper = Housekeeper(lone.store, lone.clock, (TOLD_KEPT,))
    lone.clock.at_ms += 90 * DAY_MS
    assert await keeper.step() == 0
    lone.clock.at_ms += 60_000
    assert (await keeper.step(), await keeper.step()) == (2, 0)
    answer = (await lone.client.get("/bikeManageApps/1")).json
    assert (answer["fault"], answer["batterylevel"]) == ("brake", 12)
    assert await lone.rows("SELECT words, location, lat, lon FROM reports") == [(None,) * 4] * 2


async def test_with_an_account_go_the_words_and_places_of_its_reports() -> None:
    lone = Lone(SPEC)
    for managerid in (1, 2):
        sent = {**SEEN, **TOLD, "managerid": managerid}
        assert (await lone.client.post("/bikeManageApps", sent, idempotency_key=f"k{managerid}")).status == 201
    await lone.tell(AccountErased(userid=1))
    assert await lone.rows("SELECT words, location, lat, lon FROM reports WHERE managerid = 1") == [(None,) * 4]
    assert (await lone.client.get("/bikeManageApps/2")).json["words"] == TOLD["words"]
    kept = [bytes(content).decode() for (content,) in await lone.rows("SELECT content FROM idempotency ORDER BY key")]
    assert [("헐거워요" in content, "정자역" in content) for content in kept] == [(False, False), (True, True)]


async def test_why_a_report_earned_nothing_is_told() -> None:
    limits = {"GBIKE_POINTS_FOR": "changes", "GBIKE_POINTS_PER_BIKE": "2", "GBIKE_POINTS_PER_DAY": "3000"}
    lone = Lone(SPEC, limits)
    told = []
    for changed, bikeid in ((True, 7), (False, 7), (True, 7), (True, 7), (True, 8), (True, 9)):
        newest = len(told) + 1
        body = json.dumps({"bikeid": bikeid, "status": "사용가능", "changedby": newest if changed else 0})
        lone.peer.answer = PeerAnswer(200, body.encode())
        answer = (await lone.client.post("/bikeManageApps", {**SEEN, "bikeid": bikeid})).json
        told.append((answer["points"], answer["why"]))
    assert told == [(1000, None), (0, "unchanged"), (1000, None), (0, "bike"), (1000, None), (0, "day")]


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({}, {"points": 1000, "per_bike": 0, "per_day": 0, "points_for": "reports"}),
        (
            {"GBIKE_POINTS_FOR": "changes", "GBIKE_POINTS_PER_BIKE": "3", "GBIKE_POINTS_PER_DAY": "20000"},
            {"points": 1000, "per_bike": 3, "per_day": 20_000, "points_for": "changes"},
        ),
    ],
)
async def test_what_reports_earn_is_told(env: dict[str, str], told: dict[str, object]) -> None:
    assert (await Lone(SPEC, env).client.get("/bikeManageApps/earning")).json == told
