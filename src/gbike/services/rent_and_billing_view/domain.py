"""What the view is folded from and what it shows. A fold of a fact may come in any order and any number of times."""

from typing import NamedTuple

STATUSES = ("rented", "returned")
"""Of a ride, as it is shown."""


class Ride(NamedTuple):
    """What a rent event tells of a ride."""

    rentid: int
    userid: int
    bikeid: int
    status: str
    started_ms: int | None
    ended_ms: int | None


class Bill(NamedTuple):
    """What a billing event tells of a ride's bill."""

    rentid: int
    userid: int
    billid: int
    status: str
    fee: int | None


class Deposit(NamedTuple):
    """What an event tells of a rider's deposit, won."""

    userid: int
    deposit: int
    version: int


class Refund(NamedTuple):
    """What an event tells of a correction that is in its rider's deposit; won."""

    correctionid: int
    rentid: int
    userid: int
    billid: int
    amount: int
    deposit: int
    version: int


class Line(NamedTuple):
    """One line of the view."""

    rentid: int
    userid: int
    bikeid: int | None
    rentstatus: str | None
    started_ms: int | None
    ended_ms: int | None
    billid: int | None
    fee: int | None
    billingstatus: str | None
    deposit: int | None
    refunded: int


class NoSuchLine(Exception):
    """The view has no such ride."""

    def __init__(self, rentid: int) -> None:
        super().__init__(rentid)
        self.rentid = rentid
