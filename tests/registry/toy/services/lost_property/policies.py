"""Whenever X was said, do Y."""

from gbike.services.lost_property.storage import forget

from gbike.contracts.account import AccountErased
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx


def whenever_an_account_is_erased_forget_where_it_was(tx: Tx, printed: AccountErased) -> None:
    """What was found stays; where its finder was goes."""
    forget(tx, printed.userid)


POLICIES: Policies = {AccountErased: whenever_an_account_is_erased_forget_where_it_was}
