"""An account with an open ride, money or a debt is not erased; account knows it by what others say, in any order."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding, RefundedFee, UpdatedDeposit
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.services.account.commands.accounts import forget
from gbike.services.account.domain import Unsettled
from gbike.services.account.storage import KEEPS
from tests.services.account.people import Town, kind

RENTED = Rented(rentid=3, userid=1, bikeid=7, status="rented", starttime=1)
RETURNED = Returned(rentid=3, userid=1, bikeid=7, status="returned", endtime=2, starttime=1)
PAID_IN = AddedDeposit(userid=1, deposit=5000, version=1)
PAID_OUT = AddedDeposit(userid=1, deposit=0, version=2)


async def a_town() -> Town:
    town = Town()
    await town.sign_up()
    return town


async def erasure(town: Town) -> tuple[int, Any]:
    """The answer to the person who asks to be forgotten."""
    reply = await town.client.post("/accounts/1/erasure")
    return reply.status, reply.json


async def test_each_new_account_is_said_and_a_second_with_its_contact_is_not() -> None:
    town = await a_town()
    await town.sign_up()
    assert await town.lone.published() == [{"eventType": "RegisteredAccount", "userid": 1}]


@pytest.mark.parametrize(
    ("heard", "rides", "krw"),
    [
        (RENTED, 1, 0),
        (PAID_IN, 0, 5000),
        (UpdatedDeposit(userid=1, deposit=-300, version=1), 0, -300),
        (RefundedFee(userid=1, deposit=300, billid=1, rentid=1, correctionid=1, amount=300, version=1), 0, 300),
        (ChangedStanding(userid=1, mayrent=True, version=1, deposit=900, depositversion=4), 0, 900),
    ],
)
async def test_who_rides_or_has_money_or_a_debt_is_not_erased_and_is_told_what_is_open(
    heard: Any, rides: int, krw: int
) -> None:
    town = await a_town()
    await town.lone.tell(heard)
    refused = await town.client.post("/accounts/1/erasure")
    assert (refused.status, kind(refused)) == (409, "account-in-use")
    assert (refused.json["rides"], refused.json["deposit"]) == (rides, krw)
    assert (await town.sign_in()).status == 200, "nothing was forgotten"
    assert (await town.client.get("/accounts/1")).json["name"] == "Kim"


@pytest.mark.parametrize("order", list(permutations((RENTED, RETURNED, PAID_IN, PAID_OUT))))
async def test_who_has_settled_is_erased_in_whatever_order_it_was_heard(order: tuple[Any, ...]) -> None:
    town = await a_town()
    await town.lone.tell(*order)
    assert (await erasure(town))[0] == 200
    assert (await erasure(town))[0] == 200, "again: nothing"


async def test_an_older_balance_does_not_replace_a_newer_one_and_another_s_is_another_s() -> None:
    town = await a_town()
    standing = ChangedStanding(userid=1, mayrent=False, version=9, deposit=0, depositversion=3)
    await town.lone.tell(standing, PAID_IN, PAID_OUT, msgspec.structs.replace(PAID_IN, userid=2))
    assert (await erasure(town))[0] == 200


async def test_the_operator_erases_by_law_and_is_told_what_was_open() -> None:
    town = await a_town()
    await town.lone.tell(RENTED, PAID_IN)
    assert await town.lone.store.write(forget, 1) == Unsettled(1, 5000)
    assert (await town.client.get("/accounts/1")).json["erased"] is True
    assert (await erasure(town))[0] == 200


async def test_rides_that_are_over_are_forgotten_after_30_days_and_open_ones_never() -> None:
    town = await a_town()
    await town.lone.tell(RENTED, RETURNED, msgspec.structs.replace(RENTED, rentid=4))
    keeper = Housekeeper(town.lone.store, town.lone.clock, KEEPS)
    town.lone.clock.at_ms += 30 * DAY_MS
    await keeper.step()
    assert await town.lone.rows("SELECT rentid FROM rides ORDER BY rentid") == [(3,), (4,)]
    town.lone.clock.at_ms += 1
    await keeper.step()
    assert await town.lone.rows("SELECT rentid, over FROM rides") == [(4, 0)]
