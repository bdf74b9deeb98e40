"""Whenever X was said, do Y."""

from gbike.contracts.account import AccountErased
from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.rent.commands import forget_the_rider
from gbike.services.rent.storage import keep_standing


def whenever_an_account_is_erased_forget_where_it_rode(tx: Tx, event: AccountErased) -> None:
    """The rides stay, for the books; where they ended goes."""
    forget_the_rider(tx, event.userid)


def whenever_a_standing_changed_keep_it(tx: Tx, event: ChangedStanding) -> None:
    """Whether a rider may begin a ride is judged by what is kept here, also while userDeposit is down."""
    tx.lock(f"rider:{event.userid}")
    keep_standing(tx, event.userid, event.mayrent, event.reasons, (event.missing_krw, event.version))


POLICIES: Policies = {
    AccountErased: whenever_an_account_is_erased_forget_where_it_rode,
    ChangedStanding: whenever_a_standing_changed_keep_it,
}
