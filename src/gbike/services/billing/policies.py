"""Whenever X was said, do Y. The order of hearing does not matter: each policy is an upsert guarded by state."""

from functools import partial

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.erasure import remember, take_out
from gbike.kit.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.billing import storage
from gbike.services.billing.domain import BillStatus, Tariff


class NoStart(Exception):
    """A return that says no start, for a rent whose start was never heard: it can't be charged and is set aside."""


def whenever_rented_open_a_bill(tx: Tx, said: Rented) -> None:
    """R4: a bill opens when a rent starts; one bill per rent, however often it is said."""
    _open(tx, said.rentid, said.userid, said.starttime)


def whenever_returned_apply_the_fee(tax: Tariff, tx: Tx, said: Returned) -> None:
    """R7: the fee is computed, once. A return heard before its rent opens the bill itself (flaw 26)."""
    bill = storage.find_by_rent(tx, said.rentid)
    if bill is None and said.starttime is not None:
        _open(tx, said.rentid, said.userid, said.starttime)
        bill = storage.find_by_rent(tx, said.rentid)
    if bill is None:
        raise NoStart(f"rent {said.rentid}")
    fee = tax.fee(bill.started_ms, said.endtime)
    ended_ms = max(said.endtime, bill.started_ms)
    if storage.apply_fee(tx, bill.billid, ended_ms, fee, str(tax)):
        tx.say(
            CalculatedFee(
                billid=bill.billid,
                rentid=bill.rentid,
                userid=bill.userid,
                endtime=ended_ms,
                fee=fee,
                status=BillStatus.APPLIED,
                starttime=bill.started_ms,
                tariff=str(tax),
            )
        )


def whenever_the_fee_is_taken_close_the_bill(tx: Tx, said: UpdatedDeposit) -> int | None:
    """R8: bill and ride are closed, but only by a ledger entry for this bill, this rider and this fee (flaw 29).
    Answers how long after the return that is, ms, by the clocks of two processes."""
    if said.billid is None or said.fee is None:
        return None
    closed = storage.close(tx, said.billid, said.userid, said.fee)
    if closed is None:
        return None
    rentid, ended_ms = closed
    tx.say(ClosedBill(billid=said.billid, rentid=rentid, userid=said.userid, status=BillStatus.CLOSED))
    return max(0, tx.now_ms - ended_ms)


def whenever_an_account_is_erased_forget_where_it_was(tx: Tx, said: AccountErased) -> None:
    """The bills stay, for the books. What was set aside tells of places; it does no more."""
    remember(tx, said.userid)
    take_out(tx, "userid", [said.userid])


def policies(tariff: Tariff) -> Policies:
    """What billing does whenever it hears something."""
    return {
        AccountErased: whenever_an_account_is_erased_forget_where_it_was,
        Rented: whenever_rented_open_a_bill,
        Returned: partial(whenever_returned_apply_the_fee, tariff),
        UpdatedDeposit: whenever_the_fee_is_taken_close_the_bill,
    }


def _open(tx: Tx, rentid: int, userid: int, started_ms: int) -> None:
    billid = storage.add(tx, rentid, userid, started_ms)
    if billid is not None:
        tx.say(
            RegisteredBill(billid=billid, rentid=rentid, userid=userid, starttime=started_ms, status=BillStatus.OPEN)
        )
