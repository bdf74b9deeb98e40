"""Rents: the states, the limit per rider, keys, the sweeper, and what bike's answers mean."""

import asyncio

import msgspec
import pytest

from gbike.contracts.bike import ReservationRefused
from gbike.kit.calls.peers import PeerAnswer
from gbike.services.rent.domain import Handback, Limits, Moment, OpenRent, give_back
from gbike.services.rent.wiring import SPEC
from tests.services.lone import NOON, Lone

WISH = {"userid": 3, "bikeid": 1}
TAKEN = PeerAnswer(409, msgspec.json.encode(ReservationRefused("사용중")))
LOW = PeerAnswer(409, msgspec.json.encode(ReservationRefused("사용가능", "battery")))


async def test_a_rent_begins_when_bike_says_yes_and_says_so_once() -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/rents", WISH)
    assert (reply.status, reply.json["rentid"], reply.json["status"]) == (201, 1, "rented")
    assert lone.peer.asked == [("PUT", "/internal/bikes/1/reservations/1", b"")]
    [published] = await lone.published()
    assert published == {
        "eventType": "Rented",
        "rentid": 1,
        "userid": 3,
        "bikeid": 1,
        "status": "rented",
        "starttime": NOON,
    }


@pytest.mark.parametrize(
    ("answer", "status", "slug", "says"),
    [
        (TAKEN, 409, "bike-unavailable", []),
        (LOW, 409, "bike-unavailable", []),
        (PeerAnswer(404, b"{}"), 404, "bike-unknown", []),
        (PeerAnswer(410, b"{}"), 503, "rent-given-up", ["RentCancelled"]),
        (PeerAnswer(500, b""), 503, "bike-service-unavailable", ["RentCancelled"]),
        (PeerAnswer(503, b"", 7), 503, "bike-service-unavailable", ["RentCancelled"]),
        (PeerAnswer(418, b""), 503, "bike-service-unavailable", ["RentCancelled"]),
        (None, 503, "bike-service-unavailable", ["RentCancelled"]),
    ],
)
async def test_whatever_bike_answers_the_rider_gets_a_reason_and_the_rent_is_cancelled(
    answer: PeerAnswer | None, status: int, slug: str, says: list[str]
) -> None:
    lone = Lone(SPEC)
    lone.peer.answer = answer
    reply = await lone.client.post("/rents", WISH)
    assert (reply.status, reply.json["type"].partition("#")[2]) == (status, slug)
    assert [published["eventType"] for published in await lone.published()] == says
    assert await lone.rows("SELECT status FROM rents") == [("cancelled",)]
    listed = (await lone.client.get("/rents")).json
    assert (listed["_embedded"]["rents"], listed["page"]["totalElements"]) == ([], 0)
    assert (await lone.client.get("/rents/1")).json["status"] == "cancelled"
    assert (await lone.client.patch("/rents/1", {"endlocation": "서현역"})).status == 409


async def test_who_wants_a_bike_that_is_charged_too_little_is_told_so() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = LOW
    reply = await lone.client.post("/rents", WISH)
    assert (reply.status, reply.json["bikestatus"], reply.json["why"]) == (409, "사용가능", "battery")
    lone.peer.answer = TAKEN
    assert "why" not in (await lone.client.post("/rents", WISH)).json


async def test_a_return_is_told_once_and_answered_the_same_again() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    lone.clock.at_ms += 62_000
    first = await lone.client.patch("/rents/1", {"endlocation": "분당_정자역_3구역", "lat": "37.36", "lon": 127.1})
    lone.clock.at_ms += 1
    assert await lone.client.patch("/rents/1", {"status": "returned"}) == first
    assert await lone.client.put("/rents/1", {"endlocation": "판교역"}) == first
    published = (await lone.published())[1:]
    assert [event["eventType"] for event in published] == ["Returned"]
    assert (published[0]["starttime"], published[0]["endtime"], published[0]["lat"]) == (NOON, NOON + 62_000, 37.36)


@pytest.mark.parametrize("body", [{}, {"status": "rented"}, {"fee": 0}, {"starttime": "x", "bikeid": 2}])
async def test_a_patch_that_is_no_return_changes_nothing(body: dict[str, object]) -> None:
    lone = Lone(SPEC)
    before = await lone.client.post("/rents", WISH)
    reply = await lone.client.patch("/rents/1", body)
    assert (reply.status, reply.json) == (200, before.json)
    assert len(await lone.published()) == 1


