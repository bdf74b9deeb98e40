"""Money is whole won (KRW) in an integer; there is no fraction of a won and no float anywhere near one."""

from typing import NewType

Won = NewType("Won", int)

MAX_WON = 1_000_000_000_000
"""The most that one amount may be (a trillion won): large enough for a city, far below what JSON clients misread."""


class NotMoney(ValueError):
    """The number is no amount of won: not whole, or outside ±MAX_WON."""


def won(amount: int) -> Won:
    """`amount` as money. Raises NotMoney outside ±MAX_WON."""
    if isinstance(amount, bool) or not isinstance(amount, int) or not -MAX_WON <= amount <= MAX_WON:
        raise NotMoney(f"{amount!r} is not an amount of whole won within ±{MAX_WON}")
    return Won(amount)
