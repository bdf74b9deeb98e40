"""Keep what a version leaves behind: `python -m tests.upgrade.keep NAME`, once, with the code of that version.

NAME/demo and NAME/secure are data folders with a backup of each, NAME/postgres the databases of a cluster with one of
theirs; each store is SQL in gzip. Rides, bills, points and conversions are left half-way, as services that are stopped
and a broker that is away leave them.
"""

import asyncio
import gzip
import re
import shutil
import sqlite3  # noqa: TID251 - it can dump, and nobody has the files open any more
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from gbike.run.cluster.wait_idle import unfinished
from gbike.run.embedded import Embedded
from gbike.run.engines import postgres
from gbike.run.folder.backup import copy_stopped
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.open_stores import open_readings
from tests.cluster.running import Cluster, started
from tests.security.people import ISSUER, As, TestIssuer
from tests.support import EVERY_RIDE_COSTS, Client
from tests.upgrade.kept import BACKUP
from tests.waiting import until

HERE = Path(__file__).parent
RIDERS = 5
BIKES = 8
QUIET_S = 60
CHEAP = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1"}
AS_BEFORE = {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "0", "GBIKE_RENT_MINIMUM_KRW": "0"}
"""Rider 4 has two rides and rider 5 no money, in a secure folder too."""

Send = Callable[[str, str, Any], Awaitable[int]]
"""Method, path and body of a request; answers its status."""


def key_of(method: str, path: str, body: Any) -> str:
    """The Idempotency-Key of a request to a folder."""
    return re.sub("[^0-9a-z]+", "-", f"{method}{path}{body}".lower())


async def begin(send: Send) -> None:
    """Five riders, four of them with money, a manager with points, and five rides: rider 4 has two."""
    for path, body in (
        *(("/bikes", {"bikeid": bikeid, "location": "분당_정자역_1구역"}) for bikeid in range(1, BIKES + 1)),
        *(("/userDeposits", {"userid": userid, "deposit": 10_000}) for userid in range(1, RIDERS)),
        ("/bikeManagers", {"managerid": 1, "userid": 1, "point": 1_000}),
        *(("/rents", {"userid": userid, "bikeid": bikeid}) for bikeid, userid in enumerate((1, 2, 3, 4, 4), 1)),
    ):
        assert await send("POST", path, body) == 201, path


async def give_back(send: Send, rentid: int) -> None:
    """A return."""
    assert await send("PATCH", f"/rents/{rentid}", {"endlocation": "there"}) == 200, rentid


async def go_on(send: Send) -> None:
    """What nobody hears of any more: points become money, a ride ends, one begins."""
    assert await send("PUT", "/bikeManagers/1", {"userid": 1, "point": 500, "adjustpoint": 500}) == 200
    await give_back(send, 4)
    assert await send("POST", "/rents", {"userid": 5, "bikeid": 8}) == 201


async def report(send: Send) -> None:
    """A battery that is lower than anybody knew."""
    body = {"managerid": 1, "bikeid": 7, "batterylevel": 40}
    assert await send("POST", "/bikeManageApps", body) == 201


async def in_a_folder(folder: DataFolder, mode: Mode) -> None:
    """Services stop one after another: ride 3 is billed and not paid, 2 is over and its bill open, 6 has no bill."""
    claim(folder, mode)
    keys = {"GBIKE_ACCOUNT_KEYS": str(folder.path / "keys")}
    (folder.path / "keys").mkdir()
    embedded = Embedded(folder, {**EVERY_RIDE_COSTS, **CHEAP, **AS_BEFORE, **keys}, secure=mode is Mode.SECURE)
    send = _asked(embedded, mode)
    for number in range(1, RIDERS + 1):
        who = {"name": f"rider {number}", "contact": f"{number}@example.com", "password": "a bicycle at dawn"}
        assert (await Client(embedded.app).post("/accounts", who)).status == 202
    await begin(send)
    await embedded.settle()
    await give_back(send, 1)
    await embedded.settle()
    embedded.part("userDeposit").answer(stopped=True)
    await give_back(send, 3)
    await embedded.settle()
    embedded.part("billing").answer(stopped=True)
    await give_back(send, 2)
    assert await send("POST", "/rents", {"userid": 3, "bikeid": 6}) == 201
    await embedded.settle()
    await report(send)
    await go_on(send)
    await embedded.stop()


