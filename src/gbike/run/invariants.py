"""Does every invariant hold? Cross-checks over all stores, as streams of facts that each service's storage gives.

The numbers (I1 …) are those of docs/guide/reliability.md. The stores must be quiet: outboxes empty, consumers caught
up; or they are looked at twice (run/cluster/wait_idle.py).
A violation that `gbike repair` can mend with certainty says how (run/mends.py).
"""

import heapq
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain, zip_longest
from typing import Any

from gbike.kit.audit.chain import breaks
from gbike.kit.messaging.outbox import first_waiting, message_about
from gbike.kit.store import Reading
from gbike.run.event_map import paths
from gbike.run.invariants_hours import published_and_heard
from gbike.run.mends import (
    FreeBike,
    HandleAgain,
    Mend,
    Mendable,
    PostPayment,
    PublishAgain,
    SettleHolds,
    perhaps_mendable,
)
from gbike.run.registry import specs
from gbike.services.bike import storage as bike
from gbike.services.bike_manage_app import storage as bike_manage_app
from gbike.services.bike_manager import storage as bike_manager
from gbike.services.billing import storage as billing
from gbike.services.billing.domain import Tariff, TariffVersion, valid_at
from gbike.services.billing.storage.corrections import correction_facts
from gbike.services.rent import storage as rent
from gbike.services.rent_and_billing_view import storage as view
from gbike.services.user_deposit import storage as user_deposit

Stores = Mapping[str, Reading]
MOST_TOLD = 100
"""Violations told by one check; a broken fleet would fill the screen otherwise."""
MOST_NAMED = 10_000
"""The same for messages that are missing: each is named, as each is mended by itself."""


def violations(stores: Stores, among: Container[str] | None = None) -> Iterator[str]:
    """Every violation in a line that begins with the invariant's number. Nothing: all is well. `among`: only these."""
    for check in CHECKS:
        all_found = (found for found in check(stores) if among is None or found in among)
        for number, found in enumerate(all_found):
            if number == (MOST_NAMED if check in NAMES_ALL else MOST_TOLD):
                yield f"{found.split(' ')[0]} … and more of these"
                break
            yield found


def everything(stores: Stores) -> Iterator[str]:
    """The same, however many there are."""
    return chain.from_iterable(check(stores) for check in CHECKS)


def bikes_and_rents(stores: Stores) -> Iterator[str]:
    """I1, I2: a bike is ridden by just the one open rent that names it. I4: a rent is in one of its states."""
    ridden = {bikeid: rentid for bikeid, rentid, _, _ in bike.rows_for_verify(stores["bike"]) if rentid is not None}
    riding: dict[int, int] = {}
    carried, states = set(ridden.values()), dict[int, tuple[str, int]]()
    for rentid, userid, bikeid, status, started_ms, ended_ms, _ in rent.rows_for_verify(stores["rent"]):
        if rentid in carried:
            states[rentid] = status, userid
        if status == "rented":
            if bikeid in riding:
                yield f"I1 bike {bikeid} has two open rents, {riding[bikeid]} and {rentid}"
            riding[bikeid] = rentid
        if status in ("rented", "returned") and started_ms is None:
            yield f"I4 rent {rentid} is {status} without a start"
        if status == "returned" and (ended_ms is None or ended_ms < (started_ms or 0)):
            yield f"I9 rent {rentid} ends before it starts"
        if status == "pending":
            yield f"I6 rent {rentid} is still pending"
    for bikeid in sorted(ridden.keys() | riding.keys()):
        if ridden.get(bikeid) != riding.get(bikeid):
            told = f"I2 bike {bikeid} is reserved for rent {ridden.get(bikeid)}, its open rent is {riding.get(bikeid)}"
            yield perhaps_mendable(told, None if bikeid in riding else _freed(stores, bikeid, ridden[bikeid], states))


def bikes_and_holds(stores: Stores) -> Iterator[str]:
    """I26: a bike is held by as many as its row says."""
    for bikeid, held, there in bike.holds.miscounted(stores["bike"]):
        yield Mendable(f"I26 bike {bikeid} is held by {held}, and has {there} holds", SettleHolds(bikeid))


