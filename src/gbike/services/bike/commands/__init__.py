"""One function per sentence of the requirements, each run inside a transaction."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gbike.contracts.bike import ChkAndUpdatedStatus, RegisteredBike, Stand, UpdatedBike, UpdatedBikeState
from gbike.contracts.events import EVENTS
from gbike.kit import positions
from gbike.kit.clock import rfc3339
from gbike.kit.numbers import MAX_ID
from gbike.kit.privacy.erasure import remember, take_out, take_out_of_answers
from gbike.kit.storage.idempotency import idempotent
from gbike.kit.store import Facts, Reading, Tx
from gbike.kit.text import same_name
from gbike.services.bike import domain, storage
from gbike.services.bike.storage import holds, places

NO_SUCH_BIKE, TOO_LOW = "bike-unknown", "battery"
"""Refusals on a tombstone that are no status of a bike."""
NOTHING_TOLD = domain.Whereabouts()
"""Of where a bike is."""
News = Callable[[domain.Bike], domain.Whereabouts]
"""What of it a bike, as it is now, did not know."""
PLACES = "places"
"""The lock of who judges places (shared) or may learn one (alone), until that commits. It comes before locks of rents,
labels and numbers and before rows of bikes: of two writes none has one of these and waits for it."""


@idempotent
def register_a_bike(tx: Tx, bike: domain.Bike, told: domain.Whereabouts = NOTHING_TOLD) -> domain.Bike:
    """R1: an operator registers a bike, and with it the place where it stands, if that is new. Raises BikeExists,
    LabelTaken."""
    hold_places(tx, told)
    claim_the_label(tx, bike)
    sighting = judge(tx, told)
    place = domain.seen_at(bike.place, sighting)
    bike = replace(bike, place=place, noposition=sighting.fault)
    if not storage.add(tx, bike):
        raise domain.BikeExists(bike.bikeid)
    if sighting.text is not None:
        measured = sighting.measured
        learn_a_place(tx, sighting.text, None if measured is None else measured.position, "registration")
    tx.count("bikes")
    point = place.present
    tx.publish(
        RegisteredBike(
            bikeid=bike.bikeid,
            status=bike.status,
            location=place.location,
            batterylevel=bike.batterylevel,
            lat=place.lat,
            lon=place.lon,
            pointat=UNSET if point is None or point.at_ms is None else point.at_ms,
            pointby=UNSET if point is None or point.by is None else point.by,
            noposition=sighting.fault or UNSET,
            label=_said(bike.label),
        )
    )
    tx.audit("bike registered", f"bike:{bike.bikeid}", after=_state(bike))
    return bike


def register_a_labelled_bike(
    tx: Tx, bike: domain.Bike, told: domain.Whereabouts = NOTHING_TOLD, above: int = 0
) -> domain.Bike:
    """R1 for a bike that has a label and no number: it gets the next free number, whatever number it comes with, and
    one `above` those that others are about to have. Raises LabelTaken."""
    hold_places(tx, told)
    claim_the_label(tx, bike)
    tx.lock("bike numbers")
    while True:
        number = storage.next_number(tx)
        numbered = replace(bike, bikeid=above + 1 if number <= above < MAX_ID else number)
        with suppress(domain.BikeExists):  # an operator registered this very number meanwhile
            return register_a_bike(tx, numbered, told)


@idempotent
def change_a_bike(
    tx: Tx,
    bikeid: int,
    decide: Callable[[domain.Bike], domain.Bike],
    told: domain.Whereabouts | News = NOTHING_TOLD,
    reason: str | None = None,
) -> domain.Bike:
    """R1: an operator moves a bike, holds it out of service, lets go, marks it broken, retires it or takes it back; the
    reason is on record. A change that changes nothing says nothing. Who tells both text and point tells where that
    place is. Raises NoSuchBike, LabelTaken, and what `decide` raises."""
    hold_places(tx, told)
    kept = None
    while kept is None:  # another writer changed it between our look and our write
        before = look(tx, bikeid)
        sighting, after = judge(tx, told(before) if callable(told) else told), decide(before)
        after = replace(after, place=domain.seen_at(after.place, sighting), noposition=sighting.fault)
        if after == before:
            _learn_from_staff(tx, sighting)
            return after
        if after.label != before.label:
            claim_the_label(tx, after)
        kept = storage.keep(tx, before, after)
    _learn_from_staff(tx, sighting)
    kept = replace(kept, noposition=sighting.fault)
    if kept.retired != before.retired:
        tx.count("bikes", -1 if kept.retired else 1)
    freed_of = before.rentid if kept.rentid is None else None
    act, holder = _act(before, kept)
    tx.publish(msgspec.structs.replace(_updated(kept, freed_of), act=act, holder=UNSET if holder is None else holder))
    if freed_of is not None:
        tx.audit("bike freed", f"bike:{bikeid}", {"rentid": freed_of}, {"rentid": None})
    moved = {"moved": True} if kept.place != before.place else {}
    why = {} if reason is None else {"reason": reason}
    who = {} if holder is None else {"holder": holder}
    tx.audit(f"bike {act}", f"bike:{bikeid}", _state(before), {**_state(kept), **moved, **who, **why})
    return kept


def look(read: Reading, bikeid: int) -> domain.Bike:
    """The bike with all that who changes it decides by. Raises NoSuchBike."""
    bike = storage.load(read, bikeid)
    return replace(bike, rent_over=storage.is_over(read, bike.rentid), holds=holds.of(read, bike))


def _act(before: domain.Bike, after: domain.Bike) -> tuple[str, str | None]:
    """What an operator did to a bike, in a word, and whose hold it was."""
    if after.retired != before.retired:
        return "retired" if after.retired else "unretired", None
    new = [one.holder for one in after.holds if one not in before.holds]
    gone = [one.holder for one in before.holds if one not in after.holds]
    return ("held", new[0]) if new else ("released", gone[0]) if gone else ("changed", None)


def hold_places(tx: Tx, told: domain.Whereabouts | News) -> None:
    """Where something was told nobody else judges or learns a place until this commits."""
    if told != NOTHING_TOLD:
        tx.lock(PLACES)


def judge(tx: Tx, told: domain.Whereabouts) -> domain.Sighting:
    """What was told of where a bike is, as far as it can be believed (kit/positions.py, and far from every known place
    is no position). The position counts, else the point of a known place that the text names. Who calls it has PLACES:
    it looks twice, and others may learn of the first place between."""
    at_ms = tx.now_ms if told.at_ms is None else told.at_ms
    fault = positions.fault(told.lat, told.lon, accuracy_m=told.accuracy_m)
    if told.lat is not None and told.lon is not None and fault is None:
        fault = places.misplaced(tx, told.lat, told.lon)
        if fault is None:
            return domain.Sighting(told.text, domain.Point(told.lat, told.lon, at_ms, told.by, told.accuracy_m))
    known = None if told.text is None else places.position(tx, same_name(told.text))
    named = None if known is None else domain.Point(*known, at_ms, domain.Source.PLACE)
    return domain.Sighting(told.text, named, fault)


@idempotent
def tell_of_a_place(tx: Tx, name: str, lat: float | None, lon: float | None) -> places.KnownPlace:
    """An operator says where a place is, maybe the first of its town: how far it is from the others is not judged."""
    fault = positions.fault(lat, lon)
    at = None if lat is None or lon is None or fault is not None else (lat, lon)
    learn_a_place(tx, name, at, "staff")
    tx.audit("place told", "places", after={"positioned": at is not None})
    return places.load(tx, name)._replace(noposition=fault)


def learn_a_place(tx: Tx, name: str, at: tuple[float, float] | None, by: str) -> None:
    """Keep a place's name and, where that is known, its point: never from one rider. `by`: `registration` changes no
    place that has a point; `import` and `staff` do."""
    tx.lock(PLACES)
    known, moves = places.find(tx, same_name(name)), by != "registration"
    if known is None or (at is not None and known.position != at and (moves or known.position is None)):
        places.keep(tx, name, at, by, moves=moves)


def _learn_from_staff(tx: Tx, sighting: domain.Sighting) -> None:
    if sighting.text is not None and sighting.measured is not None:
        learn_a_place(tx, sighting.text, sighting.measured.position, "staff")


def reserve_a_bike(
    tx: Tx, bikeid: int, rentid: int, late: Callable[[], bool], offer_from: int = 0
) -> Stand | Exception:
    """R3: when the bike is 사용가능 it becomes 사용중, for this one rent and nobody else; again: nothing. Answers where
    it stands, or the refusal (NoSuchBike, BikeNotAvailable, BikeTooLow, RentWasCancelled), whose tombstone is kept.
    `late`: whether the caller has gone. `offer_from`: % of charge below which a bike is not offered. Raises TooLate."""
    if late():
        raise domain.TooLate
    tx.lock(f"rent:{rentid}")
    closed, refusal = storage.tombstone(tx, rentid)
    if closed:
        return _refused(bikeid, rentid, refusal)
    reserved = storage.reserve(tx, bikeid, rentid, offer_from)
    if reserved is not None:
        version, location, lat, lon = reserved
        tx.publish(ChkAndUpdatedStatus(bikeid=bikeid, status=domain.Status.IN_USE, rentid=rentid, version=version))
        return Stand(location, lat, lon)
    try:
        bike = storage.load(tx, bikeid)
    except domain.NoSuchBike as unknown:
        storage.mark_rent_closed(tx, rentid, refusal=NO_SUCH_BIKE)
        return unknown
    if bike.rentid == rentid:
        return Stand(bike.place.location, bike.place.lat, bike.place.lon)
    refusal = TOO_LOW if bike.status is domain.Status.AVAILABLE else bike.status
    storage.mark_rent_closed(tx, rentid, refusal=refusal)
    return _refused(bikeid, rentid, refusal)


def release(tx: Tx, bikeid: int, rentid: int, userid: int | None, told: domain.Whereabouts = NOTHING_TOLD) -> bool:
    """R6: the rent is over or cancelled: tombstone first, then free the bike if it is still this rent's (fencing),
    where it is told to be. A text of no known place leaves the old point, stale; nothing told leaves both as they were.
    Answers whether it was this rent's."""
    tx.share([PLACES])  # though nothing is told: of a batch the next one may tell, and this one's bike is held by then
    tx.lock(f"rent:{rentid}")  # or a reservation that is not committed yet sees no tombstone and isn't seen either
    storage.mark_rent_closed(tx, rentid, userid)
    sighting = judge(tx, told)
    freed = storage.release(tx, bikeid, rentid, userid, sighting)
    if freed is not None:
        tx.publish(_updated(replace(freed, noposition=sighting.fault), rentid, userid))
    return freed is not None


