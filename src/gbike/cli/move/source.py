"""What is moved: a copy of the folder's stores, brought to rest. The folder itself stays as it is."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path

import apsw

from gbike.cli.move import CannotMove, NotTheSame
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.cluster.plan import read_plan
from gbike.run.cluster.wait_idle import Tell, unfinished
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import NoData, copy_store
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.run.folder.data_mode import settings_of
from gbike.run.open_stores import open_readings
from gbike.run.registry import specs
from gbike.services import NAMES

REST_S = 60
"""How long the copy may take to come to rest: rents and reports that are pending end by their deadlines."""
POLL_S = 1
"""Between two looks."""
PENDING_WORD = " pending"
"""What waits for its deadline; nothing else is worth waiting for."""
ROOM = 1.2
"""How much room the copy takes, in sizes of the folder's files: their newest schema may need some more."""


def must_be_whole(folder: DataFolder) -> None:
    """The folder is one of a single process, with every store. Raises NoData."""
    if read_plan(folder.path) is not None:
        raise NoData(f"{folder.path} is the folder of a cluster already · 이미 클러스터의 폴더예요")
    if not folder.exists:
        raise NoData(f"there is no gbike data in {folder.path} · gbike 데이터가 없어요")
    files = [folder.store_path(name) for name in NAMES]
    if missing := [file.name for file in files if not file.exists() or not file.stat().st_size]:
        raise NoData(
            f"{folder.path} lacks {', '.join(missing)}: put a backup back; when an older gbike made the folder, start"
            " this one on it once · 저장소 파일이 없어요"
        )


@contextmanager
def at_rest(folder: DataFolder, env: Mapping[str, str], tell: Tell) -> Iterator[DataFolder]:
    """A copy of the folder, whose lock we hold, in which everything said was heard. Raises CannotMove, NotTheSame."""
    scratch = scratch_of(folder)
    shutil.rmtree(scratch, ignore_errors=True)  # of a move that was killed: nobody else moves what we have locked
    try:
        scratch.mkdir(mode=0o700)
    except OSError as wrong:
        raise CannotMove(f"{scratch} can't be made: {wrong.strerror} · 복사할 자리를 만들 수 없어요") from None
    try:
        _must_have_room(folder, scratch)
        _copy(folder, scratch)
        copied = DataFolder(scratch)
        for spec in specs():
            migrate(copied.store_path(spec.name), spec.versions)
        _bring_to_rest(copied, env, tell)
        yield copied
    finally:
        shutil.rmtree(scratch)


def scratch_of(folder: DataFolder) -> Path:
    """Where the copy of a folder is: always in the same place, so that what a killed move left is found."""
    name = blake2b(str(folder.path.resolve()).encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"gbike-move-{name}"


def _copy(folder: DataFolder, scratch: Path) -> None:
    try:
        for file in sorted(folder.path.glob("*.sqlite")):
            with closing(open_file(file)) as store:
                copy_store(store, scratch / file.name)
        if (folder.path / MANIFEST).exists():  # whoever opens the copy refuses what is missing or old
            shutil.copyfile(folder.path / MANIFEST, scratch / MANIFEST)
    except (OSError, apsw.Error) as wrong:
        raise CannotMove(f"{folder.path} can't be copied to {scratch} · 복사할 수 없어요: {wrong}") from None


def _must_have_room(folder: DataFolder, scratch: Path) -> None:
    wanted = int(ROOM * sum(file.stat().st_size for file in folder.path.glob("*.sqlite*")))
    free = shutil.disk_usage(scratch).free
    if free < wanted:
        raise CannotMove(
            f"the copy needs {wanted >> 20} MiB and {scratch.parent} has {free >> 20}: name another place with TMPDIR"
            " · 복사할 공간이 부족해요"
        )


def _bring_to_rest(copied: DataFolder, env: Mapping[str, str], tell: Tell) -> None:
    """What rests already is left just as it is: moved twice, it is the same."""
    began = time.monotonic()
    left = _left(copied)
    while left:
        tell(f"bringing the copy to rest · 복사본을 정리하는 중: {left}")
        asyncio.run(_settle(copied, env))
        before, left = left, _left(copied)
        if left == before and (PENDING_WORD not in left or time.monotonic() - began > REST_S):
            raise NotTheSame(f"nothing was moved, for this does not come to rest · 옮기지 않았어요: {left}")
        if left:
            time.sleep(POLL_S)


def _left(copied: DataFolder) -> str | None:
    with open_readings(copied) as stores:
        return next(unfinished(stores), None)


async def _settle(copied: DataFolder, env: Mapping[str, str]) -> None:
    embedded = Embedded(copied, settings_of(copied, env))
    try:
        await embedded.settle()
    finally:
        await embedded.stop()
