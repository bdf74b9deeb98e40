"""A store's file that is missing, empty, older or another folder's is refused by name."""

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gbike.cli import verify
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import copy_running, copy_stopped, restore
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim
from gbike.run.folder.manifest import NotWhole, check, look
from gbike.services import NAMES
from tests.folder.lived import STORES, Lived, refused, ride, without_tables
from tests.support import EVERY_RIDE_COSTS, Client

Harm = Callable[[Lived, Path], object]
HARMS: dict[str, tuple[Harm, str]] = {
    "removed": (lambda _, file: file.unlink(), "is missing"),
    "emptied": (lambda _, file: file.write_bytes(b""), "is empty"),
    "without tables": (lambda _, file: without_tables(file), "is empty"),
    "a day old": (lambda lived, file: shutil.copy(lived.yesterday / file.name, file), "is older"),
    "another folder's": (lambda lived, file: shutil.copy(lived.other / file.name, file), "is of another folder"),
}
OTHER_STORES = {"billing": "rent", "rent": "billing"}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("store", NAMES)
def test_a_store_that_does_not_fit_is_refused_by_name(store: str, harm: str, lived: Lived, tmp_path: Path) -> None:
    data, (do, told) = lived.copy(tmp_path / "data"), HARMS[harm]
    do(lived, data / f"{store}.sqlite")
    with pytest.raises(NotWhole, match=f"{store}.sqlite {told}") as refusal:
        Embedded(DataFolder(data), {})
    assert len(refusal.value.problems) == 1
    assert "--adopt" in str(refusal.value)
    assert "복원" in str(refusal.value)
    assert not any(file.stat().st_size for file in data.glob("*-wal"))


