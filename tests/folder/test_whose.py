"""Whose a folder is, is known whatever file of it is lost; and what an older gbike left is taken when it is whole."""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gbike.cli import verify
from gbike.kit.storage.migrations.migrate import LOG_VERSIONS, migrate
from gbike.kit.storage.sqlite.seal import read_seal
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import restore
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.run.folder.data_mode import Mode, OtherMode, claim, mode_of
from gbike.run.folder.manifest import NotWhole, check, look
from gbike.services import NAMES
from gbike.services.rent.wiring import SPEC as RENT
from tests.folder.lived import STORES, refused
from tests.folder.verbs import run
from tests.support import EVERY_RIDE_COSTS
from tests.upgrade.kept import KEPT, put_back

OLD = {
    "0.1.0": (KEPT.parent / "0.1.0", Mode.DEMO),
    "c943df6 demo": (KEPT / "demo", Mode.DEMO),
    "c943df6 secure": (KEPT / "secure", Mode.SECURE),
}
LOSSES: list[tuple[str, ...]] = [("bus.sqlite",), (MANIFEST,), ("bus.sqlite", MANIFEST), ("account.sqlite",)]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `gbike up` used."""
    data = tmp_path_factory.mktemp("secure") / "data"

    async def use() -> None:
        claim(DataFolder(data), Mode.SECURE)
        await Embedded(DataFolder(data), {}, secure=True).stop()

    asyncio.run(use())
    return data


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[DataFolder, Mode]:
    """What an older gbike left."""
    kept, mode = OLD[request.param]
    (tmp_path / "old").mkdir()
    return put_back(kept, tmp_path / "old"), mode


@pytest.mark.parametrize("gone", LOSSES, ids="+".join)
def test_a_secure_folder_is_never_opened_by_demo(gone: Sequence[str], secure: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(secure, data)
    for name in gone:
        (data / name).unlink()
    for adopt in ([], ["--adopt"]):
        refused(["demo", "--port", "0", "--data", str(data), *adopt], "`gbike up`, not of `gbike demo`")
    assert not any((data / name).exists() for name in gone)


@pytest.mark.parametrize("left", STORES)
def test_any_store_that_says_secure_decides(left: str, secure: Path, tmp_path: Path) -> None:
    shutil.copy(secure / f"{left}.sqlite", tmp_path)
    assert mode_of(DataFolder(tmp_path)) is Mode.SECURE


async def test_a_manifest_that_says_demo_opens_no_secure_store(secure: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(secure, data)
    manifest = data / MANIFEST
    manifest.write_text(manifest.read_text("utf-8").replace('"secure"', '"demo"'), "utf-8")
    with pytest.raises(OtherMode):
        claim(DataFolder(data), Mode.DEMO)


@pytest.mark.parametrize("gone", [("bus",), ("bus", "account")], ids="+".join)
def test_an_old_secure_folder_without_its_log_is_never_opened_by_demo(gone: Sequence[str], tmp_path: Path) -> None:
    folder = put_back(KEPT / "secure", tmp_path)
    for name in gone:
        folder.store_path(name).unlink()
    for adopt in ([], ["--adopt"]):
        refused(["demo", "--port", "0", "--data", str(tmp_path), *adopt], "`gbike up`, not of `gbike demo`")
    assert not folder.bus_path.exists()


async def test_what_an_older_gbike_left_is_adopted(old: tuple[DataFolder, Mode]) -> None:
    folder, mode = old
    told: list[str] = []
    assert await verify.verify(folder, EVERY_RIDE_COSTS, told.append) == 0, told
    assert not (folder.path / MANIFEST).exists()  # nobody wrote to it
    claim(folder, mode)
    assert look(folder.path).manifest is not None
    await Embedded(folder, EVERY_RIDE_COSTS, secure=mode is Mode.SECURE).stop()
    assert mode_of(folder) is mode
    for name in STORES:
        with closing(open_file(folder.store_path(name))) as store:
            seal = read_seal(store)
        assert seal is not None
        assert (seal.store, seal.mode, seal.generation) == (name, mode.name.lower(), 2)
    assert await verify.verify(folder, EVERY_RIDE_COSTS, told.append) == 0, told


def test_a_store_that_its_version_had_is_missed(old: tuple[DataFolder, Mode], tmp_path: Path) -> None:
    folder, mode = old
    for name in [name for name in STORES if folder.store_path(name).exists()]:
        data = tmp_path / name
        shutil.copytree(folder.path, data)
        for harm in (Path.unlink, lambda file: file.write_bytes(b"")):
            harm(data / f"{name}.sqlite")
            seen = look(data)
            assert [problem.file for problem in seen.problems()] == [f"{name}.sqlite"]
            assert name == "bus" or seen.mode == mode.name.lower()
            with pytest.raises(NotWhole):
                restore(data, DataFolder(tmp_path / "restored"))
            with pytest.raises(NotWhole):
                Embedded(DataFolder(data), {})


async def test_an_old_backup_is_put_back_when_it_is_whole(old: tuple[DataFolder, Mode], tmp_path: Path) -> None:
    folder, mode = old
    back, told = DataFolder(tmp_path / "back"), list[str]()
    restore(folder.path, back, told.append)
    assert told == []
    assert mode_of(back) is mode
    assert await verify.verify(back, EVERY_RIDE_COSTS, told.append) == 0, told
    await Embedded(back, EVERY_RIDE_COSTS).stop()
    back.store_path("rent").unlink()
    with pytest.raises(NotWhole, match=r"rent.sqlite is missing"):
        check(back)


async def test_an_old_folder_without_a_store_is_taken_after_a_look(tmp_path: Path) -> None:
    folder = put_back(KEPT / "secure", tmp_path)
    for name in ("bus", "account"):
        folder.store_path(name).unlink()
    with pytest.raises(NotWhole, match=r"bus.sqlite is missing; account.sqlite is missing"):
        claim(folder, Mode.SECURE)
    assert len(claim(folder, Mode.SECURE, adopt=True)) == 2
    assert look(folder.path).log_lost
    await Embedded(folder, {}, secure=True).stop()
    assert not look(folder.path).log_lost
    check(folder)


def made_so_far(data: Path, files: int) -> None:
    """What is left of an older gbike's first start that was killed: some stores, the last without tables."""
    data.mkdir()
    order = ["bus", *NAMES]
    for name in order[: files - 1]:
        migrate(data / f"{name}.sqlite", LOG_VERSIONS if name == "bus" else RENT.versions)
        with closing(open_file(data / f"{name}.sqlite")) as store:
            store.execute("DROP TABLE seal")
    (data / f"{order[files - 1]}.sqlite").write_bytes(b"")


