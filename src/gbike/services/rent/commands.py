"""One function per sentence of the requirements, each run inside a transaction: it reads and writes through `storage`,
holds the rule, publishes, and puts on record who acted for somebody else."""

from collections.abc import Callable
from dataclasses import replace

from msgspec import UNSET

from gbike.contracts.events import EVENTS
from gbike.contracts.rent import RentCancelled, Rented, Returned, RideOverdue
from gbike.kit.clock import rfc3339
from gbike.kit.privacy.erasure import remember, share, take_out
from gbike.kit.storage.idempotency import check, hold, idempotent, keep, release
from gbike.kit.store import Tx
from gbike.services.rent import domain, storage

Ending = Callable[[domain.OpenRent, domain.Moment], domain.ReturnedRent]
"""How an operator ends a ride."""


def ask_for_a_bike(tx: Tx, userid: int, bikeid: int, limits: domain.Limits) -> domain.PendingRent:
    """R2: a rider asks for a bike; the wish is on record, with its deadline, before anybody else hears of it. Raises
    RiderBlocked, RiderErased, TooManyOpenRents, and what a key raises."""
    try:
        must_be_allowed_to_ride(tx, userid, limits)
    except domain.RentRefused:
        check(tx)  # who rented by this very request is answered so, and not that they have a bike already
        raise
    hold(tx)
    return storage.add(tx, userid, bikeid, deadline_ms=tx.now_ms + limits.stale_after_ms)


def start_the_rent(
    tx: Tx, pending: domain.PendingRent, limits: domain.Limits, began: domain.Began | None = None
) -> domain.OpenRent:
    """R3: the bike is 사용중 now, and the ride begins where it stood, if the rider may still begin one. Raises GivenUp
    when the wish was cancelled meanwhile, RiderBlocked, RiderErased, TooManyOpenRents."""
    must_be_allowed_to_ride(tx, pending.userid, limits)
    rent = domain.OpenRent(pending.rentid, pending.userid, pending.bikeid, *tx.moment, began=began)
    if not storage.open_pending(tx, rent):
        raise domain.GivenUp(pending.bikeid)
    tx.count("rented")
    tx.publish(
        Rented(rentid=rent.rentid, userid=rent.userid, bikeid=rent.bikeid, status="rented", starttime=rent.started_ms)
    )
    if tx.by.userid not in (None, rent.userid):
        tx.audit("rented for another", f"user:{rent.userid}", after={"rentid": rent.rentid, "bikeid": rent.bikeid})
    keep(tx, rent)
    return rent


def give_up_the_wish(tx: Tx, rentid: int, why: str, bike_may_be_reserved: bool) -> bool:
    """The undo of R2: PENDING → CANCELLED, and its key is free again. Whatever bike did or will still do with the
    reservation, it frees the bike when it hears of this. False: it is no longer pending."""
    cancelled = storage.cancel_pending(tx, rentid, why)
    if cancelled is None:
        return False
    tx.count("cancelled")
    userid, bikeid, key = cancelled
    if key is not None:
        release(tx, key)
    if bike_may_be_reserved:
        tx.publish(RentCancelled(rentid=rentid, userid=userid, bikeid=bikeid, reason=why))
    return True


def sweep(tx: Tx, most: int, limits: domain.Limits) -> int:
    """Give up what is pending past its deadline: the process that began it died, or lost its way. Answers how many."""
    late = storage.overdue(tx, tx.now_ms, limits.stale_after_ms, most)
    return sum(give_up_the_wish(tx, rentid, "Swept", True) for rentid in late)


@idempotent
def return_the_bike(tx: Tx, rentid: int, told: domain.Handback, limits: domain.Limits) -> domain.ReturnedRent:
    """R5: the rider returns the bike; again, it is answered the same. Nobody else is asked, so a return is never
    refused because something is down. Raises NoSuchRent, RentIsCancelled."""
    rent = storage.load(tx, rentid)
    if isinstance(rent, domain.OpenRent):
        share(tx, [rent.userid])  # the answer, with its place, may be kept under a key
        over = _end(tx, domain.give_back(rent, domain.Moment(*tx.moment), told, limits))
        if over is not None:
            if tx.by.userid not in (None, over.userid):
                tx.audit("returned for another", f"user:{over.userid}", after={"rentid": rentid, "bikeid": over.bikeid})
            return over
        rent = storage.load(tx, rentid)  # somebody else returned it since we looked
    if isinstance(rent, domain.CancelledRent):
        raise domain.RentIsCancelled(rentid)
    share(tx, [rent.userid])
    rent = storage.load(tx, rentid)  # again: its place, as it is now that nobody erases it
    assert isinstance(rent, domain.ReturnedRent)
    return rent


