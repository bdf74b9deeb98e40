"""What people have unsettled elsewhere: rides and money, as account heard of them. Messages come in any order.

Whoever changes it and whoever erases take the same lock, so that an erasure judges what is committed.
"""

from gbike.kit.store import Reading, Tx
from gbike.services.account.domain import Unsettled


def lock_person(tx: Tx, userid: int) -> None:
    """Nobody else erases this person, or hears of their rides and money, until this commits."""
    tx.lock(f"person:{userid}")


def begin_ride(tx: Tx, rentid: int, userid: int) -> None:
    """A ride began; one that is known to be over stays over."""
    lock_person(tx, userid)
    sql = "INSERT INTO rides (rentid, userid, over, at_ms) VALUES (?, ?, 0, ?) ON CONFLICT (rentid) DO NOTHING"
    tx.execute(sql, (rentid, userid, tx.now_ms))


def end_ride(tx: Tx, rentid: int, userid: int) -> None:
    """A ride is over, also when its beginning is heard later."""
    lock_person(tx, userid)
    tx.execute(
        "INSERT INTO rides (rentid, userid, over, at_ms) VALUES (?, ?, 1, ?)"
        " ON CONFLICT (rentid) DO UPDATE SET over = 1, at_ms = excluded.at_ms",
        (rentid, userid, tx.now_ms),
    )


def want_reminder(tx: Tx, rentid: int, userid: int) -> None:
    """The rider is to be told that the ride is overdue: once, and not of one that is known to be over."""
    begin_ride(tx, rentid, userid)
    tx.execute("UPDATE rides SET reminder = 1 WHERE rentid = ? AND over = 0 AND reminder = 0", (rentid,))


def reminders_wait(read: Reading) -> bool:
    """Whether somebody is to be told of a ride."""
    return read.one("SELECT 1 FROM rides WHERE reminder = 1 AND over = 0 LIMIT 1") is not None


def take_reminders(tx: Tx, most: int) -> list[int]:
    """Riders who are to be told now, each of one ride, `most` of them; nobody else is given these."""
    waiting = "SELECT rentid FROM rides WHERE reminder = 1 AND over = 0 ORDER BY rentid LIMIT ?"
    return [
        userid
        for (rentid,) in tx.all(waiting, (most,))
        for (userid,) in tx.all(
            "UPDATE rides SET reminder = 2 WHERE rentid = ? AND reminder = 1 AND over = 0 RETURNING userid", (rentid,)
        )
    ]


def set_balance(tx: Tx, userid: int, deposit: int, version: int) -> None:
    lock_person(tx, userid)
    tx.execute(
        "INSERT INTO balances (userid, deposit, version) VALUES (?, ?, ?) ON CONFLICT (userid) DO UPDATE"
        " SET deposit = excluded.deposit, version = excluded.version WHERE balances.version < excluded.version",
        (userid, deposit, version),
    )


def unsettled(read: Reading, userid: int) -> Unsettled:
    rides = read.one("SELECT count(*) FROM rides WHERE userid = ? AND over = 0", (userid,))
    balance = read.one("SELECT deposit FROM balances WHERE userid = ?", (userid,))
    return Unsettled(rides[0] if rides else 0, balance[0] if balance else 0)
