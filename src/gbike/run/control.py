"""How another `gbike` command speaks to a running one: a socket file that only this user can open, a line each way."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
import typer

from gbike.kit.audit.rows import LOCAL
from gbike.kit.auth.principal import Acting, acting
from gbike.run import CannotDo
from gbike.run.file_trouble import told
from gbike.run.folder.data_folder import DataFolder

Verb = Callable[..., Awaitable[str]]
MOST_BYTES = 64 * 1024
ANSWER_S = 600
LONGEST_PATH = 100
"""Bytes that the path of a socket may have on every system."""


class Order(msgspec.Struct, frozen=True):
    """What to do."""

    verb: str
    args: tuple[str, ...] = ()


class Done(msgspec.Struct, frozen=True):
    """How it went."""

    ok: bool
    said: str


class NotRunning(CannotDo):
    """Nobody runs on this data folder."""


async def outcome(verbs: Mapping[str, Verb], verb: str, *args: str) -> Done:
    """Do one of `verbs`; what goes wrong is told, not raised."""
    try:
        if verb not in verbs:
            raise LookupError(f"{verb!r} can't be done here; what can: {', '.join(verbs)}")
        return Done(True, await verbs[verb](*args))
    except Exception as failure:
        return Done(False, told(failure) or str(failure) or repr(failure))


class Control:
    """The listening side."""

    def __init__(self, folder: Path) -> None:
        """The socket is in `folder`, or, where that has too long a path for one, among the temporary files."""
        near = folder.resolve() / "control"
        there = len(os.fsencode(near)) <= LONGEST_PATH
        self.path = str(near if there else Path(tempfile.mkdtemp(prefix="gbike-")) / "control")
        self._server: asyncio.Server | None = None
        self._verbs: dict[str, Verb] = {}

    async def start(self, verbs: dict[str, Verb]) -> None:
        """Listen. A verb's exception is told to the caller."""
        self._verbs = verbs
        self._tidy()  # after one who was killed
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=MOST_BYTES)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._tidy()

    def _tidy(self) -> None:
        Path(self.path).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        acting.set(Acting(LOCAL))
        try:
            order = msgspec.json.decode(await reader.readline(), type=Order)
        except msgspec.DecodeError as wrong:
            done = Done(False, str(wrong))
        else:
            done = await outcome(self._verbs, order.verb, *order.args)
        writer.write(msgspec.json.encode(done) + b"\n")
        await writer.drain()
        writer.close()


def ask(folder: DataFolder, verb: str, *args: str) -> Done:
    """Give an order to whoever runs on the folder, and wait for the answer. Raises NotRunning."""
    holder = folder.holder()
    if holder is None or not holder.control:
        start = f"`gbike demo --data {folder.path}` or `gbike cluster up --demo --data {folder.path}`"
        raise NotRunning(f"nothing runs on {folder.path}; start it with {start}")
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER_S)
        try:
            line.connect(holder.control)
            line.sendall(msgspec.json.encode(Order(verb, args)) + b"\n")
            answer = line.makefile("rb").readline()
        except OSError as silent:
            raise NotRunning(f"{holder.command} on {folder.path} does not take orders: {silent}; try again") from None
    if not answer:
        raise NotRunning(f"{holder.command} on {folder.path} ended before it had answered")
    return msgspec.json.decode(answer, type=Done)


def tell(done: Done) -> None:
    """Print how an order went, and end where it went wrong."""
    typer.echo(done.said, err=not done.ok)
    if not done.ok:
        raise typer.Exit(2)
