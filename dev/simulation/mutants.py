"""Planted bugs: the product with one promise taken out. A simulator that does not find them finds nothing.

A bug is planted at run time through seams (seams.py); if one is not there any more, planting fails, so the list can't
go stale. Where two layers protect the same thing, taking out one is no bug that a run could show; such layers have a
direct check of their own (`layers`).
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from dev.simulation.complaints import ASKS_FIRST, COMPLAINTS, COUNTS_ONE_TWICE, UNHEARD
from dev.simulation.layers import bill_guard, inbox, ledger_key
from dev.simulation.money_bugs import (
    LEAVES_A_GAP,
    by_the_return,
    halted_for_ever,
    once_more,
    posted_again,
    whatever_is_left,
)
from dev.simulation.ride_bugs import both_clocks, keyless, never_free
from dev.simulation.run import run_seed
from dev.simulation.seams import Seam, answering, before, given, mark_then_append, replaced
from dev.simulation.swarm import Swarm
from dev.simulation.tries import ANY_DAY, MOVED, TRIES
from dev.simulation.workshop import LETS_ALL_GO
from gbike.kit import positions
from gbike.kit.calls.peers import Breaker, Peer, PeerAnswer, State
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.outbox import Relay
from gbike.kit.storage import idempotency
from gbike.kit.storage.batching import Write
from gbike.kit.storage.sqlite.store import SqliteStore, SqliteTx
from gbike.kit.store import StoreUnavailable
from gbike.services.bike import storage as bikes
from gbike.services.bike.domain import BikeNotAvailable, Status
from gbike.services.bike_manage_app import commands as reporting
from gbike.services.bike_manager import commands as managing
from gbike.services.billing import policies as billing
from gbike.services.billing import storage as bills
from gbike.services.billing.storage import corrections
from gbike.services.rent import commands as renting
from gbike.services.rent import domain as riding
from gbike.services.rent import storage as rents
from gbike.services.rent_and_billing_view import storage as view
from gbike.services.user_deposit import commands as paying
from gbike.services.user_deposit.domain import OutOfBounds

STORM = Swarm(
    lost=0.05,
    doubled=0.3,
    slow=0.3,
    bus_down=0.2,
    held_back=0.4,
    redelivered=0.5,
    crash_every=300,
    riders=5,
    bikes=2,
    managers=2,
    actions=8,
    keyed=0.7,
)
"""Everything at once, for the bugs that need no more than that."""
RUSH = Swarm(stall_every=200, riders=12, bikes=1, managers=1, actions=6, keyed=0.0)
"""Everybody wants the one bike, and again and again its service falls behind."""
FRAIL = Swarm(disk=0.3, crash_every=80, riders=4, actions=8)
"""Commits fail, and nodes die before they can try again."""
FREEZING = Swarm(stall_every=100, slow=0.3, riders=6, bikes=3, actions=10, keyed=0.3)
"""Nodes fall asleep in the middle of what they do."""
FEW = Swarm(riders=1, managers=1, actions=4)
"""Bikes stay where they were left."""


@dataclass(frozen=True)
class Mutant:
    """One planted bug, the runs in which it must show, or the direct check that must."""

    name: str
    seams: tuple[Seam, ...]
    swarm: Swarm = STORM
    seeds: int = 20
    direct: Callable[[], str | None] | None = None


def _heard_again(original: Any) -> Any:
    """Every message is new."""
    return lambda tx, messages: {*original(tx, messages), *(message.id for message in messages)}


def _looked_at_before(original: Any) -> Any:
    async def reserve(store: SqliteStore, fn: Any, bikeid: int, *args: Any, **named: Any) -> Any:
        seen = await store.read(bikes.load, bikeid)
        if seen.status is not Status.AVAILABLE:
            raise BikeNotAvailable(bikeid, seen.status)
        return await original(store, fn, bikeid, *args, **named)

    return _of("reserve_a_bike", reserve, original)


def _refused_afterwards(original: Any) -> Any:
    async def top_up(store: SqliteStore, fn: Any, userid: int, *args: Any, **named: Any) -> Any:
        done = await original(store, fn, userid, *args, **named)
        if done.version > 2:
            raise OutOfBounds(userid)
        return done

    return _of("top_up_a_deposit", top_up, original)


def _of(command: str, changed: Any, original: Any) -> Any:
    """A store's `write` that is `changed` for one command."""

    def write(store: SqliteStore, fn: Any, *args: Any, **named: Any) -> Any:
        chosen = changed if getattr(fn, "__name__", "") == command else original
        return chosen(store, fn, *args, **named)

    return write


