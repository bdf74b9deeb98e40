"""`gbike verify` looks at a copy: which has there is no room for it none is begun."""

import shutil
from pathlib import Path

import pytest

from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import gbike


@pytest.mark.parametrize("verb", [("verify",), ("view", "rebuild", "--verify")])
async def test_a_folder_larger_than_the_room_for_its_copy_is_not_copied(verb: tuple[str, ...], tmp_path: Path) -> None:
    folder, place = DataFolder(tmp_path / "data"), tmp_path / "place"
    await Embedded(folder, {}).stop()
    place.mkdir()
    with folder.store_path("large").open("wb") as large:
        large.truncate(2 * shutil.disk_usage(place).free)  # a hole: it takes no room itself
    done = gbike(*verb, "--data", str(folder.path), env={"TMPDIR": str(place)})
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"gbike: no room to check a copy of {folder.path}: it needs ")
    assert f" MiB in {place}, which has " in line
    assert "name a place with more: TMPDIR=/path gbike …" in line
    assert list(place.iterdir()) == []
    folder.store_path("large").unlink()
    assert gbike(*verb, "--data", str(folder.path), env={"TMPDIR": str(place)}).returncode == 0
