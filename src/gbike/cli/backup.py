"""`gbike backup` and `gbike restore`. Of a cluster: its stores at one moment, its plan, and a manifest with checksums;
of a data folder see run/folder/backup.py.

What is on Kafka is not copied. A restored store counts as one that published to a log that is lost: at its next start
it publishes again what its outbox has, and the inboxes, which are in the backup too, make that harmless.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec
import typer

from gbike.cli import DATA, Adopt, Data
from gbike.kit.clock import SystemClock, SystemIds, rfc3339
from gbike.kit.files import closed_folder, write_whole
from gbike.kit.messaging.republish import put_back_in_time
from gbike.kit.settings import BadSetting
from gbike.kit.storage.migrations.migrate import newest
from gbike.kit.storage.postgres.login import without_password
from gbike.kit.store import StoreUnavailable
from gbike.run.cluster import engine, orphans
from gbike.run.cluster.logins import Logins, urls_at
from gbike.run.cluster.plan import FILE, RESTORING, Plan, keep_plan, on_files, read_plan
from gbike.run.cluster.secrets import FOLDER as KEYS
from gbike.run.cluster.snapshots import put_back, snapshots
from gbike.run.cluster.tcp_ports import free_ports
from gbike.run.control import tell as tell_order
from gbike.run.engines import CannotRun, postgres
from gbike.run.folder import backup
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs
from gbike.run.single import SQLITE, open_store

MANIFEST = "manifest.json"
FORM = "cluster"
FOR_US_ONLY = 0o700
PIECE = 1 << 20
MADE = (KEYS, engine.FOLDER, "logs", "stores", FILE)
"""What a restore puts into the folder, the plan last."""

Tell = Callable[[str], None]


class Copied(msgspec.Struct, frozen=True):
    """A store in a backup. `schema`: its version."""

    file: str
    schema: str


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup. `sha256`: of each file, in hex. `mode`: demo or secure. `gbike`: which version made it."""

    form: str
    gbike: str
    at: str
    mode: str
    stores: Mapping[str, Copied]
    sha256: Mapping[str, str]


def backup_verb(target: Path, data: Data = DATA) -> None:
    """Copy all stores of one moment into an empty folder, also while gbike runs; of a cluster too."""
    if read_plan(data) is not None:
        typer.echo(copy(DataFolder(data), target.resolve(), typer.echo))
    else:
        tell_order(backup.copy(DataFolder(data), target.resolve()))


def restore_verb(source: Path, data: Data = DATA, adopt: Adopt = False) -> None:
    """Put a backup back into an empty data folder; of a cluster for `gbike cluster up`."""
    if (source / FILE).exists():
        typer.echo(restore(source, DataFolder(data), typer.echo))
    else:
        backup.restore(source, DataFolder(data), typer.echo, adopt=adopt)
    typer.echo(f"restored into {data}")


