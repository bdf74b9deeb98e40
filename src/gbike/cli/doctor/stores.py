"""The stores: whether they can be read, their schema is the newest, their clock ours, and the log the one they know."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import apsw

from gbike.cli.doctor.finding import Finding
from gbike.cli.doctor.running import skewed
from gbike.kit.clock import Clock
from gbike.kit.files import about
from gbike.kit.messaging.local.epoch import epoch_of, last, places_of, why_anew
from gbike.kit.storage.migrations.migrate import newest
from gbike.kit.storage.postgres.login import POSTGRES, SETTING, with_password
from gbike.kit.storage.sqlite.store import connect
from gbike.kit.store import Reading, StoreUnavailable
from gbike.run.cluster.plan import Plan, read_plan
from gbike.run.file_trouble import Trouble, way_out
from gbike.run.folder.backup import NoData
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.manifest import NOT_THE_LAST, UNREADABLE, WAY_OUT, look
from gbike.run.open_stores import files_of, open_urls
from gbike.run.registry import spec
from gbike.run.single import SQLITE
from gbike.services import NAMES

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
                printed = " ".join(str(row[0]) for row in connection.execute(CHECK))
        except apsw.Error as wrong:
            found[name] = Finding("broken-file", f"{file}: {wrong}", way_out(wrong) or RESTORE)
        else:
            if printed != FINE:
                found[name] = Finding("broken-file", f"{file}: {' '.join(printed.split())}", RESTORE)
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
    """Files of the folder that are missing, empty, older than what it had last, or another folder's; not the log's."""
    for problem in look(folder.path).problems():
        if problem.what != UNREADABLE and not problem.of_log:  # which `broken` and `log` tell
            yield Finding("lost-store", f"{folder.path / problem.file} {problem.what[0]}", WAY_OUT[0])


def store_urls(folder: DataFolder, plan: Plan | None, env: Mapping[str, str]) -> dict[str, str]:
    """The stores that can be looked at, by service."""
    found = {**files_of(folder), **(plan.reading if plan else {})}
    if url := env.get("GBIKE_STORE_URL"):
        file = env.get(SETTING, "")
        found[env.get("GBIKE_SERVICE") or "this service"] = with_password(url, file if Path(file).is_file() else "")
    return found


def log(folder: DataFolder) -> Iterator[Finding]:
    """Whether a stopped folder's log is the one its stores know. A store that can't be read is told elsewhere."""
    if read_plan(folder.path) is not None:
        return
    urls = files_of(folder)
    bus = {"bus": f"{SQLITE}{folder.bus_path}"} if folder.bus_path.exists() else {}
    try:
        with open_urls(urls | bus, str(folder.path)) as readings:
            places = {name: places_of(readings[name]) for name in urls}
            there = bool(bus) and readings["bus"].one("SELECT 1 FROM sqlite_master WHERE name = 'log'") is not None
            epoch, end = (epoch_of(readings["bus"]), last(readings["bus"])) if there else (None, 0)
    except (NoData, apsw.Error):
        return
    why = why_anew(epoch, end, places) or (NOT_THE_LAST if look(folder.path).log_lost else "")
    if why:
        how = "start it: it publishes again what the outboxes have, and nothing takes effect twice"
        what = "is not the log that the stores know" if there else "is missing or empty"
        yield Finding("log-set-back", f"bus.sqlite {what}: {why}", how)


def _look(name: str, url: str, reading: Reading, clock: Clock) -> Iterator[Finding]:
    if name in NAMES:
        version, wanted = _version(reading), newest(spec(name).versions)
        if version < wanted:
            how = f"gbike migrate {name}, or start the service: it does it by itself"
            yield Finding("old-schema", f"{name} is at {version or 'none'}, this gbike wants {wanted}", how)
    if url.startswith(POSTGRES):
        row = reading.one(NOW_MS)
        yield from skewed(f"the database of {name}", int(row[0]) if row else 0, clock.now_ms())


def _version(reading: Reading) -> str:
    row = reading.one("SELECT version_num FROM alembic_version")
    return str(row[0]) if row else ""
