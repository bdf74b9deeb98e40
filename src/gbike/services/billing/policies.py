"""Whenever X was said, do Y. The order of hearing does not matter: each policy is an upsert guarded by state."""

from dataclasses import replace
from functools import partial

from gbike.contracts.account import AccountErased
from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import UpdatedDeposit
from gbike.kit.messaging.inbox import Policies
from gbike.kit.privacy.erasure import remember, take_out
from gbike.kit.store import Tx
from gbike.services.billing import storage
from gbike.services.billing.commands import complain, free_of_charge, lock_tries, tariff_of_a_start
from gbike.services.billing.domain import NOTHING, BillStatus, Complaint, Tariff, was_a_try
from gbike.services.billing.storage import complaints


class NoStart(Exception):
    """A return that says no start, for a rent whose start was never heard: it can't be charged and is set aside."""


def whenever_rented_open_a_bill(first: Tariff, tx: Tx, event: Rented) -> None:
    """R4: a bill opens when a rent starts, with the tariff of that moment; one bill per rent, however often it is
    said."""
    _open(first, tx, event.rentid, event.userid, event.starttime)


def whenever_returned_apply_the_fee(first: Tariff, tx: Tx, event: Returned) -> None:
    """R7: the fee is computed, once, by the tariff that the bill opened with; a ride that was voided costs nothing. A
    return heard before its rent opens the bill itself (flaw 26)."""
    bill = storage.find_by_rent(tx, event.rentid)
    if bill is None and event.starttime is not None:
        _open(first, tx, event.rentid, event.userid, event.starttime)
        bill = storage.find_by_rent(tx, event.rentid)
    if bill is None:
        raise NoStart(f"rent {event.rentid}")
    if bill.tariff is None:  # it opened before bills were stamped then
        stamp = tariff_of_a_start(tx, bill.started_ms, first)
        bill = replace(bill, tariff=str(stamp.tariff), version=stamp.version)
    fee = NOTHING if event.voided is True else Tariff.parse(bill.tariff or "").fee(bill.started_ms, event.endtime)
    ended_ms = max(event.endtime, bill.started_ms)
    tried = event.bikeid if was_a_try(bill.started_ms, ended_ms, stayed=event.stayed is True) else None
    if tried is not None:
        lock_tries(tx, bill.userid)  # or of a complaint that comes just now neither sees the other
    if storage.apply_fee(tx, bill, ended_ms, fee, tried):
        tx.publish(
            CalculatedFee(
                billid=bill.billid,
                rentid=bill.rentid,
                userid=bill.userid,
                endtime=ended_ms,
                fee=fee,
                status=BillStatus.APPLIED,
                starttime=bill.started_ms,
                tariff=bill.tariff,
            )
        )
        if tried is not None and complaints.was_made(tx, bill, ended_ms, tried):
            free_of_charge(tx, bill.billid)


def whenever_a_rider_complained_a_try_is_free(tx: Tx, event: RiderComplained) -> None:
    """A bike that was only tried and is no good costs nothing, whether the bill or the complaint is heard first."""
    complain(tx, Complaint(event.complaintid, event.userid, event.bikeid, event.at))


def whenever_the_fee_is_taken_close_the_bill(tx: Tx, event: UpdatedDeposit) -> int | None:
    """R8: bill and ride are closed, but only by a ledger entry for this bill, this rider and this fee (flaw 29).
    Answers how long after the return that is, ms, by the clocks of two processes."""
    if event.billid is None or event.fee is None:
        return None
    closed = storage.close(tx, event.billid, event.userid, event.fee)
    if closed is None:
        return None
    rentid, ended_ms = closed
    tx.publish(ClosedBill(billid=event.billid, rentid=rentid, userid=event.userid, status=BillStatus.CLOSED))
    return max(0, tx.now_ms - ended_ms)


def whenever_an_account_is_erased_forget_where_it_was(tx: Tx, event: AccountErased) -> None:
    """The bills stay, for the books, and what they complained of does not. What was set aside tells of places; it does
    no more."""
    remember(tx, event.userid)
    lock_tries(tx, event.userid)
    complaints.forget(tx, event.userid)
    take_out(tx, ("userid",), [event.userid], EVENTS)


def policies(first: Tariff) -> Policies:
    """What billing does whenever it hears something. `first`: the tariff of a store that has no version yet; rides are
    priced by the versions and never by a setting, which may be younger than the ride."""
    return {
        AccountErased: whenever_an_account_is_erased_forget_where_it_was,
        Rented: partial(whenever_rented_open_a_bill, first),
        Returned: partial(whenever_returned_apply_the_fee, first),
        RiderComplained: whenever_a_rider_complained_a_try_is_free,
        UpdatedDeposit: whenever_the_fee_is_taken_close_the_bill,
    }


def _open(first: Tariff, tx: Tx, rentid: int, userid: int, started_ms: int) -> None:
    billid = storage.add(tx, rentid, userid, started_ms, tariff_of_a_start(tx, started_ms, first))
    if billid is not None:
        tx.count("bills")
        opened = BillStatus.OPEN
        tx.publish(RegisteredBill(billid=billid, rentid=rentid, userid=userid, starttime=started_ms, status=opened))