def bikes_and_places(stores: Stores) -> Iterator[str]:
    """I25: where a rider or a phone says that a bike is, a ride of it ended (to 0.01°, where no more is kept)."""
    measured = {bikeid: point for bikeid, *point in bike.measured(stores["bike"])}
    for bikeid, lat, lon, coarse in rent.ends(stores["rent"]) if measured else ():
        apart = 0.006 if coarse else 0
        if bikeid in measured and max(abs(measured[bikeid][0] - lat), abs(measured[bikeid][1] - lon)) <= apart:
            del measured[bikeid]
    yield from (f"I25 bike {bikeid} is at a point where no ride of it ended" for bikeid in measured)


def _freed(stores: Stores, bikeid: int, rentid: int, states: Mapping[int, tuple[str, int]]) -> Mend | None:
    """How a bike is freed of a rent that is over: rent says so, or bike knows it and rent does not know the rent. Where
    bike has not heard it, the message must come first: it carries the place."""
    status, userid = states.get(rentid, ("", None))
    known = bikeid in bike.lost(stores["bike"])
    if status not in ("returned", "cancelled") and (status or not known):
        return None
    for kind in () if known else ("Returned", "RentCancelled"):
        message_id = message_about(stores["rent"], kind, "rentid", rentid)
        if message_id and stores["bike"].one("SELECT 1 FROM inbox WHERE message_id = ?", (message_id,)) is None:
            return PublishAgain("rent", message_id, kind)
    return FreeBike(bikeid, rentid, userid)


def notes(stores: Stores) -> Iterator[str]:
    """What holds every invariant and is still worth a look: rides whose wall clock was set while they lasted."""
    for number, (rentid, started_ms, ended_ms) in enumerate(rent.clock_suspects(stores["rent"])):
        if number == MOST_TOLD:
            yield "note: … and more of these"
            break
        ridden = f"{(ended_ms - started_ms) / 1000:.1f} s"
        yield f"note: the clocks disagree about rent {rentid} (clocksuspect); it is billed for {ridden}"


def rents_and_bills(stores: Stores) -> Iterator[str]:
    """I7: each rent that began has one bill, no other has. I8: its state follows the rent. I9: its tariff is the
    version that was valid when the ride began, and its fee is what that tariff says. A voided ride costs nothing: it
    has no fee, or one that an older billing charged and that was given back whole."""
    versions = billing.tariffs(stores["billing"])
    rents = ((row[0], row) for row in rent.rows_for_verify(stores["rent"]))
    bills = ((row[0], row) for row in billing.rows_for_verify(stores["billing"]))
    for rentid, ride, bill in _joined(rents, bills):
        if ride is None or ride[3] not in ("rented", "returned"):
            if bill is not None:
                yield f"I7 rent {rentid} did not begin but has bill {bill[1]}"
        elif bill is None:
            yield f"I7 rent {rentid} has no bill"
        else:
            yield from _bill_fits(ride, bill)
            yield from _tariff_fits(bill, versions)


def _bill_fits(ride: tuple[Any, ...], bill: tuple[Any, ...]) -> Iterator[str]:
    rentid, userid, _, status, started_ms, ended_ms, voided = ride
    _, billid, billed_user, bill_start, bill_end, fee, bill_status, tariff, _, refunded = bill
    if billed_user != userid or bill_start != started_ms:
        yield f"I7 bill {billid} is not for the ride of rent {rentid}"
    wanted = "OPENBILL" if status == "rented" else "CLOSEBILL"
    if bill_status != wanted:
        yield f"I8 rent {rentid} is {status} but bill {billid} is {bill_status}"
    if status == "returned" and bill_status != "OPENBILL":
        by_tariff = Tariff.parse(tariff).fee(started_ms, ended_ms) if tariff else None
        right = fee in (0, refunded) if voided else fee == by_tariff
        if not right or bill_end != ended_ms:
            told = "its ride was voided: give it back" if voided else f"its tariff says {by_tariff}"
            yield f"I9 bill {billid} charges {fee} won, {told}"


def _tariff_fits(bill: tuple[Any, ...], versions: list[TariffVersion]) -> Iterator[str]:
    """Bills of before there were versions are left out: nobody knows what was valid then."""
    _, billid, _, started_ms, _, _, _, tariff, version, _ = bill
    valid = valid_at(versions, started_ms)
    if version is not None and (valid is None or (valid.version, str(valid.tariff)) != (version, tariff)):
        told = f"version {valid.version}, {valid.tariff}" if valid else "none"
        yield f"I9 bill {billid} has tariff version {version}, {tariff}; valid at its start was {told}"


