"""Flaws 25-38: bills, deposits, points and reports."""

import asyncio
import contextlib
import itertools
from typing import Any

import pytest

from dev.simulation.mutants import BILL_AGAIN
from dev.simulation.seams import before, replaced
from gbike.contracts.bike_manage_app import Reported
from gbike.contracts.bike_manager import AdjustedPoint
from gbike.contracts.billing import CalculatedFee
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.store import Conflict, Tx
from gbike.services.bike_manage_app import saga as report_saga
from gbike.services.bike_manage_app import storage as reports
from gbike.services.bike_manage_app.clients import BikeClient
from gbike.services.bike_manage_app.domain import Report, State
from gbike.services.bike_manager import commands as managers
from gbike.services.bike_manager import domain as manager_rules
from gbike.services.bike_manager import policies as manager_policies
from gbike.services.billing import policies as billing
from gbike.services.billing import storage as bills
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.user_deposit import commands as ledger_commands
from gbike.services.user_deposit import domain as money
from gbike.services.user_deposit import storage as ledger
from tests.flaws.planting import Town, a_town, flaw, held_up, replacing

RENTED = Rented(rentid=7, userid=1, bikeid=1, status="rented", starttime=1_000)
RETURNED = Returned(rentid=7, userid=1, bikeid=1, status="returned", endtime=6_000, starttime=1_000)


async def deposit_of(town: Town, userid: int = 1) -> int:
    """What a rider has, won."""
    return int((await town.see(f"/userDeposits/{userid}"))["deposit"])


async def points_of(town: Town, managerid: int = 1) -> int:
    """What a manager has."""
    return int((await town.see(f"/bikeManagers/{managerid}"))["point"])


@flaw(25, before(bills, "add", "UPDATE bills SET rentid = -rentid WHERE rentid = ?", lambda rentid, *_: (rentid,)))
async def test_flaw_25_a_rent_told_twice_has_one_bill_and_is_charged() -> None:
    """A doubled Rented made two bills and then none could be charged; here a rent has one bill, by its number."""
    town = await a_town()
    await town.tell("rent", RENTED, RENTED, RETURNED)
    assert [(bill["rentid"], bill["fee"]) for bill in await town.many("billings")] == [(7, 500)]
    assert await deposit_of(town) == 99_500


def _only_with_a_bill(patch: pytest.MonkeyPatch) -> None:
    charge = billing.whenever_returned_apply_the_fee

    def late(tax: Tariff, tx: Tx, printed: Returned) -> None:
        if billing.storage.find_by_rent(tx, printed.rentid) is not None:
            charge(tax, tx, printed)

    patch.setattr(billing, "whenever_returned_apply_the_fee", late)


@flaw(26, _only_with_a_bill)
async def test_flaw_26_a_return_heard_before_its_rent_is_charged() -> None:
    """A return that came first was dropped and the ride was free; here it carries its start and opens the bill."""
    town = await a_town()
    await town.tell("rent", RETURNED, RENTED)
    assert [(bill["fee"], bill["status"]) for bill in await town.many("billings")] == [(500, "CLOSEBILL")]
    assert await deposit_of(town) == 99_500


def _as_the_original(_tariff: Tariff, started_ms: int, ended_ms: int) -> int:
    return int((ended_ms - started_ms) / 60_000) * 100


@flaw(27, replacing(Tariff, "fee", _as_the_original))
async def test_flaw_27_a_clock_that_steps_back_never_pays_the_rider() -> None:
    """A fee could be negative or overflow, without a tariff; here it is 0 or more, bounded, by the bill's tariff."""
    original = Tariff(100, 60, Rounding.FLOOR)
    assert [original.fee(0, ms) for ms in (-3_600_000, 0, 59_999, 60_000, 125_000)] == [0, 0, 0, 100, 200]
    assert Tariff(1_000_000, 1, Rounding.CEIL).fee(0, 2**60) == 10**12
    town = await a_town()
    rentid = await town.rent()
    town.clock.at_ms -= 3_600_000
    await town.give_back(rentid)
    await town.all.settle()
    [bill] = await town.many("billings")
    assert (bill["fee"], bill["tariff"], bill["endtime"]) == (100, "100/1s ceil", bill["starttime"])


@flaw(28, BILL_AGAIN)
async def test_flaw_28_a_closed_bill_is_never_charged_again() -> None:
    """A PATCH or a doubled Returned charged a closed bill again; here bills are read-only and move forward only."""
    town = await a_town()
    await town.tell("rent", RENTED, RETURNED)
    for method in ("PATCH", "PUT"):
        assert (await town.client.send(method, "/billings/1", {"status": "APPLYFEE"})).status == 405
    assert (await town.client.post("/billings", {"rentid": 7})).status == 405
    longer = Returned(rentid=7, userid=1, bikeid=1, status="returned", endtime=90_000, starttime=1_000)
    await town.tell("rent", longer)
    [bill] = await town.many("billings")
    assert (bill["fee"], bill["status"]) == (500, "CLOSEBILL")
    assert await deposit_of(town) == 99_500


