"""Whenever X was said, do Y."""

from gbike.contracts.account import AccountErased
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.bike_manage_app.commands import forget_the_words


def whenever_an_account_is_erased_forget_what_it_wrote(tx: Tx, event: AccountErased) -> None:
    """The complaints stay, for the bikes; what was written in them goes."""
    forget_the_words(tx, event.userid)


POLICIES: Policies = {AccountErased: whenever_an_account_is_erased_forget_what_it_wrote}
