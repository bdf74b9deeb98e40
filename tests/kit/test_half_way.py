"""A store in which gbike was killed while it made or changed the schema opens again: older ones left a part of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gbike.kit.storage.migrations import NoVersion
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, migrate, newest, version_of
from gbike.kit.storage.sqlite.store import connect, open_file
from gbike.run.registry import specs
from gbike.services.rent.storage import VERSIONS as RENT
from tests.cluster.running import gbike
from tests.kit.left import KILL, copied, rows_of, schema_of, upgraded_by_the_older, with_a_step

STORES = {card.name: card.versions for card in specs()} | {"bus": LOG_VERSIONS}
NEWEST = None if os.environ.get("GBIKE_FULL") else 2
"""How many of each store's steps are tried: the first one is always."""


def steps(versions: Path) -> list[str]:
    """The revisions of a store, oldest first."""
    return sorted(file.name.split("_")[0] for file in versions.glob("[0-9]*_*.py"))


def tried() -> Iterator[Any]:
    for name, versions in STORES.items():
        found = steps(versions)
        for before, step in zip(["", *found], found, strict=False):
            if not before or NEWEST is None or step in found[-NEWEST:]:
                yield pytest.param(versions, before, step, id=f"{name}-{step}")


def fill(path: Path) -> None:
    """A row in every table that has none, as a store in use has them."""
    with closing(connect(path)) as store:
        for table, rows in rows_of(path).items():
            if rows or table.startswith("sqlite_"):
                continue
            columns = store.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
            names = ", ".join(f'"{name}"' for name, _ in columns)
            given = ["1" if kind == "TEXT" else b"{}" if kind == "BLOB" else 1 for _, kind in columns]
            marks = ", ".join("?" * len(columns))
            store.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', given)


def assert_kept(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> None:
    """Every row is there once, with new columns at its end at most."""
    for table, rows in before.items():
        assert [row[: len(old)] for old, row in zip(rows, after[table], strict=True)] == rows, table


@pytest.mark.parametrize(("versions", "before", "step"), list(tried()))
def test_what_an_older_gbike_left_at_any_statement_of_a_step_is_finished(
    versions: Path, before: str, step: str, tmp_path: Path
) -> None:
    fresh, base = tmp_path / "fresh.sqlite", tmp_path / "base.sqlite"
    migrate(fresh, versions)
    base.touch()
    if before:
        assert not upgraded_by_the_older(base, versions, before, 999)
        fill(base)
    for statements in count():
        left = copied(base, tmp_path / f"{statements}.sqlite")
        killed = upgraded_by_the_older(left, versions, step, statements)
        if killed:
            assert version_of(left) == (before or None)
        assert migrate(left, versions) or step == newest(versions)
        assert schema_of(left) == schema_of(fresh), f"left after {statements} statements"
        assert version_of(left) == newest(versions)
        assert_kept(rows_of(base), rows_of(left))
        if not killed:
            break
    assert statements > 0 or step == newest(versions)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in use, in WAL mode, at a schema to which a step is added."""
    path = tmp_path / "rent.sqlite"
    migrate(path, RENT)
    fill(path)
    return path


def test_a_step_that_is_killed_leaves_the_file_as_it_was(store: Path, tmp_path: Path) -> None:
    before, schema = rows_of(store), schema_of(store)
    code = (
        "import sys; from pathlib import Path; from gbike.kit.storage.migrations.migrate import migrate;"
        " migrate(*map(Path, sys.argv[1:]))"
    )
    versions = with_a_step(RENT, tmp_path / "versions", KILL)
    done = subprocess.run([sys.executable, "-c", code, store, versions], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert (rows_of(store), schema_of(store), version_of(store)) == (before, schema, newest(RENT))
    with_a_step(RENT, versions, "")
    assert migrate(store, versions)
    assert version_of(store) == "9999"


def test_a_step_that_fails_leaves_the_file_as_it_was(store: Path, tmp_path: Path) -> None:
    before, schema = rows_of(store), schema_of(store)
    with pytest.raises(ZeroDivisionError):
        migrate(store, with_a_step(RENT, tmp_path / "versions", "1 / 0"))
    assert (rows_of(store), schema_of(store), version_of(store)) == (before, schema, newest(RENT))


def test_a_file_stays_in_the_mode_it_was_in(store: Path, tmp_path: Path) -> None:
    assert migrate(store, with_a_step(RENT, tmp_path / "versions", ""))
    with closing(open_file(store)) as file:
        assert file.pragma("journal_mode") == "wal"


def test_a_schema_of_a_newer_release_is_left_alone(store: Path) -> None:
    with closing(open_file(store)) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    before = rows_of(store)
    assert not migrate(store, RENT)
    assert (rows_of(store), version_of(store)) == (before, "9999")


def test_an_empty_store_without_a_version_is_made_anew_whatever_its_tables_are(store: Path, tmp_path: Path) -> None:
    left = tmp_path / "left.sqlite"
    with closing(connect(left)) as file:
        file.execute("PRAGMA user_version = 2; CREATE TABLE outbox (id INTEGER); CREATE TABLE moods (mood TEXT)")
    assert migrate(left, RENT)
    assert schema_of(left) == schema_of(store)
    with closing(open_file(left)) as file:
        assert file.pragma("user_version") == 2  # the mode that the folder is in


def test_rows_without_a_version_are_not_taken_for_nothing(store: Path) -> None:
    with closing(open_file(store)) as file:
        file.execute("DELETE FROM alembic_version")
    before = rows_of(store)
    with pytest.raises(NoVersion, match=f"{store} has rows in "):
        migrate(store, RENT)
    assert rows_of(store) == before
    for where in (("--data", str(store.parent)), ("--store", f"sqlite:///{store}")):
        done = gbike("migrate", "rent", *where)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"gbike: {store} has rows in ")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("folder", ["x?1", "x%20y", "한글 폴더", "x#1&mode=ro", "file:x", "a:b"])
def test_a_folder_may_have_any_name(folder: str, tmp_path: Path) -> None:
    path = tmp_path / folder / "rent.sqlite"
    path.parent.mkdir()
    assert migrate(path, RENT)
    assert version_of(path) == newest(RENT)
    assert [file.name for file in tmp_path.iterdir()] == [folder]