def free(tx: Tx, bikeid: int, rentid: int, userid: int | None) -> bool:
    """For `gbike repair`: free a bike that carries the number of a rent that is over; False: another, or none."""
    freed = release(tx, bikeid, rentid, userid)
    if freed:
        tx.audit("bike freed", f"bike:{bikeid}", {"rentid": rentid}, {"rentid": None})
    return freed


def settle_the_holds(tx: Tx, bikeid: int) -> bool:
    """For `gbike repair`: a bike is held by as many as hold it; False: it is."""
    before = storage.load(tx, bikeid)
    before = replace(before, holds=holds.there(tx, bikeid))
    after = domain.counted_anew(before)
    kept = None if after == before else storage.keep(tx, before, after)
    if kept is None:
        return False
    act, holder = _act(before, kept)
    tx.publish(msgspec.structs.replace(_updated(kept), act=act, holder=UNSET if holder is None else holder))
    tx.audit("holds settled", f"bike:{bikeid}", _state(before), _state(kept))
    return True


def apply_a_report(
    tx: Tx, bikeid: int, reportid: int, seen: domain.Seen, late: Callable[[], bool]
) -> tuple[domain.Bike, int]:
    """R10: a manager's report sets the battery, whether the bike is broken and, where it tells, where it stands, unless
    a newer one was applied: reports may come late, doubled and out of order. Answers the bike, and the newest report
    that changed battery or fault, 0 when none ever did. Raises NoSuchBike, TooLate."""
    if late():
        raise domain.TooLate
    tx.share([PLACES])  # though nothing is told, as in `release`; and a report teaches no place
    changedby, before = storage.take_report(tx, bikeid, reportid)
    if before is None:
        return storage.load(tx, bikeid), storage.changed_by(tx, bikeid)
    after = domain.reported(before, seen.batterylevel, seen.usableyn)
    if after != before:
        changedby = reportid
        storage.set_changed_by(tx, bikeid, reportid)
    sighting = judge(tx, domain.in_time(seen.told, before.place, tx.now_ms))
    kept = storage.keep(tx, before, replace(after, place=domain.seen_at(before.place, sighting)))
    assert kept is not None  # the row is ours since its reportid was
    usable = not after.broken if after.broken != before.broken else None
    tx.publish(
        UpdatedBikeState(
            bikeid=bikeid,
            status=kept.status,
            batterylevel=kept.batterylevel,
            usableyn=usable,
            reportid=reportid,
            version=kept.version,
        )
    )
    if kept.place != before.place:
        tx.publish(msgspec.structs.replace(_updated(kept), act="changed"))
    return kept, changedby


