"""The ledger in SQL. `post` is the only way money moves: both entries and the balance, in one transaction."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from gbike.contracts.user_deposit import AddedDeposit
from gbike.kit.access.principal import EVERYBODYS, Whose
from gbike.kit.acting import IdempotencyKey as Once
from gbike.kit.audit.rows import NO_FACTS, Facts
from gbike.kit.http.hal import Page
from gbike.kit.idempotency import once_only
from gbike.kit.ids import Ids
from gbike.kit.listing import Listing, list_page, owned
from gbike.kit.money import Won
from gbike.kit.personal import Holding
from gbike.kit.store import Reading, Row, Store, Tx
from gbike.services.user_deposit.domain import (
    BalanceChanged,
    Deposit,
    DepositExists,
    NoSuchDeposit,
    Posting,
    PostingDiffers,
    RiderErased,
    adjustment,
    correction,
    missing_krw,
    opening,
    top_up,
    within_bounds,
)
from gbike.services.user_deposit.storage.standings import MINIMUM, know, lock_deposit, tell, untold

VERSIONS = Path(__file__).parent / "versions"
HOLDS = (
    Holding("deposits", ("userid", "balance", "billid", "registered"), "FROM deposits WHERE userid = ?"),
    Holding(
        "entries",
        ("entryid", "cause", "amount", "at_ms"),
        "FROM entries WHERE account = 'user:' || CAST(? AS BIGINT) ORDER BY entryid",
    ),
    Holding(
        "payments", ("paymentid", "amount", "at_ms", "paid_ms"), "FROM payments WHERE userid = ? ORDER BY paymentid"
    ),
    Holding("standings", ("minimum_krw", "missing_krw", "version"), "FROM standings WHERE userid = ?"),
)
_COLUMNS = "userid, balance, billid, registered, version"
_LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM deposits",
    sortable={"userid": "userid", "deposit": "balance", "billid": "billid"},
    order="userid",
    counters=("deposits",),
)
MOST_UNTOLD = 100
_PAID_OR_POSTED = (
    "SELECT p.paymentid FROM payments p JOIN entries e ON e.cause = 'payment:' || p.paymentid"
    " AND e.account LIKE 'user:%' WHERE p.paid_ms IS NOT NULL"
    " AND NOT (e.account = 'user:' || p.userid AND e.amount = p.amount)"
    " UNION ALL SELECT substr(e.cause, 9) FROM entries e WHERE e.cause LIKE 'payment:%' AND e.account LIKE 'user:%'"
    " AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.paymentid = substr(e.cause, 9) AND p.paid_ms IS NOT NULL)"
)


class Entry(msgspec.Struct, frozen=True):
    """One side of a posting; `amount` in won, positive into the account."""

    entryid: int
    cause: str
    amount: int
    at_ms: int


class SqlDeposits:
    """Deposits (ports) over a Store."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids

    async def open(self, userid: int, amount: int, once: Once | None) -> Deposit:
        """See Deposits.open."""
        return await self._store.write(once_only, once, open_account, userid, amount, key=f"user:{userid}")

    async def top_up(self, userid: int, amount: int, once: Once | None) -> Deposit:
        """See Deposits.top_up."""
        posting = top_up(userid, amount, once.key if once else self._ids.new())
        return await self._store.write(once_only, once, post_known, posting, key=f"user:{userid}")

    async def set_balance(self, userid: int, wanted: int, expected: int | None, once: Once | None) -> Deposit:
        """See Deposits.set_balance."""
        cause = once.key if once else self._ids.new()
        return await self._store.write(
            once_only, once, set_balance, userid, wanted, cause, expected, key=f"user:{userid}"
        )

    async def correct(self, userid: int, amount: int, reason: str, once: Once | None) -> Deposit:
        """See Deposits.correct."""
        posting = correction(userid, amount, once.key if once else self._ids.new())
        return await self._store.write(once_only, once, correct, posting, reason, key=f"user:{userid}")

    async def one(self, userid: int, whose: Whose) -> Deposit:
        """See Deposits.one."""
        return await self._store.read(load, userid, whose)

    async def page(self, page: Page, whose: Whose) -> tuple[list[Deposit], int]:
        """One page of the accounts, and how many there are."""
        return await list_page(self._store, owned(_LISTED, whose, "userid"), page, _deposit)

    async def entries(self, userid: int, whose: Whose, page: Page) -> tuple[list[Entry], int]:
        """One page of a rider's entries, newest first, and how many there are. Raises NoSuchDeposit."""
        deposit = await self.one(userid, whose)
        listing = Listing(
            select="SELECT entryid, cause, amount, at_ms FROM entries",
            sortable={},
            order="entryid DESC",
            where="WHERE account = ?",
            params=(f"user:{userid}",),
        )
        found, _ = await list_page(self._store, listing, page, lambda row: Entry(*row))
        return found, deposit.version


