"""Standings in SQL: whether each rider may begin a ride, as it was told last (ChangedStanding)."""

from typing import NamedTuple

from gbike.kit.store import Reading, Tx

MINIMUM = "(SELECT minimum_krw FROM rent_minimums ORDER BY version DESC LIMIT 1)"
"""Kept in the store, so that all replicas judge alike. NULL before the first start."""
_OUT_OF_DATE = (
    f"s.userid IS NULL OR s.minimum_krw <> {MINIMUM} OR s.missing_krw <>"
    f" CASE WHEN {MINIMUM} > 0 AND {{balance}} < {MINIMUM} THEN {MINIMUM} - {{balance}} ELSE 0 END"
)
_BLOCKED_OTHERWISE = (
    "s.blocked <> CASE WHEN b.userid IS NULL THEN 0 ELSE s.version END"
    " OR coalesce(s.until_ms, 0) <> coalesce(b.until_ms, 0)"
)
"""`blocked`: the version under which the rider was told to be blocked, 0: was not. A gbike of before blocks beside us
that tells a standing tells no block, under a version of its own."""
_UNTOLD = (
    "SELECT userid FROM (SELECT d.userid FROM deposits d LEFT JOIN standings s ON s.userid = d.userid"
    " LEFT JOIN blocks b ON b.userid = d.userid"
    f" WHERE d.userid > ? AND ({_OUT_OF_DATE.format(balance='d.balance')} OR {_BLOCKED_OTHERWISE})"
    " ORDER BY d.userid LIMIT ?) a"
    " UNION ALL SELECT userid FROM (SELECT s.userid FROM standings s WHERE s.userid > ?"
    " AND NOT EXISTS (SELECT 1 FROM deposits d WHERE d.userid = s.userid)"
    f" AND ({_OUT_OF_DATE.format(balance='0')}) ORDER BY s.userid LIMIT ?) b ORDER BY userid LIMIT ?"
)


def newest_minimum(read: Reading) -> tuple[int, int] | None:
    """Version and won of the balance that a rider needs to begin a ride; None before the first start."""
    row = read.one("SELECT version, minimum_krw FROM rent_minimums ORDER BY version DESC LIMIT 1")
    return (row[0], row[1]) if row else None


def add_minimum(tx: Tx, version: int, krw: int) -> None:
    tx.execute("INSERT INTO rent_minimums (version, minimum_krw, at_ms) VALUES (?, ?, ?)", (version, krw, tx.now_ms))


def untold(read: Reading, after: int, most: int) -> list[int]:
    """Riders above `after` whose standing is not the one that was told last: none, once the walk is done."""
    if newest_minimum(read) is None:
        return []
    return [row[0] for row in read.all(_UNTOLD, (after, most, after, most, most))]


def told_without_block(read: Reading, most: int) -> list[int]:
    """Up to `most` riders who are blocked, and were told last by a gbike of before that they are not."""
    sql = (
        "SELECT b.userid FROM blocks b JOIN standings s ON s.userid = b.userid WHERE s.blocked <> s.version"
        " ORDER BY b.userid LIMIT ?"
    )
    return [row[0] for row in read.all(sql, (most,))]


def lock_deposit(tx: Tx, userid: int) -> None:
    """Wait for whoever moves the rider's money, and let nobody move it until this commits."""
    tx.execute("UPDATE deposits SET version = version WHERE userid = ?", (userid,))


def next_version(tx: Tx, userid: int) -> int:
    """The number under which a standing is told next."""
    row = tx.one(
        "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, 0, 0, 1)"
        " ON CONFLICT (userid) DO UPDATE SET version = standings.version + 1 RETURNING version",
        (userid,),
    )
    assert row is not None
    return int(row[0])


class Judged(NamedTuple):
    """How a rider stands: by which minimum that is judged, what is missing, and the block."""

    minimum: int
    missing: int
    blocked: int
    """The version under which that is told; 0: there is none."""
    until_ms: int | None


def keep(tx: Tx, userid: int, judged: Judged) -> None:
    sql = "UPDATE standings SET minimum_krw = ?, missing_krw = ?, blocked = ?, until_ms = ? WHERE userid = ?"
    tx.execute(sql, (judged.minimum, judged.missing, judged.blocked, judged.until_ms, userid))


def add(tx: Tx, userid: int, minimum: int) -> None:
    """Inserts a rider whose standing was never published. `minimum`: -1 before the first start."""
    sql = "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, ?, 0, 0)"
    tx.execute(f"{sql} ON CONFLICT (userid) DO NOTHING", (userid, minimum))


def is_known(read: Reading, userid: int) -> bool:
    return read.one("SELECT 1 FROM standings WHERE userid = ?", (userid,)) is not None
