"""Whenever X was said, do Y."""

from msgspec import UNSET

from gbike.contracts.account import RegisteredAccount
from gbike.contracts.bike_manage_app import Reported
from gbike.kit.messaging.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.bike_manager.commands import accrue
from gbike.services.bike_manager.domain import POINTS_PER_REPORT
from gbike.services.bike_manager.storage import reserve_number


def whenever_reported_add_points(tx: Tx, event: Reported) -> None:
    """R11: an applied report earns what it says, once. Under a number that is nobody's it waits until a manager is
    registered."""
    points = POINTS_PER_REPORT if event.points is UNSET else event.points
    if points:
        accrue(tx, event.managerid, f"report:{event.reportid}", points)


def whenever_an_account_is_registered_keep_its_number(tx: Tx, event: RegisteredAccount) -> None:
    """The number of an account is its holder's manager number, should they become staff: nobody else gets it."""
    reserve_number(tx, event.userid)


POLICIES: Policies = {
    RegisteredAccount: whenever_an_account_is_registered_keep_its_number,
    Reported: whenever_reported_add_points,
}
