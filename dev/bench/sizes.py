"""Bytes per ride, by store and table, on either engine: what stays for ever, and what for a while.

    python -m dev.bench.sizes                        6,000 rides on SQLite and on PostgreSQL, some minutes
    python -m dev.bench.sizes --rides 600 --engine sqlite

Whole rides, with an Idempotency-Key on both requests and all that follows, in one process, driven by hand. A thousand
begin before the first of them ends, so that rows grow, as they do in a day, when others have come after them. A table's
bytes are its pages with those of its indexes; what they grew by while the rides lasted is divided by the rides. Exit
code 1: more is kept for ever than there is room for.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import apsw
import msgspec
import psycopg
import uvloop

from dev.bench.engines import engines_folder, postgresql
from dev.bench.process import TARIFF, CannotRun
from dev.bench.rides import WrongEffect
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.telemetry import configure_logs
from gbike.run.embedded import Embedded
from gbike.run.engines import CannotRun as NotInstalled
from gbike.run.engines import postgres
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs

RIDES = 6_000
AT_ONCE = 1_000
ASKING = 32
RIDERS = 120
DEPOSIT = 10_000_000
MOST = {"sqlite": 1_500, "postgresql": 2_800}
"""Bytes a ride that may stay for ever."""
FOR_A_WHILE = {
    "outbox": "7 days",
    "bus.log": "7 days",
    "tombstones": "7 days",
    "idempotency": "2 days",
    "inbox": "30 days",
    "account.rides": "30 days",
    "kept": "the last 10,000",
}
"""Tables whose rows go again, and when; all others stay."""

Sizes = Counter[str]
"""Bytes by `store.table`."""


class OnPostgres(Embedded):
    """The services in one process over a database each."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        super().__init__(None, TARIFF)

    def _open(self, path: Path | None, versions: Path, source: str) -> SqliteStore:
        if source not in self._urls:
            return super()._open(path, versions, source)
        return _Flushed(self._urls[source], clock=self.clock, ids=self._ids, source=source)  # type: ignore[return-value]


class _Flushed(PostgresStore):
    async def flush(self) -> None:
        """See BatchWriter.flush."""
        await self.writers[0].flush()


async def ride(platform: Embedded, rides: int) -> None:
    """So many rides, and all that follows of them. Raises WrongEffect."""
    gate = asyncio.Semaphore(ASKING)

    async def ask(method: str, path: str, body: Mapping[str, object], key: str) -> bytes:
        async with gate:
            given = {"accept": "*/*", "idempotency-key": key}
            answer = await call_asgi(platform.app, method, path, msgspec.json.encode(body), given)
            if answer.status >= 300:
                raise WrongEffect(f"{method} {path} {body}: {answer.status} {answer.body[:300]!r}")
            return answer.body

    async def begin(n: int) -> int:
        body = {"userid": 1 + n % RIDERS, "bikeid": 1 + n % AT_ONCE}
        return int(msgspec.json.decode(await ask("POST", "/rents", body, f"rent-{n}"))["rentid"])

    for start in range(0, rides, AT_ONCE):
        some = range(start, min(rides, start + AT_ONCE))
        begun = await asyncio.gather(*(begin(n) for n in some))
        await platform.settle()
        place = {"endlocation": "dock 7"}
        await asyncio.gather(*(ask("PATCH", f"/rents/{rentid}", place, f"return-{rentid}") for rentid in begun))
        await platform.settle()
        for worker in platform.parts["rent_and_billing_view"].running.workers:
            while worker.name == "folding" and await worker.step():
                pass
    closed = "SELECT count(*) FROM rides WHERE billingstatus = 'CLOSEBILL' AND rentstatus = 'returned'"
    found = await platform.parts["rent_and_billing_view"].store.read(lambda read: read.one(closed))
    if found != (rides,):
        raise WrongEffect(f"{rides} rides, and the view shows {found} that are closed")


