"""An operator keeps a rider from beginning a ride: told with its reason's name, ended by hand or by itself."""

from typing import Any

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CorrectedBill
from gbike.services.user_deposit.storage import own_violations
from tests.services.lone import NOON, Lone, Reply
from tests.services.user_deposit.test_standings import THOUSAND, a_fee, started

AT, RIVER = "/userDeposits/3/block", {"reason": "left a bike in a river"}
SOON_MS = NOON + 60_000
SOON = {**RIVER, "until": "2026-09-21T14:14:20.000Z"}


async def said(lone: Lone) -> list[tuple[Any, ...]]:
    """Every standing that was told: whether a ride may begin, why not, and when a block ends by itself."""
    await lone.settle()
    return [
        (one["mayrent"], one["reasons"], one.get("blockeduntil"))
        for one in await lone.published()
        if one["eventType"] == "ChangedStanding"
    ]


async def lapse(lone: Lone) -> int:
    return int(await lone.worker("blocks").step())


async def right(lone: Lone) -> bool:
    return await lone.store.read(lambda read: list(own_violations(read))) == []


def shown(reply: Reply) -> tuple[Any, Any]:
    return reply.json["blocked"] and reply.json["blocked"]["reason"], reply.json["mayrent"]


async def test_a_blocked_rider_may_not_rent_until_an_operator_ends_it() -> None:
    lone = await started({})
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 5_000})
    blocked = await lone.client.put(AT, RIVER)
    assert (blocked.status, blocked.json["deposit"]) == (200, 5_000)
    assert shown(blocked) == ("left a bike in a river", False)
    assert blocked.json["blocked"]["until"] is None
    assert await lone.client.get("/userDeposits/3") == blocked
    ended = await lone.client.send("DELETE", AT, {"reason": "the bike is back"})
    assert (ended.status, shown(ended)) == (200, (None, True))
    assert await said(lone) == [(False, ["staff"], None), (True, [], None)]
    assert await lone.rows("SELECT action, subject, before, after FROM audit WHERE action LIKE '%block%'") == [
        (
            *("rider blocked", "user:3", '{"blocked":false}'),
            '{"blocked":true,"reason":"left a bike in a river","until":null}',
        ),
        (
            *("block ended", "user:3", '{"blocked":true,"reason":"left a bike in a river","until":null}'),
            '{"blocked":false,"reason":"the bike is back"}',
        ),
    ]
    assert await right(lone)


async def test_a_rider_without_money_is_blocked_too_and_may_still_open_a_deposit() -> None:
    lone = await started({})
    assert shown(await lone.client.put(AT, RIVER)) == ("left a bike in a river", False)
    assert await said(lone) == [(False, ["staff"], None)]
    opened = await lone.client.post("/userDeposits", {"userid": 3, "deposit": 5_000})
    assert (opened.status, shown(opened)) == (201, ("left a bike in a river", False))
    assert await right(lone)


async def test_money_does_not_lift_a_block_and_a_block_does_not_hide_what_is_missing() -> None:
    lone = await started(THOUSAND)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 1_500})
    await lone.client.put(AT, RIVER)
    await lone.tell(a_fee(1, 1_000))
    await lone.client.post("/userDeposits/3/topUps", {"amount": 2_000, "reason": "paid at the counter"})
    await lone.client.send("DELETE", AT)
    why = [(may, reasons) for may, reasons, _ in await said(lone)]
    assert why == [(True, []), (False, ["staff"]), (False, ["staff", "minimum"]), (False, ["staff"]), (True, [])]
    assert await lone.rows("SELECT after FROM audit WHERE action = 'deposit topped up'") == [
        ('{"cause":"%s","deposit":2500,"reason":"paid at the counter"}' % (await cause_of_a_top_up(lone)),)
    ]
    assert await right(lone)


async def cause_of_a_top_up(lone: Lone) -> str:
    [(cause,)] = await lone.rows("SELECT cause FROM entries WHERE cause LIKE 'topUp:%' AND account = 'user:3'")
    return str(cause)


async def test_a_block_ends_by_itself_and_is_none_from_then_on() -> None:
    lone = await started({})
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 0})
    blocked = await lone.client.put(AT, SOON)
    assert blocked.json["blocked"]["until"] == SOON["until"]
    assert (await lapse(lone), shown(await lone.client.get("/userDeposits/3"))[1]) == (0, False)
    lone.clock.at_ms = SOON_MS
    assert shown(await lone.client.get("/userDeposits/3")) == (None, True)
    assert await said(lone) == [(False, ["staff"], SOON_MS), (True, [], None)]
    assert await lone.rows("SELECT count(*) FROM blocks") == [(0,)]
    ended = "SELECT who, after FROM audit WHERE action = 'block ended'"
    assert await lone.rows(ended) == [("gbike", '{"blocked":false,"reason":"its time is up"}')]
    assert await lapse(lone) == 0
    assert await right(lone)


