"""What userDeposit needs from outside."""

from typing import Protocol

from gbike.services.user_deposit.domain import Payment


class Provider(Protocol):
    """Somebody who takes riders' money and confirms it."""

    def pay_at(self, payment: Payment) -> str:
        """Where the rider pays: an address, or a path of ours."""

    def check(self, signature: str, body: bytes, now_ms: int) -> None:
        """Whether it said this, now. Raises ForgedConfirmation or OldConfirmation."""
