"""The stores: whether they can be read, their schema is the newest, and their clock is ours."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import apsw

from gbike.app.catalogue import NAMES, card
from gbike.app.cluster.plan import Plan
from gbike.app.copies import NoData
from gbike.app.data_folder import DataFolder
from gbike.app.doctor.finding import Finding
from gbike.app.doctor.running import skewed
from gbike.app.manifest import UNREADABLE, WAY_OUT, look
from gbike.app.readings import open_urls
from gbike.app.single import POSTGRES, SQLITE
from gbike.app.trouble import Trouble, way_out
from gbike.kit.clock import Clock
from gbike.kit.files import about
from gbike.kit.schema.migrate import newest
from gbike.kit.sqlite.store import connect
from gbike.kit.store import Reading, StoreUnavailable

CHECK, FINE = "PRAGMA quick_check(1)", "ok"
RESTORE = Trouble.DAMAGED.english
NOW_MS = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


def broken(folder: DataFolder, urls: Mapping[str, str]) -> Mapping[str, Finding]:
    """The stores, and the log, whose file is damaged or can't be read, by name: every page is looked at."""
    files = {file.stem: file for file in sorted(folder.path.glob("*.sqlite"))}
    files |= {name: Path(url.removeprefix(SQLITE)) for name, url in urls.items() if url.startswith(SQLITE)}
    found = {}
    for name, file in ((name, file) for name, file in files.items() if file.exists()):
        try:
            with closing(connect(file, read_only=True)) as connection, about(file):
                said = " ".join(str(row[0]) for row in connection.execute(CHECK))
        except apsw.Error as wrong:
            found[name] = Finding("broken-file", f"{file}: {wrong}", way_out(wrong) or RESTORE)
        else:
            if said != FINE:
                found[name] = Finding("broken-file", f"{file}: {' '.join(said.split())}", RESTORE)
    return found


def stores(urls: Mapping[str, str], clock: Clock) -> Iterator[Finding]:
    """Every store at these URLs: whether it answers, its schema, its clock."""
    for name, url in urls.items():
        try:
            with open_urls({name: url}, name) as readings:
                yield from _look(name, url, readings[name], clock)
        except (NoData, StoreUnavailable, apsw.Error) as away:
            yield Finding("engine-away", f"the store of {name} can't be read: {away}", "start it, or mend its URL")


def lost(folder: DataFolder) -> Iterator[Finding]:
    """Files of the folder that are missing, empty, older than what it had last, or another folder's."""
    for problem in look(folder.path).problems():
        if problem.what != UNREADABLE:  # which `stores` tells, with what the engine says
            how = "start gbike: it makes the log anew" if problem.of_log else WAY_OUT[0]
            yield Finding("lost-store", f"{folder.path / problem.file} {problem.what[0]}", how)


def store_urls(folder: DataFolder, plan: Plan | None, env: Mapping[str, str]) -> dict[str, str]:
    """The stores that can be looked at, by service."""
    found = {name: f"{SQLITE}{folder.store_path(name)}" for name in NAMES if folder.store_path(name).exists()}
    found |= plan.stores if plan else {}
    if url := env.get("GBIKE_STORE_URL"):
        found[env.get("GBIKE_SERVICE") or "this service"] = url
    return found


def _look(name: str, url: str, reading: Reading, clock: Clock) -> Iterator[Finding]:
    if name in NAMES:
        version, wanted = _version(reading), newest(card(name).versions)
        if version < wanted:
            how = f"gbike migrate {name}, or start the service: it does it by itself"
            yield Finding("old-schema", f"{name} is at {version or 'none'}, this gbike wants {wanted}", how)
    if url.startswith(POSTGRES):
        row = reading.one(NOW_MS)
        yield from skewed(f"the database of {name}", int(row[0]) if row else 0, clock.now_ms())


def _version(reading: Reading) -> str:
    row = reading.one("SELECT version_num FROM alembic_version")
    return str(row[0]) if row else ""
