"""The ledger in SQL."""

from collections.abc import Iterable
from pathlib import Path

from gbike.kit.auth.principal import OwnerScope
from gbike.kit.money import Won
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.user_deposit.domain import Block, Deposit, NoSuchDeposit, Posting, missing_krw
from gbike.services.user_deposit.storage.standings import MINIMUM, untold

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData("deposits", ("userid", "balance", "billid", "registered"), "FROM deposits WHERE userid = ?"),
    PersonalData(
        "entries",
        ("entryid", "cause", "amount", "at_ms", "rentid"),
        "FROM entries WHERE account = 'user:' || CAST(? AS BIGINT) ORDER BY entryid",
    ),
    PersonalData(
        "payments", ("paymentid", "amount", "at_ms", "paid_ms"), "FROM payments WHERE userid = ? ORDER BY paymentid"
    ),
    PersonalData("blocks", ("reason", "since_ms", "until_ms"), "FROM blocks WHERE userid = ?"),
    PersonalData("standings", ("minimum_krw", "missing_krw", "version"), "FROM standings WHERE userid = ?"),
)
SUMS = {
    "balances · 잔액 (won)": "SELECT coalesce(sum(balance), 0) FROM deposits",
    "ledger · 원장 (won)": "SELECT coalesce(sum(amount), 0) FROM entries",
}
COUNTED = {"deposits": "SELECT count(*) FROM deposits"}
_STORED = "userid, balance, billid, registered, version"
_BLOCK = "(SELECT {} FROM blocks WHERE blocks.userid = deposits.userid)"
_COLUMNS = f"{_STORED}, {MINIMUM} AS minimum_krw, " + ", ".join(
    f"{_BLOCK.format(one)} AS {one}" for one in ("reason", "since_ms", "until_ms")
)
"""Of an account: what it holds, and what else decides whether its rider may begin a ride."""
MOST_UNTOLD = 100
_PAID_OR_POSTED = (
    "SELECT p.paymentid FROM payments p JOIN entries e ON e.cause = 'payment:' || p.paymentid"
    " AND e.account LIKE 'user:%' WHERE p.paid_ms IS NOT NULL"
    " AND NOT (e.account = 'user:' || p.userid AND e.amount = p.amount)"
    " UNION ALL SELECT substr(e.cause, 9) FROM entries e WHERE e.cause LIKE 'payment:%' AND e.account LIKE 'user:%'"
    " AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.paymentid = substr(e.cause, 9) AND p.paid_ms IS NOT NULL)"
)


def add(tx: Tx, userid: int) -> bool:
    """An account with nothing in it; False: there is one."""
    sql = f"INSERT INTO deposits ({_STORED}) VALUES (?, 0, NULL, 0, 0) ON CONFLICT (userid) DO NOTHING"
    return tx.execute(sql, (userid,)) == 1


def register(tx: Tx, userid: int) -> bool:
    """Mark the account as registered; False: it was."""
    return tx.execute("UPDATE deposits SET registered = 1 WHERE userid = ? AND registered = 0", (userid,)) == 1


def enter(tx: Tx, posting: Posting) -> bool:
    """Both entries of a posting; False when its cause has entries."""
    (rider, amount), (house, opposite) = posting.sides()
    kept = tx.execute(
        "INSERT INTO entries (cause, account, amount, at_ms, rentid) VALUES (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)"
        " ON CONFLICT (cause, account) DO NOTHING",
        (
            *(posting.cause, rider, amount, tx.now_ms, posting.rentid),
            *(posting.cause, house, opposite, tx.now_ms, posting.rentid),
        ),
    )
    return kept > 0


def is_entered(read: Reading, posting: Posting) -> bool:
    sql = "SELECT amount FROM entries WHERE cause = ? AND account = ?"
    return all(read.one(sql, (posting.cause, account)) == (amount,) for account, amount in posting.sides())