async def test_a_block_that_was_prolonged_does_not_end_at_its_old_end() -> None:
    lone = await started({})
    await lone.client.put(AT, SOON)
    await lone.client.put(AT, RIVER)
    lone.clock.at_ms = SOON_MS
    assert await lapse(lone) == 0
    assert await said(lone) == [(False, ["staff"], SOON_MS), (False, ["staff"], None)]
    assert await lone.rows("SELECT since_ms, until_ms FROM blocks") == [(NOON, None)]


async def test_a_block_that_a_gbike_of_before_told_nobody_of_is_told_again() -> None:
    lone = await started({})
    await lone.client.put(AT, SOON)
    await lone.rows("UPDATE standings SET version = version + 1, missing_krw = 0 RETURNING 1")  # as 0.2.0 tells one
    assert not await right(lone)
    assert await lapse(lone) == 1
    assert await said(lone) == [(False, ["staff"], SOON_MS)] * 2
    assert await right(lone)
    assert await lapse(lone) == 0


async def test_the_blocked_ones_are_listed_also_those_without_money() -> None:
    lone = await started({})
    for userid in (2, 3, 4):
        await lone.client.post("/userDeposits", {"userid": userid, "deposit": 0})
    for userid in (3, 7):
        await lone.client.put(f"/userDeposits/{userid}/block", RIVER)
    for word, riders in (("true", [3, 7]), ("false", [2, 4])):
        found = (await lone.client.get(f"/userDeposits?blocked={word}")).json
        assert [one["userid"] for one in found["_embedded"]["userDeposits"]] == riders
        assert found["page"]["totalElements"] == 2


async def test_a_block_until_a_moment_that_has_passed_is_refused() -> None:
    lone = await started({})
    lone.clock.at_ms = SOON_MS
    refused = await lone.client.put(AT, SOON)
    assert (refused.status, refused.json["type"].partition("#")[2]) == (409, "until-passed")
    assert await lone.rows("SELECT count(*) FROM deposits") == [(0,)]


async def test_to_end_no_block_changes_nothing() -> None:
    lone = await started({})
    assert (await lone.client.send("DELETE", AT)).status == 404
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 0})
    assert (await lone.client.send("DELETE", AT)).status == 200
    assert await said(lone) == []
    assert await lone.rows("SELECT count(*) FROM audit WHERE action LIKE '%block%'") == [(0,)]


async def test_an_erasure_forgets_why_somebody_was_blocked_in_every_copy() -> None:
    lone = await started({})
    await lone.client.put(AT, RIVER, idempotency_key="k")
    await lone.tell(AccountErased(userid=3))
    assert await lone.rows("SELECT reason, until_ms FROM blocks") == [(None, None)]
    [(kept,)] = await lone.rows("SELECT content FROM idempotency")
    assert b"river" not in bytes(kept)
    assert (await lone.client.put(AT, RIVER)).json["type"].partition("#")[2] == "account-erased"
    assert shown(await lone.client.get("/userDeposits/3")) == ("", False)


async def test_a_correction_of_a_bill_is_given_back_once_also_to_an_erased_rider() -> None:
    lone = await started({})
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 5_000})
    corrected = CorrectedBill(correctionid=7, billid=1, rentid=2, userid=3, amount=300)
    await lone.tell(a_fee(1, 1_000), corrected, corrected, AccountErased(userid=3))
    assert (await lone.client.get("/userDeposits/3")).json["deposit"] == 4_300
    sides = "SELECT account, amount FROM entries WHERE cause = 'billCorrection:7' ORDER BY account"
    assert await lone.rows(sides) == [("refunds", -300), ("user:3", 300)]
    [refunded] = [one for one in await lone.published() if one["eventType"] == "RefundedFee"]
    assert (refunded["correctionid"], refunded["billid"], refunded["rentid"]) == (7, 1, 2)
    assert (refunded["amount"], refunded["deposit"], refunded["version"]) == (300, 4_300, 3)
    await lone.tell(CorrectedBill(correctionid=8, billid=1, rentid=2, userid=3, amount=200))
    assert (await lone.client.get("/userDeposits/3")).json["deposit"] == 4_500
    assert await right(lone)
