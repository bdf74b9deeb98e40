"""A folder of one process becomes a cluster's databases: everything, or nothing that counts."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gbike.cli.move.screen import Screen
from gbike.cli.move.source import scratch_of
from gbike.kit.storage.migrations.migrate import migrate_url
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import spec
from gbike.services import NAMES
from tests.move.moving import (
    OPEN,
    RIDES,
    WEEK_OLD,
    Databases,
    a_demo,
    change,
    content,
    digest,
    killed_at,
    move,
    moved,
    read,
)
from tests.postgres import Server
from tests.support import EVERY_RIDE_COSTS
from tests.upgrade.kept import KEPT, put_back
from tests.upgrade.kept import OPEN as STILL_OPEN

LONG = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="one kill of three: GBIKE_FULL=1")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(durable=False)
    yield server
    server.remove()


@pytest.fixture
def databases(server: Server) -> Databases:
    return Databases(server)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return asyncio.run(a_demo(tmp_path_factory.mktemp("made") / "data"))


@pytest.fixture
def folder(made: DataFolder, tmp_path: Path) -> DataFolder:
    return DataFolder(shutil.copytree(made.path, tmp_path / "data"))


def test_every_row_is_there_and_numbers_go_on(folder: DataFolder, databases: Databases) -> None:
    change(folder, "rent", "UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'rents'")
    before = content(folder)

    printed = moved(folder, databases.url)

    assert content(folder) == before, "the folder stays as it is"
    after = databases.content(before)
    for name, tables in before.items():
        for table, rows in tables.items():
            if table not in ("outbox", "positions", "alembic_version", "seal"):
                assert after[name][table] == rows, (name, table)
        assert after[name]["positions"] == []
        assert databases.ask(name, "SELECT 1 FROM information_schema.tables WHERE table_name = 'moving'") == []
    assert len(before["rent"]["rents"]) == RIDES + 2 * OPEN
    assert databases.ask("rent", "SELECT nextval(pg_get_serial_sequence('rents', 'rentid'))") == [(5001,)]
    [(last,)] = read(folder, "rent", "SELECT max(id) FROM outbox")
    assert databases.ask("rent", "SELECT nextval(pg_get_serial_sequence('outbox', 'id'))") == [(last + 1,)]
    assert "0 violations on both sides" in printed
    assert f"gbike cluster up --demo --data {databases.url}" not in printed
    assert "never start it again" in printed


def test_messages_of_seven_days_are_published_once_more(folder: DataFolder, databases: Databases) -> None:
    shown = {name: read(folder, name, "SELECT count(*) FROM outbox")[0][0] for name in NAMES}

    printed = moved(folder, databases.url)

    waiting = {
        name: databases.ask(name, "SELECT count(*) FROM outbox WHERE published_ms IS NULL")[0][0] for name in NAMES
    }
    assert waiting == {**shown, "bike": shown["bike"] - WEEK_OLD}
    assert f"{sum(waiting.values())} messages of 7 days" in printed


@pytest.fixture(scope="module")
def straight(made: DataFolder, server: Server) -> str:
    """What is told of all rows when nothing comes between."""
    return digest(moved(made, Databases(server).url))


def test_moved_twice_from_the_start_it_is_the_same(straight: str, folder: DataFolder, databases: Databases) -> None:
    assert digest(moved(folder, databases.url)) == straight


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("rent rents", id="in the first database", marks=LONG),
        pytest.param("rent_and_billing_view kept", id="in a later one"),
        pytest.param("rows · 행", id="while outboxes are opened", marks=LONG),
    ],
)
def test_killed_half_way_it_begins_anew_and_is_the_same(
    words: str, straight: str, folder: DataFolder, databases: Databases
) -> None:
    killed_at(folder, databases.url, words)
    assert any(scratch_of(folder).iterdir())

    assert digest(moved(folder, databases.url)) == straight
    assert not scratch_of(folder).exists(), "no copy of what people trust us with stays behind"
    refused = move(folder, databases.url)
    assert refused.exit_code == 2, "what is whole is never cleared"
    assert "has rows in" in refused.output


def test_stopped_at_its_very_end_it_is_only_ended(folder: DataFolder, databases: Databases) -> None:
    """Everything was whole and said so, and not every mark was gone; nothing is cleared."""
    moved(folder, databases.url)
    mark = f"CREATE TABLE moving AS SELECT '{folder.path}'::text AS source, true AS filled"
    databases.ask(NAMES[0], mark)
    databases.ask("bike", "INSERT INTO commits VALUES ('writer', 1, 1)")

    assert "all rows are there already" in moved(folder, databases.url)

    assert databases.ask(NAMES[0], "SELECT 1 FROM pg_tables WHERE tablename = 'moving'") == []
    assert databases.ask("rent", "SELECT count(*) FROM rents") == [(RIDES + 2 * OPEN,)]


def test_each_service_writes_as_a_role_of_its_own(folder: DataFolder, databases: Databases) -> None:
    for name in NAMES:
        databases.make(name, anew=True)
        databases.ask(name, f"CREATE ROLE {name} LOGIN")
        databases.ask(name, f"ALTER DATABASE {name} OWNER TO {name}")

    moved(folder, databases.url.replace("gbike@", "{service}@"))

    for name in NAMES:
        owners = databases.ask(name, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert owners == [(name,)]


@pytest.mark.parametrize("table", ["tariffs", "positions", "commits"])
def test_a_target_with_rows_is_refused_by_name(table: str, folder: DataFolder, databases: Databases) -> None:
    databases.make("billing")
    migrate_url(databases.server.url("billing"), spec("billing").versions)
    databases.ask("billing", f"INSERT INTO {table} {_a_row(databases, 'billing', table)}")

    refused = move(folder, databases.url)

    assert refused.exit_code == 2
    assert f"the database billing has rows in {table}" in refused.output
    assert databases.ask("billing", f"SELECT count(*) FROM {table}") == [(1,)]


def _a_row(databases: Databases, service: str, table: str) -> str:
    """Values that a table takes."""
    kinds = databases.ask(
        service,
        f"SELECT data_type FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position",
    )
    values = ", ".join("'x'" if kind == "text" else "1" for (kind,) in kinds)
    return f"VALUES ({values})"


def test_somebody_elses_database_is_refused(folder: DataFolder, databases: Databases) -> None:
    databases.make("account", anew=True)
    databases.ask("account", "CREATE TABLE invoices (number int)")

    refused = move(folder, databases.url)

    assert refused.exit_code == 2
    assert "it has a table invoices" in refused.output


def test_an_unfinished_target_is_anothers_when_another_folder_or_a_service_wrote_it(
    folder: DataFolder, databases: Databases, tmp_path: Path
) -> None:
    killed_at(folder, databases.url, "bike bikes")
    other = DataFolder(shutil.copytree(folder.path, tmp_path / "other"))

    refused = move(other, databases.url)
    assert refused.exit_code == 2
    assert f"is being filled from {folder.path}" in refused.output

    databases.ask("rent", "INSERT INTO commits VALUES ('writer', 1, 1)")
    refused = move(folder, databases.url)
    shutil.rmtree(scratch_of(folder))
    assert refused.exit_code == 2
    assert "the database rent has rows in commits" in refused.output
    assert databases.ask("rent", "SELECT count(*) FROM rents") == [(RIDES + 2 * OPEN,)]


def test_a_folder_in_use_is_refused(folder: DataFolder, databases: Databases) -> None:
    runs = DataFolder(folder.path)
    runs.acquire("gbike demo")
    try:
        refused = move(folder, databases.url)
    finally:
        runs.release()
    assert refused.exit_code == 2
    assert "is in use by gbike demo" in refused.output


def test_what_was_not_heard_is_heard_on_the_copy(folder: DataFolder, databases: Databases) -> None:
    """A relay that was stopped before it had published; the folder itself is not brought to rest."""
    change(folder, "rent", "UPDATE outbox SET published_ms = NULL WHERE id > 5")
    before = content(folder)

    printed = moved(folder, databases.url)

    assert "bringing the copy to rest" in printed
    assert "messages of rent are not published" in printed
    assert content(folder) == before


def test_a_folder_that_an_older_version_left_half_way_is_moved(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rides under way, bills without a payment, points on their way, and the schema of c943df6."""
    for name, value in EVERY_RIDE_COSTS.items():
        monkeypatch.setenv(name, value)
    folder = put_back(KEPT / "demo", tmp_path)
    before = content(folder)

    printed = moved(folder, databases.url)

    assert "bringing the copy to rest" in printed
    assert content(folder) == before
    riding = databases.ask("rent", "SELECT rentid FROM rents WHERE status = 'rented' ORDER BY rentid")
    assert [rentid for (rentid,) in riding] == sorted(STILL_OPEN)
    unpaid = databases.ask("billing", "SELECT rentid FROM bills WHERE status <> 'CLOSEBILL' ORDER BY rentid")
    assert [rentid for (rentid,) in unpaid] == sorted(STILL_OPEN)


