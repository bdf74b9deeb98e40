"""Whenever X was said, fold it in. A fold is an upsert guarded by state: any order, any number of times, one view."""

from collections.abc import Sequence

from gbike.contracts.account import AccountErased
from gbike.contracts.billing import CalculatedFee, ClosedBill, RegisteredBill
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented, Returned
from gbike.contracts.user_deposit import AddedDeposit, RefundedFee, UpdatedDeposit
from gbike.kit.envelope import Message
from gbike.kit.messaging.inbox import Policies
from gbike.kit.privacy.erasure import remember, take_out
from gbike.kit.store import Tx
from gbike.services.rent_and_billing_view.commands import bill_of, deposit_of, fact_of, keep, refund_of, ride_of, show
from gbike.services.rent_and_billing_view.storage.facts import merge


def whenever_rented_show_the_ride(tx: Tx, event: Rented) -> None:
    """R9: the ride is in the rider's history from its start."""
    show(tx, ride_of(event))


def whenever_returned_end_the_ride(tx: Tx, event: Returned) -> None:
    """R9: and with its end."""
    show(tx, ride_of(event))


def whenever_a_bill_opens_show_it(tx: Tx, event: RegisteredBill) -> None:
    """R9: the bill stands beside its ride."""
    show(tx, bill_of(event))


def whenever_a_fee_is_known_show_it(tx: Tx, event: CalculatedFee) -> None:
    """R9: with its fee."""
    show(tx, bill_of(event))


def whenever_a_bill_closes_show_it(tx: Tx, event: ClosedBill) -> None:
    """R8, R9: until it is closed."""
    show(tx, bill_of(event))


def whenever_a_deposit_moves_show_it(tx: Tx, event: UpdatedDeposit | AddedDeposit) -> None:
    """R9: the rider's deposit now; one row per rider, so that no history is rewritten (flaw 41)."""
    show(tx, deposit_of(event))


def whenever_a_fee_is_refunded_show_it(tx: Tx, event: RefundedFee) -> None:
    """What of its fee was given back stands beside the ride, each correction once; and the deposit as it is then."""
    show(tx, refund_of(event))


def whenever_an_account_is_erased_forget_where_it_was(tx: Tx, event: AccountErased) -> None:
    """The lines stay, for the books. What was set aside tells of places; it does no more."""
    remember(tx, event.userid)
    take_out(tx, ("userid",), [event.userid], EVENTS)


POLICIES: Policies = {
    AccountErased: whenever_an_account_is_erased_forget_where_it_was,
    Rented: whenever_rented_show_the_ride,
    Returned: whenever_returned_end_the_ride,
    RegisteredBill: whenever_a_bill_opens_show_it,
    CalculatedFee: whenever_a_fee_is_known_show_it,
    ClosedBill: whenever_a_bill_closes_show_it,
    UpdatedDeposit: whenever_a_deposit_moves_show_it,
    AddedDeposit: whenever_a_deposit_moves_show_it,
    RefundedFee: whenever_a_fee_is_refunded_show_it,
}


def keep_events(tx: Tx, messages: Sequence[Message]) -> None:
    """Keep new events as news for a while, and for good what folding needs of them."""
    keep(tx, messages)
    merge(tx, [fact for message in messages if (fact := fact_of(message)) is not None])