async def prepare(platform: Embedded) -> None:
    """Bikes and riders."""
    bodies = [("/userDeposits", {"userid": n, "deposit": DEPOSIT}) for n in range(1, RIDERS + 1)]
    bodies += [("/bikes", {"bikeid": n, "location": "dock 7"}) for n in range(1, AT_ONCE + 1)]  # type: ignore[dict-item]
    for path, body in bodies:
        answer = await call_asgi(platform.app, "POST", path, msgspec.json.encode(body), {"accept": "*/*"})
        if answer.status != 201:
            raise WrongEffect(f"POST {path} {body}: {answer.status}")
    await platform.settle()


async def on_sqlite(rides: int) -> Sizes:
    """What so many rides leave in a data folder."""
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as scratch:
        folder = DataFolder(Path(scratch))
        platform = Embedded(folder, TARIFF)
        files = {name: folder.store_path(name) for name in platform.parts} | {"bus": folder.bus_path}
        return await _left_by(platform, rides, lambda: _of_files(files))


async def on_postgres(rides: int) -> Sizes:
    """What so many rides leave in databases. Raises CannotRun."""
    with engines_folder() as folder:
        async with postgresql(folder) as port:
            urls = {}
            for spec in specs():
                await postgres.create_database(port, spec.name)
                urls[spec.name] = postgres.url(port, spec.name)
                migrate_url(urls[spec.name], spec.versions)
            platform = OnPostgres(urls)
            return await _left_by(platform, rides, lambda: _of_databases(urls))


async def _left_by(platform: Embedded, rides: int, look: Callable[[], Sizes]) -> Sizes:
    """What grew while the rides lasted; the platform is stopped."""
    try:
        await prepare(platform)
        before = look()
        await ride(platform, rides)
        return Counter({table: size - before[table] for table, size in look().items() if size > before[table]})
    finally:
        await platform.stop()


def _of_files(files: Mapping[str, Path]) -> Sizes:
    sql = (
        "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema m ON m.name = d.name"
        " WHERE d.aggregate = 1 GROUP BY 1"
    )
    sizes = Sizes()
    for store, file in files.items():
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        sizes.update({f"{store}.{table}": size for table, size in connection.execute(sql)})
        connection.close()
    return sizes


def _of_databases(urls: Mapping[str, str]) -> Sizes:
    sql = (
        "SELECT tablename, pg_total_relation_size(quote_ident(tablename)::regclass)"
        " FROM pg_tables WHERE schemaname = 'public'"
    )
    sizes = Sizes()
    for store, url in urls.items():
        with psycopg.connect(url, autocommit=True) as connection:
            sizes.update({f"{store}.{table}": size for table, size in connection.execute(sql)})
    return sizes


def for_ever(grown: Sizes, rides: int) -> float:
    """Bytes a ride that stay."""
    return sum(size for table, size in grown.items() if not _while(table)) / rides


def _while(table: str) -> str | None:
    return FOR_A_WHILE.get(table) or FOR_A_WHILE.get(table.split(".")[1])


def told(engine: str, grown: Sizes, rides: int) -> str:
    """The table of an engine."""
    lines = [f"{engine}, {rides:,} rides: bytes a ride"]
    for table, size in sorted(grown.items(), key=lambda one: (_while(one[0]) is not None, -one[1])):
        lines.append(f"  {table:42}{size / rides:9,.0f}  {_while(table) or 'for ever'}")
    kept, most = for_ever(grown, rides), MOST[engine]
    lines.append(f"  for ever: {kept:,.0f} of {most:,} {'PASS' if kept <= most else 'FAIL'}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. 0: as it should be; 1: too much is kept, or a ride went wrong; 2: it could not run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rides", type=int, default=RIDES)
    parser.add_argument("--engine", choices=list(MOST), action="append", help="of these only")
    chosen = parser.parse_args(argv)
    configure_logs("WARNING")
    enough = True
    try:
        for engine in chosen.engine or MOST:
            grown = uvloop.run({"sqlite": on_sqlite, "postgresql": on_postgres}[engine](chosen.rides))
            print(told(engine, grown, chosen.rides), flush=True)
            enough &= for_ever(grown, chosen.rides) <= MOST[engine]
    except WrongEffect as wrong:
        print(f"dev.bench.sizes: {wrong}", file=sys.stderr)
        return 1
    except (CannotRun, NotInstalled, OSError) as why:
        print(f"dev.bench.sizes: {why}", file=sys.stderr)
        return 2
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
