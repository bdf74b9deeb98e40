"""Whenever X was said, do Y."""

from msgspec import UNSET

from gbike.contracts.account import AccountErased
from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.rent.commands import forget_the_rider
from gbike.services.rent.domain import Standing
from gbike.services.rent.storage import keep_standing


def whenever_an_account_is_erased_forget_where_it_rode(tx: Tx, event: AccountErased) -> None:
    """The rides stay, for the books; where they ended goes."""
    forget_the_rider(tx, event.userid)


def whenever_a_standing_changed_keep_it(tx: Tx, event: ChangedStanding) -> None:
    """Whether a rider may begin a ride is judged by what is kept here, also while userDeposit is down."""
    tx.lock(f"rider:{event.userid}")
    until_ms = None if event.blockeduntil is UNSET else event.blockeduntil
    heard = Standing(event.mayrent, event.reasons, event.missing_krw, blockeduntil_ms=until_ms)
    keep_standing(tx, event.userid, heard, event.version)


POLICIES: Policies = {
    AccountErased: whenever_an_account_is_erased_forget_where_it_rode,
    ChangedStanding: whenever_a_standing_changed_keep_it,
}
