"""Positions as somebody sends them, in degrees of WGS 84, and what makes one no position."""

import math
from enum import StrEnum

OLD_MS = 60_000
"""A position that was measured so long before the moment it is sent for, or after it, tells of another place."""
COARSE_M = 1_000
"""A position that is less exact than this tells of no place in a town."""
FAR_M = 100_000
"""What is farther than this from every place that is known is a mistake."""
_NOWHERE = 0.01
"""Degrees: what is so near to (0, 0), in the Gulf of Guinea, was measured by nobody."""
_M_PER_DEGREE = 111_195


class Fault(StrEnum):
    """Why what was sent is no position."""

    ZERO = "zero"
    HALF = "half"
    SWAPPED = "swapped"
    FAR = "far"
    OLD = "old"
    COARSE = "coarse"


def fault(
    lat: float | None, lon: float | None, *, accuracy_m: float | None = None, age_ms: int | None = None
) -> Fault | None:
    """Why this is no position, as far as it tells by itself; None: it is one, or none was sent. `age_ms`: how long
    before the moment it is sent for it was measured."""
    if lat is None or lon is None:
        return Fault.HALF if lat is not lon else None
    if abs(lat) > 90 or abs(lon) > 180:
        return Fault.SWAPPED if abs(lat) <= 180 and abs(lon) <= 90 else Fault.FAR
    if abs(lat) < _NOWHERE and abs(lon) < _NOWHERE:
        return Fault.ZERO
    if age_ms is not None and abs(age_ms) > OLD_MS:
        return Fault.OLD
    if accuracy_m is not None and not 0 <= accuracy_m <= COARSE_M:
        return Fault.COARSE
    return None


def narrowing(lat: float) -> float:
    """The square of how much shorter a degree of longitude is than one of latitude here."""
    return math.cos(math.radians(lat)) ** 2


FAR_SQUARED = (FAR_M / _M_PER_DEGREE) ** 2
"""FAR_M as the square of degrees of latitude."""


def misplaced(lat: float, lon: float, middle: tuple[float, float]) -> Fault | None:
    """Whether a position is far from another one, or is near it only when it is swapped."""
    if within(FAR_M, lat, lon, middle):
        return None
    return Fault.SWAPPED if within(FAR_M, lon, lat, middle) else Fault.FAR


def within(apart_m: float, lat: float, lon: float, middle: tuple[float, float]) -> bool:
    """Whether a position is at most so far from another one; good within a region."""
    north, east = lat - middle[0], lon - middle[1]
    return north * north + east * east * narrowing(lat) <= (apart_m / _M_PER_DEGREE) ** 2
