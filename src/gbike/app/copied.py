"""What a copy says of itself, its manifest and its checksums, and what becomes of it when it is put back."""

from contextlib import closing
from hashlib import file_digest
from pathlib import Path

import msgspec

from gbike.app.data_folder import MANIFEST
from gbike.app.manifest import BUS, MISSING, OLDEST, Kept, Manifest, Problem, Seen, look, write_whole
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from gbike.kit.sqlite.seal import DEMO, Seal, write_seal
from gbike.kit.sqlite.store import open_file

CHECKSUMS = "checksums.json"
"""The file of a copy that says what each of the others is."""
DAMAGED = ("is not the file that was copied", "백업할 때의 파일이 아니에요")


def of_a_copy(half: Path) -> Manifest:
    """What the copied stores say of themselves."""
    seen = look(half)
    seals = [file.seal for file in seen.there.values() if file.seal]
    stores = {name: Kept(file.schema, file.seal.generation if file.seal else 0) for name, file in seen.there.items()}
    return Manifest(seals[0].folder if seals else SystemIds().new(), seen.mode or DEMO, stores)


def as_its_own(seen: Seen, mode: str) -> Manifest:
    """Seal the stores as those of a new folder, which takes no file of the one that they were copied from."""
    folder, now_ms = SystemIds().new(), SystemClock().now_ms()
    stores = {name: Kept(file.schema) for name, file in seen.files.items()}
    for name, file in seen.there.items():
        if file.seal is not None:
            stores[name] = Kept(file.schema, file.seal.generation + 1)
            with closing(open_file(seen.path / f"{name}.sqlite")) as store, store:
                write_seal(store, Seal(name, folder, mode, file.seal.generation + 1, now_ms))
    if BUS not in seen.there:
        stores[BUS] = Kept(OLDEST, 1)  # it is lost, and made anew by the start
    return Manifest(folder, mode, stores)


def write_checksums(half: Path) -> None:
    """Write down what each file of a copy is."""
    write_whole(half / CHECKSUMS, msgspec.json.format(msgspec.json.encode(_checksums(half)), indent=1))


def _checksums(folder: Path) -> dict[str, str]:
    found = {}
    for file in sorted(folder.glob("*.sqlite")):
        with file.open("rb") as content:
            found[file.name] = file_digest(content, "sha256").hexdigest()
    return found


def damaged(source: Path) -> list[Problem]:
    """Files that are not what was copied; none in a copy from before there were checksums."""
    try:
        known = msgspec.json.decode((source / CHECKSUMS).read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return [Problem(CHECKSUMS, MISSING)] if (source / MANIFEST).exists() else []
    except (OSError, msgspec.DecodeError):
        return [Problem(CHECKSUMS, DAMAGED)]
    found = _checksums(source)
    return [Problem(name, DAMAGED if name in found else MISSING) for name in known if found.get(name) != known[name]]
