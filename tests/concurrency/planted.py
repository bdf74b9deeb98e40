"""Races that were there, or would be without a lock or a condition: each takes a command's place in a table.

These are commands as somebody might write them; nothing of the product's source is rewritten.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gbike.kit.storage.retention import DAY_MS, RetentionRule, _forget
from gbike.kit.store import Tx
from gbike.services.account.commands.passwords import LETTERS
from gbike.services.account.domain import LastAdmin, LockoutPolicy, Role, TooManyAtOnce
from gbike.services.account.storage.secrets import kept
from gbike.services.rent.domain import Began, Limits, OpenRent, PendingRent, TooManyOpenRents
from gbike.services.user_deposit.commands import _add as post
from gbike.services.user_deposit.domain import MOST_BEGUN, Payment, TooManyPayments, adjustment
from gbike.services.user_deposit.storage import load as deposit_of
from tests.concurrency.house import LATER, Case, House, write
from tests.concurrency.houses import account, bike, bike_manage_app, bike_manager, billing, rent, user_deposit


@dataclass(frozen=True)
class Planted:
    """A race, and the pair of commands that meets it."""

    name: str
    house: House
    one: Case
    other: Case


class Lockless:
    """A transaction whose locks hold nobody: what a command would be without them."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def lock(self, name: str) -> None:
        """Nothing."""

    def share(self, names: Sequence[str]) -> None:
        """Nothing."""