def copy(folder: DataFolder, target: Path, tell: Tell) -> str:
    """Copy the stores of a cluster, running or stopped, into `target`, which is not there or empty: whole or not at
    all. Answers what to tell. Raises NoData, FolderInUse."""
    plan = read_plan(folder.path)
    if plan is None:
        raise NoData(f"there is no cluster in {folder.path}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NoData(f"{target} is not empty; a copy goes into an empty folder")
    half = target.with_name(f".{target.name}.part")
    now_ms = SystemClock().now_ms()
    try:
        shutil.rmtree(half, ignore_errors=True)  # of one who was killed
        half.mkdir(FOR_US_ONLY, parents=True)
        with _reached(folder, plan) as reached:
            copied = _write(reached, half, tell)
        keep_plan(_without_passwords(plan), half)
        files = sorted(half.iterdir())
        manifest = Manifest(
            form=FORM,
            gbike=version("gbike"),
            at=rfc3339(now_ms),
            mode="demo" if plan.demo else "secure",
            stores=copied,
            sha256={file.name: _sealed(file) for file in files},
        )
        write_whole(half / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        half.replace(target)
    except (OSError, CannotRun) as wrong:
        raise NoData(f"nothing was copied to {target}: {wrong}") from None
    finally:
        shutil.rmtree(half, ignore_errors=True)
    folder.backed_up(now_ms)
    return f"copied to {target}" + ("" if plan.demo else f"; keys are not in it: keep {folder.path / KEYS} apart")


def restore(source: Path, folder: DataFolder, tell: Tell) -> str:
    """Put a backup of a cluster into an empty folder, for `gbike cluster up`. Killed half-way, it begins again; until
    then nothing starts there. Answers how to go on. Raises NoData, FolderInUse."""
    manifest, plan = _checked(source)
    half = folder.path / RESTORING
    begun = MADE if half.exists() else ()  # a restore was killed while it put these into their places
    if any(file.name not in ("lock", RESTORING, *begun) for file in folder.path.glob("*")):
        raise NoData(f"{folder.path} is not empty; restore only into a folder without data")
    with locked(folder, "gbike restore"):
        try:
            for name in begun:
                _remove(folder.path / name)
            shutil.rmtree(half, ignore_errors=True)
            closed_folder(half)  # PostgreSQL passes through it, to its own
            new = _restored(source, manifest, plan, folder.path, tell)
            keep_plan(new, half)
            for name in MADE:
                if (half / name).exists():  # an open cluster has no keys
                    (half / name).replace(folder.path / name)
            half.rmdir()
        except (OSError, CannotRun, StoreUnavailable) as wrong:
            raise NoData(f"{folder.path} was not restored: {wrong}") from None
    flags = [*(["--demo"] if plan.demo else []), *(f"--store {name}=sqlite" for name in sorted(on_files(new)))]
    return f"start it · 시작하세요: {' '.join(['gbike cluster up --data', str(folder.path), *flags])}"


def _remove(file: Path) -> None:
    if file.is_dir():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)


@contextmanager
def _reached(folder: DataFolder, plan: Plan) -> Iterator[Plan]:
    """Where the stores are: as the plan says while the cluster runs, else as its engine is started for that long."""
    if folder.holder() is not None:
        yield plan
        return
    with locked(folder, "gbike backup"):
        orphans.end_left_behind(folder.path)
        with engine.reached(plan, folder.path) as there:
            yield there


def _write(plan: Plan, half: Path, tell: Tell) -> Mapping[str, Copied]:
    copied = {}
    with snapshots(plan) as taken:
        for service, one in taken.items():
            one.write(half / one.file)
            copied[service] = Copied(one.file, one.schema())
            tell(f"{service}: {(half / one.file).stat().st_size / 1e6:,.1f} MB")
    return copied


def _without_passwords(plan: Plan) -> Plan:
    """They are no part of a backup; a restored cluster has its own PostgreSQL."""
    stores = {name: without_password(url).partition("?passfile=")[0] for name, url in plan.stores.items()}
    return msgspec.structs.replace(plan, stores=stores, readers={})


def _sealed(file: Path) -> str:
    """The SHA-256 of a file that is on the disk for good."""
    found = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            found.update(piece)
        os.fsync(content.fileno())
    return found.hexdigest()


def _checked(source: Path) -> tuple[Manifest, Plan]:
    """A backup that is whole and not of a later gbike. Raises NoData."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
        plan = read_plan(source)
    except (OSError, msgspec.MsgspecError, BadSetting) as wrong:
        raise NoData(f"{source} is no whole backup of a cluster: {wrong}") from None
    if manifest.form != FORM or plan is None:
        raise NoData(f"{source} is no backup of a cluster: its form is {manifest.form}")
    for name, wanted in manifest.sha256.items():
        file = source / name
        if not file.exists():
            raise NoData(f"{source} is not whole: {name} is missing")
        if _sealed(file) != wanted:
            raise NoData(f"{file} is not what was backed up: its SHA-256 differs from {MANIFEST}'s")
    known = {spec.name: newest(spec.versions) for spec in specs()}
    for service in known:
        if service not in manifest.stores or manifest.stores[service].file not in manifest.sha256:
            raise NoData(f"{source} is not whole: it has no store of {service}")
        if (schema := manifest.stores[service].schema) > known[service]:
            later = f"schema {schema}, and this gbike knows {known[service]}"
            raise NoData(f"the store of {service} in {source} has {later}: restore it with gbike {manifest.gbike}")
    return manifest, plan


def _restored(source: Path, manifest: Manifest, plan: Plan, data: Path, tell: Tell) -> Plan:
    """Fill data/restoring; answers the plan of what will stand in `data`."""
    half = data / RESTORING
    closed_folder(half / "stores")
    postgres.prepare(half / engine.FOLDER)
    later = next(free_ports())  # nobody is there until the cluster is up; the old one's may be another's now
    on_postgres = [name for name, one in manifest.stores.items() if not one.file.endswith(".sqlite")]
    logins, final = (None, None) if plan.demo else (Logins(half, on_postgres), Logins(data, on_postgres))
    with engine.alone(half / engine.FOLDER, half / "logs" / "postgres.log", logins) as server:
        here, there = urls_at(server.port, on_postgres, logins), urls_at(later, on_postgres, final)
        stores = {}
        for name, one in manifest.stores.items():
            if name in here and logins is None:
                asyncio.run(postgres.create_database(server.port, name))
            url = here.get(name) or f"{SQLITE}{half.resolve()}/stores/{name}.sqlite"
            put_back(url, source / one.file)
            asyncio.run(_forget_the_log(url, name))
            stores[name] = there.get(name) or f"{SQLITE}{data.resolve()}/stores/{name}.sqlite"
            tell(f"{name} is back · 복원했어요")
    ports, readers = {**plan.ports, "postgres": later}, final.readers(later) if final else {}
    return msgspec.structs.replace(plan, stores=stores, readers=readers, ports=ports, data=str(data.resolve()))


async def _forget_the_log(url: str, service: str) -> None:
    store = open_store(url, service, SystemClock(), SystemIds())
    try:
        await put_back_in_time(store)
    finally:
        await store.close()
