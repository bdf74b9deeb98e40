"""What a data folder consists of: `manifest.json` says which folder it is, in which mode, and the newest generation of
each of its stores. A store's own seal says the same, so that what is missing, empty, older or another folder's is
refused by name, and nothing that is missing is taken as empty.

A store that the manifest names without a schema has yet to be made; one without a generation has yet to be sealed by
this manifest, and is taken as it is. So the manifest is written before the first file, and a start that was killed at
any moment is begun again.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import apsw
import msgspec

from gbike.kit.clock import SystemIds
from gbike.kit.files import about, closed_folder, write_whole
from gbike.kit.settings import BadSetting
from gbike.kit.storage.sqlite.seal import DEMO, SECURE, Seal, read_seal
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.folder.data_folder import MANIFEST, DataFolder
from gbike.services import NAMES

BUS = "bus"
ACCOUNT = "account"
FORM = 1
OLDEST = "0001"
"""The schema of every store of 0.1.0, which had no account store."""
MARKS = {1: DEMO, 2: SECURE}
"""The mode as `user_version` of the log, where folders without a manifest have it."""
MISSING, EMPTY = ("is missing", "파일이 없어요"), ("is empty", "파일이 비어 있어요")
UNREADABLE = ("can't be read", "파일을 읽을 수 없어요")
OLDER = ("is older than what the folder had last", "폴더의 마지막 상태보다 오래된 파일이에요")
FOREIGN = ("is of another folder", "다른 폴더의 파일이에요")
TAKEN = "taken as it is · 그대로 사용해요"
NOT_THE_LAST = "bus.sqlite is missing, empty, or not the last that the folder had"
"""Why a log begins anew when the manifest tells."""
WAY_OUT = (
    "put the right file back, or restore a whole backup into an empty folder (`gbike restore`), or look and take the"
    " folder as it is (`gbike demo --adopt`, `gbike up --adopt`)",
    "올바른 파일을 되돌려 놓거나, 백업 전체를 빈 폴더에 복원하거나, 확인한 뒤 --adopt로 시작해 주세요",
)

START = ("start it once (`gbike demo`, `gbike up`), which makes the log anew", "한 번 시작하면 로그를 새로 만들어요")


class Kept(msgspec.Struct, frozen=True):
    """What the manifest knows of a store: its schema, and its newest generation."""

    schema: str = ""
    generation: int = 0


class Manifest(msgspec.Struct, frozen=True):
    """The content of `manifest.json`."""

    id: str
    mode: str
    stores: dict[str, Kept]
    sha256: dict[str, str] = {}
    """Of the files of a copy; of a folder nothing."""
    form: int = FORM


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a file of the folder, in English and in Korean."""

    file: str
    what: tuple[str, str]
    of_log: bool = False
    """A log that is lost or older is made anew; no store is."""

    def __str__(self) -> str:
        return f"{self.file} {self.what[0]} · {self.what[1]}"


class NotWhole(BadSetting):
    """Files of a data folder or of a backup are missing, empty, older or of another one."""

    def __init__(self, path: Path, problems: Sequence[Problem], way_out: tuple[str, str] = WAY_OUT) -> None:
        english, korean = ("; ".join(f"{one.file} {one.what[n]}" for one in problems) for n in (0, 1))
        super().__init__(f"{path}: {english}: {way_out[0]} · {korean}. {way_out[1]}")
        self.problems = problems


class File(msgspec.Struct, frozen=True):
    """A store's file as it is found; `error`: why it can't be read."""

    wrong: tuple[str, str] | None = None
    schema: str = ""
    seal: Seal | None = None
    mark: int = 0
    used: bool = False
    """Whether it ever held a message."""
    error: apsw.Error | None = None