def bills_and_ledger(stores: Stores) -> Iterator[str]:
    """I10: each fee is in the ledger once, and nothing else is there as a fee."""
    bills = ((billid, fee) for billid, fee in billing.fee_facts(stores["billing"]))
    taken = ((billid, amount) for billid, amount in user_deposit.fee_facts(stores["user_deposit"]))
    for billid, fee, amount in _joined(bills, taken):
        if fee != amount:
            told = f"I10 bill {billid} has a fee of {fee} won but {amount} was taken"
            missing = ("user_deposit", "CalculatedFee", "billid", billid) if amount is None else None
            yield perhaps_mendable(told, _handled_again(stores, "billing", missing))


def corrections_and_ledger(stores: Stores) -> Iterator[str]:
    """I28: each correction of a bill is in the ledger once, to the bill's rider, and nothing else is there as one."""
    made = ((row[0], row[1:]) for row in correction_facts(stores["billing"]))
    given = ((row[0], row[1:]) for row in user_deposit.refund_facts(stores["user_deposit"]))
    for correctionid, wanted, posted in _joined(made, given):
        if wanted is None or posted is None or tuple(wanted) != tuple(posted):
            told = f"I28 correction {correctionid} gives (rider, won) {wanted}, the ledger has {posted}"
            missing = ("user_deposit", "CorrectedBill", "correctionid", correctionid) if posted is None else None
            yield perhaps_mendable(told, _handled_again(stores, "billing", missing))


def _handled_again(stores: Stores, said_by: str, missing: tuple[str, str, str, int | str] | None) -> Mend | None:
    """How a missing posting is made good: by the message that is its cause, where its speaker still has it.
    `missing`: by which service, of which type, which field names what, and what."""
    if missing is None:
        return None
    service, kind, field, wanted = missing
    message_id = message_about(stores[said_by], kind, field, wanted)
    return HandleAgain(service, said_by, message_id, kind) if message_id else None


def ledger(stores: Stores) -> Iterator[str]:
    """I11: what was paid is in the ledger."""
    for paymentid in user_deposit.unposted(stores["user_deposit"]):
        yield Mendable(f"I11 the payment {paymentid} is paid and in no ledger", PostPayment(paymentid))


def points(stores: Stores) -> Iterator[str]:
    """I16: a report earned its points once. I17: a conversion has two sides."""
    applied = (
        (reportid, earned)
        for reportid, status, earned in bike_manage_app.rows_for_verify(stores["bike_manage_app"])
        if status == "applied"
    )
    accrued = bike_manager.accrual_facts(stores["bike_manager"])
    for reportid, earned, amount in _joined(applied, accrued):
        if earned is None:
            yield f"I16 report {reportid} earned {amount} points but was not applied"
        elif earned != (amount or 0):
            told = f"I16 report {reportid} earns {earned} points but {amount or 0} were given"
            missing = ("bike_manager", "Reported", "reportid", reportid)
            again = _handled_again(stores, "bike_manage_app", missing) if amount is None else None
            yield perhaps_mendable(told, again)
    taken = bike_manager.conversion_facts(stores["bike_manager"])
    added = user_deposit.conversion_facts(stores["user_deposit"])
    for cause, debit, credit in _joined(taken, added):
        if debit != credit:
            told = f"I17 {cause} took {debit} points but added {credit} won"
            lacks = ("user_deposit", "AdjustedPoint", "conversion", cause) if credit is None else None
            yield perhaps_mendable(told, _handled_again(stores, "bike_manager", lacks))


def reports(stores: Stores) -> Iterator[str]:
    """I6, for reports: none stays pending."""
    for reportid, status, _ in bike_manage_app.rows_for_verify(stores["bike_manage_app"]):
        if status == "pending":
            yield f"I6 report {reportid} is still pending"


def messages(stores: Stores) -> Iterator[str]:
    """I21: every outbox row is published. I22: nothing was set aside."""
    for name, reading in stores.items():
        if (first := first_waiting(reading)) is not None:  # in motion something always waits, and not for long
            yield f"I21 messages of {name} are not published, {first.type} {first.id} and what came after it"
        for message_id, kind, reason in reading.each("SELECT message_id, type, reason FROM dead_letters"):
            yield f"I22 {name} set {kind} {message_id} aside: {reason}"


class Unheard(Mendable):
    """A message that did not reach somebody."""

    mend: PublishAgain