def test_what_will_not_be_heard_is_named(folder: DataFolder, databases: Databases) -> None:
    [(message,)] = read(folder, "rent", "SELECT message_id FROM outbox WHERE type = 'Rented' LIMIT 1")
    change(folder, "billing", "DELETE FROM inbox WHERE message_id = ?", (message,))

    refused = move(folder, databases.url)

    assert refused.exit_code == 1, refused.output
    assert f"Rented {message} did not reach billing" in refused.output


def test_a_folder_whose_books_do_not_fit_is_refused(folder: DataFolder, databases: Databases) -> None:
    change(folder, "user_deposit", "UPDATE deposits SET balance = balance + 1 WHERE userid = 3")

    refused = move(folder, databases.url)

    assert refused.exit_code == 1, refused.output
    assert "the folder has" in refused.output
    assert "I12" in refused.output


def test_a_letter_that_postgresql_has_not_is_named_with_its_row(folder: DataFolder, databases: Databases) -> None:
    change(folder, "bike", "UPDATE bikes SET location = 'a' || char(0) || 'b' WHERE bikeid = 7")

    refused = move(folder, databases.url)

    assert refused.exit_code == 2
    assert "bike: bikes does not fit, at the row 7" in refused.output
    assert "NUL" in refused.output


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE wishes (n INTEGER)", "bike: the database has no table wishes"),
        ("DROP TABLE tombstones", "bike: the folder has no table tombstones"),
        ("ALTER TABLE bikes ADD COLUMN colour TEXT", "bike: the database has no column colour in bikes"),
    ],
)
def test_a_table_or_column_of_one_side_is_named(
    statement: str, words: str, folder: DataFolder, databases: Databases
) -> None:
    change(folder, "bike", statement)

    refused = move(folder, databases.url)

    assert refused.exit_code == 2
    assert words in refused.output


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("mysql://here", "write a folder, or postgresql://"),
        ("postgresql://gbike@127.0.0.1:1/", "does not give a database for each service"),
        ("", "write a folder, or postgresql://"),
    ],
)
def test_a_target_that_is_none_is_told_in_one_line(to: str, words: str, folder: DataFolder) -> None:
    refused = move(folder, to)

    assert refused.exit_code == 2
    assert words in refused.output
    assert len(refused.output.splitlines()) == 1