def _by_anybody(original: Any) -> Any:
    def close(tx: Tx, billid: int, _userid: int, _fee: int) -> Any:
        return original(tx, billid, *(tx.one("SELECT userid, fee FROM bills WHERE billid = ?", (billid,)) or (0, 0)))

    return close


@flaw(29, replaced(bills, "close", _by_anybody))
async def test_flaw_29_only_the_riders_own_payment_of_the_fee_closes_a_bill() -> None:
    """Writing a billid into a deposit closed anyone's bill unpaid; here the payment's rider and amount must match."""
    town = await a_town()
    await town.all.part("userDeposit").stop()
    await town.tell("rent", RENTED, RETURNED)
    town.all.part("userDeposit").answer(stopped=False)
    await town.client.patch("/userDeposits/1", {"billid": 1})
    town.all.part("userDeposit").answer(stopped=True)
    await town.tell("user_deposit", UpdatedDeposit(userid=2, deposit=0, billid=1, fee=500))
    await town.tell("user_deposit", UpdatedDeposit(userid=1, deposit=0, billid=1, fee=1))
    assert [bill["status"] for bill in await town.many("billings")] == ["APPLYFEE"]


def _a_new_cause_each_time(patch: pytest.MonkeyPatch) -> None:
    numbers, fee = itertools.count(), money.fee

    def fresh(userid: int, billid: int, amount: int, *, rentid: int) -> money.Posting:
        posting = fee(userid, billid, amount, rentid=rentid)
        return money.Posting(posting.userid, posting.amount, posting.counter, f"{posting.cause}:{next(numbers)}")

    patch.setattr(money, "fee", fresh)


_BALANCE_READ_BEFORE = before(
    ledger, "move", "UPDATE deposits SET balance = 100000 WHERE userid = ?", lambda posting, _: (posting.userid,)
)


@flaw(30, _a_new_cause_each_time, _BALANCE_READ_BEFORE)
async def test_flaw_30_no_movement_of_money_is_lost_or_doubled() -> None:
    """Balances were read, changed and written back; here each movement is an entry, once per cause, and they add up."""
    town = await a_town()
    paid = [town.client.post("/userDeposits/1/topUps", {"amount": 10 + n}) for n in range(20)]
    assert {reply.status for reply in await asyncio.gather(*paid)} == {201}
    fee = CalculatedFee(billid=1, rentid=7, userid=1, endtime=9, fee=500, status="APPLYFEE")
    await town.tell("billing", fee, fee)
    await town.tell("billing", fee)
    assert await deposit_of(town) == 100_000 + sum(range(10, 30)) - 500
    assert await town.rows("user_deposit", "SELECT sum(amount) FROM entries") == [(0,)]


@flaw(31, replacing(ledger_commands, "_ensure", lambda tx, userid: None))
async def test_flaw_31_a_rider_without_a_deposit_still_pays() -> None:
    """The fee of an unknown rider was lost; here its first fee opens the account, and debt is in the balance."""
    town = await Town().opened_without_money()
    await town.ride(seconds=3)
    assert await deposit_of(town) == -300
    assert [bill["status"] for bill in await town.many("billings")] == ["CLOSEBILL"]
    opened = await town.client.post("/userDeposits", {"userid": 1, "deposit": 1000})
    assert (opened.status, opened.json["deposit"]) == (201, 700)


@flaw(32, replacing(money, "won", lambda amount: money.Won(int(amount) % 2**32)))
async def test_flaw_32_large_amounts_keep_every_won() -> None:
    """4,294,968,296 won became 1,000; here amounts are 64 bits wide and judged before they are taken."""
    town = await a_town()
    assert (await town.client.post("/userDeposits", {"userid": 2, "deposit": 4_294_968_296})).status == 201
    assert await deposit_of(town, 2) == 4_294_968_296
    for wrong in (10**12 + 1, 2**63, -1, 1.5, "1e3"):
        assert (await town.client.post("/userDeposits", {"userid": 3, "deposit": wrong})).status == 422


def _as_a_fee(**facts: Any) -> UpdatedDeposit:
    return UpdatedDeposit(userid=facts["userid"], deposit=facts["deposit"], billid=facts["billid"], fee=facts["amount"])


@flaw(33, replacing(ledger_commands, "AddedDeposit", _as_a_fee))
async def test_flaw_33_a_top_up_says_that_it_is_one_and_names_no_fee() -> None:
    """Every save said UpdatedDeposit with the last bill, a creation nothing; here each movement says its own cause."""
    town = await a_town()
    await town.ride()
    await town.client.post("/userDeposits/1/topUps", {"amount": 5_000})
    await town.all.settle()
    assert len(await town.published("UpdatedDeposit")) == 1
    assert [
        (printed["amount"], printed["cause"].split(":")[0]) for printed in await town.published("AddedDeposit")
    ] == [
        (100_000, "opening"),
        (5_000, "topUp"),
    ]


