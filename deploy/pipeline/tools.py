"""Programs that are called: found beside the security tools or on the path, never through a shell."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv/security/bin"
"""Where `make security` puts its tools, apart from what gbike itself needs."""
LONGEST_S = 600
"""For one program: a push of an image over a slow line."""


class Missing(Exception):
    """A program is not there; the text says how to get it."""


class Failed(Exception):
    """A program ended with an error; the text is its own."""


def path_of(program: str, hint: str) -> str:
    """Where a program is. Raises Missing with the hint."""
    found = shutil.which(program, path=f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise Missing(f"{program} is missing: {hint}")
    return found


def run(
    command: Sequence[str], *, given: str | None = None, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> str:
    """What a program prints. `given` is its standard input: that is how secrets are handed on, as arguments are seen
    by everybody on the machine. Raises Failed."""
    done = attempt(command, given=given, env=env, cwd=cwd)
    if done.returncode:
        printed = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failed(f"{Path(command[0]).name} {command[1] if len(command) > 1 else ''}: " + "\n".join(printed[-20:]))
    return done.stdout


def attempt(
    command: Sequence[str], *, given: str | None = None, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """The same where an error is an answer too."""
    return subprocess.run(  # noqa: S603 - the commands are this package's own, without a shell
        command,
        input=given,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )


def guarded(main: Callable[[Sequence[str]], int]) -> int:
    """Run a verb: what a person can mend is one line."""
    try:
        return main(sys.argv[1:])
    except Missing as missing:
        print(f"gbike: {missing}", file=sys.stderr)
        return 2
    except Failed as failed:
        print(f"gbike: {failed}", file=sys.stderr)
        return 1
