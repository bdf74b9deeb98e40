"""One function per sentence of the requirements."""

from gbike.kit.access.principal import Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.user_deposit.domain import Deposit
from gbike.services.user_deposit.ports import Deposits


async def open_a_deposit(userid: int, amount: int, *, deposits: Deposits, once: Once | None = None) -> Deposit:
    """A rider brings money: the deposit that rides are paid from."""
    return await deposits.open(userid, amount, once)


async def top_up_a_deposit(userid: int, amount: int, *, deposits: Deposits, once: Once | None = None) -> Deposit:
    """A rider brings more money."""
    return await deposits.top_up(userid, amount, once)


async def correct_a_deposit(
    userid: int, amount: int, reason: str, *, deposits: Deposits, once: Once | None = None
) -> Deposit:
    """An operator corrects a balance by a difference and says why: what came in between stays."""
    return await deposits.correct(userid, amount, reason, once)


async def set_a_balance(
    userid: int, wanted: int, expected: int | None, *, deposits: Deposits, once: Once | None = None
) -> Deposit:
    """An operator sets a balance; the ledger keeps the difference. `expected`: what it is thought to be."""
    return await deposits.set_balance(userid, wanted, expected, once)


async def look_up_a_deposit(userid: int, whose: Whose, *, deposits: Deposits) -> Deposit:
    """R7, R12: what a rider has."""
    return await deposits.one(userid, whose)
