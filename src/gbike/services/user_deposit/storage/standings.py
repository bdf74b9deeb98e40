"""Standings in SQL: whether each rider may begin a ride, as it was told last (ChangedStanding)."""

from gbike.kit.store import Reading, Tx

MINIMUM = "(SELECT minimum_krw FROM rent_minimums ORDER BY version DESC LIMIT 1)"
"""Kept in the store, so that all replicas judge alike. NULL before the first start."""
_OUT_OF_DATE = (
    f"s.userid IS NULL OR s.minimum_krw <> {MINIMUM} OR s.missing_krw <>"
    f" CASE WHEN {MINIMUM} > 0 AND {{balance}} < {MINIMUM} THEN {MINIMUM} - {{balance}} ELSE 0 END"
)
_UNTOLD = (
    "SELECT userid FROM (SELECT d.userid FROM deposits d LEFT JOIN standings s ON s.userid = d.userid"
    f" WHERE d.userid > ? AND ({_OUT_OF_DATE.format(balance='d.balance')}) ORDER BY d.userid LIMIT ?) a"
    " UNION ALL SELECT userid FROM (SELECT s.userid FROM standings s WHERE s.userid > ?"
    " AND NOT EXISTS (SELECT 1 FROM deposits d WHERE d.userid = s.userid)"
    f" AND ({_OUT_OF_DATE.format(balance='0')}) ORDER BY s.userid LIMIT ?) b ORDER BY userid LIMIT ?"
)


def adopt_minimum(tx: Tx, krw: int) -> None:
    """Make it the balance that a rider needs to begin a ride, unless it is that already."""
    tx.lock("rent_minimums")
    newest = tx.one("SELECT version, minimum_krw FROM rent_minimums ORDER BY version DESC LIMIT 1")
    if newest is None or newest[1] != krw:
        version = newest[0] + 1 if newest else 1
        sql = "INSERT INTO rent_minimums (version, minimum_krw, at_ms) VALUES (?, ?, ?)"
        tx.execute(sql, (version, krw, tx.now_ms))


def untold(read: Reading, after: int, most: int) -> list[int]:
    """Riders above `after` whose standing is not the one that was told last: none, once the walk is done."""
    if read.one("SELECT 1 FROM rent_minimums LIMIT 1") is None:
        return []
    return [row[0] for row in read.all(_UNTOLD, (after, most, after, most, most))]


def lock_deposit(tx: Tx, userid: int) -> None:
    """Wait for whoever moves the rider's money, and let nobody move it until this commits."""
    tx.execute("UPDATE deposits SET version = version WHERE userid = ?", (userid,))


def lock(tx: Tx, userid: int) -> None:
    """Of a rider who is new there is no row to lock: one whose account and first money come at once is told of once."""
    lock_deposit(tx, userid)
    tx.lock(f"standing:{userid}")


def next_version(tx: Tx, userid: int) -> int:
    """The number under which a standing is told next."""
    row = tx.one(
        "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, 0, 0, 1)"
        " ON CONFLICT (userid) DO UPDATE SET version = standings.version + 1 RETURNING version",
        (userid,),
    )
    assert row is not None
    return int(row[0])


def keep(tx: Tx, userid: int, minimum: int, missing: int) -> None:
    """What was told."""
    tx.execute("UPDATE standings SET minimum_krw = ?, missing_krw = ? WHERE userid = ?", (minimum, missing, userid))


def note(tx: Tx, userid: int, minimum: int | None) -> None:
    """A rider of whom nothing was told, where nothing has to be."""
    sql = "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, ?, 0, 0)"
    tx.execute(f"{sql} ON CONFLICT (userid) DO NOTHING", (userid, -1 if minimum is None else minimum))


def is_known(read: Reading, userid: int) -> bool:
    """Whether the rider was told of, or noted."""
    return read.one("SELECT 1 FROM standings WHERE userid = ?", (userid,)) is not None


def minimum(read: Reading) -> int | None:
    """The balance that a rider needs to begin a ride; None before the first start."""
    row = read.one(f"SELECT {MINIMUM}")
    return row[0] if row else None
