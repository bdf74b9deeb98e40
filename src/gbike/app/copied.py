"""What a copy says of itself in its manifest, and what becomes of it when it is put back."""

from contextlib import closing
from hashlib import file_digest
from pathlib import Path

from gbike.app.manifest import BUS, MISSING, OLDEST, Kept, Manifest, Problem, Seen, look
from gbike.kit.clock import SystemClock
from gbike.kit.files import about
from gbike.kit.ids import SystemIds
from gbike.kit.sqlite.seal import DEMO, Seal, alone, write_seal
from gbike.kit.sqlite.store import open_file

DAMAGED = ("is not the file that was copied", "백업할 때의 파일이 아니에요")


def lost_log(seen: Seen) -> Kept | None:
    """What a folder's manifest knows of its log, when the log is not that any more."""
    return seen.manifest.stores[BUS] if seen.manifest is not None and seen.log_lost else None


def of_a_copy(copy: Path, log: Kept | None = None) -> Manifest:
    """What the stores of a new copy say of themselves, and their checksums. `log`: the log that was lost before, which
    it is in the copy as well. Raises OSError."""
    seen = look(copy)
    seals = [file.seal for name, file in seen.there.items() if file.seal and name != BUS]
    stores = {name: Kept(file.schema, file.seal.generation if file.seal else 0) for name, file in seen.there.items()}
    if log is not None:
        stores[BUS] = log
    folder = seals[0].folder if seals else SystemIds().new()
    for name, file in seen.there.items():  # a folder that was adopted by half
        if name != BUS and file.seal is not None and file.seal.folder != folder:
            stores[name] = Kept(file.schema)
    return Manifest(folder, seen.mode or DEMO, stores, sha256=_checksums(copy))


def as_its_own(seen: Seen, mode: str) -> Manifest:
    """Seal the stores as those of a new folder, which takes no file of the one that they were copied from."""
    folder, now_ms = SystemIds().new(), SystemClock().now_ms()
    stores = {name: Kept(file.schema) for name, file in seen.files.items()}
    for name, file in seen.there.items():
        if file.seal is not None:
            stores[name] = Kept(file.schema, file.seal.generation + 1)
            path = seen.path / f"{name}.sqlite"
            with about(path), closing(open_file(path)) as store, alone(store):
                write_seal(store, Seal(name, folder, mode, file.seal.generation + 1, now_ms))
    if BUS not in seen.there:
        stores[BUS] = Kept(OLDEST, 1)  # it is lost, and made anew by the start
    return Manifest(folder, mode, stores)


def _checksums(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.glob("*.sqlite")):
        with file.open("rb") as content:
            found[file.name] = file_digest(content, "sha256").hexdigest()
    return found


def damaged(seen: Seen) -> list[Problem]:
    """Files of a copy that are not what was copied; none of what has no checksums: a folder, or an older copy."""
    known, found = seen.manifest.sha256 if seen.manifest else {}, _checksums(seen.path)
    return [Problem(name, DAMAGED if name in found else MISSING) for name in known if found.get(name) != known[name]]