def take_out_of_service(tx: Tx, bikeid: int, complaintid: int) -> None:
    """A complaint takes a bike out as a report that it may not be ridden does, and is told each time. Of a bike that
    nobody knows it was made while bike could not be asked."""
    tx.share([PLACES])  # as in `release`: of a batch the next one may need it, and this one's bike is held by then
    broken = storage.mark_broken(tx, bikeid)
    if broken is not None:
        tx.publish(msgspec.structs.replace(_updated(broken), act="complained"))
        tx.audit("bike complained of", f"bike:{bikeid}", after={**_state(broken), "complaintid": complaintid})


def forget_the_rider(tx: Tx, userid: int) -> None:
    """Where this rider's rides ended is known no more."""
    remember(tx, userid)
    storage.forget_places(tx, userid)
    holds.forget_who(tx, userid)
    take_out(tx, ("userid", "locationof", "pointof"), [userid], EVENTS)
    take_out(tx, ("rentid",), storage.rents_over_of(tx, userid), EVENTS)
    take_out_of_answers(tx, "bikeid", EVENTS)


def claim_the_label(tx: Tx, bike: domain.Bike) -> None:
    """Nobody else takes the bike's label until this commits. Raises LabelTaken."""
    if bike.label is None:
        return
    owner = who_has_the_label(tx, bike.label)
    if owner is not None and owner.bikeid != bike.bikeid:
        raise domain.LabelTaken(bike.label)