def open_account(tx: Tx, userid: int, amount: int) -> Deposit:
    """A new account with its opening money; one that a fee opened is registered now. Raises DepositExists,
    RiderErased."""
    refuse_erased(tx, userid)
    _ensure(tx, userid)
    if not tx.execute("UPDATE deposits SET registered = 1 WHERE userid = ? AND registered = 0", (userid,)):
        raise DepositExists(userid)
    return add(tx, "deposit opened", opening(userid, amount))


def post_known(tx: Tx, posting: Posting) -> Deposit:
    """Move money of a rider who has an account, and say so. Raises NoSuchDeposit, RiderErased, OutOfBounds."""
    refuse_erased(tx, posting.userid)
    load(tx, posting.userid)
    return add(tx, "deposit topped up", posting)


def correct(tx: Tx, posting: Posting, reason: str) -> Deposit:
    """Post an operator's difference, for a reason; also an erased rider's, whose last fee may have come late. Raises
    NoSuchDeposit, OutOfBounds."""
    load(tx, posting.userid)
    return add(tx, "deposit corrected", posting, {"reason": reason})


def set_balance(tx: Tx, userid: int, wanted: int, cause: str, expected: int | None = None) -> Deposit:
    """Post the difference to the balance that is wanted; none: nothing. Raises NoSuchDeposit, BalanceChanged."""
    lock_deposit(tx, userid)  # the difference is to what it is now, and stays until it is posted
    before = load(tx, userid)
    if expected is not None and before.balance != expected:
        raise BalanceChanged(userid, before.balance)
    return before if before.balance == wanted else add(tx, "deposit adjusted", adjustment(before, wanted, cause))


def post(tx: Tx, posting: Posting, billid: int | None = None) -> Deposit | None:
    """Move the money of one posting, once, and tell the rider's standing where it changes; None when its cause moved it
    before. Raises PostingDiffers.

    What was said has happened, so a fee or a conversion is posted whatever the balance is then; see `add`.
    """
    (rider, amount), (house, opposite) = posting.sides()
    kept = tx.execute(
        "INSERT INTO entries (cause, account, amount, at_ms) VALUES (?, ?, ?, ?), (?, ?, ?, ?)"
        " ON CONFLICT (cause, account) DO NOTHING",
        (posting.cause, rider, amount, tx.now_ms, posting.cause, house, opposite, tx.now_ms),
    )
    if not kept:
        _the_same(tx, posting)
        return None
    row = _move(tx, posting, billid)
    if row is None:
        _ensure(tx, posting.userid)
        row = _move(tx, posting, billid)
    assert row is not None
    deposit, minimum = _deposit(row[:5]), row[5] or 0
    if missing_krw(deposit.balance, minimum) != missing_krw(deposit.balance - posting.amount, minimum):
        tell(tx, posting.userid)
    elif deposit.version == 1:
        know(tx, posting.userid)
    return deposit


def load(read: Reading, userid: int, whose: Whose = EVERYBODYS) -> Deposit:
    """The account. Raises NoSuchDeposit, also for another's."""
    theirs, owner = whose.sql("userid")
    row = read.one(f"SELECT {_COLUMNS} FROM deposits WHERE userid = ?{theirs}", (userid, *owner))
    if row is None:
        raise NoSuchDeposit(userid)
    return _deposit(row)