def move(tx: Tx, posting: Posting, billid: int | None) -> tuple[Deposit, int] | None:
    """Add to the balance of the rider; answers the account without its block, which this statement can't see where it
    waited for whoever blocks the rider, and the minimum. None: there is no account."""
    row = tx.one(
        "UPDATE deposits SET balance = balance + ?, billid = coalesce(?, billid), version = version + 1"
        f" WHERE userid = ? RETURNING {_STORED}, {MINIMUM}",
        (posting.amount, billid, posting.userid),
    )
    return (_deposit((*row, None, None, None)), row[5] or 0) if row else None


def balance(read: Reading, userid: int) -> tuple[int, int]:
    """The balance and its version; 0 and 0 where there is no account."""
    row = read.one("SELECT balance, version FROM deposits WHERE userid = ?", (userid,))
    return (row[0], row[1]) if row else (0, 0)


def is_erased(read: Reading, userid: int) -> bool:
    """Whether the rider's account was erased, as far as it was heard."""
    return read.one("SELECT 1 FROM erased WHERE userid = ?", (userid,)) is not None


def load(read: Reading, userid: int, owner: OwnerScope | None = None) -> Deposit:
    """The account. Raises NoSuchDeposit, also for another's than the `owner` (None: who asked)."""
    sql = f"SELECT {_COLUMNS} FROM deposits WHERE userid = ? AND userid = coalesce(?, userid)"
    row = read.one(sql, (userid, (owner or read.owner).only))
    if row is None:
        raise NoSuchDeposit(userid)
    return _deposit(row)


def fee_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: billid and won taken for it, by billid."""
    return read.each(
        "SELECT CAST(substr(cause, 6) AS BIGINT) AS billid, -amount FROM entries"
        " WHERE cause LIKE 'bill:%' AND account LIKE 'user:%' ORDER BY billid"
    )


def refund_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: correctionid, rider and won given back for it, by correctionid."""
    return read.each(
        "SELECT CAST(substr(cause, 16) AS BIGINT) AS correctionid, CAST(substr(account, 6) AS BIGINT), amount"
        " FROM entries WHERE cause LIKE 'billCorrection:%' AND account LIKE 'user:%' ORDER BY correctionid"
    )


def conversion_facts(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: conversion and won added for it, by conversion."""
    return read.each(
        "SELECT cause, amount FROM entries WHERE cause LIKE 'conversion:%' AND account LIKE 'user:%' ORDER BY cause"
    )


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


def balances(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: rider and balance, by rider; of those whose money ever moved."""
    return read.each("SELECT userid, balance FROM deposits WHERE version > 0 ORDER BY userid")


def _deposit(row: Row) -> Deposit:
    userid, balance, billid, registered, version, minimum, reason, since_ms, until_ms = row
    block = None if since_ms is None else Block(reason, since_ms, until_ms)
    missing = missing_krw(balance, minimum or 0)
    return Deposit(userid, Won(balance), billid, bool(registered), version, missing_krw=missing, block=block)


LISTED = Listing(
    select=f"SELECT {_COLUMNS} FROM deposits",
    sortable={"userid": "userid", "deposit": "balance", "billid": "billid"},
    order="userid",
    counters=("deposits",),
    owner="userid",
    make=_deposit,
    conditions={
        "userid": "userid = ?",
        "debt": {True: "balance < 0", False: "balance >= 0"},
        "blocked": {
            True: "userid IN (SELECT userid FROM blocks)",
            False: "userid NOT IN (SELECT userid FROM blocks)",
        },
    },
    filled=("userid", "deposit"),
)


def entries(userid: int) -> Listing:
    """A rider's entries, newest first, as number, cause, amount (won, positive into the account), ms and ride."""
    return Listing(
        "SELECT entryid, cause, amount, at_ms, rentid FROM entries",
        {},
        "entryid DESC",
        "WHERE account = ?",
        (f"user:{userid}",),
        conditions={"from": "at_ms >= ?", "to": "at_ms < ?"},
        moment="at_ms",
    )