def _settled_first(original: Any) -> Any:
    async def handle(consumer: Consumer, batch: Any) -> None:
        await consumer._store.write(consumer._subscription.save_position, batch)
        await original(consumer, batch)

    return handle


def _probe_kept(original: Any) -> Any:
    def done(breaker: Breaker, ticket: int, *, ok: bool) -> None:
        original(breaker, ticket, ok=ok)
        breaker._probing = breaker.state is State.HALF_OPEN

    return done


def _refusals_are_failures(original: Any) -> Any:
    async def call(peer: Peer, *args: Any) -> PeerAnswer:
        answer: PeerAnswer = await original(peer, *args)
        return answer if answer.status < 400 else msgspec.structs.replace(answer, status=500)

    return call


def _acknowledged(original: Any) -> Any:
    def tell(request: Write) -> None:
        if isinstance(request.failed, StoreUnavailable) and request.answer is not None:
            request.failed = None
        original(request)

    return tell


def _at_any_age(original: Any) -> Any:
    return lambda lat, lon, *, age_ms=None, **exactness: original(lat, lon, **exactness)


_NO_INBOX = replaced(SqliteTx, "first_time", _heard_again)
_FEE_AGAIN = posted_again("bill:")
TAKE_A_TAKEN_BIKE = before(
    bikes, "reserve", "UPDATE bikes SET rentid = NULL WHERE bikeid = ?", lambda bikeid, *_: (bikeid,)
)
FREE_ANOTHERS_BIKE = before(
    bikes,
    "release",
    "UPDATE bikes SET rentid = ? WHERE bikeid = ? AND rentid IS NOT NULL",
    lambda bikeid, rentid, *_: (rentid, bikeid),
)
BILL_AGAIN = before(
    bills,
    "apply_fee",
    "UPDATE bills SET status = 'OPENBILL' WHERE billid = ? AND status <> 'OPENBILL'",
    lambda bill, *_: (bill.billid,),
)
REFUND_AGAIN = before(
    view, "fold_refund", "DELETE FROM refunds WHERE correctionid = ?", lambda refund: (refund.correctionid,)
)
WIPE_THE_POINT = before(
    bikes,
    "release",
    "UPDATE bikes SET lat = NULL, lon = NULL WHERE bikeid = ? AND rentid = ? AND ?",
    lambda bikeid, rentid, _, seen: (bikeid, rentid, seen.text is not None and seen.point is None),
)
_OPEN_AGAIN = "UPDATE rents SET status = 'rented', started_ms = coalesce(started_ms, 0) WHERE rentid = ? AND status = "