def who_has_the_label(tx: Tx, label: str) -> domain.Bike | None:
    """The bike with this label, in capitals; nobody else takes it until this commits."""
    hold_the_label(tx, label)
    with suppress(domain.NoSuchLabel):
        return storage.of_label(tx, label)
    return None


def hold_the_label(tx: Tx, label: str) -> None:
    """Nobody else takes or gives it until this commits."""
    tx.lock(f"label:{label}")


def _said(label: str | None) -> str | UnsetType:
    return UNSET if label is None else label


def _refused(bikeid: int, rentid: int, refusal: str | None) -> Exception:
    """What a rent with a tombstone is answered. A request that the network delivered twice meets the tombstone of its
    own refusal, and its rider is told what the first one was told."""
    if refusal is None:
        return domain.RentWasCancelled(rentid)
    if refusal == TOO_LOW:
        return domain.BikeTooLow(bikeid, domain.Status.AVAILABLE)
    return domain.NoSuchBike(bikeid) if refusal == NO_SUCH_BIKE else domain.BikeNotAvailable(bikeid, refusal)


def _state(bike: domain.Bike) -> Facts:
    """What an audit row tells of a bike: where it stands is not in it."""
    facts: dict[str, Any] = {
        "status": bike.status,
        "batterylevel": bike.batterylevel,
        "held": bike.held > 0,
        "broken": bike.broken,
    }
    if bike.holds:
        facts["holders"] = [one.holder for one in bike.holds]
    if bike.due_ms is not None:
        facts["due"] = rfc3339(bike.due_ms)
    if bike.retired:
        facts["retired"] = True
    return facts if bike.label is None else {**facts, "label": bike.label}


def _updated(bike: domain.Bike, rentid: int | None = None, userid: int | None = None) -> UpdatedBike:
    """What is said of a bike as it is now, because its ride `rentid` of the rider `userid` ended, or staff changed
    it. It repeats what others told: an erasure finds theirs, too."""
    point = bike.place.present
    text_of = None if bike.place.location is None else bike.left_by
    point_of = None if point is None else bike.point_of
    return UpdatedBike(
        bikeid=bike.bikeid,
        status=bike.status,
        location=bike.place.location,
        batterylevel=bike.batterylevel,
        lat=bike.place.lat,
        lon=bike.place.lon,
        retired=bike.retired,
        held=bike.held > 0,
        rentid=rentid,
        version=bike.version,
        pointat=UNSET if point is None or point.at_ms is None else point.at_ms,
        pointby=UNSET if point is None or point.by is None else point.by,
        accuracy=UNSET if point is None or point.accuracy_m is None else point.accuracy_m,
        stale=True if point is None and bike.place.point is not None else UNSET,
        noposition=bike.noposition or UNSET,
        label=_said(bike.label),
        locationof=UNSET if text_of is None or text_of == userid else text_of,
        pointof=UNSET if point_of is None or point_of == userid else point_of,
    )