@idempotent
def end_the_ride(tx: Tx, rentid: int, at_ms: int | None, reason: str) -> domain.ReturnedRent:
    """An operator ends a ride, now or at the moment when it was over, which nobody told then; the reason is on record.
    Raises NoSuchRent, RentIsCancelled, RentIsReturned, OutsideTheRide."""
    return _end_by_hand(tx, rentid, lambda rent, now: domain.end(rent, now, at_ms), "ride ended", reason)


@idempotent
def void_the_ride(tx: Tx, rentid: int, reason: str) -> domain.ReturnedRent:
    """An operator ends a ride now, and it costs nothing; the reason is on record. Raises NoSuchRent, RentIsCancelled,
    RentIsReturned."""
    return _end_by_hand(tx, rentid, domain.void, "ride voided", reason)


def remind(tx: Tx, most: int, overdue_ms: int) -> int:
    """Say of rides that are overdue that they are, once of each; answers of how many."""
    late = storage.to_remind(tx, domain.overdue_since(tx.now_ms, overdue_ms), most)
    share(tx, [ride.userid for ride in late])  # an erasure that is about to be committed is seen below
    said = [ride for ride in late if storage.mark_reminded(tx, ride.rentid)]
    for ride in said:
        tx.publish(RideOverdue(rentid=ride.rentid, userid=ride.userid, bikeid=ride.bikeid, starttime=ride.started_ms))
    return len(said)


def forget_the_rider(tx: Tx, userid: int) -> None:
    """Where this rider's rides ended is known no more, nor will it be; and no ride of theirs begins."""
    tx.lock(f"rider:{userid}")
    remember(tx, userid)
    storage.forget_places(tx, userid)
    take_out(tx, ("userid",), [userid], EVENTS)


def must_be_allowed_to_ride(tx: Tx, userid: int, limits: domain.Limits) -> None:
    """Serializes a rider's requests: the second sees what the first did. Unknown riders may rent."""
    tx.lock(f"rider:{userid}")
    heard = storage.standing(tx, userid)
    known = heard and heard.at(tx.now_ms)
    if known is not None and known.erased:
        raise domain.RiderErased(userid)
    if known is not None and domain.STAFF in known.reasons:
        raise domain.RiderHalted(userid, known.reasons, known.missing_krw, known.blockeduntil_ms)
    if known is not None and not known.mayrent:
        raise domain.RiderBlocked(userid, known.reasons, known.missing_krw)
    if limits.most_open and storage.open_rents(tx, userid) >= limits.most_open:
        raise domain.TooManyOpenRents(userid, limits.most_open)


def _end_by_hand(tx: Tx, rentid: int, ending: Ending, action: str, reason: str) -> domain.ReturnedRent:
    rent, over = storage.load(tx, rentid), None
    if isinstance(rent, domain.CancelledRent):
        raise domain.RentIsCancelled(rentid)
    if isinstance(rent, domain.OpenRent):
        share(tx, [rent.userid])
        over = _end(tx, ending(rent, domain.Moment(*tx.moment)))
    if over is None:  # maybe the rider returned it since we looked
        raise domain.RentIsReturned(rentid)
    ride: dict[str, int | str] = {"rentid": rentid, "bikeid": over.bikeid}
    after = {**ride, "status": over.status, "endtime": rfc3339(over.ended_ms), "reason": reason}
    tx.audit(action, f"user:{over.userid}", before={**ride, "status": domain.OpenRent.status}, after=after)
    return over


def _end(tx: Tx, over: domain.ReturnedRent) -> domain.ReturnedRent | None:
    """OPEN → RETURNED, and say so; None when it is not open any more."""
    kept = storage.end_open(tx, over)
    if kept is None:
        return None
    location, known = kept
    tx.count("rented", -1)
    tx.count("returned")
    if over.clocksuspect:
        tx.count(storage.SUSPECT)
    told = over.place
    if location != told or not known:  # erased, or the phone said how it was measured: that only the event has
        over = replace(over, place=location, stayed=over.stayed and known)
    exact = location.lat is not None
    tx.publish(
        Returned(
            rentid=over.rentid,
            userid=over.userid,
            bikeid=over.bikeid,
            status="returned",
            endtime=over.ended_ms,
            endlocation=location.endlocation,
            starttime=over.started_ms,
            lat=location.lat,
            lon=location.lon,
            endedby=over.endedby or UNSET,
            clocksuspect=over.clocksuspect or UNSET,
            accuracy=UNSET if told.accuracy_m is None or not exact else told.accuracy_m,
            measuredat=UNSET if told.measured_ms is None or not exact else told.measured_ms,
            noposition=over.noposition or UNSET,
            voided=over.voided or UNSET,
            stayed=over.stayed or UNSET,
        )
    )
    return over
