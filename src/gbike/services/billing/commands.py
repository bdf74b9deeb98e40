"""Which tariff there is, which one a ride has, and what of a fee is given back; each run inside a transaction."""

from gbike.contracts.billing import CorrectedBill
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import Facts, Tx
from gbike.services.billing import storage
from gbike.services.billing.domain import CorrectedTooMuch, Correction, NotCharged, Tariff, TariffVersion
from gbike.services.billing.storage import corrections

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
    rentid, userid = bill.rentid, bill.userid
    made = corrections.add(tx, billid, amount, reason)
    tx.publish(
        CorrectedBill(correctionid=made.correctionid, billid=billid, rentid=rentid, userid=userid, amount=amount)
    )
    after: Facts = {"refunded": refunded, "correctionid": made.correctionid, "billid": billid, "reason": reason}
    tx.audit("bill corrected", f"user:{userid}", {"refunded": refunded - amount}, after)
    return made
