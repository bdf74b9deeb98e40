"""`gbike events dead`: what a consumer set aside is listed, shown, and given to it again."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app, dead
from gbike.kit.storage.sqlite.store import SqliteReading, connect
from gbike.kit.store import Tx
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.journeys.fleet import open_deposits, register_bikes
from tests.support import EVERY_RIDE_COSTS, Client
from tests.waiting import until


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which billing set a return aside, because its books were closed; nothing runs on it."""
    for name, value in EVERY_RIDE_COSTS.items():
        monkeypatch.setenv(name, value)
    data = tmp_path / "data"
    whole = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
    client = Client(whole.app)
    await register_bikes(client, range(1, 2))
    await open_deposits(client, range(1, 2))
    await whole.settle()
    await whole.part("billing").store.write(close_the_books)
    assert (await client.post("/rents", {"userid": 1, "bikeid": 1})).status == 201
    assert (await client.patch("/rents/1", {"endlocation": "B"})).status == 200
    await whole.settle()
    await whole.stop()
    return data


def close_the_books(tx: Tx) -> None:
    tx.execute("CREATE TRIGGER closed BEFORE INSERT ON bills BEGIN SELECT RAISE(ABORT, 'the books are closed'); END")


def mend(data: Path) -> None:
    """Billing takes bills again."""
    connection = connect(data / "billing.sqlite")
    connection.execute("DROP TRIGGER closed")
    connection.close()


def gbike(*args: str) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    done = CliRunner().invoke(app, list(args))
    return done.exit_code, done.output


def waiting(data: Path) -> list[str]:
    """The ids that are set aside in billing."""
    rows = SqliteReading(connect(data / "billing.sqlite", read_only=True)).all("SELECT message_id FROM dead_letters")
    return [row[0] for row in rows]


def test_the_event_map_is_still_what_events_prints() -> None:
    code, text = gbike("events")
    assert code == 0
    assert "Returned" in text


def test_what_was_set_aside_is_listed_and_shown_with_its_reason(folder: Path) -> None:
    ids = waiting(folder)
    assert ids
    code, text = gbike("events", "dead", "list", "--data", str(folder))
    assert code == 0
    assert all(id in text for id in ids)
    assert "the books are closed" in text
    assert "보류" in text
    code, text = gbike("events", "dead", "show", ids[0], "--data", str(folder))
    assert code == 0
    assert '"eventType"' in text
    assert "ce_id" in text
    code, text = gbike("events", "dead", "list", "--data", str(folder), "--service", "view")
    assert dead.NONE in text


def test_replayed_too_early_it_stays_with_the_new_reason_and_mended_it_takes_effect(folder: Path) -> None:
    ids = waiting(folder)
    for id in ids:
        code, text = gbike("events", "dead", "replay", id, "--data", str(folder))
        assert code == 1
        assert "the books are closed" in text
    assert waiting(folder) == ids
    mend(folder)
    for id in ids:
        code, text = gbike("events", "dead", "replay", id, "--data", str(folder))
        assert code == 0, text
    assert waiting(folder) == []
    assert gbike("events", "dead", "replay", ids[0], "--data", str(folder))[0] == 2
    assert billed(folder) == [1]
    code, text = gbike("verify", "--data", str(folder))
    assert code == 0, text


def test_what_nobody_will_mend_is_dropped_with_a_reason_that_the_audit_log_keeps(folder: Path) -> None:
    ids = waiting(folder)
    there = ("--data", str(folder), "--reason")
    assert gbike("events", "dead", "drop", ids[0], *there, " ")[0] == 2
    assert gbike("events", "dead", "drop", ids[0], *there, "two\nlines")[0] == 2
    assert waiting(folder) == ids
    for id in ids:
        code, text = gbike("events", "dead", "drop", id, *there, "a test ride")
        assert (code, "audit" in text or "record" in text) == (0, True), text
    assert waiting(folder) == []
    assert gbike("events", "dead", "drop", ids[0], *there, "again")[0] == 2
    read = SqliteReading(connect(folder / "billing.sqlite", read_only=True))
    deeds = read.all("SELECT who, action, subject, after FROM audit WHERE action = 'dead letter dropped'")
    why = '{"reason":"a test ride"}'
    assert sorted(deeds) == [("local", "dead letter dropped", f"message:{id}", why) for id in ids]
    heard = {row[0] for row in read.all("SELECT message_id FROM inbox")}
    assert set(ids) <= heard  # when it comes again, it is not set aside again
    assert billed(folder) == []


def test_one_services_store_is_enough(folder: Path) -> None:
    mend(folder)
    there = ("--store", f"sqlite:///{folder / 'billing.sqlite'}", "--service", "billing")
    for id in waiting(folder):
        assert id in gbike("events", "dead", "list", *there)[1]
        assert gbike("events", "dead", "replay", id, *there)[0] == 0
    assert waiting(folder) == []
    assert billed(folder) == [1]
    assert gbike("events", "dead", "list", *there[:2])[0] == 2


def test_a_running_demo_is_asked_to_do_it_itself(folder: Path) -> None:
    ids = waiting(folder)
    mend(folder)
    command = [sys.executable, "-m", "gbike", "demo", "--data", str(folder), "--port", "0"]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: (it := DataFolder(folder).holder()) and it.control and Path(it.control).exists())
        first, *others = ids
        for id in others:
            assert gbike("events", "dead", "drop", id, "--data", str(folder), "--reason", "not needed")[0] == 0
        assert waiting(folder) == [first]
        for id in [first]:
            assert id in gbike("events", "dead", "list", "--data", str(folder))[1]
            code, text = gbike("events", "dead", "replay", id, "--data", str(folder))
            assert code == 0, text
        assert waiting(folder) == []
        assert billed(folder) == [1]
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(20)


def billed(data: Path) -> list[int]:
    """The rents that have a bill."""
    rows = SqliteReading(connect(data / "billing.sqlite", read_only=True)).all("SELECT rentid FROM bills")
    return [row[0] for row in rows]