@flaw(34, before(ledger, "register", "UPDATE deposits SET registered = 0 WHERE userid = ?", lambda userid: (userid,)))
async def test_flaw_34_money_is_never_written_over() -> None:
    """Anyone's POST overwrote a deposit; here a second opening is a 409, and an entry can't be changed or removed."""
    town = await a_town()
    for amount in (100_000, 5):
        again = await town.client.post("/userDeposits", {"userid": 1, "deposit": amount})
        assert (again.status, await deposit_of(town)) == (409, 100_000)
    for statement in ("UPDATE entries SET amount = 0", "DELETE FROM entries"):
        with pytest.raises(Conflict, match="final"):
            await town.all.parts["user_deposit"].store.write(_run, statement)


def _run(tx: Tx, statement: str) -> int:
    return tx.execute(statement)


def _with_the_last_conversion(**facts: Any) -> AdjustedPoint:
    again = {"adjustpoint": 1000, "conversion": f"again:{facts['point']}"} if "conversion" not in facts else {}
    return AdjustedPoint(**{**facts, **again})


@flaw(35, replacing(managers, "AdjustedPoint", _with_the_last_conversion))
async def test_flaw_35_a_conversion_pays_once_and_later_reports_pay_nothing() -> None:
    """After one conversion each later report paid its 1,000 won again; here a conversion is a command with its id."""
    town = await a_town()
    convert = {"userid": 1, "point": 0, "adjustpoint": 1000}
    for _ in range(2):
        assert (await town.client.put("/bikeManagers/1", convert)).status == 200
    await town.all.settle()
    await town.client.post("/bikeManageApps", {"managerid": 1, "bikeid": 1, "batterylevel": 50})
    await town.all.settle()
    assert (await deposit_of(town), await points_of(town)) == (101_000, 1000)


@flaw(36, replacing(manager_rules, "convert", lambda manager, last, wish: True))
async def test_flaw_36_a_client_expects_points_but_never_sets_them() -> None:
    """A client wrote its own balance, a negative conversion or another's account; here `point` must be what is left."""
    town = await a_town()
    wrong = await town.client.put("/bikeManagers/1", {"point": 9_999_999, "adjustpoint": 500})
    assert wrong.status == 409
    assert wrong.json["right_point"] == 500
    for change, status in (
        ({"point": 500, "adjustpoint": -500}, 422),
        ({"point": 500, "adjustpoint": 500, "userid": 2}, 409),
        ({"point": 0, "adjustpoint": 1001}, 409),
    ):
        assert (await town.client.put("/bikeManagers/1", change)).status == status
    await town.all.settle()
    assert (await points_of(town), await deposit_of(town)) == (1000, 100_000)


def _each_delivery(patch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()
    patch.setattr(
        manager_policies,
        "accrue",
        lambda tx, managerid, cause, points: managers.accrue(tx, managerid, f"{cause}:{next(numbers)}", points),
    )


@flaw(37, _each_delivery)
async def test_flaw_37_a_report_earns_its_points_once_also_before_its_manager_is_known() -> None:
    """Each delivery paid 1,000 points, and an unknown manager none; here a report pays once and points wait."""
    town = await a_town()
    await town.tell("bike_manage_app", *[Reported(reportid=1, managerid=1, bikeid=1)] * 3)
    await town.tell("bike_manage_app", *[Reported(reportid=2, managerid=9, bikeid=1)] * 2)
    assert await points_of(town) == 2000
    await town.client.post("/bikeManagers", {"managerid": 9, "userid": 9})
    assert await points_of(town, 9) == 1000


_apply = BikeClient.apply


async def _whatever_happens(client: BikeClient, report: Report) -> int | None:
    with contextlib.suppress(Exception):
        return await _apply(client, report)
    return None


def _overwriting(tx: Tx, state: State, number: int, stale_after_ms: int) -> tuple[Report, bool]:
    before = reports.sent_before(tx, state.managerid, number)
    if before is not None:
        return Report(before[0].reportid, state), True
    return reports.add(tx, state, number, deadline_ms=tx.now_ms + stale_after_ms), False


@flaw(38, replacing(BikeClient, "apply", _whatever_happens), replacing(report_saga, "take_down_a_report", _overwriting))
async def test_flaw_38_a_report_that_bike_did_not_apply_in_time_earns_nothing() -> None:
    """A slow bike left a report half done, and a second one overwrote the first; here it is cancelled, or refused."""
    town = await a_town(report_deadline_ms="100")
    seen = {"reportid": 1, "managerid": 1, "bikeid": 1, "batterylevel": 50}
    async with held_up():
        late = await town.client.post("/bikeManageApps", seen)
    assert (late.status, late.headers.get("retry-after")) == (503, "2")
    await town.all.settle()
    assert (await points_of(town), await town.many("bikeManageApps")) == (1000, [])
    first = await town.client.post("/bikeManageApps", seen)
    assert (await town.client.post("/bikeManageApps", seen)).json == first.json
    assert (await town.client.post("/bikeManageApps", {**seen, "batterylevel": 1})).status == 409
    await town.all.settle()
    assert (await points_of(town), (await town.see("/bikes/1"))["batterylevel"]) == (2000, 50)
