"""Open or secure: a data folder belongs to one of the two for good, and what is one is never taken for the other.

A backup of it belongs to the same one. The mode is in the manifest and in every store, and one that says `secure`
decides; the log's file has it as well, where folders from before there was a manifest have it.
"""

from collections.abc import Mapping
from contextlib import closing
from enum import IntEnum

from gbike.kit.files import about
from gbike.kit.settings import BadSetting
from gbike.kit.storage.sqlite.store import open_file
from gbike.run.cluster.plan import read_plan
from gbike.run.defaults import with_defaults
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.manifest import Seen, look, take


class Mode(IntEnum):
    """Whose a data folder is, as SQLite's `user_version` of the log."""

    DEMO = 1
    SECURE = 2


COMMAND = {Mode.DEMO: "gbike demo", Mode.SECURE: "gbike up"}


class OtherMode(BadSetting):
    """The data folder belongs to the other mode."""


def claim(folder: DataFolder, mode: Mode, *, adopt: bool = False) -> list[str]:
    """Mark the folder as this mode's; call it holding the folder's lock. `adopt`: take it as it is, whatever is missing
    or older; answers what that was. Raises OtherMode, NotWhole."""
    seen = look(folder.path)
    owner = _mode(seen) or mode
    if owner is not mode:
        raise OtherMode(
            f"{folder.path} is the data of `{COMMAND[owner]}`, not of `{COMMAND[mode]}`:"
            " choose another folder with --data"
        )
    taken = [str(problem) for problem in seen.problems()] if adopt else []
    take(seen, mode.name.lower(), adopt=adopt)
    with about(folder.bus_path), closing(open_file(folder.bus_path)) as log:
        if not log.pragma("user_version"):
            log.pragma("user_version", mode.value)
    return taken


def mode_of(folder: DataFolder) -> Mode | None:
    """Whose the folder is; None: nobody's yet."""
    return _mode(look(folder.path)) if folder.exists else None


def _mode(seen: Seen) -> Mode | None:
    return Mode[seen.mode.upper()] if seen.mode else None


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
