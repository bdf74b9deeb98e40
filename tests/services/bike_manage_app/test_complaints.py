"""Complaints: taken whoever is down, and a bike is taken out by a second rider, for danger, or by staff."""

from typing import Any

import pytest

from gbike.contracts.account import AccountErased
from gbike.kit.calls.peers import PeerAnswer
from gbike.kit.clock import rfc3339
from gbike.services.bike_manage_app.domain import COUNTS_MS, ComplaintKind, Grievance, takes_out
from gbike.services.bike_manage_app.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

UNKNOWN = PeerAnswer(404, b'{"type": "/docs/errors#bike-unknown"}')
HOUR_MS = 3_600_000


async def complains(lone: Lone, userid: int = 1, bikeid: int = 7, kind: str = "brake", **more: str) -> Reply:
    return await lone.client.post("/complaints", {"userid": userid, "bikeid": bikeid, "kind": kind, **more})


async def takenout(lone: Lone, userid: int, **of: Any) -> bool:
    reply = await complains(lone, userid, **of)
    assert reply.status == 201
    return bool(reply.json["takenout"])


async def test_a_complaint_is_said_without_what_was_written() -> None:
    lone = Lone(SPEC)
    reply = await complains(lone, words=" 브레이크가 안 잡혀요 ")
    told = {name: reply.json[name] for name in ("complaintid", "userid", "bikeid", "kind", "words", "at", "takenout")}
    assert (reply.status, told) == (
        201,
        {
            "complaintid": 1,
            "userid": 1,
            "bikeid": 7,
            "kind": "brake",
            "words": "브레이크가 안 잡혀요",
            "at": rfc3339(NOON),
            "takenout": False,
        },
    )
    assert lone.peer.asked == [("GET", "/internal/bikes/7", b"")]
    (said,) = await lone.published()
    assert said == {
        "eventType": "RiderComplained",
        "complaintid": 1,
        "userid": 1,
        "bikeid": 7,
        "kind": "brake",
        "at": NOON,
        "takenout": False,
    }


async def test_a_second_rider_within_a_day_takes_the_bike_out_and_the_same_one_again_does_not() -> None:
    lone = Lone(SPEC)
    assert not await takenout(lone, 1)
    assert not await takenout(lone, 1, kind="tyre")
    assert not await takenout(lone, 2, bikeid=8)
    lone.clock.at_ms += COUNTS_MS - 1
    assert await takenout(lone, 2, kind="dirty")
    assert [one["takenout"] for one in await lone.published()] == [False, False, False, True]


async def test_a_day_later_the_first_complaint_does_not_count_any_more() -> None:
    lone = Lone(SPEC)
    assert not await takenout(lone, 1)
    lone.clock.at_ms += COUNTS_MS
    assert not await takenout(lone, 2)


@pytest.mark.parametrize("kind", list(ComplaintKind))
def test_only_danger_takes_a_bike_out_at_once_unless_staff_says_so(kind: ComplaintKind) -> None:
    assert takes_out(Grievance(1, 7, kind), another_complained=False) == (kind == "safety")
    assert takes_out(Grievance(1, 7, kind, bystaff=True), another_complained=False)
    assert takes_out(Grievance(1, 7, kind), another_complained=True)


@pytest.mark.parametrize("answer", [None, PeerAnswer(503, b""), PeerAnswer(404, b'{"type": "/docs/errors#not-found"}')])
async def test_a_complaint_is_taken_when_bike_can_not_tell_whether_there_is_such_a_bike(
    answer: PeerAnswer | None,
) -> None:
    """It is down, busy, or of a version that is not asked so."""
    lone = Lone(SPEC)
    lone.peer.answer = answer
    for userid in range(1, 13):  # until the breaker is open, and then
        assert (await complains(lone, userid)).status == 201
    assert len(await lone.published()) == 12