@pytest.mark.parametrize("files", [1, 2, 3])
def test_a_first_start_of_an_older_gbike_that_was_killed_is_begun_again(files: int, tmp_path: Path) -> None:
    made_so_far(tmp_path / "data", files)
    check(DataFolder(tmp_path / "data"))


@pytest.mark.parametrize("made", range(len(STORES) + 1))
async def test_a_first_start_that_was_killed_is_begun_again(
    made: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As kill -9: nothing is tidied."""

    left = [made]

    def killed(*what: object) -> bool:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return migrate(*what)  # type: ignore[arg-type]

    folder = DataFolder(tmp_path / "data")
    claim(folder, Mode.SECURE)
    with monkeypatch.context() as patch:
        patch.setattr("gbike.run.embedded.migrate", killed)
        patch.setattr("gbike.run.folder.generations.Generations.seal", killed)
        with pytest.raises(Killed):
            Embedded(folder, {}, secure=True)
    with pytest.raises(OtherMode):
        claim(folder, Mode.DEMO)
    claim(folder, Mode.SECURE)
    await Embedded(folder, {}, secure=True).stop()
    assert list(look(folder.path).problems()) == []


def test_an_old_folder_of_which_one_schema_is_new_is_whole_still(tmp_path: Path) -> None:
    folder = put_back(KEPT.parent / "0.1.0", tmp_path)
    for service in ("rent", "view"):
        done = run(["migrate", service, "--data", str(tmp_path)])
        assert done.code == 0, done.output
    check(folder)
    assert mode_of(folder) is Mode.DEMO