def without_locks(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A command without its locks."""

    def lockless(tx: Tx, *args: Any) -> Any:
        return fn(Lockless(tx), *args)

    return lockless


def _bare(house: House, one: str, other: str | None = None) -> tuple[Case, Case]:
    """Two cases of a table, whose commands take no locks."""
    return tuple(_unlocked(house.case(name)) for name in (one, other or one))  # type: ignore[return-value]


def _unlocked(case: Case) -> Case:
    """The same case through a command that takes no locks, its Idempotency-Key's included."""
    (fn, args, key), (again, args_again, _) = case.write, case.again
    return replace(case, write=(without_locks(fn), args, key), again=(without_locks(again), args_again, key))


def _start_the_rent(tx: Tx, pending: PendingRent, limits: Limits, _began: Began | None = None) -> OpenRent:
    """The limit, counted without a lock on the rider."""
    row = tx.one("SELECT count(*) FROM rents WHERE userid = ? AND status = 'rented'", (pending.userid,))
    if row is not None and row[0] >= limits.most_open:
        raise TooManyOpenRents(pending.userid, limits.most_open)
    sql = "UPDATE rents SET status = 'rented', started_ms = ? WHERE rentid = ? AND status = 'pending'"
    tx.execute(sql, (tx.now_ms, pending.rentid))
    tx.count("rented")
    return OpenRent(pending.rentid, pending.userid, pending.bikeid, tx.now_ms)


def _set_balance(tx: Tx, userid: int, wanted: int, _expected: int | None, cause: str) -> Any:
    """The difference to a balance that may move meanwhile."""
    before = deposit_of(tx, userid)
    return before if before.balance == wanted else post(tx, "deposit adjusted", adjustment(before, wanted, cause))


def _begin_payment(tx: Tx, wanted: Payment) -> Payment:
    """Counted, then begun."""
    row = tx.one("SELECT count(*) FROM payments WHERE userid = ? AND paid_ms IS NULL", (wanted.userid,))
    if row is not None and row[0] > MOST_BEGUN:  # the old one counts too
        raise TooManyPayments
    sql = "INSERT INTO payments (paymentid, userid, amount, at_ms) VALUES (?, ?, ?, ?)"
    tx.execute(sql, (wanted.paymentid, wanted.userid, wanted.amount, tx.now_ms))
    return wanted


def _take_away(tx: Tx, userid: int, roles: tuple[Role, ...], managerid: int | None) -> None:
    """Who is left is looked at before, without a lock."""
    admins = tx.all("SELECT userid FROM accounts WHERE roles LIKE '%admin%' AND erased_ms IS NULL")
    if [row[0] for row in admins] == [userid]:
        raise LastAdmin(userid)
    tx.execute("UPDATE accounts SET roles = ?, managerid = ? WHERE userid = ?", (",".join(roles), managerid, userid))


def _renew(tx: Tx, token: str, _salt: str, next_token: str, _lasts_ms: int) -> int | None:
    """Whether the token was used is read, and then written."""
    row = tx.one("SELECT family, expires_ms FROM refresh_tokens WHERE token = ? AND used_ms IS NULL", (token,))
    if row is None:
        return None
    tx.execute("UPDATE refresh_tokens SET used_ms = ? WHERE token = ?", (tx.now_ms, token))
    tx.execute("INSERT INTO refresh_tokens (token, family, expires_ms) VALUES (?, ?, ?)", (next_token, *row))
    return 1


def _convert(tx: Tx, managerid: int, wish: Any, cause: str) -> int:
    """Whether there are enough points is read, and then they are taken."""
    row = tx.one("SELECT points FROM managers WHERE managerid = ?", (managerid,))
    if row is None or row[0] < wish.adjustpoint:
        return 0
    tx.execute(
        "INSERT INTO point_entries (managerid, cause, amount, at_ms) VALUES (?, ?, ?, ?)",
        (managerid, cause, -wish.adjustpoint, tx.now_ms),
    )
    sql = "UPDATE managers SET points = points - ?, adjustpoint = ? WHERE managerid = ?"
    tx.execute(sql, (wish.adjustpoint, wish.adjustpoint, managerid))
    return 1


def _offer(tx: Tx, _contact: str, token: str, lasts_ms: int) -> None:
    """The letters are counted, without the account's row."""
    row = tx.one("SELECT count(*) FROM resets WHERE userid = 3")
    if row is not None and row[0] < LETTERS:
        until_ms = tx.now_ms + lasts_ms
        tx.execute("INSERT INTO resets (token, userid, expires_ms) VALUES (?, ?, ?)", (token, 3, until_ms))


def _begin(tx: Tx, id: str, _contact: str, client: str, policy: LockoutPolicy) -> None:
    """The tries under way are counted, without a lock."""
    if tx.all("SELECT whose FROM attempts GROUP BY whose HAVING count(*) >= ?", (policy.free,)):
        raise TooManyAtOnce
    tx.execute("INSERT INTO attempts (id, whose, at_ms) VALUES (?, ?, ?)", (id, kept(f"client {client}"), tx.now_ms))


def _pair(house: House, one: str, other: str, fn: Callable[..., Any]) -> tuple[Case, Case]:
    return house.case(one).planted(fn), house.case(other).planted(fn)


def _half(house: House, one: str, fn: Callable[..., Any], other: str) -> tuple[Case, Case]:
    return house.case(one).planted(fn), house.case(other)


_PAID_REMOVED = RetentionRule(
    DAY_MS,
    "DELETE FROM payments WHERE paymentid IN"
    " (SELECT paymentid FROM payments WHERE paid_ms IS NULL AND at_ms < ? ORDER BY at_ms LIMIT ?)",
)
"""What is not paid is looked for, and then removed without another look."""

R = rent.HOUSE
D = user_deposit.HOUSE
M = bike_manager.HOUSE
A = account.HOUSE
C = bike_manage_app.HOUSE
PLANTED = (
    Planted(
        "a message is heard late while its hour is folded",
        bike_manager.HOUSE,
        *_bare(bike_manager.HOUSE, "fold hours", "heard late"),
    ),
    Planted("two processes fold an hour", bike_manager.HOUSE, *_bare(bike_manager.HOUSE, "fold hours")),
    Planted(
        "the complaint that no try sees",
        billing.HOUSE,
        *_bare(billing.HOUSE, "a try is over", "complained of a try that is not over"),
    ),
    Planted("the lost bike", bike.HOUSE, *_bare(bike.HOUSE, "reserve", "cancelled")),
    Planted("the limit of open rents", R, *_pair(R, "open", "open a late one", _start_the_rent)),
    Planted("an erasure and a return", R, *_bare(R, "return", "erased")),
    Planted("where an erased rider left a bike", bike.HOUSE, *_bare(bike.HOUSE, "returned the other", "erased")),
    Planted(
        "a place that is learned while it is judged",
        bike.HOUSE,
        *_bare(bike.HOUSE, "tell of the place", "returned to the place"),
    ),
    Planted("a balance that is set while money comes in", D, *_half(D, "set the balance", _set_balance, "top up")),
    Planted("a conversion of points", M, *_pair(M, "convert", "convert", _convert)),
    Planted("the limit of begun payments", D, *_pair(D, "begin a payment", "begin a payment", _begin_payment)),
    Planted(
        "a paid payment that housekeeping removes",
        D,
        D.case("confirm an old payment"),
        write("housekeeping", _forget, (_PAID_REMOVED,), LATER),
    ),
    Planted("the last admin", A, *_pair(A, "take away", "take away", _take_away)),
    Planted("two riders who complain at once", C, *_bare(C, "complain")),
    Planted("what an erased rider complained of", C, *_bare(C, "complain", "erased")),
    Planted("one answer for an Idempotency-Key", D, *_bare(D, "top up with a key")),
    Planted("a refresh token that is used twice", A, *_pair(A, "renew", "renew", _renew)),
    Planted(
        "a letter too many",
        A,
        *_pair(A, "offer a reset", "offer a reset", _offer),
    ),
    Planted("guesses at once", A, *_pair(A, "try", "try", _begin)),
)
