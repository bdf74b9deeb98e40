"""Flaws 39-41: the view."""

from typing import Any

import pytest

from dev.simulation.seams import replaced
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.rent import Rented
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.messaging import inbox
from gbike.kit.store import Tx
from gbike.services.rent_and_billing_view import storage as view
from gbike.services.rent_and_billing_view import wiring as view_wiring
from gbike.services.rent_and_billing_view.wiring import rebuild
from tests.flaws.planting import a_town, flaw, replacing
from tests.flaws.test_flaws_events import POISON

RENTED = Rented(rentid=7, userid=1, bikeid=1, status="rented", starttime=1_000)
OPENED = RegisteredBill(billid=3, rentid=7, userid=1, starttime=1_000, status="OPENBILL")
CHARGED = CalculatedFee(billid=3, rentid=7, userid=1, endtime=6_000, fee=500, status="APPLYFEE")
CLOSED = ClosedBill(billid=3, rentid=7, userid=1, status="CLOSEBILL")


async def _swallow(consumer: inbox.Consumer, message: Any) -> None:
    try:
        await consumer._store.write(consumer._apply, [message], None)
    except Exception:
        return


@flaw(39, replacing(inbox.Consumer, "_handle_alone", _swallow))
async def test_flaw_39_what_the_view_could_not_fold_is_kept_and_counted() -> None:
    """The view swallowed every error and drifted in silence; here a failed event is a dead letter and a metric."""
    town = await a_town()
    await town.all.bus.append([POISON])
    await town.all.settle()
    assert len(await town.rows("rent_and_billing_view", "SELECT 1 FROM dead_letters")) == 1
    metrics = (await town.client.get("/metrics")).content.decode()
    assert 'gbike_dead_letters_total{service="rent_and_billing_view"} 1.0' in metrics


def _too_early_is_lost(original: Any) -> Any:
    def fold(tx: Tx, bill: view.Bill) -> None:
        if tx.one("SELECT 1 FROM rides WHERE rentid = ?", (bill.rentid,)):
            original(tx, bill)

    return fold


@flaw(40, replaced(view, "fold_bill", _too_early_is_lost))
async def test_flaw_40_the_view_is_the_same_whatever_comes_first() -> None:
    """An early event was lost and a doubled Rented erased the bill; here every event is an upsert that only adds."""
    lines = []
    for order in (
        (RENTED, OPENED, CHARGED, CLOSED),
        (CLOSED, CHARGED, OPENED, RENTED),
        (CHARGED, RENTED, CLOSED, RENTED),
    ):
        town = await a_town()
        await town.all.part("billing").stop()
        await town.tell("billing", *order)
        lines.append((await town.see("/rentAndBillingViews"))["_embedded"]["rentAndBillingViews"])
    assert lines[0] == lines[1] == lines[2]
    assert len(lines[0]) == 1
    line = lines[0][0]
    assert (line["billid"], line["fee"], line["billingStatus"], line["rentStatus"]) == (3, 500, "CLOSEBILL", "rented")


def _every_row(tx: Tx, userid: int, deposit: int, version: int) -> None:
    tx.execute("UPDATE rides SET fee = ? WHERE userid = ?", (deposit, userid))


def _keep_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(view_wiring, "keep_events", lambda tx, messages: None)


def _rewrite_history(patch: pytest.MonkeyPatch) -> None:
    from gbike.services.rent_and_billing_view.storage import facts

    patch.setattr(facts, "fold_deposit", _every_row)


@flaw(41, _keep_nothing, _rewrite_history)
async def test_flaw_41_a_deposit_rewrites_no_history_and_the_view_can_be_folded_anew() -> None:
    """One deposit rewrote all rows of a rider and nothing could be rebuilt; here it is one row, and facts are kept."""
    town = await a_town()
    for _ in range(3):
        await town.ride()
    store = town.all.parts["rent_and_billing_view"].store
    rides = await town.rows("rent_and_billing_view", "SELECT * FROM rides ORDER BY rentid")
    await town.tell("user_deposit", UpdatedDeposit(userid=1, deposit=5, billid=9, fee=1, version=99))
    assert await town.rows("rent_and_billing_view", "SELECT * FROM rides ORDER BY rentid") == rides
    assert [line["deposit"] for line in await town.many("rentAndBillingViews")] == [5, 5, 5]
    before = await store.read(lambda read: list(view.lines(read)))
    await rebuild(store, store)
    assert await store.read(lambda read: list(view.lines(read))) == before
    for method in ("POST", "PUT", "PATCH"):
        path = "/rentAndBillingViews" + ("" if method == "POST" else "/1")
        assert (await town.client.send(method, path, {"fee": 0})).status == 405
