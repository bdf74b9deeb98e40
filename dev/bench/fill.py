"""A data folder with a long past, written in bulk: every ride is over, billed and paid, and every store agrees on it.

The rows are what the services would have left of rides older than the housekeeper keeps outbox rows, inbox rows,
tombstones and log entries. The tables are named here, not in the services: nobody else may write rows without saying
them. `gbike verify` passes on it.
"""

import os
import sqlite3  # noqa: TID251 - its files are no store that this process has open
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

from dev.bench.past import RIDES, SOURCE
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, migrate
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.registry import specs

DAY_MS = 24 * 3_600_000
RIDES_PER_RIDER = 50
OPENING = 100_000_000
"""What every rider paid in, won: more than any bench can spend."""
KEEN_RIDER = 1
"""Rides every tenth time, so that one rider's page is also measured where the rider has a tenth of all rows."""

BIKE = "(bikeid, location, batterylevel, held, broken, retired, reportid, version)"
ROWS: dict[str, tuple[str, ...]] = {
    "bike": (
        f"INSERT INTO bikes {BIKE} SELECT bikeid, 'dock ' || bikeid, 80, 0, 0, 0, 0, 1 + 2 * count(*)"
        " FROM past GROUP BY bikeid",
        f"INSERT OR IGNORE INTO bikes {BIKE} SELECT n, 'dock ' || n, 80, 0, 0, 0, 0, 1 FROM bikes_past",
        "INSERT INTO counters SELECT 'bikes', count(*) FROM bikes_past",
    ),
    "rent": (
        "INSERT INTO rents (rentid, userid, bikeid, status, deadline_ms, started_ms, ended_ms, endlocation, coarse)"
        " SELECT n, userid, bikeid, 'returned', started + 10000, started, ended, 'dock ' || bikeid, 0 FROM past"
        " ORDER BY n",
        "INSERT INTO counters SELECT 'returned', count(*) FROM past UNION ALL SELECT 'rented', 0",
    ),
    "billing": (
        "INSERT INTO bills (billid, rentid, userid, started_ms, ended_ms, fee, status, tariff)"
        " SELECT n, n, userid, started, ended, fee, 'CLOSEBILL', '100/60s floor' FROM past ORDER BY n",
        "INSERT INTO counters SELECT 'bills', count(*) FROM past",
    ),
    "user_deposit": (
        "INSERT INTO deposits (userid, balance, billid, registered, version)"
        " SELECT userid, :opening - sum(fee), max(n), 1, 1 + count(*) FROM past GROUP BY userid",
        "INSERT INTO entries (cause, account, amount, at_ms)"
        " SELECT 'opening:' || userid, 'user:' || userid, :opening, :begin FROM deposits"
        " UNION ALL SELECT 'opening:' || userid, 'cash', -:opening, :begin FROM deposits",
        "INSERT INTO entries (cause, account, amount, at_ms)"
        " SELECT 'bill:' || n, CASE side WHEN 0 THEN 'user:' || userid ELSE 'fees' END,"
        " CASE side WHEN 0 THEN -fee ELSE fee END, ended"
        " FROM past, (SELECT 0 AS side UNION ALL SELECT 1) ORDER BY n, side",
        "INSERT INTO counters SELECT 'deposits', count(*) FROM deposits",
    ),
    "rent_and_billing_view": (
        "INSERT INTO rides (rentid, userid, bikeid, rentstatus, started_ms, ended_ms, billid, fee, billingstatus)"
        " SELECT n, userid, bikeid, 'returned', started, ended, n, fee, 'CLOSEBILL' FROM past"
        " ORDER BY n",
        "INSERT INTO riders (userid, deposit, version, rides)"
        " SELECT userid, :opening - sum(fee), 1 + count(*), count(*) FROM past GROUP BY userid",
        "INSERT INTO rent_facts (rentid, userid, bikeid, status, started_ms, ended_ms)"
        " SELECT n, userid, bikeid, 'returned', started, ended FROM past ORDER BY n",
        "INSERT INTO bill_facts (rentid, userid, billid, status, fee) SELECT n, userid, n, 'CLOSEBILL', fee FROM past"
        " ORDER BY n",
        "INSERT INTO deposit_facts (userid, deposit, version) SELECT userid, deposit, version FROM riders",
        "INSERT INTO counters SELECT 'rides', count(*) FROM past",
    ),
}
"""What each store holds of the past, table by table."""


def fill(folder: Path, bikes: int, rides: int, riders: int | None = None) -> float:
    """Fill an empty data folder; answers the seconds that took. Two processes: one for the view, one for the rest.
    `riders`: how many have an account, if not as many as usual."""
    began = time.monotonic()
    data = DataFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    migrate(data.bus_path, LOG_VERSIONS)
    for spec in specs():
        migrate(data.store_path(spec.name), spec.versions)
    claim(data, Mode.DEMO)  # before it has rides: a folder that has some and does not say whose it is, is secure
    source = folder / "past.sqlite"
    begin = time.time_ns() // 1_000_000 - 60 * DAY_MS
    _remember(source, bikes, rides, riders or riders_of(rides), begin)
    with ProcessPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_write, data.store_path(name), source, ROWS[name], begin)
            for name in ("rent_and_billing_view", "user_deposit", "rent", "billing", "bike")
        ]
        for job in jobs:
            job.result()
    source.unlink()
    os.sync()
    return time.monotonic() - began


def riders_of(rides: int) -> int:
    """How many riders have an account after `fill` with so many rides."""
    return max(100, rides // RIDES_PER_RIDER)


def _remember(source: Path, bikes: int, rides: int, riders: int, begin: int) -> None:
    """The rides of the past as one table, which every store is filled from."""
    with closing(in_bulk(source)) as past:
        facts = {"bikes": bikes, "rides": rides, "riders": riders, "begin": begin}
        past.execute("CREATE TABLE bikes_past (n INTEGER PRIMARY KEY)")
        past.execute(f"INSERT INTO bikes_past {SOURCE} SELECT n FROM numbers", {"most": bikes})
        past.execute("CREATE TABLE past (n INTEGER PRIMARY KEY, userid, bikeid, started, ended, fee)")
        past.execute(RIDES, {**facts, "most": rides})


def _write(store: Path, source: Path, statements: tuple[str, ...], begin: int) -> None:
    with closing(in_bulk(store)) as connection:
        connection.execute("ATTACH ? AS source", (str(source),))
        for statement in statements:
            wanted = {"opening": OPENING, "begin": begin}
            connection.execute(statement, {name: value for name, value in wanted.items() if f":{name}" in statement})


def in_bulk(path: Path) -> sqlite3.Connection:
    """Bulk writing needs no journal: a folder that was not filled to its end is thrown away."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=FILE"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


if __name__ == "__main__":
    print(f"filled in {fill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):.1f} s")
