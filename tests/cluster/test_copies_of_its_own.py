"""A stopped cluster's own PostgreSQL is started for a backup, and a restored one is as closed as it was."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gbike.run.cluster import engine
from gbike.run.cluster.plan import FILE, BadCluster, Options, Plan, keep_plan, make_plan, read_plan
from gbike.run.engines import postgres
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs
from gbike.run.single import migrate_store
from tests.cluster.running import gbike
from tests.journeys.engines import EVERY


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_a_stopped_clusters_own_postgres_is_started_for_its_backup(home: Path) -> None:
    folder = DataFolder(home / "data")
    folder.path.mkdir()
    postgres.prepare(folder.path / engine.FOLDER)
    with engine.alone(folder.path / engine.FOLDER, home / "log") as server:
        for spec in specs():
            asyncio.run(postgres.create_database(server.port, spec.name))
            migrate_store(postgres.url(server.port, spec.name), spec.versions)
    stores = {name: postgres.url(1, name) for name in EVERY}
    keep_plan(Plan("http://127.0.0.1:1", "127.0.0.1:1", stores, [], {"postgres": 1}, demo=False), folder.path)
    done = gbike("backup", str(home / "backup"), "--data", str(folder.path))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"keys are not in it: keep {folder.path / 'keys'} apart" in done.stdout
    manifest = json.loads((home / "backup" / "manifest.json").read_bytes())
    assert manifest["form"] == "cluster"
    assert manifest["mode"] == "secure"
    assert set(manifest["stores"]) == EVERY
    assert set(manifest["sha256"]) == {FILE, *(f"{name}.dump" for name in EVERY)}
    for made in (home / "backup", *(home / "backup").iterdir()):
        assert made.stat().st_mode & 0o077 == 0, made
    done = gbike("restore", str(home / "backup"), "--data", str(home / "new"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"gbike cluster up --data {home / 'new'}" in done.stdout
    with pytest.raises(BadCluster, match="no --store"):
        make_plan(Options(home / "new", port=0, stores=["rent=sqlite"]))
    plan = read_plan(home / "new")
    assert plan is not None
    with engine.reached(plan, home / "new") as there:  # it was restored by the services' own logins, and so it stays
        for name, url in there.stores.items():
            with psycopg.connect(url) as own:
                assert own.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'outbox'").fetchone() == (name,)
            with pytest.raises(psycopg.OperationalError, match="no password supplied"):
                psycopg.connect(url.replace(f"//{name}@", "//gbike@").partition("?")[0])
    done = gbike("backup", str(home / "again"), "--data", str(home / "new"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "passfile" not in (home / "again" / FILE).read_text()
