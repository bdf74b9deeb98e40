"""Another user of this machine, who may run what he likes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NOBODY = "nobody"


def as_nobody(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user who owns nothing; skips where we can't be another user."""
    runuser = shutil.which("runuser")
    if os.geteuid() != 0 or runuser is None:
        pytest.skip("only root becomes another user: run it as root, with runuser")
    asked = [runuser, "-u", NOBODY, "--", *map(str, command)]
    return subprocess.run(asked, cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)


def readable(folder: Path) -> list[str]:
    """The files and folders beneath a folder, and itself, that nobody may read, whose path is no secret."""
    found = [folder, *sorted(folder.rglob("*"))]
    told = as_nobody("sh", "-c", 'for one; do test -r "$one" && echo "$one"; done; true', "sh", *found)
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()