@pytest.mark.parametrize(("later_ms", "ended"), [(5_000, NOON + 5_000), (0, NOON), (-3_600_000, NOON)])
def test_a_ride_never_ends_before_it_started(later_ms: int, ended: int) -> None:
    assert give_back(OpenRent(1, 3, 1, NOON), Moment(NOON + later_ms), Handback(), Limits(0)).ended_ms == ended


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_a_rider_in_a_race_with_himself_keeps_the_limit(most: int) -> None:
    lone = Lone(SPEC, {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": str(most)})
    wishes = [lone.client.post("/rents", {"userid": 3, "bikeid": bike}) for bike in range(1, 11)]
    statuses = sorted(reply.status for reply in await asyncio.gather(*wishes))
    assert statuses == [201] * most + [409] * (10 - most)
    assert await lone.rows("SELECT count(*) FROM rents WHERE status = 'rented'") == [(most,)]
    cancelled = [published for published in await lone.published() if published["eventType"] == "RentCancelled"]
    assert len(cancelled) == 10 - most  # bike had reserved for these


async def test_the_limit_counts_open_rents_of_this_rider_only() -> None:
    lone = Lone(SPEC, {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "1"})
    assert (await lone.client.post("/rents", WISH)).status == 201
    assert (await lone.client.post("/rents", {"userid": 4, "bikeid": 2})).status == 201
    assert (await lone.client.post("/rents", {"userid": 3, "bikeid": 3})).status == 409
    await lone.client.patch("/rents/1", {"status": "returned"})
    assert (await lone.client.post("/rents", {"userid": 3, "bikeid": 3})).status == 201


async def test_without_a_limit_a_rider_rents_as_many_as_he_likes() -> None:
    lone = Lone(SPEC)
    for bike in range(1, 6):
        assert (await lone.client.post("/rents", {"userid": 3, "bikeid": bike})).status == 201


async def test_the_same_key_rents_one_bike_and_a_refusal_is_judged_anew() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = TAKEN
    assert (await lone.client.post("/rents", WISH, idempotency_key="k")).status == 409
    lone.peer.answer = PeerAnswer(200, b"{}")
    first = await lone.client.post("/rents", WISH, idempotency_key="k")
    again = await lone.client.post("/rents", WISH, idempotency_key="k")
    assert (first.status, again) == (201, first)
    assert len(await lone.rows("SELECT 1 FROM rents WHERE status = 'rented'")) == 1
    assert (await lone.client.post("/rents", {**WISH, "bikeid": 2}, idempotency_key="k")).status == 422


async def test_two_taps_at_once_with_one_key_are_one_rent() -> None:
    lone = Lone(SPEC)
    taps = [lone.client.post("/rents", WISH, idempotency_key="k") for _ in range(5)]
    statuses = sorted(reply.status for reply in await asyncio.gather(*taps))
    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    assert len(await lone.rows("SELECT 1 FROM rents WHERE status = 'rented'")) == 1


async def a_pending_rent(lone: Lone) -> None:
    """As a crash between the wish and bike's answer leaves it."""
    await lone.store.write(
        lambda tx: tx.execute(
            "INSERT INTO rents (userid, bikeid, status, deadline_ms) VALUES (3, 1, 'pending', ?)", (NOON + 1200,)
        )
    )


async def test_a_pending_rent_is_never_shown_and_is_swept_after_its_deadline() -> None:
    lone = Lone(SPEC)
    await a_pending_rent(lone)
    sweeper = lone.worker("sweeper")
    assert (await lone.client.get("/rents/1")).status == 404
    assert (await lone.client.patch("/rents/1", {"endlocation": "x"})).status == 404
    assert await sweeper.step() == 0
    lone.clock.at_ms += 1201
    assert await sweeper.step() == 1
    assert await sweeper.step() == 0
    assert [(published["eventType"], published["reason"]) for published in await lone.published()] == [
        ("RentCancelled", "Swept")
    ]


async def test_cancelled_rents_are_found_by_filter_only() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = TAKEN
    await lone.client.post("/rents", WISH)
    assert (await lone.client.get("/rents")).json["page"]["totalElements"] == 0
    listed = await lone.rows("SELECT name, n FROM counters ORDER BY name")
    assert listed == [("cancelled", 1)]


async def test_five_failures_in_a_row_open_the_circuit_and_nothing_is_put_on_record() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = None
    slugs = [(await lone.client.post("/rents", WISH)).json["type"].partition("#")[2] for _ in range(8)]
    assert slugs == ["bike-service-unavailable"] * 5 + ["circuit-open"] * 3
    assert await lone.rows("SELECT count(*) FROM rents") == [(5,)]
    lone.peer.answer = PeerAnswer(200, b"{}")
    lone.clock.waited_ms += 6_001
    assert (await lone.client.post("/rents", WISH)).status == 201


async def test_a_hundred_taken_bikes_never_open_the_circuit() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = TAKEN
    assert {(await lone.client.post("/rents", WISH)).status for _ in range(100)} == {409}
