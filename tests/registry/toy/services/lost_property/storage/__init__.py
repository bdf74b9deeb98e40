"""What was found, in SQL."""

from pathlib import Path

from gbike.contracts.lost_property import FoundProperty

from gbike.contracts.events import EVENTS
from gbike.kit.privacy.erasure import remember, share, take_out
from gbike.kit.privacy.personal_data import PersonalData
from gbike.kit.store import Tx

VERSIONS = Path(__file__).parent / "versions"
PERSONAL_DATA = (
    PersonalData("found", ("foundid", "bikeid", "location"), "FROM found WHERE userid = ? ORDER BY foundid"),
)
COUNTED = {"found": "SELECT count(*) FROM found"}


def hand_in(tx: Tx, userid: int, bikeid: int, location: str) -> int:
    """Keep it, and say so."""
    share(tx, [userid])
    row = tx.one(
        "INSERT INTO found (userid, bikeid, location) VALUES (?, ?, ?) RETURNING foundid", (userid, bikeid, location)
    )
    tx.count("found")
    number = int(row[0]) if row else 0
    tx.publish(FoundProperty(foundid=number, userid=userid, bikeid=bikeid, location=location))
    return number


def forget(tx: Tx, userid: int) -> None:
    """Where this finder was is known no more."""
    remember(tx, userid)
    tx.execute("UPDATE found SET location = NULL WHERE userid = ?", (userid,))
    take_out(tx, ("userid",), [userid], EVENTS)
