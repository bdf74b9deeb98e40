"""Riders whose next rent the secure defaults refuse, counted while nobody has set these settings."""

from collections.abc import Callable, Iterator, Mapping

import apsw

from gbike.app.copies import NoData
from gbike.app.data_folder import DataFolder
from gbike.app.defaults import SECURE_DEFAULTS
from gbike.app.doctor.finding import Finding
from gbike.app.modes import is_secure
from gbike.app.readings import open_urls
from gbike.kit.store import Reading, StoreUnavailable

MINIMUM, OPEN_RENTS = "GBIKE_RENT_MINIMUM_KRW", "GBIKE_MAX_OPEN_RENTS_PER_RIDER"
READ = ("account", "rent", "user_deposit")
"""The services whose stores are read."""


def touched(folder: DataFolder, urls: Mapping[str, str], env: Mapping[str, str]) -> Iterator[Finding]:
    """For each of the settings that the environment leaves to the secure defaults: how many riders it touches."""
    if not is_secure(folder, env):
        return
    if MINIMUM not in env and "user_deposit" in urls:
        least = int(SECURE_DEFAULTS[MINIMUM])
        if few := _count(urls, lambda stores: _poor(stores, least)):
            what = f"{MINIMUM} is {least} by default: riders whose balance is lower and who can't rent: {few}"
            yield Finding("new-default", what, f"let them top up, or set {MINIMUM}=0", wrong=False)
    if OPEN_RENTS not in env and "rent" in urls:
        most = int(SECURE_DEFAULTS[OPEN_RENTS])
        if many := _count(urls, lambda stores: _riding_several(stores["rent"], most)):
            what = f"{OPEN_RENTS} is {most} by default: riders who have more open rents and can't begin another: {many}"
            yield Finding("new-default", what, f"let them return, or set {OPEN_RENTS}=0", wrong=False)


def _count(urls: Mapping[str, str], count: Callable[[Mapping[str, Reading]], int]) -> int:
    """What `count` finds in the stores; 0 where one can't be read, which `stores` tells already."""
    try:
        with open_urls({name: urls[name] for name in READ if name in urls}, "riders") as stores:
            return count(stores)
    except (NoData, StoreUnavailable, apsw.Error):
        return 0


def _poor(stores: Mapping[str, Reading], least: int) -> int:
    """Riders with less than `least` on their deposit, or with none. Without account's store: such deposits."""
    if "account" not in stores:
        row = stores["user_deposit"].one("SELECT count(*) FROM deposits WHERE balance < ?", (least,))
        return int(row[0]) if row else 0
    enough = {row[0] for row in stores["user_deposit"].all("SELECT userid FROM deposits WHERE balance >= ?", (least,))}
    accounts = stores["account"].all("SELECT userid, roles FROM accounts WHERE erased_ms IS NULL")
    return sum("rider" in roles.split(",") and userid not in enough for userid, roles in accounts)


def _riding_several(rent: Reading, most: int) -> int:
    row = rent.one(
        "SELECT count(*) FROM (SELECT userid FROM rents WHERE status = 'rented' GROUP BY userid HAVING count(*) > ?)"
        " AS riding",
        (most,),
    )
    return int(row[0]) if row else 0
