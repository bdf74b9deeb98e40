"""`gbike audit list|verify|export` on the folder of a demo: what a person at a terminal sees."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gbike.cli import app
from gbike.cli.audit import since
from gbike.kit.audit.chain import Witness
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.audit.chains import forger
from tests.support import Client


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A folder with a few deeds."""
    embedded = Embedded(DataFolder(tmp_path), {})
    client = Client(embedded.app)
    for userid in (5, 6):
        await client.post("/userDeposits", {"userid": userid, "deposit": 1000})
    await client.post("/bikes", {"bikeid": 1, "status": "사용가능"})
    await embedded.stop()
    return tmp_path


def audit(data: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["audit", *words, "--data", str(data)])


def forge(data: Path, statements: Sequence[str]) -> None:
    with forger(data / "user_deposit.sqlite") as hand:
        for statement in statements:
            hand.execute(statement)
        hand.execute("COMMIT")
        hand.execute("BEGIN")


async def test_the_list_tells_who_did_what_to_whom(data: Path) -> None:
    shown = audit(data, "list", "--subject", "user:5")
    assert shown.exit_code == 0
    assert "demo (admin,bikeManager,rider) open  deposit opened user:5" in shown.output
    assert "user:6" not in shown.output
    assert "1 deeds" in shown.output
    assert "nothing is on record" in audit(data, "list", "--who", "7").output
    assert "nothing is on record" in audit(data, "list", "--since", "2126-01-01").output
    assert "3 deeds" in audit(data, "list", "--since", "1h").output
    assert audit(data, "list", "--since", "yesterday").exit_code == 2


async def test_a_whole_chain_is_verified_and_a_touched_one_is_told(data: Path) -> None:
    whole = audit(data, "verify")
    assert (whole.exit_code, whole.output.splitlines()[-1].partition(" ·")[0]) == (0, "0 breaks")
    forge(data, ["UPDATE audit SET after = '{}' WHERE number = 1"])
    broken = audit(data, "verify")
    assert broken.exit_code == 1
    assert "audit user_deposit: row 1 was changed" in broken.output


async def test_an_export_that_was_kept_elsewhere_tells_of_a_chain_that_was_cut_and_mended(data: Path) -> None:
    exported = audit(data, "export")
    kept = data / "elsewhere.jsonl"
    kept.write_text(exported.output)
    lines = [json.loads(line) for line in exported.output.splitlines()]
    assert {line["service"] for line in lines} == {"bike", "user_deposit"}
    assert audit(data, "verify", "--against", str(kept)).exit_code == 0
    first = next(line for line in lines if line["service"] == "user_deposit")
    forge(data, ["DELETE FROM audit WHERE number = 2", f"UPDATE audit_head SET number = 1, hash = '{first['hash']}'"])
    assert audit(data, "verify").exit_code == 0
    told = audit(data, "verify", "--against", str(kept))
    assert told.exit_code == 1
    assert "audit user_deposit: row 2 is known from elsewhere and is not here" in told.output


async def test_the_heads_of_verify_and_of_the_log_are_such_a_file_too(data: Path) -> None:
    kept = data / "heads.jsonl"
    kept.write_text(audit(data, "verify", "--json").output)
    assert audit(data, "verify", "--against", str(kept)).exit_code == 0
    embedded = Embedded(DataFolder(data), {})
    with capture_logs() as logged:
        witness = Witness(embedded.part("userDeposit").store, "user_deposit")
        assert [await witness.step(), await witness.step()] == [0, 0]
    await embedded.stop()
    (printed,) = logged
    kept.write_text("not JSON\n" + json.dumps(printed) + "\n")
    assert audit(data, "verify", "--against", str(kept)).exit_code == 0
    kept.write_text(json.dumps({**printed, "hash": "0" * 64}) + "\n")
    assert audit(data, "verify", "--against", str(kept)).exit_code == 1


async def test_a_file_that_names_no_row_is_no_comfort(data: Path) -> None:
    (data / "empty.jsonl").write_text("nothing\n")
    assert audit(data, "verify", "--against", str(data / "empty.jsonl")).exit_code == 2
    assert audit(data, "verify", "--against", str(data / "absent.jsonl")).exit_code == 2


def test_a_moment_is_a_date_a_time_or_so_long_ago() -> None:
    assert since("2026-11-23") == since("2026-11-23T09:00:00+09:00") == 1_795_392_000_000
    assert since("1h") - since("1d") in range(23 * 3_600_000 - 1_000, 23 * 3_600_000 + 1_000)