MUTANTS = (
    Mutant(
        "the bike is looked at, and then taken",
        (
            replaced(SqliteStore, "write", _looked_at_before),
            TAKE_A_TAKEN_BIKE,
        ),
        swarm=RUSH,
        seeds=40,
    ),
    Mutant("a release frees the bike of another rent", (FREE_ANOTHERS_BIKE,)),
    Mutant("no tombstone", (answering(bikes, "mark_rent_closed", None),)),
    Mutant("a fee is taken each time it is heard", (_NO_INBOX, _FEE_AGAIN)),
    Mutant(
        "points are given each time a report is heard",
        (
            _NO_INBOX,
            replaced(
                managing,
                "accrue",
                lambda original: (
                    lambda tx, managerid, cause, points: original(
                        tx, managerid, once_more(tx, "point_entries", cause), points
                    )
                ),
            ),
        ),
    ),
    Mutant("a correction is posted each time it is heard", (_NO_INBOX, posted_again("billCorrection:"))),
    Mutant("a block stops a return", (replaced(renting, "return_the_bike", halted_for_ever),), swarm=Swarm(actions=20)),
    Mutant(
        "a rider who is blocked begins a ride",
        (answering(renting, "must_be_allowed_to_ride", None),),
        swarm=Swarm(actions=20),
    ),
    Mutant("a block does not end by itself", (answering(paying, "end_lapsed_blocks", None),), swarm=Swarm(actions=20)),
    Mutant("a balance is wrong from one commit to the next", (LEAVES_A_GAP,), swarm=Swarm(actions=14), seeds=1),
    Mutant(
        "more is given back than the fee",
        (replaced(corrections, "give_back", whatever_is_left),),
        swarm=Swarm(actions=20),
    ),
    Mutant("converted points are added each time it is heard", (_NO_INBOX, posted_again("conversion:"))),
    Mutant("a bill is charged each time a return is heard", (_NO_INBOX, BILL_AGAIN)),
    Mutant("nobody sweeps", (answering(renting, "sweep", 0),)),
    Mutant(
        "an Idempotency-Key means nothing",
        (answering(idempotency, "check", None), answering(idempotency, "hold", None)),
    ),
    Mutant(
        "a cancelled rent is not said",
        (given(renting, "give_up_the_wish", lambda tx, rentid, why, _reserved: (tx, rentid, why, False)),),
    ),
    Mutant("a cancelled rent keeps its key", (replaced(rents, "cancel_pending", keyless),)),
    Mutant("the relay marks before it appends", (replaced(Relay, "step", lambda _original: mark_then_append),)),
    Mutant("a consumer moves on before the effects", (replaced(Consumer, "_handle", _settled_first),), swarm=FRAIL),
    Mutant(
        "a returned rent is returned again",
        (before(renting, "return_the_bike", _OPEN_AGAIN + "'returned'", lambda rentid, *_: (rentid,)),),
    ),
    Mutant(
        "a cancelled rent is returned",
        (before(renting, "return_the_bike", _OPEN_AGAIN + "'cancelled'", lambda rentid, *_: (rentid,)),),
        swarm=FREEZING,
    ),
    Mutant(
        "a cancelled rent is opened",
        (
            before(
                rents,
                "open_pending",
                "UPDATE rents SET status = 'pending' WHERE rentid = ? AND status = 'cancelled'",
                lambda rent: (rent.rentid,),
            ),
        ),
        swarm=FREEZING,
        seeds=40,
    ),
    Mutant(
        "the rider's limit is forgotten",
        (answering(rents, "open_rents", 0),),
        swarm=Swarm(riders=4, bikes=4, actions=8, most_open=1),
        seeds=60,
    ),
    Mutant(
        "the one probe is never given back",
        (replaced(Breaker, "done", _probe_kept),),
        swarm=Swarm(bike_hangs=True, riders=6, actions=12),
    ),
    Mutant(
        "the view believes the last that it hears of a ride",
        (
            before(
                view, "fold_ride", "UPDATE rides SET rentstatus = NULL WHERE rentid = ?", lambda ride: (ride.rentid,)
            ),
        ),
    ),
    Mutant(
        "the view believes the last that it hears of a deposit",
        (
            before(
                view, "fold_deposit", "UPDATE riders SET version = -1 WHERE userid = ?", lambda userid, *_: (userid,)
            ),
        ),
    ),
    Mutant("the view adds what was given back each time it hears of it", (_NO_INBOX, REFUND_AGAIN)),
    Mutant(
        "a taken bike counts as a failure of the bike service",
        (replaced(Peer, "_call", _refusals_are_failures),),
        swarm=Swarm(riders=8, bikes=1, actions=8),
    ),
    Mutant(
        "a top-up is refused after it was done",
        (replaced(SqliteStore, "write", _refused_afterwards),),
        swarm=Swarm(actions=20),
    ),
    Mutant(
        "a write whose commit failed is acknowledged",
        (replaced(Write, "tell", _acknowledged),),
        swarm=Swarm(disk=0.05, actions=10),
    ),
    Mutant(
        "a ride is priced by the tariff of its return",
        (replaced(billing, "whenever_returned_apply_the_fee", by_the_return),),
        swarm=Swarm(tariffs=True, actions=14),
    ),
    Mutant(
        "a void that charges",
        (replaced(billing, "whenever_returned_apply_the_fee", never_free),),
        swarm=Swarm(actions=14),
    ),
    Mutant(
        "a rider is reminded of a ride again and again",
        (answering(rents, "mark_reminded", True),),
        seeds=25,
    ),
    Mutant(
        "a balance that is set wipes what came in between",
        (given(paying, "set_a_balance", lambda tx, userid, wanted, _seen, cause: (tx, userid, wanted, None, cause)),),
        swarm=Swarm(actions=20),
    ),
    Mutant(
        "a ride is as long as both clocks together",
        (replaced(riding, "ridden", both_clocks),),
        swarm=Swarm(steps_ms=3_000, crash_every=400),
    ),
    Mutant(
        "a report that changes nothing is paid",
        (given(reporting, "confirm_the_report", lambda tx, report, _by, earning: (tx, report, None, earning)),),
        swarm=Swarm(by_changes=True, actions=14),
    ),
    Mutant("an old position is taken for where a bike is", (replaced(positions, "fault", _at_any_age),), seeds=5),
    Mutant("a return with a text alone wipes the point", (WIPE_THE_POINT,), seeds=5),
    Mutant("a bike tells where an erased rider left it", (answering(bikes, "forget_places", None),), swarm=FEW),
    Mutant("a hold frees another's", (LETS_ALL_GO,), swarm=Swarm(holders=3, bikes=1, actions=10), seeds=5),
    Mutant("a complaint waits until bike answers", (ASKS_FIRST,), swarm=COMPLAINTS),
    Mutant("a rider who complains twice takes a bike out", (COUNTS_ONE_TWICE,), swarm=COMPLAINTS, seeds=5),
    Mutant("a bike that was complained of is ridden on", (UNHEARD,), swarm=COMPLAINTS, seeds=5),
    Mutant("two tries of a rider are free on one day", (ANY_DAY,), swarm=TRIES, seeds=5),
    Mutant("a ride that moved is free", (MOVED,), swarm=TRIES, seeds=5),
    Mutant("no inbox, alone", (_NO_INBOX,), direct=inbox),
    Mutant("no ledger key, alone", (_FEE_AGAIN,), direct=ledger_key),
    Mutant("no guard on a bill's state, alone", (BILL_AGAIN,), direct=bill_guard),
)