def _asked(embedded: Embedded, mode: Mode) -> Send:
    """Requests in the name of whoever may."""
    admin = manager = Client(embedded.app)
    if mode is Mode.SECURE:
        issuer = TestIssuer(embedded.clock)
        embedded.auth_mode.trust(ISSUER, issuer)  # type: ignore[attr-defined]
        admin = As(embedded.app, issuer.token(900, "admin"))
        manager = As(embedded.app, issuer.token(1, "rider", "bikeManager", managerid=1))

    async def send(method: str, path: str, body: Any) -> int:
        client = manager if path == "/bikeManageApps" or method == "PUT" else admin
        return (await client.send(method, path, body, {"idempotency-key": key_of(method, path, body)})).status

    return send


async def in_a_cluster(cluster: Cluster) -> None:
    """The broker is away, so that everything from then on waits in outboxes."""

    async def send(method: str, path: str, body: Any) -> int:
        return cluster.ask(method, path, body).status

    await begin(send)
    await give_back(send, 1)
    await give_back(send, 3)
    _until_quiet(cluster)
    cluster.gbike("demo-fault", "stop", "kafka")
    await give_back(send, 2)
    assert await send("POST", "/rents", {"userid": 3, "bikeid": 6}) == 201
    await report(send)
    await go_on(send)


def _until_quiet(cluster: Cluster) -> None:
    def quiet() -> bool:
        with open_readings(DataFolder(cluster.data)) as stores:
            return next(unfinished(stores), None) is None

    until(quiet, QUIET_S, "something is unfinished")


def _write(file: Path, sql: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(sql.encode(), mtime=0))


def keep_folder(target: Path, mode: Mode) -> None:
    """Write every store of a folder's past."""
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(in_a_folder(DataFolder(Path(scratch)), mode))
        for file in sorted(Path(scratch).glob("*.sqlite")):
            with closing(sqlite3.connect(file)) as store:
                [mark] = store.execute("PRAGMA user_version").fetchone()
                _write(target / f"{file.stem}.sql.gz", "\n".join([*store.iterdump(), f"PRAGMA user_version={mark};\n"]))
        for manifest in Path(scratch).glob("*.json"):
            shutil.copy(manifest, target)
        copy_stopped(DataFolder(Path(scratch)), Path(scratch) / "backup")
        _pack(Path(scratch) / "backup", target)


def _pack(backup: Path, target: Path) -> None:
    with tarfile.open(target / BACKUP, "w:gz") as packed:
        for file in sorted(backup.iterdir()):
            packed.add(file, file.name)


def keep_cluster(target: Path) -> None:
    """Write every database of a cluster's past."""
    with started("--empty") as cluster:
        asyncio.run(in_a_cluster(cluster))
        for name, url in cluster.plan.stores.items():
            command = [postgres.binaries() / "pg_dump", "--inserts", "--no-owner", "--no-privileges", url]
            _write(
                target / f"{name}.sql.gz", subprocess.run(command, capture_output=True, text=True, check=True).stdout
            )
        with tempfile.TemporaryDirectory() as scratch:
            cluster.gbike("backup", f"{scratch}/backup")
            _pack(Path(scratch) / "backup", target)


if __name__ == "__main__":
    keep_folder(HERE / sys.argv[1] / "demo", Mode.DEMO)
    keep_folder(HERE / sys.argv[1] / "secure", Mode.SECURE)
    keep_cluster(HERE / sys.argv[1] / "postgres")
