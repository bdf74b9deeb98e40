"""Staff whose points go to somebody else, because the number that they report under is registered for another rider."""

from collections.abc import Iterator, Mapping

import apsw

from gbike.app.copies import NoData
from gbike.app.doctor.finding import Finding
from gbike.app.readings import open_urls
from gbike.kit.store import StoreUnavailable

READ = ("account", "bike_manager")
STAFF = "SELECT userid, managerid FROM accounts WHERE managerid IS NOT NULL AND erased_ms IS NULL ORDER BY userid"


def strangers(urls: Mapping[str, str]) -> Iterator[Finding]:
    """Each account whose manager number another rider has. A store that can't be read is told elsewhere."""
    if not all(name in urls for name in READ):
        return
    try:
        with open_urls({name: urls[name] for name in READ}, "managers") as stores:
            for userid, managerid in stores["account"].all(STAFF):
                row = stores["bike_manager"].one("SELECT userid FROM managers WHERE managerid = ?", (managerid,))
                if row is not None and row[0] != userid:
                    what = f"account {userid} reports as manager {managerid}, whose points are rider {row[0]}'s"
                    how = f"register a manager for rider {userid}, and PUT /accounts/{userid}/roles with its number"
                    yield Finding("manager-number", what, how)
    except (NoData, StoreUnavailable, apsw.Error):
        return