@pytest.mark.parametrize(
    "command",
    [
        ("demo", "--port", "0"),
        ("verify",),
        ("backup", "elsewhere"),
        ("repair",),
        ("privacy", "export", "1"),
        ("privacy", "erase", "1", "--yes"),
        ("audit", "list"),
        ("events", "dead", "list"),
        ("events", "republish", "--since", "2026-11-29"),
        ("view", "rebuild"),
        ("view", "rebuild", "--verify"),
        ("trace", "1"),
        ("account", "roles", "1", "rider"),
        ("migrate", "rent"),
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_every_verb_looks_first(command: tuple[str, ...], lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "user_deposit.sqlite").unlink()
    refused([*command, "--data", str(data)], "user_deposit.sqlite is missing", "user_deposit.sqlite 파일이 없어요")
    assert not (data / "user_deposit.sqlite").exists()


def test_up_looks_first(tmp_path: Path) -> None:
    Embedded(DataFolder(tmp_path), {}, secure=True)
    (tmp_path / "user_deposit.sqlite").unlink()
    refused(["up", "--port", "0", "--data", str(tmp_path)], "user_deposit.sqlite is missing")


@pytest.mark.parametrize("store", OTHER_STORES)
def test_one_store_is_not_taken_for_another(store: str, lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    shutil.copy(data / f"{OTHER_STORES[store]}.sqlite", data / f"{store}.sqlite")
    with pytest.raises(NotWhole, match=f"{store}.sqlite is of another folder"):
        check(DataFolder(data))


def test_a_file_that_is_no_store_is_refused_by_name(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "billing.sqlite").write_bytes(b"no store" * 1000)
    refused(["trace", "1", "--data", str(data)], "billing.sqlite: it is damaged")


@pytest.mark.parametrize("content", [None, b"", b'{"id": 1}'])
def test_a_lost_manifest_is_refused_by_name(content: bytes | None, lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "manifest.json").unlink() if content is None else (data / "manifest.json").write_bytes(content)
    with pytest.raises(NotWhole, match=r"manifest.json (is missing|can't be read)"):
        check(DataFolder(data))


@pytest.mark.parametrize("harm", HARMS)
def test_a_lost_log_is_told_and_made_anew(harm: str, lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    assert not look(data).log_lost
    HARMS[harm][0](lived, data / "bus.sqlite")
    assert look(data).log_lost
    check(DataFolder(data))
    with pytest.raises(NotWhole, match=r"bus.sqlite"):
        copy_stopped(DataFolder(data), tmp_path / "backup")


async def test_a_start_knows_that_the_log_was_lost(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "bus.sqlite").unlink()
    for lost in (True, False):
        embedded = Embedded(DataFolder(data), {})
        assert embedded.generations is not None
        assert embedded.generations.log_lost == lost
        await embedded.stop()


async def test_a_folder_is_taken_as_it_is_after_a_look(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    (data / "user_deposit.sqlite").unlink()
    shutil.copy(lived.yesterday / "rent.sqlite", data)
    taken = claim(DataFolder(data), Mode.DEMO, adopt=True)
    assert [one.split(" ")[0] for one in taken] == ["rent.sqlite", "user_deposit.sqlite"]
    embedded = Embedded(DataFolder(data), EVERY_RIDE_COSTS)
    assert (await Client(embedded.app).get("/userDeposits/1")).status == 404
    await embedded.stop()
    assert list(look(data).problems()) == []
    assert claim(DataFolder(data), Mode.DEMO, adopt=True) == []


@pytest.mark.parametrize("store", STORES)
async def test_no_backup_is_made_of_a_running_folder_without_a_store(store: str, lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    embedded = Embedded(DataFolder(data), {})
    (data / f"{store}.sqlite").unlink()
    with pytest.raises(NotWhole, match=rf"{store}.sqlite is missing"):
        await copy_running(embedded, tmp_path / "backup")
    assert not (data / f"{store}.sqlite").exists()
    await embedded.stop()


@pytest.mark.parametrize("harm", ["removed", "emptied", "without tables", "a day old", "another folder's", "bytes"])
@pytest.mark.parametrize("store", STORES)
def test_a_backup_that_is_not_whole_is_refused_by_name(store: str, harm: str, lived: Lived, tmp_path: Path) -> None:
    backup = lived.copy(tmp_path / "backup", "backup")
    file = backup / f"{store}.sqlite"
    if harm == "bytes":
        raw = bytearray(file.read_bytes())
        raw[-1] ^= 1
        file.write_bytes(raw)
        told = "(is not the file that was copied|can't be read)"  # by which page it is
    else:
        HARMS[harm][0](lived, file)
        told = HARMS[harm][1]
    with pytest.raises(NotWhole, match=f"{store}.sqlite {told}") as refusal:
        restore(backup, DataFolder(tmp_path / "data"))
    assert len(refusal.value.problems) == 1
    assert not (tmp_path / "data").exists()


def test_a_file_of_a_later_backup_is_refused_by_name(lived: Lived, tmp_path: Path) -> None:
    backup = lived.copy(tmp_path / "backup", "older_backup")
    shutil.copy(lived.backup / "rent.sqlite", backup)
    with pytest.raises(NotWhole, match=r"rent.sqlite is not the file that was copied"):
        restore(backup, DataFolder(tmp_path / "data"))


def test_restore_says_in_one_line_what_is_missing(lived: Lived, tmp_path: Path) -> None:
    backup = lived.copy(tmp_path / "backup", "backup")
    (backup / "user_deposit.sqlite").unlink()
    data = str(tmp_path / "data")
    refused(["restore", str(backup), "--data", data], "user_deposit.sqlite is missing", "another backup", "--adopt")
    told: list[str] = []
    restore(backup, DataFolder(tmp_path / "data"), told.append, adopt=True)
    assert ["user_deposit.sqlite is missing" in line for line in told] == [True]
    Embedded(DataFolder(tmp_path / "data"), {})


async def test_what_is_restored_is_a_folder_of_its_own(lived: Lived, tmp_path: Path) -> None:
    data, told = tmp_path / "data", list[str]()
    restore(lived.backup, DataFolder(data))
    assert await verify.verify(DataFolder(data), EVERY_RIDE_COSTS, told.append) == 0, told
    shutil.copytree(data, tmp_path / "mixed")
    shutil.copy(lived.today / "rent.sqlite", tmp_path / "mixed")
    with pytest.raises(NotWhole, match=r"rent.sqlite is of another folder"):
        check(DataFolder(tmp_path / "mixed"))
    await ride(data, 3)
    shutil.copy(lived.backup / "rent.sqlite", data)
    with pytest.raises(NotWhole, match=r"rent.sqlite is of another folder"):
        check(DataFolder(data))


def test_a_copy_that_fails_leaves_nothing(lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gbike.run.folder.backup.file_digest", full)
    with pytest.raises(OSError, match="No space"):
        copy_stopped(DataFolder(lived.today), tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_what_an_older_gbike_wrote_meanwhile_is_no_older_file(lived: Lived, tmp_path: Path) -> None:
    data = lived.copy(tmp_path / "data")
    with closing(open_file(data / "rent.sqlite")) as store:
        store.execute("UPDATE alembic_version SET version_num = version_num")  # as an older gbike writes
    check(DataFolder(data))
