"""Whenever X was said, do Y."""

from gbike.contracts.account import AccountErased
from gbike.kit.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.rent.storage import forget


def whenever_an_account_is_erased_forget_where_it_rode(tx: Tx, said: AccountErased) -> None:
    """The rides stay, for the books; where they ended goes."""
    forget(tx, said.userid)


POLICIES: Policies = {AccountErased: whenever_an_account_is_erased_forget_where_it_rode}
