"""Whenever X was said, do Y."""

from gbike.contracts.bike_manage_app import Reported
from gbike.kit.inbox import Policies
from gbike.kit.store import Tx
from gbike.services.bike_manager.domain import POINTS_PER_REPORT
from gbike.services.bike_manager.storage import accrue


def whenever_reported_add_points(tx: Tx, said: Reported) -> None:
    """R11: an applied report earns points, once per report. A manager we don't know yet finds them when registered."""
    accrue(tx, said.managerid, f"report:{said.reportid}", POINTS_PER_REPORT)


POLICIES: Policies = {Reported: whenever_reported_add_points}
