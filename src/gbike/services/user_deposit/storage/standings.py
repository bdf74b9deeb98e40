"""Standings in SQL: whether each rider may begin a ride, as it was told last (ChangedStanding).

`tell` locks the rider's deposit and then writes the standing's row before it reads the balance: of two that tell at
once the second waits, and then sees what the first saw or something newer. So the newest version has the newest
balance.
"""

from collections.abc import Sequence

from gbike.contracts.user_deposit import ChangedStanding
from gbike.kit.store import Reading, Tx
from gbike.services.user_deposit.domain import missing_krw

REASON = "minimum"
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


def tell(tx: Tx, userid: int) -> None:
    """Say how a rider stands now, under the standing's next version."""
    _lock(tx, userid)
    version = tx.one(
        "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, 0, 0, 1)"
        " ON CONFLICT (userid) DO UPDATE SET version = standings.version + 1 RETURNING version",
        (userid,),
    )
    assert version is not None
    minimum = _minimum(tx) or 0
    deposit = tx.one("SELECT balance, version FROM deposits WHERE userid = ?", (userid,)) or (0, 0)
    missing = missing_krw(deposit[0], minimum)
    tx.execute("UPDATE standings SET minimum_krw = ?, missing_krw = ? WHERE userid = ?", (minimum, missing, userid))
    tx.say(
        ChangedStanding(
            userid=userid,
            mayrent=not missing,
            reasons=(REASON,) if missing else (),
            version=version[0],
            missing_krw=missing,
            deposit=deposit[0],
            depositversion=deposit[1],
        )
    )


def lock_deposit(tx: Tx, userid: int) -> None:
    """Wait for whoever moves the rider's money, and let nobody move it until this commits."""
    tx.execute("UPDATE deposits SET version = version WHERE userid = ?", (userid,))


def tell_all(tx: Tx, riders: Sequence[int]) -> None:
    """The same for several. Another replica may tell the same ones: the later version says the same."""
    for userid in riders:
        tell(tx, userid)


def know(tx: Tx, userid: int) -> None:
    """A rider who is new: told of at once where there is a minimum; else only noted, for the day when there is one."""
    _lock(tx, userid)
    minimum = _minimum(tx)
    if not minimum:
        sql = "INSERT INTO standings (userid, minimum_krw, missing_krw, version) VALUES (?, ?, 0, 0)"
        tx.execute(f"{sql} ON CONFLICT (userid) DO NOTHING", (userid, -1 if minimum is None else minimum))
    elif tx.one("SELECT 1 FROM standings WHERE userid = ?", (userid,)) is None:
        tell(tx, userid)


def _lock(tx: Tx, userid: int) -> None:
    """Of a rider who is new there is no row to lock: one whose account and first money come at once is told of once."""
    lock_deposit(tx, userid)
    tx.lock(f"standing:{userid}")


def _minimum(read: Reading) -> int | None:
    row = read.one(f"SELECT {MINIMUM}")
    return row[0] if row else None
