"""Money moves only as postings: two sides that add up to nothing, and one cause that can move it once.

DepositRefused
├── NoSuchDeposit         the rider has no deposit account
├── DepositExists         it was opened before
├── PostingDiffers        the same cause again with another amount
├── OutOfBounds           the balance would leave what an account may hold
├── BalanceChanged        the balance is not the one that was expected
├── RiderErased           the rider's account was erased: nothing is paid in any more
├── UntilPassed           a block can't end before it begins
├── NoProvider            nobody is set who takes money
├── NoSuchPayment         it was never asked for, or is somebody else's
├── PaymentDiffers        another amount than was asked for
├── TooManyPayments       too many begun and not paid
├── ForgedConfirmation    not signed with the provider's secret
└── OldConfirmation       signed too long ago, or for a time to come

A provider confirms what a rider paid in: `Gbike-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`. Nobody
sends us a card's number: it is the provider's page that asks for it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gbike.kit.money import MAX_WON, Won, won

MOST = 1_000_000
"""Won of one payment."""
MOST_BEGUN, BEGUN_MS = 20, 3_600_000
"""Payments that a rider begins and does not pay within this time."""


class DepositRefused(Exception):
    """Something about a deposit was refused; no money moved."""


@dataclass(eq=False)
class NoSuchDeposit(DepositRefused):
    userid: int


@dataclass(eq=False)
class DepositExists(DepositRefused):
    userid: int


@dataclass(eq=False)
class PostingDiffers(DepositRefused):
    cause: str


@dataclass(eq=False)
class OutOfBounds(DepositRefused):
    userid: int


@dataclass(eq=False)
class BalanceChanged(DepositRefused):
    userid: int
    deposit: int


@dataclass(eq=False)
class RiderErased(DepositRefused):
    userid: int


@dataclass(eq=False)
class UntilPassed(DepositRefused):
    userid: int


class CounterAccount(StrEnum):
    """Counter account of a posting: where a rider's money comes from and goes to."""

    CASH = "cash"
    FEES = "fees"
    POINTS = "points"
    ADJUSTMENTS = "adjustments"
    REFUNDS = "refunds"


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount` won to the rider (negative: from the rider), from or to the house, because of `cause`."""

    userid: int
    amount: Won
    counter: CounterAccount
    cause: str
    rentid: int | None = field(default=None, compare=False)
    """The ride that it is of."""

    def sides(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """The two entries: account and amount. They add up to nothing (I11)."""
        return (f"user:{self.userid}", self.amount), (self.counter, -self.amount)


def missing_krw(balance: int, minimum_krw: int) -> int:
    """What a rider has to pay in before a ride may begin; 0: it may, always where there is no minimum."""
    return max(0, minimum_krw - balance) if minimum_krw > 0 else 0


@dataclass(frozen=True, slots=True)
class Block:
    """An operator keeps a rider from beginning a ride. `until_ms`: when it ends by itself; None: when an operator says
    so. `reason` None: its rider was erased."""

    reason: str | None
    since_ms: int
    until_ms: int | None

    def lasts(self, now_ms: int) -> bool:
        return self.until_ms is None or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Deposit:
    """A rider's account. Its balance may be negative: a return is never refused, so a fee is always taken."""

    userid: int
    balance: Won
    billid: int | None
    registered: bool
    version: int
    missing_krw: int = 0
    block: Block | None = None


def fee(userid: int, billid: int, amount: int, *, rentid: int) -> Posting:
    """R7: a fee goes from the rider to the house, once per bill."""
    return Posting(userid, won(-amount), CounterAccount.FEES, f"bill:{billid}", rentid)


def refund(userid: int, correctionid: int, amount: int, *, rentid: int) -> Posting:
    """What a correction gives back of a fee goes from the house to the rider, once per correction."""
    return Posting(userid, won(amount), CounterAccount.REFUNDS, f"billCorrection:{correctionid}", rentid)


def opening(userid: int, amount: int) -> Posting:
    """The money a rider brings when the account is opened."""
    return Posting(userid, won(amount), CounterAccount.CASH, f"opening:{userid}")


def top_up(userid: int, amount: int, cause: str) -> Posting:
    return Posting(userid, won(amount), CounterAccount.CASH, f"topUp:{cause}")


def adjustment(deposit: Deposit, wanted: int, cause: str) -> Posting:
    """An operator sets the balance: the difference is posted, never the balance overwritten. Raises OutOfBounds."""
    within_bounds(deposit.userid, wanted - deposit.balance)
    return Posting(deposit.userid, won(wanted - deposit.balance), CounterAccount.ADJUSTMENTS, f"adjustment:{cause}")


def correction(userid: int, amount: int, cause: str) -> Posting:
    """An operator corrects a balance by a difference, whatever it is by then."""
    return Posting(userid, won(amount), CounterAccount.ADJUSTMENTS, f"correction:{cause}")


def conversion(userid: int, amount: int, cause: str) -> Posting:
    """R12: points become deposit, once per conversion."""
    return Posting(userid, won(amount), CounterAccount.POINTS, cause)


def within_bounds(userid: int, balance: int) -> None:
    """Raises OutOfBounds when the account can't hold the balance."""
    if not -MAX_WON <= balance <= MAX_WON:
        raise OutOfBounds(userid)


class NoProvider(DepositRefused):
    """Nobody is set who takes money."""


class TooManyPayments(DepositRefused):
    """The rider has begun many payments and paid none of them."""


class ForgedConfirmation(DepositRefused):
    """It is not signed with our secret."""


class OldConfirmation(DepositRefused):
    """It is signed, for a time that is too far from now."""


@dataclass(eq=False)
class NoSuchPayment(DepositRefused):
    paymentid: str


@dataclass(eq=False)
class PaymentDiffers(DepositRefused):
    paymentid: str


@dataclass(frozen=True, slots=True)
class Payment:
    """What a rider wants to pay in; `paid`: the provider said that it has the money."""

    paymentid: str
    userid: int
    amount: int
    paid: bool

    def posting(self) -> Posting:
        return Posting(self.userid, won(self.amount), CounterAccount.CASH, f"payment:{self.paymentid}")
