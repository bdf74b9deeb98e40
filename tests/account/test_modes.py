"""Whose a data folder is, and where nothing open may start."""

from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import copy, restore
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, OtherMode, claim
from tests.account.house import gbike


async def used(path: Path, mode: Mode | None) -> DataFolder:
    """A folder that ran once; mode None: before there were marks."""
    folder = DataFolder(path)
    folder.acquire("a test")
    folder.release()
    if mode is not None:
        claim(folder, mode)
    embedded = Embedded(folder, {}, secure=mode is Mode.SECURE)
    await embedded.stop()
    return folder


@pytest.mark.parametrize("mine", list(Mode))
async def test_a_folder_stays_what_it_was_first(mine: Mode, tmp_path: Path) -> None:
    folder = await used(tmp_path / "data", mine)
    (other,) = set(Mode) - {mine}
    claim(folder, mine)
    with pytest.raises(OtherMode):
        claim(folder, other)


async def test_a_folder_from_before_there_were_marks_is_a_demos(tmp_path: Path) -> None:
    folder = await used(tmp_path / "data", None)
    with pytest.raises(OtherMode):
        claim(folder, Mode.SECURE)
    claim(folder, Mode.DEMO)


async def test_a_backup_belongs_to_the_same_mode(tmp_path: Path) -> None:
    folder = await used(tmp_path / "data", Mode.SECURE)
    assert copy(folder, tmp_path / "copy").ok
    back = DataFolder(tmp_path / "back")
    restore(tmp_path / "copy", back)
    with pytest.raises(OtherMode):
        claim(back, Mode.DEMO)
    claim(back, Mode.SECURE)


def test_the_commands_refuse_the_others_folder(tmp_path: Path) -> None:
    for mode, verb in ((Mode.SECURE, "demo"), (Mode.DEMO, "up")):
        data = tmp_path / verb
        data.mkdir()
        claim(DataFolder(data), mode)
        with closing(open_file(data / "bus.sqlite")) as log:
            assert log.pragma("user_version") == mode.value
        done = gbike(verb, "--port", "0", "--data", str(data))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
        assert "choose another folder" in done.stderr


def refused(*command: str, **env: str) -> str:
    """The one line that a verb ends with."""
    done = CliRunner().invoke(app, command, env={"GBIKE_DATA": None, **env})
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done
    return done.stderr


@pytest.mark.parametrize(
    "command",
    [("demo", "--port", "0"), ("cluster", "up", "--demo", "--port", "0"), ("gateway", "--demo")],
    ids=lambda command: str(command[0]),
)
def test_nothing_open_starts_in_production(command: tuple[str, ...], tmp_path: Path) -> None:
    assert "GBIKE_ENV=production" in refused(*command, "--data", str(tmp_path / "data"), GBIKE_ENV="production")


def test_no_open_service_starts_in_production() -> None:
    assert "GBIKE_ENV=production" in refused("serve", "rent", "--port", "0", GBIKE_ENV="production", GBIKE_DEMO="1")


def test_up_is_never_open(tmp_path: Path) -> None:
    assert "GBIKE_DEMO" in refused("up", "--data", str(tmp_path / "data"), GBIKE_DEMO="1")


def test_a_secure_account_service_has_no_key_by_default() -> None:
    env = {"GBIKE_STORE_URL": "sqlite:////tmp/never", "GBIKE_KAFKA": "127.0.0.1:1"}
    assert "GBIKE_ACCOUNT_KEYS is not set" in refused("serve", "account", "--port", "0", **env)