def test_a_folder_that_is_none_or_lacks_a_store_is_refused(folder: DataFolder, tmp_path: Path) -> None:
    assert "there is no gbike data" in move(DataFolder(tmp_path / "nothing"), "x").output
    folder.store_path("user_deposit").unlink()

    refused = move(folder, tmp_path / "new")

    assert refused.exit_code == 2
    assert "lacks user_deposit.sqlite" in refused.output
    assert not (tmp_path / "new").exists()


def test_a_damaged_store_is_told_in_one_line(folder: DataFolder, databases: Databases) -> None:
    with folder.store_path("rent").open("r+b") as file:
        file.write(b"no database at all")

    refused = move(folder, databases.url)

    assert refused.exit_code == 2
    assert "rent.sqlite: it is damaged" in refused.output
    assert len(refused.output.splitlines()) == 1


def test_a_terminal_shows_a_bar_and_anything_else_a_line_for_each_table() -> None:
    shown: dict[bool, str] = {}
    for terminal in (True, False):
        out = StringIO()
        with Screen(Console(file=out, force_terminal=terminal, width=80)) as screen:
            screen.expect(7_000)
            screen.moved("rent rents", 5_000, False)
            screen.moved("rent rents", 2_000, True)
            screen.moved("rent riders", 0, True)
        shown[terminal] = out.getvalue()
    assert "7000/7000" in shown[True]
    assert "rent rents: 7000 rows" not in shown[True]
    assert shown[False] == "rent rents: 7000 rows · 7000행\n"
