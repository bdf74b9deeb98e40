"""Who may begin a ride: by the newest standing that was heard, and nobody who was erased."""

from itertools import permutations

import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.auth.principal import Acting, IdempotencyKey, acting
from gbike.kit.clock import rfc3339
from gbike.kit.storage.idempotency import Replay
from gbike.services.rent.commands import ask_for_a_bike, start_the_rent
from gbike.services.rent.domain import Limits
from gbike.services.rent.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

WISH = {"userid": 3, "bikeid": 1}
BROKE = ChangedStanding(userid=3, mayrent=False, reasons=("minimum",), version=2, missing_krw=700)


def slug(reply: Reply) -> str:
    """The name of a refusal."""
    return str(reply.json["type"].partition("#")[2])


async def test_a_rider_below_the_minimum_is_told_what_to_pay_in() -> None:
    lone = Lone(SPEC)
    await lone.tell(BROKE)
    refused = await lone.client.post("/rents", WISH)
    assert (refused.status, slug(refused)) == (403, "rider-blocked")
    assert (refused.json["reasons"], refused.json["missing_krw"]) == (["minimum"], 700)
    assert "Pay in at least 700 won" in refused.json["detail"]
    korean = await lone.client.send("POST", "/rents", WISH, accept_language="ko")
    assert "700원 이상 충전" in korean.json["detail"]
    assert lone.peer.asked == []
    assert await lone.rows("SELECT count(*) FROM rents") == [(0,)]
    await lone.tell(ChangedStanding(userid=3, mayrent=True, version=3))
    assert (await lone.client.post("/rents", WISH)).status == 201


async def test_the_newest_standing_counts_in_whatever_order_they_are_heard() -> None:
    told = [
        ChangedStanding(userid=3, mayrent=True, version=1),
        BROKE,
        ChangedStanding(userid=3, mayrent=True, version=3),
    ]
    for order in permutations(told):
        lone = Lone(SPEC)
        await lone.tell(*order)
        assert await lone.rows("SELECT mayrent, reasons, missing_krw, version FROM standings") == [(1, "", 0, 3)]
        assert (await lone.client.post("/rents", WISH)).status == 201


async def test_a_rider_of_whom_nothing_was_heard_may_ride() -> None:
    lone = Lone(SPEC)
    await lone.tell(BROKE)
    assert (await lone.client.post("/rents", {"userid": 4, "bikeid": 1})).status == 201


async def test_a_rider_who_is_blocked_while_bike_is_asked_does_not_begin_the_ride() -> None:
    lone = Lone(SPEC)

    async def blocked() -> None:
        await lone.bus.append([lone.message(BROKE)])
        await lone.worker("consumer").step()

    lone.peer.meanwhile = blocked
    refused = await lone.client.post("/rents", WISH)
    assert (refused.status, slug(refused)) == (403, "rider-blocked")
    assert await lone.rows("SELECT status FROM rents") == [("cancelled",)]
    assert [published["eventType"] for published in await lone.published()] == ["RentCancelled"]


async def test_who_was_blocked_since_is_answered_the_same_for_the_same_key_and_returns_the_bike() -> None:
    lone = Lone(SPEC)
    first = await lone.client.post("/rents", WISH, idempotency_key="k")
    await lone.tell(BROKE)
    assert await lone.client.post("/rents", WISH, idempotency_key="k") == first
    assert (await lone.client.patch("/rents/1", {"status": "returned"})).status == 200


async def test_a_refused_rider_keeps_no_key() -> None:
    lone = Lone(SPEC)
    await lone.tell(BROKE)
    assert (await lone.client.post("/rents", WISH, idempotency_key="k")).status == 403
    await lone.tell(ChangedStanding(userid=3, mayrent=True, version=3))
    assert (await lone.client.post("/rents", WISH, idempotency_key="k")).status == 201