def handled(stores: Stores) -> Iterator[Unheard]:
    """I22: what was published took effect, or was set aside, in every service that hears it."""
    known = "SELECT message_id FROM inbox UNION SELECT message_id FROM dead_letters ORDER BY message_id"
    for hearer, sources in paths().items():
        if hearer in stores:
            published = [_published(name, stores[name], types) for name, types in sources.items() if name in stores]
            heard = ((row[0], True) for row in stores[hearer].each(known))
            for message_id, known_as, there in _joined(heapq.merge(*published), heard):
                if not there:
                    name, kind = known_as
                    told = f"I22 {kind} {message_id} did not reach {hearer}"
                    yield Unheard(told, PublishAgain(name, message_id, kind))


def _published(name: str, read: Reading, types: frozenset[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    published = f"published_ms IS NOT NULL AND type IN ({', '.join('?' * len(types))})"
    sql = f"SELECT message_id, type FROM outbox WHERE {published} ORDER BY message_id"
    return ((row[0], (name, row[1])) for row in read.each(sql, sorted(types)))


def view_and_sources(stores: Stores) -> Iterator[str]:
    """I23: the view shows what the services know: every ride with its status and bill, and what was given back of it,
    and each rider's balance."""
    rents = (
        (row[0], (row[1], row[2], row[3], row[4], row[5]))
        for row in rent.rows_for_verify(stores["rent"])
        if row[3] in ("rented", "returned")
    )
    lines = ((row[0], row[1:]) for row in view.rides(stores["rent_and_billing_view"]))
    bills = ((row[0], (row[1], row[5], row[6], row[9])) for row in billing.rows_for_verify(stores["billing"]))
    both = ((rentid, (ride, bill)) for rentid, ride, bill in _joined(rents, bills))
    for rentid, known, line in _joined(both, lines):
        ride, bill = known or (None, None)
        if ride is None or bill is None or line is None or tuple(line) != (*ride, *bill):
            yield f"I23 the view shows ride {rentid} as {line}, the services know {ride} and {bill}"
    balances = user_deposit.balances(stores["user_deposit"])
    for userid, known, shown in _joined(balances, view.deposits(stores["rent_and_billing_view"])):
        if known != shown:
            yield f"I23 the view shows {shown} won for rider {userid}, the ledger has {known}"


def within(stores: Stores) -> Iterator[str]:
    """What each service promises of its store alone. I11, I12: postings balance and balances are their entries' sums;
    I13 follows: the sides cancel out. I15: points are their entries' sum."""
    for spec in specs():
        if spec.name in stores:
            yield from spec.violations(stores[spec.name])


def records(stores: Stores) -> Iterator[str]:
    """Nobody touched the record of who did what."""
    for name, reading in stores.items():
        yield from (f"audit {name}: {what}" for what in breaks(reading))


def totals(stores: Stores) -> Iterator[str]:
    """Each collection's counter is the number of its rows."""
    for spec in specs():
        for name, sql in spec.counted.items():
            known = stores[spec.name].one("SELECT coalesce(sum(n), 0) FROM counters WHERE name = ?", (name,))
            rows = stores[spec.name].one(sql)
            if known != rows:
                yield f"count {spec.name} counts {known and known[0]} {name} but has {rows and rows[0]}"


CHECKS: tuple[Callable[[Stores], Iterable[str]], ...] = (
    bikes_and_rents,
    bikes_and_holds,
    bikes_and_places,
    rents_and_bills,
    bills_and_ledger,
    corrections_and_ledger,
    within,
    ledger,
    points,
    reports,
    messages,
    handled,
    published_and_heard,
    view_and_sources,
    totals,
    records,
)
NAMES_ALL = (handled, published_and_heard)

_END: Any = object()


def _joined(left: Iterable[tuple[Any, Any]], right: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any, Any]]:
    """Two streams of (key, value) in ascending order as (key, left or None, right or None); doubles stay doubles."""
    lefts, rights = iter(left), iter(right)
    a, b = next(lefts, _END), next(rights, _END)
    while a is not _END or b is not _END:
        if b is _END or (a is not _END and a[0] < b[0]):
            yield a[0], a[1], None
            a = next(lefts, _END)
        elif a is _END or b[0] < a[0]:
            yield b[0], None, b[1]
            b = next(rights, _END)
        else:
            yield a[0], a[1], b[1]
            a, b = next(lefts, _END), next(rights, _END)


def differing_lines(one: Iterable[Any], other: Iterable[Any]) -> Iterator[str]:
    """I23: where a view and the one folded anew from its facts differ."""
    for shown, folded in zip_longest(one, other):
        if shown != folded:
            yield f"I23 the view has {shown}, folded anew it is {folded}"
