"""A whole gbike in memory behind a real socket, and schemathesis in front of it."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gbike.run.embedded import Embedded

FULL = os.environ.get("GBIKE_FULL") == "1"
PATIENCE_S = 1200 if FULL else 120
OPENED_S = 60


@contextmanager
def served(opened: Callable[[], Awaitable[tuple[Embedded, ASGIApp]]]) -> Iterator[str]:
    """The address of what `opened` makes, in a thread of its own: a gbike, and the app that stands before it."""
    listening = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # named, so that asyncio sets NODELAY
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)  # before anybody asks
    ready, stopping = threading.Event(), threading.Event()

    async def serve() -> None:
        house, app = await opened()
        house.start()
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, stopping.wait)
        server.should_exit = True
        await running
        await house.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(OPENED_S)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stopping.set()
        thread.join(20)


def schemathesis(
    address: str, here: Path, phases: str, examples: str, *more: str, env: Mapping[str, str] | None = None
) -> str:
    """What it tells when it has found nothing."""
    tool = Path(sys.executable).parent / "schemathesis"
    command = [tool, "run", f"{address}/openapi.json", "--phases", phases, "--checks", "all", *more]
    command += ["-n", examples, "--continue-on-failure", "--generation-database", "none", "--no-color"]
    command += ["--exclude-path-regex", "/changes$"]  # to an answer that goes on it does not listen
    told = {**os.environ, **(env or {})}
    ran = subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=PATIENCE_S, env=told)
    assert ran.returncode == 0, ran.stdout[-6000:]
    return ran.stdout
