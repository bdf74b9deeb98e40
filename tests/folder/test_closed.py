"""What gbike writes is for its user only, whatever the umask; and what an older gbike left open is closed."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gbike.cli.doctor import secrets
from gbike.kit.files import CLOSED, closed_folder, private, write_whole
from gbike.run.folder.data_folder import DataFolder
from tests.account.house import admin_file, gbike, up
from tests.security.strangers import as_nobody, readable

MASKS = pytest.mark.parametrize("mask", [0o000, 0o022], ids=oct)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp(prefix="gbike-open-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


def open_ones(folder: Path) -> list[str]:
    """What is not its user's alone."""
    return [str(one) for one in (folder, *folder.rglob("*")) if stat.S_IMODE(one.lstat().st_mode) & 0o077]


@MASKS
@pytest.mark.usefixtures("umask")
def test_of_gbike_up_its_backups_and_what_is_restored_nobody_reads_anything(home: Path) -> None:
    data, running, stopped, restored = (home / name for name in ("data", "running", "stopped", "restored"))
    with up(data, "--admin-file", str(admin_file(home))):
        assert open_ones(data) == []
        assert gbike("backup", str(running), "--data", str(data)).returncode == 0
    assert gbike("backup", str(stopped), "--data", str(data)).returncode == 0
    assert gbike("restore", str(stopped), "--data", str(restored)).returncode == 0
    for folder in (data, running, stopped, restored):
        assert (folder / "account.sqlite").stat().st_size > 0
        assert [one for one in open_ones(folder) if one != str(folder)] == []
        assert stat.S_IMODE(folder.stat().st_mode) & ~CLOSED == 0
        assert readable(folder) == []
        assert "Permission denied" in as_nobody("ls", folder).stderr


def test_what_an_older_gbike_left_open_is_closed_at_the_next_start_and_nothing_else(home: Path) -> None:
    data = home / "data"
    folder = DataFolder(data)
    folder.acquire("an older one")
    folder.release()
    (data / "keys").mkdir()
    for name in ("account.sqlite", "account.sqlite-wal", "manifest.json", "keys/current.pem", "resets.jsonl"):
        (data / name).write_text("x")
    (data / "mine.txt").write_text("an operator's own")
    elsewhere = home / "elsewhere"
    elsewhere.write_text("y")
    (data / "logs").symlink_to(home)
    (data / "backed-up").symlink_to(elsewhere)
    for one in (data, *data.rglob("*"), elsewhere):
        one.chmod(0o755 if one.is_dir() else 0o644)
    folder.acquire("gbike up")
    folder.release()
    assert open_ones(data / "keys") == []
    left = {path.name for path in data.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077}
    assert left == {"mine.txt"}
    assert stat.S_IMODE(data.stat().st_mode) == CLOSED
    assert [stat.S_IMODE(one.stat().st_mode) for one in (home, elsewhere)] == [0o755, 0o644]


def test_a_folder_that_was_closed_more_is_not_opened(home: Path) -> None:
    data = home / "data"
    data.mkdir(mode=0o700)
    folder = DataFolder(data)
    folder.acquire("gbike backup")
    folder.release()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@MASKS
@pytest.mark.usefixtures("umask")
def test_files_are_made_closed_and_stay_so_when_an_open_one_was_there(home: Path) -> None:
    (home / ".file").write_text("of one who was killed")
    (home / "file").write_text("of an older one")
    for path in (home / ".file", home / "file"):
        path.chmod(0o666)
    write_whole(home / "file", b"x")
    (home / "other").write_text("of an older one")
    private(home / "other")
    closed_folder(home / "deep" / "deeper")
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("file", "other")} == {0o600}
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("deep", "deep/deeper")} == {CLOSED}


def test_a_folder_that_others_look_into_is_told(home: Path) -> None:
    data = home / "data"
    data.mkdir(mode=0o755)
    [found] = secrets.files(data, {})
    assert (found.rule, found.mend) == ("open-secret", f"chmod go-rw {data}")
    data.chmod(0o711)
    assert list(secrets.files(data, {})) == []
    (data / "rent.pass").write_text("x")
    (data / "rent.pass").chmod(0o644)
    assert [one.rule for one in secrets.files(data, {})] == ["open-secret"]


def test_a_store_s_password_in_a_file_is_long_and_secret(tmp_path: Path) -> None:
    file = tmp_path / "password"
    env = {"GBIKE_STORE_URL": "postgresql://rent@db.example/rent", "GBIKE_STORE_PASSWORD_FILE": str(file)}
    assert [one.rule for one in secrets.files(tmp_path / "none", env)] == ["missing-secret"]
    file.write_text("rent")
    file.chmod(0o644)
    assert [one.rule for one in secrets.weak(env)] == ["weak-secret"]
    assert [one.rule for one in secrets.files(tmp_path / "none", env)] == ["open-secret"]
    write_whole(file, b"0123456789abcdef0123456789abcdef\n")
    assert list(secrets.weak(env)) == list(secrets.files(tmp_path / "none", env)) == []
