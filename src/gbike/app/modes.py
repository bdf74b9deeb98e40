"""Open or secure: a data folder belongs to one of the two for good, and what is one is never taken for the other.

A backup of it belongs to the same one: the mark is in the log's own file.
"""

from collections.abc import Mapping
from contextlib import closing
from enum import IntEnum

import apsw

from gbike.app.cluster.plan import read_plan
from gbike.app.data_folder import DataFolder
from gbike.app.defaults import with_defaults
from gbike.kit.files import about
from gbike.kit.settings import BadSetting
from gbike.kit.sqlite.store import open_file


class Mode(IntEnum):
    """Whose a data folder is, as SQLite's `user_version` of the log. Folders from before there was a mark have 0."""

    DEMO = 1
    SECURE = 2


COMMAND = {Mode.DEMO: "gbike demo", Mode.SECURE: "gbike up"}


class OtherMode(BadSetting):
    """The data folder belongs to the other mode."""


def claim(folder: DataFolder, mode: Mode) -> None:
    """Mark the folder as this mode's; call it holding the folder's lock. Raises OtherMode."""
    known = folder.bus_path.exists()
    with about(folder.bus_path), closing(open_file(folder.bus_path)) as log:
        mark = log.pragma("user_version")
        owner = Mode(mark) if mark else Mode.DEMO if known else mode
        if owner is not mode:
            raise OtherMode(
                f"{folder.path} is the data of `{COMMAND[owner]}`, not of `{COMMAND[mode]}`:"
                " choose another folder with --data"
            )
        if not mark:
            log.pragma("user_version", mode.value)


def mode_of(folder: DataFolder) -> Mode | None:
    """Read the folder's mark; None: nobody claimed it, or it has none from before there were marks."""
    if not folder.bus_path.exists():
        return None
    # Not read-only: the last to close a file in WAL mode checkpoints it, which such a connection can't.
    with about(folder.bus_path), closing(open_file(folder.bus_path, apsw.SQLITE_OPEN_READWRITE)) as log:
        mark = log.pragma("user_version")
    return Mode(mark) if mark else None


def is_secure(folder: DataFolder, env: Mapping[str, str]) -> bool:
    """Whether the folder, its cluster, or else the one service that `env` describes requires tokens."""
    if (plan := read_plan(folder.path)) is not None:
        return not plan.demo
    if (mode := mode_of(folder)) is not None:
        return mode is Mode.SECURE
    return "GBIKE_STORE_URL" in env and env.get("GBIKE_DEMO", "0") in ("0", "false", "")


def settings_of(folder: DataFolder, env: Mapping[str, str]) -> dict[str, str]:
    """`env` over the defaults that hold in the folder: for a verb that runs services where `up` or `demo` will."""
    return with_defaults(env, secure=is_secure(folder, env))
