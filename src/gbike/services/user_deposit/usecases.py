"""One function per sentence of the requirements."""

from gbike.kit.access.principal import Whose
from gbike.kit.once import Once
from gbike.services.user_deposit.domain import Deposit
from gbike.services.user_deposit.ports import Deposits


async def open_a_deposit(userid: int, amount: int, *, deposits: Deposits, once: Once | None = None) -> Deposit:
    """A rider brings money: the deposit that rides are paid from."""
    return await deposits.open(userid, amount, once)


async def top_up_a_deposit(userid: int, amount: int, *, deposits: Deposits, once: Once | None = None) -> Deposit:
    """A rider brings more money."""
    return await deposits.top_up(userid, amount, once)


async def correct_a_deposit(userid: int, wanted: int, *, deposits: Deposits, once: Once | None = None) -> Deposit:
    """An operator corrects a balance; the ledger keeps the difference and that it was a correction."""
    return await deposits.set_balance(userid, wanted, once)


async def look_up_a_deposit(userid: int, whose: Whose, *, deposits: Deposits) -> Deposit:
    """R7, R12: what a rider has."""
    return await deposits.one(userid, whose)
