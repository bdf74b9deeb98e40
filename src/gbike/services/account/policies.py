"""Whenever X was said, do Y: account knows who rides, and who has money or a debt, because such a one is not erased."""

from gbike.contracts.rent import Rented, Returned, RideOverdue
from gbike.contracts.user_deposit import AddedDeposit, ChangedStanding, RefundedFee, UpdatedDeposit
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.account.storage.unsettled import begin_ride, end_ride, set_balance, want_reminder


def whenever_rented_know_that_the_rider_rides(tx: Tx, event: Rented) -> None:
    """Whoever rides is not erased."""
    begin_ride(tx, event.rentid, event.userid)


def whenever_returned_know_that_the_ride_is_over(tx: Tx, event: Returned) -> None:
    """A ride that is over keeps nobody from being erased."""
    end_ride(tx, event.rentid, event.userid)


def whenever_a_ride_is_overdue_remind_its_rider(tx: Tx, event: RideOverdue) -> None:
    """Whoever forgot to return a bike is told, once of a ride; not who has returned it meanwhile."""
    want_reminder(tx, event.rentid, event.userid)


def whenever_a_deposit_moves_know_the_balance(tx: Tx, event: UpdatedDeposit | AddedDeposit | RefundedFee) -> None:
    """Whoever has money or a debt is not erased."""
    set_balance(tx, event.userid, event.deposit, event.version)


def whenever_standing_changes_know_the_balance(tx: Tx, event: ChangedStanding) -> None:
    """The same; it is also how the balances of old accounts are told for the first time."""
    set_balance(tx, event.userid, event.deposit, event.depositversion)


POLICIES: Policies = {
    Rented: whenever_rented_know_that_the_rider_rides,
    Returned: whenever_returned_know_that_the_ride_is_over,
    RideOverdue: whenever_a_ride_is_overdue_remind_its_rider,
    UpdatedDeposit: whenever_a_deposit_moves_know_the_balance,
    AddedDeposit: whenever_a_deposit_moves_know_the_balance,
    RefundedFee: whenever_a_deposit_moves_know_the_balance,
    ChangedStanding: whenever_standing_changes_know_the_balance,
}
