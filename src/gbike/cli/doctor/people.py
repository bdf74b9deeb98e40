"""What is wrong with people's accounts: contacts that are one and the same, staff whose points go to somebody else, and
riders whose next rent the secure defaults refuse."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import TypeVar

import apsw

from gbike.cli.doctor.finding import Finding
from gbike.kit.store import Reading, StoreUnavailable
from gbike.run.defaults import SECURE_DEFAULTS
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import is_secure
from gbike.run.open_stores import open_urls

MINIMUM, OPEN_RENTS = "GBIKE_RENT_MINIMUM_KRW", "GBIKE_MAX_OPEN_RENTS_PER_RIDER"
SHARED = "SELECT normal, userid FROM accounts WHERE shared = 1 ORDER BY normal, userid"
STAFF = "SELECT userid, managerid FROM accounts WHERE managerid IS NOT NULL AND erased_ms IS NULL ORDER BY userid"
RIDING = "SELECT userid FROM rents WHERE status = 'rented' GROUP BY userid HAVING count(*) > ?"

Stores = Mapping[str, Reading]
T = TypeVar("T")


def same_contacts(urls: Mapping[str, str]) -> Iterator[Finding]:
    """Contacts that several accounts have, by their numbers: each gets in by what it typed, and nobody can claim it."""
    rows = _look(urls, ("account",), lambda stores: list(stores["account"].all(SHARED))) or []
    for _, group in groupby(rows, lambda row: row[0]):
        numbers = [str(row[1]) for row in group]
        if len(numbers) > 1:
            what = f"accounts {', '.join(numbers)} have the same contact, written differently"
            how = "each signs in by what it typed; let all but one take another (POST /accounts/USERID/contact)"
            yield Finding("same-contact", what, how, wrong=False)


def strange_managers(urls: Mapping[str, str]) -> Iterator[Finding]:
    """Each account whose manager number is registered for another rider."""
    for userid, managerid, owner in _look(urls, ("account", "bike_manager"), _owners) or []:
        if owner != userid:
            what = f"account {userid} reports as manager {managerid}, whose points are rider {owner}'s"
            how = f"register a manager for rider {userid}, and PUT /accounts/{userid}/roles with its number"
            yield Finding("manager-number", what, how)


def refused_riders(folder: DataFolder, urls: Mapping[str, str], env: Mapping[str, str]) -> Iterator[Finding]:
    """For each of the settings that the environment leaves to the secure defaults: how many riders it touches."""
    if not is_secure(folder, env):
        return
    least, most = int(SECURE_DEFAULTS[MINIMUM]), int(SECURE_DEFAULTS[OPEN_RENTS])
    with_accounts = ("user_deposit", *(["account"] if "account" in urls else []))
    if MINIMUM not in env and (few := _look(urls, with_accounts, lambda stores: _poor(stores, least))):
        what = f"{MINIMUM} is {least} by default: riders whose balance is lower and who can't rent: {few}"
        yield Finding("new-default", what, f"let them top up, or set {MINIMUM}=0", wrong=False)
    riding = None if OPEN_RENTS in env else _look(urls, ("rent",), lambda stores: stores["rent"].all(RIDING, (most,)))
    if many := len(riding or []):
        what = f"{OPEN_RENTS} is {most} by default: riders who have more open rents and can't begin another: {many}"
        yield Finding("new-default", what, f"let them return, or set {OPEN_RENTS}=0", wrong=False)


def _look(urls: Mapping[str, str], services: tuple[str, ...], find: Callable[[Stores], T]) -> T | None:
    """What `find` finds in these services' stores; None: one is not known or can't be read, which is told elsewhere."""
    if any(name not in urls for name in services):
        return None
    try:
        with open_urls({name: urls[name] for name in services}, "people") as stores:
            return find(stores)
    except (NoData, StoreUnavailable, apsw.Error):
        return None


def _owners(stores: Stores) -> list[tuple[int, int, int]]:
    """The accounts of staff, their manager numbers, and whose these are, where they are registered."""
    owners: dict[int, int] = dict(stores["bike_manager"].all("SELECT managerid, userid FROM managers"))
    staff = stores["account"].all(STAFF)
    return [(userid, managerid, owners[managerid]) for userid, managerid in staff if managerid in owners]


def _poor(stores: Stores, least: int) -> int:
    """Riders with less than `least` on their deposit, or with none. Without account's store: such deposits."""
    deposits = stores["user_deposit"]
    if "account" not in stores:
        return len(deposits.all("SELECT userid FROM deposits WHERE balance < ?", (least,)))
    enough = {row[0] for row in deposits.all("SELECT userid FROM deposits WHERE balance >= ?", (least,))}
    accounts = stores["account"].all("SELECT userid, roles FROM accounts WHERE erased_ms IS NULL")
    return sum("rider" in roles.split(",") and userid not in enough for userid, roles in accounts)
