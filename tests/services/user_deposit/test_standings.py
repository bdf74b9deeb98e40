"""May a rider begin a ride? Told on every change, under a version that only grows, and once for everybody."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.account import RegisteredAccount
from gbike.contracts.billing import CalculatedFee
from gbike.services.user_deposit import wiring
from gbike.services.user_deposit.domain import missing_krw
from gbike.services.user_deposit.storage import own_violations
from gbike.services.user_deposit.wiring import SPEC
from tests.services.lone import Lone, examples

THOUSAND = {"GBIKE_RENT_MINIMUM_KRW": "1000"}


def a_fee(billid: int, amount: int, userid: int = 3) -> CalculatedFee:
    """A fee that is known."""
    return CalculatedFee(billid=billid, rentid=billid, userid=userid, endtime=0, fee=amount, status="APPLYFEE")


async def told(lone: Lone) -> list[tuple[Any, ...]]:
    """Every standing that was told: rider, version, whether a ride may begin, what is missing, the balance."""
    await lone.settle()
    return [
        (s["userid"], s["version"], s["mayrent"], s["missing_krw"], s["deposit"])
        for s in await lone.published()
        if s["eventType"] == "ChangedStanding"
    ]


async def started(env: dict[str, str], path: Path | None = None) -> Lone:
    """A userDeposit that did what a start does; its log is a new one."""
    lone = Lone(SPEC, env, path)
    await lone.store.write(lambda tx: tx.execute("DELETE FROM positions"))
    await lone.settle()
    return lone


@pytest.mark.parametrize(
    ("balance", "minimum", "missing"),
    [(0, 0, 0), (-5_000, 0, 0), (999, 1_000, 1), (1_000, 1_000, 0), (-500, 1_000, 1_500), (0, 1_000, 1_000)],
)
def test_what_is_missing_is_the_way_to_the_minimum_and_without_one_nothing_is(
    balance: int, minimum: int, missing: int
) -> None:
    assert missing_krw(balance, minimum) == missing


async def test_a_standing_is_told_when_it_changes_and_only_then() -> None:
    lone = await started(THOUSAND)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 5_000})
    await lone.tell(a_fee(1, 3_000))
    assert await told(lone) == [(3, 1, True, 0, 5_000)]
    await lone.tell(a_fee(2, 1_500), a_fee(3, 600))
    await lone.client.post("/userDeposits/3/topUps", {"amount": 2_000})
    assert (await told(lone))[1:] == [(3, 2, False, 500, 500), (3, 3, False, 1_100, -100), (3, 4, True, 0, 1_900)]
    last = (await lone.published())[-2]
    assert (last["eventType"], last["reasons"], last["depositversion"]) == ("ChangedStanding", [], 5)
    assert await lone.store.read(lambda read: list(own_violations(read))) == []


async def test_without_a_minimum_nothing_is_told_of_who_comes_later() -> None:
    lone = await started({})
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 0})
    await lone.tell(a_fee(1, 9_000), a_fee(2, 9_000, 4), RegisteredAccount(userid=5))
    assert await told(lone) == []


async def test_a_new_account_is_told_of_before_it_has_money_and_its_versions_grow_from_there() -> None:
    lone = await started(THOUSAND)
    await lone.tell(RegisteredAccount(userid=3), RegisteredAccount(userid=3))
    assert await told(lone) == [(3, 1, False, 1_000, 0)]
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 1_000})
    await lone.tell(RegisteredAccount(userid=3))
    assert (await told(lone))[1:] == [(3, 2, True, 0, 1_000)]


async def test_a_first_fee_before_any_money_tells_the_debt() -> None:
    lone = await started(THOUSAND)
    await lone.tell(a_fee(1, 500), RegisteredAccount(userid=3))
    assert await told(lone) == [(3, 1, False, 1_500, -500)]
    await lone.client.post("/userDeposits", {"userid": 4, "deposit": 0})
    assert (await told(lone))[1:] == [(4, 1, False, 1_000, 0)]


@pytest.mark.parametrize("env", [{}, THOUSAND], ids=["off", "1000"])
async def test_a_store_of_before_tells_everybody_once(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "BATCH", 2)
    lone = Lone(SPEC, env, tmp_path / "store.sqlite")
    for userid in range(1, 6):
        await lone.client.post("/userDeposits", {"userid": userid, "deposit": userid * 300})
    await lone.store.write(lambda tx: tx.execute("DELETE FROM standings"))
    walk = lone.worker("standings")
    assert [await walk.step() for _ in range(2)] == [2, 2]
    await lone.stop()
    again = await started(env, tmp_path / "store.sqlite")
    missing = [700, 400, 100, 0, 0] if env else [0] * 5
    assert await told(again) == [(n, 1, not missing[n - 1], missing[n - 1], n * 300) for n in range(1, 6)]
    await again.stop()
    for _ in range(2):
        more = await started(env, tmp_path / "store.sqlite")
        assert len(await told(more)) == 5
        await more.stop()


async def test_another_minimum_tells_everybody_again_also_who_has_no_money(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    lone = await started({}, path)
    await lone.client.post("/userDeposits", {"userid": 1, "deposit": 1_500})
    await lone.tell(RegisteredAccount(userid=2))
    await lone.stop()
    for krw, expected in (
        ("1000", [(1, 1, True, 0, 1_500), (2, 1, False, 1_000, 0)]),
        ("2000", [(1, 2, False, 500, 1_500), (2, 2, False, 2_000, 0)]),
        ("0", [(1, 3, True, 0, 1_500), (2, 3, True, 0, 0)]),
    ):
        lone = await started({"GBIKE_RENT_MINIMUM_KRW": krw}, path)
        assert (await told(lone))[-2:] == expected
        assert await lone.store.read(lambda read: list(own_violations(read))) == []
        await lone.stop()


async def test_verify_sees_a_standing_that_was_not_told() -> None:
    lone = await started(THOUSAND)
    await lone.client.post("/userDeposits", {"userid": 3, "deposit": 5_000})
    await lone.store.write(lambda tx: tx.execute("UPDATE standings SET missing_krw = 7"))
    assert await lone.store.read(lambda read: list(own_violations(read))) == [
        "I24 the standing of rider 3 is not the one that was told last"
    ]
    await lone.store.write(lambda tx: tx.execute("DELETE FROM standings"))
    assert len(await lone.store.read(lambda read: list(own_violations(read)))) == 1


STEPS = st.tuples(
    st.sampled_from(["fee", "top up", "correct", "set", "register"]), st.integers(1, 3), st.integers(1, 9)
)


@examples(40)
@given(st.lists(STEPS, max_size=20))
async def test_whatever_happens_the_newest_standing_is_that_of_the_balance(steps: list[tuple[str, int, int]]) -> None:
    lone = await started(THOUSAND)
    for number, (what, userid, amount) in enumerate(steps):
        match what:
            case "fee":
                await lone.tell(a_fee(number, amount * 200, userid))
            case "top up":
                await lone.client.post(f"/userDeposits/{userid}/topUps", {"amount": amount * 200})
            case "correct":
                wrong = {"amount": 900 - amount * 200, "reason": "a test"}
                await lone.client.post(f"/userDeposits/{userid}/corrections", wrong)
            case "set":
                await lone.client.patch(f"/userDeposits/{userid}", {"deposit": amount * 200})
            case _:
                await lone.tell(RegisteredAccount(userid=userid))
    newest = {}
    for userid, version, may, missing, _ in await told(lone):
        assert version == newest.get(userid, (0,))[0] + 1
        newest[userid] = (version, may, missing)
    for userid, balance in await lone.rows("SELECT userid, balance FROM deposits"):
        missing = max(0, 1_000 - balance)
        assert newest[userid][1:] == (not missing, missing)
    assert await lone.store.read(lambda read: list(own_violations(read))) == []
    await lone.stop()
