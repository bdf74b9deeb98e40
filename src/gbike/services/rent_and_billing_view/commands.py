"""What the view does, each run inside a transaction: keep what was said, and fold it into what is shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import AddedDeposit, RefundedFee, UpdatedDeposit
from gbike.kit.envelope import Message, Undecodable, unpack
from gbike.kit.messaging.dead_letters import set_aside
from gbike.kit.privacy.erasure import impersonal
from gbike.kit.store import Reading, Tx
from gbike.services.rent_and_billing_view.domain import Bill, Deposit, Refund, Ride
from gbike.services.rent_and_billing_view.storage import clear
from gbike.services.rent_and_billing_view.storage.facts import KINDS, Fact, about, fold, known, merge
from gbike.services.rent_and_billing_view.storage.kept import BATCH, add, let_go, newest, unfolded

FOLDED_AT_ONCE = 1_000


def ride_of(event: Rented | Returned) -> Ride:
    ended_ms = event.endtime if isinstance(event, Returned) else None
    return Ride(event.rentid, event.userid, event.bikeid, event.status, started_ms=event.starttime, ended_ms=ended_ms)


def bill_of(event: RegisteredBill | CalculatedFee | ClosedBill) -> Bill:
    fee = event.fee if isinstance(event, CalculatedFee) else None
    return Bill(event.rentid, event.userid, event.billid, event.status, fee)


def deposit_of(event: UpdatedDeposit | AddedDeposit) -> Deposit:
    return Deposit(event.userid, event.deposit, event.version)


def refund_of(event: RefundedFee) -> Refund:
    of = (event.correctionid, event.rentid, event.userid, event.billid)
    return Refund(*of, event.amount, event.deposit, event.version)


FACTS: Mapping[type, Callable[[Any], Fact]] = {
    Rented: ride_of,
    Returned: ride_of,
    RegisteredBill: bill_of,
    CalculatedFee: bill_of,
    ClosedBill: bill_of,
    UpdatedDeposit: deposit_of,
    AddedDeposit: deposit_of,
    RefundedFee: refund_of,
}
_FACTS = {kind.__name__: (kind, fact) for kind, fact in FACTS.items()}


def fact_of(message: Message) -> Fact | None:
    """What of an event is needed to fold the view anew; None: nothing. Raises Undecodable."""
    if message.type not in _FACTS:
        return None
    kind, fact = _FACTS[message.type]
    return fact(unpack(message, kind))


def fold_kept(tx: Tx, after: int, window: int) -> tuple[int, int, int]:
    """The next bite after number `after`: the number up to which all is folded, how many events were, and how many
    rows went: what is older than the last `window`. What can't be read any more is set aside."""
    tx.lock("folding")  # one process after the other
    last, found = newest(tx), unfolded(tx, after, BATCH)
    facts, unreadable = list[Fact](), list[tuple[Message, str]]()
    for _, message in found:
        try:
            if (fact := fact_of(message)) is not None:
                facts.append(fact)
        except Undecodable as wrong:
            unreadable.append((message, repr(wrong)))
    for message, why in unreadable:
        set_aside(tx, message, why, EVENTS)
    tx.lock("kept")  # as last of the locks, as who hears does
    merge(tx, facts)
    place = found[-1][0] if len(found) == BATCH else max(after, last)
    return place, len(found), let_go(tx, place, last - window)


def rebuild_in_place(tx: Tx) -> int:
    """Empty the view and fold all that it knows anew; answers from how many facts."""
    clear(tx)
    return sum(fold_facts(tx, facts) for facts in known_bites(tx))


def known_bites(read: Reading) -> Iterator[list[Fact]]:
    """All that the view can be folded anew from, a bite at a time."""
    for kind in KINDS:
        after = 0
        while facts := known(read, kind, after, FOLDED_AT_ONCE):
            yield facts
            after = about(facts[-1])
    after = 0
    while events := unfolded(read, after, FOLDED_AT_ONCE):
        yield facts_of(events)
        after = events[-1][0]


def facts_of(events: list[tuple[int, Message]]) -> list[Fact]:
    """Of what an older gbike kept and nobody has folded yet; what can't be read is left out, and so shows."""
    facts = list[Fact]()
    for _, message in events:
        with suppress(Undecodable):
            if (fact := fact_of(message)) is not None:
                facts.append(fact)
    return facts


def show(tx: Tx, fact: Fact) -> None:
    if fold(tx, fact):
        tx.count("rides")


def fold_facts(tx: Tx, facts: list[Fact]) -> int:
    """Fold them in; answers how many."""
    for fact in facts:
        show(tx, fact)
    return len(facts)


def keep(tx: Tx, messages: Sequence[Message]) -> None:
    """Keep events as news, but not where anybody was: nobody is told places. One process after the other from here to
    its commit, so that whoever has seen a number has seen all below it, and facts are written by one at a time."""
    tx.lock("kept")
    add(tx, [replace(one, value=impersonal(one.value, EVENTS.get(one.type))) for one in messages])
