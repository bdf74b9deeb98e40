"""A real `gbike up`, asked over HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gbike.run.folder.data_folder import DataFolder
from tests.cluster.running import Reply, ask
from tests.services.account.people import CHEAP
from tests.waiting import until

GBIKE = (sys.executable, "-m", "gbike")
READY_S = 90
BOSS, PASSWORD = "the boss", "a bicycle at dawn"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, with nothing of gbike but what a test says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GBIKE_")}
    return {**kept, **CHEAP, **(more or {})}


def gbike(*args: str, env: Mapping[str, str] | None = None, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a verb to its end, with no terminal."""
    command = [*GBIKE, *args]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=READY_S, env=environment(env), input=given, check=False
    )


def admin_file(folder: Path, name: str = BOSS, password: str = PASSWORD) -> Path:
    """Who is to be an admin, as an operator writes it."""
    file = folder / f"{name}.admin"
    file.write_text(f"{name}\n{password}\n", "utf-8")
    file.chmod(0o600)
    return file


class House:
    """One that runs."""

    def __init__(self, address: str, data: Path) -> None:
        self.address, self.data = address, data

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Reply:
        """One request; with a token when there is one."""
        answer = ask(method, self.address + path, body, {"authorization": f"Bearer {token}"} if token else {})
        assert answer is not None
        return answer

    def sign_in(self, contact: str = BOSS, password: str = PASSWORD) -> str:
        """An access token."""
        session = self.ask("POST", "/sessions", {"contact": contact, "password": password})
        assert session.status == 200, session
        token: str = session.json["access_token"]
        return token


@contextmanager
def up(data: Path, *more: str, env: Mapping[str, str] | None = None, files: int | None = None) -> Iterator[House]:
    """`gbike up` on a free port, until it answers; stopped in the end. `files`: how many it may have open."""
    command = [*GBIKE, "up", "--port", "0", "--data", str(data), *more]
    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$0" "$@"', *command]
    with open(data.parent / "up.log", "ab") as log:
        process = subprocess.Popen(
            command, env=environment(env), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield House(_address(data, process), data)
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0


def _address(data: Path, process: "subprocess.Popen[bytes]") -> str:
    def ready() -> str | None:
        assert process.poll() is None, (data.parent / "up.log").read_text("utf-8")
        holder = DataFolder(data).holder()
        up = holder is not None and holder.address.startswith("http") and ask("GET", holder.address + "/health/ready")
        return holder.address if holder is not None and up else None

    return str(until(ready, READY_S, "it is not ready"))