def fee_facts(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: billid and won taken for it, by billid."""
    sql = (
        "SELECT CAST(substr(cause, 6) AS BIGINT) AS billid, -amount FROM entries"
        " WHERE cause LIKE 'bill:%' AND account LIKE 'user:%' ORDER BY billid"
    )
    return ((row[0], row[1]) for row in read.each(sql))


def conversion_facts(read: Reading) -> Iterable[tuple[str, int]]:
    """For `gbike verify`: conversion and won added for it, by conversion."""
    sql = "SELECT cause, amount FROM entries WHERE cause LIKE 'conversion:%' AND account LIKE 'user:%' ORDER BY cause"
    return ((row[0], row[1]) for row in read.each(sql))


def own_violations(read: Reading) -> Iterable[str]:
    """For `gbike verify`: I11 a posting's two sides add up to nothing, I12 a balance is its entries' sum, I24 the
    standing that was told last is the rider's."""
    unbalanced = "SELECT cause FROM entries GROUP BY cause HAVING sum(amount) <> 0 OR count(*) <> 2"
    for (cause,) in read.each(unbalanced):
        yield f"I11 the posting {cause} has not two sides that add up to nothing"
    drift = (
        "SELECT d.userid, d.balance, coalesce(sum(e.amount), 0) AS kept FROM deposits d"
        " LEFT JOIN entries e ON e.account = 'user:' || d.userid GROUP BY d.userid, d.balance"
        " HAVING d.balance <> coalesce(sum(e.amount), 0)"
    )
    for userid, balance, kept in read.each(drift):
        yield f"I12 rider {userid} has {balance} won but entries of {kept}"
    for (paymentid,) in read.each(_PAID_OR_POSTED):
        yield f"I11 the payment {paymentid} is posted otherwise than it was paid, or posted and not paid"
    for userid in untold(read, 0, MOST_UNTOLD):
        yield f"I24 the standing of rider {userid} is not the one that was told last"


def unposted(read: Reading) -> Iterable[str]:
    """For `gbike verify`: payments that are paid and in no ledger."""
    sql = (
        "SELECT paymentid FROM payments WHERE paid_ms IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM entries WHERE cause = 'payment:' || paymentid) ORDER BY paymentid"
    )
    return (row[0] for row in read.each(sql))


def balances(read: Reading) -> Iterable[tuple[int, int]]:
    """For `gbike verify`: rider and balance, by rider."""
    return ((row[0], row[1]) for row in read.each("SELECT userid, balance FROM deposits ORDER BY userid"))


def refuse_erased(read: Reading, userid: int) -> None:
    """Raises RiderErased. Who is erased just now may still get through: it is heard of late anyway, and money that came
    in is posted."""
    if read.one("SELECT 1 FROM erased WHERE userid = ?", (userid,)) is not None:
        raise RiderErased(userid)


def add(tx: Tx, action: str, posting: Posting, facts: Facts = NO_FACTS) -> Deposit:
    """Move money once, say so and put it on record, with more `facts`. What a client asks for must fit: it can be
    refused. Raises OutOfBounds."""
    deposit = post(tx, posting)
    if deposit is None:
        return load(tx, posting.userid)
    within_bounds(posting.userid, deposit.balance)
    tx.say(
        AddedDeposit(
            userid=posting.userid,
            deposit=deposit.balance,
            billid=deposit.billid,
            amount=posting.amount,
            cause=posting.cause,
            version=deposit.version,
        )
    )
    before = {"deposit": deposit.balance - posting.amount}
    after = {"deposit": deposit.balance, "cause": posting.cause, **facts}
    tx.audit(action, f"user:{posting.userid}", before, after)
    return deposit


def _ensure(tx: Tx, userid: int) -> None:
    sql = f"INSERT INTO deposits ({_COLUMNS}) VALUES (?, 0, NULL, 0, 0) ON CONFLICT (userid) DO NOTHING"
    if tx.execute(sql, (userid,)):
        tx.count("deposits")


def _move(tx: Tx, posting: Posting, billid: int | None) -> Row | None:
    return tx.one(
        "UPDATE deposits SET balance = balance + ?, billid = coalesce(?, billid), version = version + 1"
        f" WHERE userid = ? RETURNING {_COLUMNS}, {MINIMUM}",
        (posting.amount, billid, posting.userid),
    )


def _the_same(tx: Tx, posting: Posting) -> None:
    for account, amount in posting.sides():
        row = tx.one("SELECT amount FROM entries WHERE cause = ? AND account = ?", (posting.cause, account))
        if row is None or row[0] != amount:
            raise PostingDiffers(posting.cause)


def _deposit(row: Row) -> Deposit:
    userid, balance, billid, registered, version = row
    return Deposit(userid, Won(balance), billid, bool(registered), version)
