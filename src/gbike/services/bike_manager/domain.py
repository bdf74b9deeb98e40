"""Points are earned by applied reports and turned into deposit; both are entries, and the points are their sum.

ManagerRefused
├── NoSuchManager         there is none with this number
├── ManagerExists         the number is taken
├── NumberOfAnother       the posted number is another account's own
├── NotYourPoints         the conversion names another rider than the manager's own
├── NotEnoughPoints       more is to be converted than there is
├── PointsDiffer          the client counts on other points than there are
└── KeyNeeded             a conversion without the expected points needs an Idempotency-Key
"""

from dataclasses import dataclass
from enum import StrEnum

POINTS_PER_REPORT = 1_000
"""Of a report that does not say what it earns: one of an older bikeManageApp."""


class Numbers(StrEnum):
    """Which number a manager is given: the next free one, as the original, or that of the rider's account."""

    NEXT = "next"
    RIDER = "rider"


class ManagerRefused(Exception):
    """Something about a manager was refused; no points moved."""


@dataclass(eq=False)
class NoSuchManager(ManagerRefused):
    managerid: int


@dataclass(eq=False)
class ManagerExists(ManagerRefused):
    managerid: int


@dataclass(eq=False)
class NumberOfAnother(ManagerRefused):
    managerid: int
    userid: int


@dataclass(eq=False)
class NotYourPoints(ManagerRefused):
    managerid: int
    userid: int


@dataclass(eq=False)
class PointsDiffer(ManagerRefused):
    """With `balance` points, converting `adjustpoint` leaves `right_point`, not what the client expects."""

    managerid: int
    balance: int
    adjustpoint: int
    right_point: int


@dataclass(eq=False)
class NotEnoughPoints(ManagerRefused):
    """There are only `balance` points."""

    managerid: int
    balance: int
    adjustpoint: int


class KeyNeeded(ManagerRefused):
    """Without the points that are expected to be left, only a key tells a repeated conversion from a new one."""


@dataclass(frozen=True, slots=True)
class Manager:
    """One of the field staff. `adjustpoint` is the last conversion, None before the first."""

    managerid: int
    userid: int
    points: int
    adjustpoint: int | None


@dataclass(frozen=True, slots=True)
class ConversionWish:
    """Turn `adjustpoint` points into deposit; `point` is what the client expects to be left (None: it doesn't say)."""

    adjustpoint: int
    point: int | None
    userid: int | None
    keyed: bool


def must_cover(manager: Manager, amount: int) -> None:
    """Points may go down by a correction, and never below 0. Raises NotEnoughPoints."""
    if manager.points + amount < 0:
        raise NotEnoughPoints(manager.managerid, manager.points, -amount)


def convert(manager: Manager, last: int | None, wish: ConversionWish) -> bool:
    """R12: whether the points are to be converted; False when just this conversion was the last movement.

    The client's `point` is only what it expects (flaw 36). Raises NotYourPoints, NotEnoughPoints,
    PointsDiffer, KeyNeeded.
    """
    if wish.userid is not None and wish.userid != manager.userid:
        raise NotYourPoints(manager.managerid, wish.userid)
    left = manager.points - wish.adjustpoint
    if wish.point is None:
        if not wish.keyed:
            raise KeyNeeded
        expected = left
    else:
        expected = wish.point
    if left == expected and left >= 0:
        return True
    if manager.points == expected and last == -wish.adjustpoint:
        return False
    if left < 0:
        raise NotEnoughPoints(manager.managerid, manager.points, wish.adjustpoint)
    raise PointsDiffer(manager.managerid, manager.points, wish.adjustpoint, left)