class Seen(msgspec.Struct, frozen=True):
    """A folder as it is found."""

    path: Path
    manifest: Manifest | None
    damaged: bool
    """There is a manifest, and it can't be read."""
    files: dict[str, File]

    @property
    def there(self) -> dict[str, File]:
        return {name: file for name, file in self.files.items() if file.wrong is None}

    @property
    def mode(self) -> str | None:
        """Whose data it is: whatever says `secure` decides; what does not say is a demo only when it is from before
        there were accounts. None: nothing was ever said in it."""
        published = {file.seal.mode for file in self.there.values() if file.seal}
        published |= {MARKS[file.mark] for file in self.files.values() if file.mark in MARKS}
        published |= {self.manifest.mode} if self.manifest else set()
        if published:
            return DEMO if published == {DEMO} else SECURE
        if not self.damaged and not any(file.used for file in self.there.values()):
            return None
        return SECURE if self.damaged or self._knew_accounts else DEMO

    def problems(self) -> Iterator[Problem]:
        """Everything that is missing, empty, older or of another folder."""
        if self.damaged or (self.manifest is None and not self._is_old):
            yield Problem(MANIFEST, UNREADABLE if self.damaged else MISSING)
        for name, file in self.files.items():
            if (what := file.wrong or self._differs(name, file)) and (what == UNREADABLE or self._is_wanted(name)):
                of_log = name == BUS and what != UNREADABLE and not self._is_old
                yield Problem(f"{name}.sqlite", what, of_log)

    @property
    def log_lost(self) -> bool:
        """Whether the log is missing, empty, older or another folder's."""
        return any(problem.of_log for problem in self.problems())

    @property
    def log_foreign(self) -> bool:
        """Whether the log is lost, and may hold what was said in another folder."""
        seal = self.files[BUS].seal
        return self.log_lost and (seal is None or self.manifest is None or seal.folder != self.manifest.id)

    @property
    def _is_old(self) -> bool:
        return self.manifest is None and not self.damaged and not any(file.seal for file in self.there.values())

    def _is_wanted(self, name: str) -> bool:
        """Whether the store was there when the folder was used last."""
        if self.manifest is not None:
            return self.manifest.stores.get(name, Kept()).schema != ""
        if not self._is_old:
            return True
        if not any(file.used for file in self.there.values()):
            # Nothing yet, or a first start that was killed, which makes one file after the other.
            return sum(file.wrong == EMPTY for file in self.files.values()) > 1
        return name != ACCOUNT or self._knew_accounts

    @property
    def _knew_accounts(self) -> bool:
        """Whether it is from after 0.1.0, which was a demo only."""
        others = [file.schema for name, file in self.there.items() if name != BUS]
        return ACCOUNT in self.there or (any(one > OLDEST for one in others) and OLDEST not in others)

    def _differs(self, name: str, file: File) -> tuple[str, str] | None:
        if self.manifest is None:
            return None
        kept, seal = self.manifest.stores.get(name, Kept()), file.seal
        if kept.generation == 0:
            return None
        if seal is not None and (seal.folder != self.manifest.id or seal.store != name):
            return FOREIGN
        return OLDER if seal is None or seal.generation < kept.generation else None


def look(path: Path) -> Seen:
    """The folder at `path` as it is; it changes nothing."""
    manifest, damaged = None, False
    try:
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        pass
    except (OSError, msgspec.DecodeError):
        damaged = True
    return Seen(path, manifest, damaged, {name: _file(path / f"{name}.sqlite") for name in (BUS, *NAMES)})


def check(folder: DataFolder, *, log_too: bool = False) -> Seen:
    """The folder as it is. Raises NotWhole when a store's file is missing, empty, older or another folder's; `log_too`:
    or the log's. Raises apsw.Error, which names the file, when one can't be read."""
    seen = look(folder.path)
    _refuse(seen, log_too=log_too)
    return seen


def take(seen: Seen, mode: str, *, adopt: bool = False) -> Manifest:
    """The manifest of a folder that is to be opened for writing, made where there is none yet. `adopt`: what is wrong
    is taken as it is, and what is missing as empty. Raises NotWhole, OSError."""
    _readable(seen)
    if not adopt:
        _refuse(seen)
    if seen.manifest is not None and not (adopt and any(seen.problems())):
        return seen.manifest
    stores = {name: Kept(seen.files[name].schema) for name in seen.files}
    if any(problem.file == f"{BUS}.sqlite" for problem in seen.problems()):
        stores[BUS] = Kept(OLDEST, 1)  # it is lost still, until a start makes it anew
    manifest = Manifest(SystemIds().new(), mode, stores)
    closed_folder(seen.path)
    write(seen.path, manifest)
    return manifest


def adopt_old(folder: DataFolder) -> None:
    """Give a folder without a manifest one, before one of its schemas says it is newer. Raises NotWhole, OSError."""
    seen = look(folder.path)
    if seen.mode is not None:
        take(seen, seen.mode)


def write(path: Path, manifest: Manifest) -> None:
    """Put the manifest in the place of the one before. Raises OSError."""
    write_whole(path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def _readable(seen: Seen) -> None:
    for file in seen.files.values():
        if file.error is not None:
            raise file.error


def _refuse(seen: Seen, *, log_too: bool = False) -> None:
    _readable(seen)
    found = [problem for problem in seen.problems() if log_too or not problem.of_log]
    if found:
        raise NotWhole(seen.path, found, START if all(problem.of_log for problem in found) else WAY_OUT)


def _file(path: Path) -> File:
    if not path.exists():
        return File(MISSING)
    try:
        # Not read-only: the last to close a file in WAL mode checkpoints it, which such a connection can't.
        with about(path), closing(open_file(path, apsw.SQLITE_OPEN_READWRITE)) as store:
            return _store(store)
    except apsw.Error as wrong:
        return File(UNREADABLE, error=wrong)


def _store(store: apsw.Connection) -> File:
    tables = {row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    row = store.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in tables else None
    mark = int(store.pragma("user_version"))
    if row is None:
        return File(EMPTY, mark=mark)
    used = "sqlite_sequence" in tables and store.execute("SELECT 1 FROM sqlite_sequence LIMIT 1").fetchone() is not None
    return File(None, str(row[0]), read_seal(store), mark, used)