async def test_of_a_bike_that_nobody_knows_nothing_is_kept() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = UNKNOWN
    reply = await complains(lone)
    assert (reply.status, reply.json["type"].partition("#")[2], reply.json["bikeid"]) == (404, "bike-unknown", 7)
    assert (await lone.published(), await lone.rows("SELECT * FROM complaints")) == ([], [])


async def test_a_complaint_sent_again_under_its_key_is_one_also_when_its_bike_turns_out_to_be_unknown() -> None:
    lone = Lone(SPEC)
    lone.peer.answer = None
    body = {"userid": 1, "bikeid": 7, "kind": "other"}
    first = await lone.client.post("/complaints", body, idempotency_key="k")
    lone.peer.answer = UNKNOWN
    assert await lone.client.post("/complaints", body, idempotency_key="k") == first
    assert len(await lone.published()) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "rust"}, "kind"),
        ({"kind": None}, "kind"),
        ({"bikeid": 0}, "bikeid"),
        ({"words": "가" * 501}, "words"),
        ({"words": 7}, "words"),
        ({"userid": None}, "userid"),
    ],
)
async def test_what_does_not_fit_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    lone = Lone(SPEC)
    reply = await lone.client.post("/complaints", {"userid": 1, "bikeid": 7, "kind": "brake", **change})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)
    assert await lone.published() == []


async def test_as_many_words_as_may_be_are_kept_and_blanks_are_none() -> None:
    lone = Lone(SPEC)
    assert (await complains(lone, words="가" * 500)).json["words"] == "가" * 500
    assert (await complains(lone, words=" \u200b ")).json["words"] is None


async def test_complaints_are_found_by_bike_kind_and_day_the_newest_first() -> None:
    lone = Lone(SPEC)
    for bikeid, kind in ((7, "brake"), (8, "tyre"), (7, "tyre")):
        await complains(lone, 1, bikeid=bikeid, kind=kind)
        lone.clock.at_ms += HOUR_MS

    async def found(query: str) -> list[int]:
        listed = (await lone.client.get(f"/complaints?{query}")).json["_embedded"]["complaints"]
        return [one["complaintid"] for one in listed]

    assert await found("") == [3, 2, 1]
    assert await found("bikeid=7") == [3, 1]
    assert await found("kind=tyre") == [3, 2]
    assert await found("bikeid=7&kind=brake") == [1]
    assert await found(f"from={rfc3339(NOON + 1)}&to={rfc3339(NOON + 2 * HOUR_MS)}") == [2]
    assert (await lone.client.get("/complaints?kind=rust")).status == 422
    assert (await lone.client.get("/complaints/2")).json["kind"] == "tyre"
    assert (await lone.client.get("/complaints/4")).json["type"].endswith("#complaint-unknown")


async def test_an_erased_riders_words_are_gone_and_what_comes_later_has_none() -> None:
    lone = Lone(SPEC)
    body = {"userid": 1, "bikeid": 7, "kind": "brake", "words": "정자역에서 넘어졌어요"}
    await lone.client.post("/complaints", body, idempotency_key="k")
    await complains(lone, 2, bikeid=8, words="안장이 낮아요")
    await lone.tell(AccountErased(userid=1))
    assert await lone.rows("SELECT userid, bikeid, words FROM complaints ORDER BY complaintid") == [
        (1, 7, None),
        (2, 8, "안장이 낮아요"),
    ]
    again = await lone.client.post("/complaints", body, idempotency_key="k")
    assert (again.status, again.json["complaintid"], again.json["words"]) == (201, 1, None)
    assert (await complains(lone, 1, words="정자역")).json["words"] is None


async def test_complaints_go_after_a_year() -> None:
    lone = Lone(SPEC)
    await complains(lone)
    lone.clock.at_ms += 365 * 24 * HOUR_MS + 1
    await complains(lone)
    await lone.worker("housekeeper").step()
    assert await lone.rows("SELECT complaintid FROM complaints") == [(2,)]
