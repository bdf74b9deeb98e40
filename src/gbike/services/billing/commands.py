"""Which tariff there is, and which one a ride has; each run inside a transaction."""

from gbike.kit.store import Tx
from gbike.services.billing import storage
from gbike.services.billing.domain import Tariff, TariffVersion

_LOCK = "tariffs"
"""Shared by those who open bills: a new version comes after all of them or before all of them."""


def adopt_tariff(tx: Tx, tariff: Tariff) -> TariffVersion:
    """Make the tariff the newest version, effective now, unless it is that already. The first version is effective from
    the beginning of time; another one never reaches back to a ride that has a bill, whatever the clocks of rent and
    billing say."""
    tx.lock(_LOCK)
    newest = storage.newest_tariff(tx)
    if newest is not None and newest.tariff == tariff:
        return newest
    adopted = TariffVersion(1, 0, tariff)
    if newest is not None:
        effective_ms = max(tx.now_ms, newest.effective_ms, storage.newest_start_ms(tx) + 1)
        adopted = TariffVersion(newest.version + 1, effective_ms, tariff)
    storage.add_tariff(tx, adopted)
    return adopted


def tariff_of_a_start(tx: Tx, started_ms: int, first: Tariff) -> TariffVersion:
    """The tariff of a ride by its start. No version is added between this and the bill that is stamped with it.
    `first`: what becomes the first version where there is none yet."""
    tx.share([_LOCK])
    return storage.valid_tariff(tx, started_ms) or adopt_tariff(tx, first)