async def test_a_rider_who_was_erased_begins_no_ride() -> None:
    lone = Lone(SPEC)
    await lone.tell(AccountErased(userid=3), ChangedStanding(userid=3, mayrent=True, version=9))
    refused = await lone.client.post("/rents", WISH)
    assert (refused.status, slug(refused), refused.json["reasons"]) == (403, "rider-blocked", ["erased"])
    assert "deleted" in refused.json["detail"]


async def test_the_limit_of_open_rents_is_judged_before_bike_is_asked() -> None:
    lone = Lone(SPEC, {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "1"})
    await lone.client.post("/rents", WISH)
    assert slug(await lone.client.post("/rents", {"userid": 3, "bikeid": 2})) == "too-many-open-rents"
    assert len(lone.peer.asked) == 1


async def test_of_two_taps_with_one_key_the_second_is_answered_as_the_first_and_not_as_one_too_many() -> None:
    """The second was asked for before the first had its answer, and comes to the store after it."""
    lone = Lone(SPEC, {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "1"})

    def render(_rent: object) -> tuple[int, bytes, bytes]:
        return 201, b"{}", b"{}"

    limits, nobody_yet = Limits(1_200, most_open=1), acting.set(Acting(key=IdempotencyKey("k", "hash", render)))
    pending = await lone.store.write(ask_for_a_bike, 3, 1, limits)
    await lone.store.write(start_the_rent, pending, limits)
    with pytest.raises(Replay):
        await lone.store.write(ask_for_a_bike, 3, 1, limits)
    acting.reset(nobody_yet)


HALTED = ChangedStanding(userid=3, mayrent=False, reasons=("staff",), version=4)
FOR_A_MINUTE = ChangedStanding(userid=3, mayrent=False, reasons=("staff",), version=4, blockeduntil=NOON + 60_000)


async def test_a_rider_whom_an_operator_blocked_is_told_whom_to_ask() -> None:
    lone = Lone(SPEC)
    await lone.tell(HALTED)
    refused = await lone.client.post("/rents", WISH)
    assert (refused.status, slug(refused), refused.json["reasons"]) == (403, "rider-blocked", ["staff"])
    assert refused.json["until"] is None
    assert "Ask the operator" in refused.json["detail"]
    korean = await lone.client.send("POST", "/rents", WISH, accept_language="ko")
    assert "운영자에게 문의해 주세요" in korean.json["detail"]
    assert lone.peer.asked == []


async def test_a_block_that_ends_by_itself_is_let_go_then_whoever_says_so() -> None:
    lone = Lone(SPEC)
    await lone.tell(FOR_A_MINUTE)
    refused = await lone.client.post("/rents", WISH)
    assert (refused.status, refused.json["until"]) == (403, rfc3339(NOON + 60_000))
    assert rfc3339(NOON + 60_000) in refused.json["detail"]
    lone.clock.at_ms = NOON + 60_000
    assert (await lone.client.post("/rents", WISH)).status == 201


async def test_money_that_is_missing_too_is_asked_for_once_the_block_is_over() -> None:
    lone = Lone(SPEC)
    both = ChangedStanding(
        userid=3, mayrent=False, reasons=("staff", "minimum"), version=4, missing_krw=700, blockeduntil=NOON + 1
    )
    await lone.tell(both)
    assert "blocked" in (await lone.client.post("/rents", WISH)).json["detail"]
    lone.clock.at_ms = NOON + 1
    assert (await lone.client.post("/rents", WISH)).json["reasons"] == ["minimum"]


async def test_a_rider_who_is_blocked_during_a_ride_goes_on_and_returns_the_bike() -> None:
    lone = Lone(SPEC)
    await lone.client.post("/rents", WISH)
    await lone.tell(HALTED)
    assert (await lone.client.get("/rents/1")).json["status"] == "rented"
    assert (await lone.client.patch("/rents/1", {"status": "returned"})).status == 200
    assert (await lone.client.post("/rents", {"userid": 3, "bikeid": 2})).status == 403
