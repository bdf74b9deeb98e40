"""Who holds which bike, in SQL. A bike's row says by how many, and when the first is meant to end: whoever changes
holds changes that row first, so that two do it one after the other."""

from collections.abc import Iterable

from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Row, Tx
from gbike.services.bike.domain import STAFF, Bike, Hold

PUT_BY = PersonalData(
    "holds",
    ("bikeid", "holder", "why", "since_ms", "due_ms"),
    "FROM holds WHERE byuser = CAST(? AS TEXT) ORDER BY bikeid",
)
_READ = "SELECT holder, why, due_ms, byuser, since_ms FROM holds"


def of(read: Reading, bike: Bike) -> tuple[Hold, ...]:
    """The holds of a bike, by holder. A mark that a gbike of before set beside us, without a row, is that of STAFF."""
    return (there(read, bike.bikeid) or (Hold(STAFF),)) if bike.held else ()


def there(read: Reading, bikeid: int) -> tuple[Hold, ...]:
    """The holds that have a row, by holder, whatever the bike's row says."""
    rows = read.all(f"{_READ} WHERE bikeid = ? ORDER BY holder", (bikeid,))
    return tuple(Hold(*row) for row in rows)


def listing(bikeid: int) -> Listing:
    """The same, a page at a time."""
    return Listing(_READ, {}, "holder", "WHERE bikeid = ?", (bikeid,), counters=None, make=lambda row: Hold(*row))


def write(tx: Tx, bike: Bike) -> None:
    """The bike's holds are these and no others; one that was there keeps when it began, and whose it was as long as it
    says the same."""
    kept = {one.holder for one in bike.holds}
    for (holder,) in tx.all("SELECT holder FROM holds WHERE bikeid = ?", (bike.bikeid,)):
        if holder not in kept:
            end(tx, bike.bikeid, holder)
    for one in bike.holds:
        tx.execute(
            "INSERT INTO holds (bikeid, holder, why, byuser, since_ms, due_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (bikeid, holder) DO UPDATE SET why = excluded.why, byuser = excluded.byuser,"
            " due_ms = excluded.due_ms"
            " WHERE holds.why <> excluded.why OR holds.due_ms IS DISTINCT FROM excluded.due_ms",
            (bike.bikeid, one.holder, one.reason, one.by or tx.by.name, one.since_ms or tx.now_ms, one.due_ms),
        )


def end(tx: Tx, bikeid: int, holder: str) -> None:
    """A hold is no more."""
    tx.execute("DELETE FROM holds WHERE bikeid = ? AND holder = ?", (bikeid, holder))


def forget_who(tx: Tx, userid: int) -> None:
    """Who put a hold there is known no more; it stays."""
    tx.execute("UPDATE holds SET byuser = '' WHERE byuser = ?", (str(userid),))


def miscounted(read: Reading) -> Iterable[Row]:
    """For `gbike verify`: bikeid, what its row says of holds, and how many there are, where the two differ."""
    return read.each(
        "SELECT bikeid, held, rows FROM (SELECT bikeid, held, (SELECT count(*) FROM holds WHERE holds.bikeid ="
        " bikes.bikeid) AS rows FROM bikes) AS both_ WHERE held <> rows ORDER BY bikeid"
    )
