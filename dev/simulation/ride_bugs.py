"""Bugs of rides: keys that are kept, lengths that are wrong, and voided rides that cost something."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from gbike.services.rent import domain as riding


def keyless(original: Any) -> Any:
    """A cancelled rent that forgets its key."""

    def cancel(*args: Any) -> tuple[Any, ...] | None:
        cancelled = original(*args)
        return cancelled and (*cancelled[:2], None)

    return cancel


def both_clocks(_original: Any) -> Any:
    """A ride as long as both clocks together."""

    def ridden(rent: riding.OpenRent, now: riding.Moment) -> tuple[int, bool]:
        return max(0, now.wall_ms - rent.started_ms) + max(0, now.boot_ms - rent.boot_ms), False

    return ridden


def never_free(original: Any) -> Any:
    """A return that tells nobody that the ride was voided."""
    return lambda first, tx, published: original(first, tx, replace(published, voided=UNSET))
