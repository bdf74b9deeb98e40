"""Is the ledger right, all the time? It is looked at a bite at a time: who moved money last, and who is next in turn.

A whole look is `gbike verify`'s; it grows with the ledger, and this must not.
"""

from collections.abc import Mapping

from gbike.kit.store import Reading

DRIFT_BATCH = 100
"""Riders of a look in turn, and entries of the newest ones: one statement of some ms, the riders' entries being few."""


def drift(read: Reading, riders: list[int]) -> Mapping[int, int]:
    """By how many won each of some riders is wrong: what a balance differs from its entries (I12), and what the other
    sides of these entries leave over (I11)."""
    if not riders:
        return {}
    rows = read.all(
        "SELECT d.userid, abs(d.balance - coalesce(sum(e.amount), 0))"
        " + coalesce(sum(abs(e.amount + coalesce(o.amount, 0))), 0) FROM deposits d"
        " LEFT JOIN entries e ON e.account = 'user:' || d.userid"
        " LEFT JOIN entries o ON o.cause = e.cause AND o.account <> e.account"
        f" WHERE d.userid IN ({', '.join('?' * len(riders))}) GROUP BY d.userid, d.balance",
        riders,
    )
    return {row[0]: int(row[1]) for row in rows}


def newest(read: Reading, after: int | None) -> tuple[int, list[int]]:
    """The newest entry's number, and the riders of the newest entries after that one; the first look is from now on."""
    rows = read.all("SELECT entryid, account FROM entries ORDER BY entryid DESC LIMIT ?", (DRIFT_BATCH,))
    riders = [account[5:] for number, account in rows if number > (after or 0) and account.startswith("user:")]
    return (rows[0][0] if rows else 0), [int(rider) for rider in dict.fromkeys(riders)]


def in_turn(read: Reading, after: int | None) -> list[int]:
    """The riders that follow `after`; the first ones after the last."""
    where, params = ("", ()) if after is None else ("WHERE userid > ?", (after,))
    return [
        row[0]
        for row in read.all(f"SELECT userid FROM deposits {where} ORDER BY userid LIMIT ?", (*params, DRIFT_BATCH))
    ]