@contextlib.contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """The product with this bug, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for seam in mutant.seams:
            seam(patch)
        yield


@dataclass(frozen=True)
class Catch:
    """How a planted bug was found: in which of its runs, or by its direct check."""

    by: str
    seed: int | None
    what: str


def caught(mutant: Mutant) -> Catch | None:
    """The first catch of a planted bug; None when it got away."""
    with planted(mutant):
        if mutant.direct is not None:
            found = mutant.direct()
            return Catch("direct check", None, found) if found else None
        for seed in range(mutant.seeds):
            verdict = run_seed(seed, mutant.swarm)
            if verdict.violation and not verdict.violation.startswith("the run broke"):
                return Catch(f"seed {seed}", seed, verdict.violation)
    return None


def hunt(only: str | None = None) -> int:
    """Plant each bug and say how it was caught; 1 when one got away."""
    chosen = [mutant for mutant in MUTANTS if only is None or only in mutant.name]
    away = 0
    for mutant in chosen:
        catch = caught(mutant)
        away += catch is None
        allowed = "its direct check" if mutant.direct else f"{mutant.seeds} seeds"
        told = f"caught by {catch.by} (allowed: {allowed}): {catch.what[:110]}" if catch else f"NOT CAUGHT by {allowed}"
        print(f"{mutant.name}: {told}")
    print(f"{len(chosen)} planted bugs, {len(chosen) - away} caught")
    return 1 if away else 0
