"""What the use cases of userDeposit need from outside."""

from typing import Protocol

from gbike.kit.access.principal import Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.services.user_deposit.domain import Deposit, Payment


class Deposits(Protocol):
    """The ledger."""

    async def open(self, userid: int, amount: int, once: Once | None) -> Deposit:
        """Open the account with its first money, or register the one a fee opened. Raises DepositExists,
        RiderErased."""

    async def top_up(self, userid: int, amount: int, once: Once | None) -> Deposit:
        """Pay in. Raises NoSuchDeposit, RiderErased, OutOfBounds."""

    async def set_balance(self, userid: int, wanted: int, expected: int | None, once: Once | None) -> Deposit:
        """Post the difference to `wanted`, if the balance is `expected` (None: whatever it is). Raises NoSuchDeposit,
        BalanceChanged, OutOfBounds."""

    async def correct(self, userid: int, amount: int, reason: str, once: Once | None) -> Deposit:
        """Post a difference, and why. Raises NoSuchDeposit, OutOfBounds."""

    async def one(self, userid: int, whose: Whose) -> Deposit:
        """The account. Raises NoSuchDeposit, also for another's."""


class Provider(Protocol):
    """Somebody who takes riders' money and confirms it."""

    def pay_at(self, payment: Payment) -> str:
        """Where the rider pays: an address, or a path of ours."""

    def check(self, signature: str, body: bytes, now_ms: int) -> None:
        """Whether it said this, now. Raises ForgedConfirmation or OldConfirmation."""
