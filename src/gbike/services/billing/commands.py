"""Which tariff there is, which one a ride has, and what of a fee is given back; each run inside a transaction."""

from gbike.contracts.billing import CorrectedBill
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import Facts, Tx
from gbike.services.billing import storage
from gbike.services.billing.domain import (
    COMPLAINT,
    Bill,
    Complaint,
    CorrectedTooMuch,
    Correction,
    NotCharged,
    Tariff,
    TariffVersion,
    day_of,
)
from gbike.services.billing.storage import complaints, corrections

_LOCK = "tariffs"
"""Shared by those who open bills: a new version comes after all of them or before all of them."""


def adopt_tariff(tx: Tx, tariff: Tariff) -> TariffVersion:
    """Make the tariff the newest version, effective now, unless it is that already. The first version is effective from
    the beginning of time; another one never reaches back to a ride that has a bill, whatever the clocks of rent and
    billing say."""
    tx.lock(_LOCK)
    newest = storage.newest_tariff(tx)
    if newest is not None and newest.tariff == tariff:
        return newest
    adopted = TariffVersion(1, 0, tariff)
    if newest is not None:
        effective_ms = max(tx.now_ms, newest.effective_ms, storage.newest_start_ms(tx) + 1)
        adopted = TariffVersion(newest.version + 1, effective_ms, tariff)
    storage.add_tariff(tx, adopted)
    return adopted


def tariff_of_a_start(tx: Tx, started_ms: int, first: Tariff) -> TariffVersion:
    """The tariff of a ride by its start. No version is added between this and the bill that is stamped with it.
    `first`: what becomes the first version where there is none yet."""
    tx.share([_LOCK])
    return storage.valid_tariff(tx, started_ms) or adopt_tariff(tx, first)


@idempotent
def correct_a_bill(tx: Tx, billid: int, amount: int, reason: str) -> Correction:
    """An operator gives back a part of a fee, or what is left of it, and says why; the bill stays as it is, and whoever
    keeps the rider's money is told. Raises NoSuchBill, NotCharged, CorrectedTooMuch."""
    corrections.lock_bill(tx, billid)
    bill = storage.load(tx, billid)
    if bill.fee is None:
        raise NotCharged(billid)
    refunded = corrections.give_back(tx, billid, amount)
    if refunded is None:
        raise CorrectedTooMuch(billid, left=bill.fee - bill.refunded)
    return _corrected(tx, bill, amount, reason, refunded)


def lock_tries(tx: Tx, userid: int) -> None:
    """Nobody else says of this rider that a try is over, or that something is wrong with a bike, until this commits."""
    tx.lock(f"tries:{userid}")


def complain(tx: Tx, complaint: Complaint) -> None:
    """A rider complained of a bike: kept for a return that is still to come, and a try that is billed is free now."""
    lock_tries(tx, complaint.userid)
    if complaints.keep(tx, complaint):
        for bill in complaints.tries_of(tx, complaint):
            free_of_charge(tx, bill.billid)


def free_of_charge(tx: Tx, billid: int) -> None:
    """What is left of a try's fee goes back, if none of its rider's went back that day. Who calls it has the rider's
    lock."""
    corrections.lock_bill(tx, billid)
    bill = storage.load(tx, billid)
    left = (bill.fee or 0) - bill.refunded
    if left > 0 and bill.ended_ms is not None and complaints.take_the_day(tx, bill, day_of(bill.ended_ms)):
        corrections.give_back(tx, billid, left)
        _corrected(tx, bill, left, COMPLAINT, bill.refunded + left)


def _corrected(tx: Tx, bill: Bill, amount: int, reason: str, refunded: int) -> Correction:
    made = corrections.add(tx, bill.billid, amount, reason)
    said = {"billid": bill.billid, "rentid": bill.rentid, "userid": bill.userid, "amount": amount}
    tx.publish(CorrectedBill(correctionid=made.correctionid, **said))
    after: Facts = {"refunded": refunded, "correctionid": made.correctionid, "billid": bill.billid, "reason": reason}
    tx.audit("bill corrected", f"user:{bill.userid}", {"refunded": refunded - amount}, after)
    return made
