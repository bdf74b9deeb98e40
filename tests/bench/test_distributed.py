"""The bench of the distributed form measures what it says, and refuses where its engines are missing."""

from pathlib import Path

import pytest

from dev.bench import cli
from dev.bench.engines import engines_folder, postgresql
from dev.bench.store import commands
from gbike.run.engines import CannotRun, kafka, postgres


def test_without_a_real_kafka_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kafka, "why_not", lambda: "there is no Java")

    assert cli.main(["--distributed", "--only", "relay"]) == 2
    assert "there is no Java" in capsys.readouterr().err


def test_a_part_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as usage:
        cli.main(["--distributed", "--only", "reads"])

    assert usage.value.code == 2
    assert "store, relay, consumer, cycles" in capsys.readouterr().err


async def test_commands_are_counted_in_the_database_beside_pgbench() -> None:
    try:
        postgres.binaries()
    except CannotRun as missing:
        pytest.skip(str(missing))
    with engines_folder() as folder:
        async with postgresql(folder) as port:
            lines = await commands(port, Path(folder), rounds=1, seconds=0.2, clients=(4,))

    assert [line.figure for line in lines] == ["floor: pgbench -M prepared, 4 clients", "store commands, 4 requesters"]
    assert all(float(line.measured.removesuffix("/s").replace(",", "")) > 0 for line in lines)
