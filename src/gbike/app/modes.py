"""Open or secure: a data folder belongs to one of the two for good, and what is one is never taken for the other.

A backup of it belongs to the same one: the mark is in the log's own file.
"""

from contextlib import closing
from enum import IntEnum

from gbike.app.data_folder import DataFolder
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
    known = folder.exists
    with closing(open_file(folder.bus_path)) as log:
        mark = log.pragma("user_version")
        owner = Mode(mark) if mark else Mode.DEMO if known else mode
        if owner is not mode:
            raise OtherMode(
                f"{folder.path} is the data of `{COMMAND[owner]}`, not of `{COMMAND[mode]}`:"
                " choose another folder with --data"
            )
        if not mark:
            log.pragma("user_version", mode.value)
