"""Payments in SQL: begun by a rider, and paid once."""

from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.kit.clock import latest
from gbike.kit.housekeeping import DAY_MS, Keeping
from gbike.kit.idempotency import once_only
from gbike.kit.ids import Ids
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.user_deposit.domain import (
    BEGUN_MS,
    MOST_BEGUN,
    NoSuchPayment,
    Payment,
    PaymentDiffers,
    TooManyPayments,
)
from gbike.services.user_deposit.storage import add, refuse_erased

KEEPS = (
    Keeping(
        7 * DAY_MS,
        "DELETE FROM payments WHERE paid_ms IS NULL AND paymentid IN"
        " (SELECT paymentid FROM payments WHERE paid_ms IS NULL AND at_ms < ? ORDER BY at_ms LIMIT ?)",
    ),
)
"""What was begun and never paid; said twice, as one may be paid between the look and the deletion."""
_COLUMNS = "paymentid, userid, amount, paid_ms"


class SqlPayments:
    """Payments over a Store."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    async def begin(self, userid: int, amount: int, once: Once | None) -> Payment:
        """A rider wants to pay. Raises TooManyPayments, RiderErased."""
        wanted = Payment(self._ids.new(), userid, amount, paid=False)
        return await self._store.write(once_only, once, begin, wanted, key=f"user:{userid}")

    async def one(self, paymentid: str, whose: Whose = EVERYBODYS) -> Payment:
        """A payment. Raises NoSuchPayment, also for another's."""
        return await self._store.read(load, paymentid, whose)

    async def may_pay(self, userid: int) -> None:
        """Raises RiderErased."""
        await self._store.read(refuse_erased, userid)

    async def confirm(self, paymentid: str, amount: int) -> Payment:
        """The provider has the money: it is the rider's, once. Raises NoSuchPayment, PaymentDiffers, OutOfBounds."""
        known = await self.one(paymentid)
        return await self._store.write(confirm, known, amount, key=f"user:{known.userid}")


def begin(tx: Tx, wanted: Payment) -> Payment:
    """Write down what is to be paid. Raises TooManyPayments, RiderErased."""
    tx.lock(f"payments:{wanted.userid}")
    refuse_erased(tx, wanted.userid)
    row = tx.one(
        "SELECT count(*) FROM payments WHERE userid = ? AND paid_ms IS NULL AND at_ms > ? AND at_ms <= ?",
        (wanted.userid, tx.now_ms - BEGUN_MS, latest(tx.now_ms, 0)),
    )
    if row is not None and row[0] >= MOST_BEGUN:
        raise TooManyPayments
    sql = "INSERT INTO payments (paymentid, userid, amount, at_ms) VALUES (?, ?, ?, ?)"
    tx.execute(sql, (wanted.paymentid, wanted.userid, wanted.amount, tx.now_ms))
    return wanted


def confirm(tx: Tx, known: Payment, amount: int) -> Payment:
    """Mark it as paid and post it; said again, it changes nothing. Raises PaymentDiffers, OutOfBounds.

    Also for a rider who was erased since it was begun: the provider has the money, and money that is nowhere in the
    books could not be given back."""
    if known.amount != amount:
        raise PaymentDiffers(known.paymentid)
    sql = "UPDATE payments SET paid_ms = ? WHERE paymentid = ? AND paid_ms IS NULL"
    if tx.execute(sql, (tx.now_ms, known.paymentid)):
        add(tx, "deposit paid in", known.posting())
    return load(tx, known.paymentid, EVERYBODYS)


def post_paid(tx: Tx, paymentid: str) -> bool:
    """For `gbike repair`: post a payment that is paid and in no ledger; False when there is none. Raises
    OutOfBounds."""
    tx.lock(f"payment:{paymentid}")
    row = tx.one(
        f"SELECT {_COLUMNS} FROM payments WHERE paymentid = ? AND paid_ms IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM entries WHERE cause = 'payment:' || paymentid)",
        (paymentid,),
    )
    if row is not None:
        add(tx, "deposit paid in", _payment(row).posting())
    return row is not None


def load(read: Reading, paymentid: str, whose: Whose) -> Payment:
    """The payment. Raises NoSuchPayment, also for another's."""
    theirs, owner = whose.sql("userid")
    row = read.one(f"SELECT {_COLUMNS} FROM payments WHERE paymentid = ?{theirs}", (paymentid, *owner))
    if row is None:
        raise NoSuchPayment(paymentid)
    return _payment(row)


def _payment(row: Row) -> Payment:
    paymentid, userid, amount, paid_ms = row
    return Payment(paymentid, userid, amount, paid_ms is not None)
