"""`gbike demo`: everything in one process on loopback, open to whoever is on this machine, with a small fleet."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from gbike.cli import DATA, Adopt, Data
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.settings import environment
from gbike.kit.storage.listing import counted
from gbike.kit.telemetry import configure_logs
from gbike.run import CannotDo
from gbike.run.auth_mode import LOOPBACK, not_for_production
from gbike.run.control import Verb
from gbike.run.embedded import Embedded, begun_anew
from gbike.run.faults import BadFault, read_delay
from gbike.run.folder.data_mode import Mode
from gbike.run.hosting import claimed, held, opened, running_verbs
from gbike.run.seed import NotMade, SmallFleet, posted_to, to_try


def demo_verb(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8088,
    data: Data = DATA,
    empty: Annotated[bool, typer.Option("--empty", help="start with nothing")] = False,
    slow: Annotated[
        list[str] | None, typer.Option(help="bike=2000: answers so many ms late; 400-620 in between")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="billing,view: these do not run")] = None,
    host: Annotated[str, typer.Option(help="loopback only")] = "127.0.0.1",
    adopt: Adopt = False,
) -> None:
    """Everything in one process on loopback, with no login and a small fleet."""
    if host not in LOOPBACK:
        raise CannotDo(f"the demo is open to everybody who reaches it, so it binds loopback only, not {host}")
    not_for_production(os.environ)
    configure_logs(os.environ.get("GBIKE_LOG_LEVEL", "WARNING"))
    stopped = [name for names in without or [] for name in names.split(",")]
    run(_serve(host, port, data, empty=empty, slow=slow or [], without=stopped, adopt=adopt))


async def _serve(
    host: str, port: int, data: Path, *, empty: bool, slow: Sequence[str], without: Sequence[str], adopt: bool
) -> None:
    async with held(data, "gbike demo") as (folder, control):
        listener = listen(host, port)
        address = f"http://{host}:{listener.getsockname()[1]}"
        folder.announce("gbike demo", address, control.path)
        fleet = SmallFleet(folder.path)
        if empty:
            fleet.forget()
        elif not folder.exists:
            fleet.want()
        claimed(folder, Mode.DEMO, adopt=adopt)
        async with opened(folder, environment(os.environ), secure=False) as embedded:
            for fault in slow:
                service, _, delay = fault.partition("=")
                embedded.part(service).answer(late=read_delay(delay))
            await embedded.bus.identity()
            embedded.start(without)
            try:
                await fleet.finish(posted_to(embedded.inside))
            except NotMade:
                await embedded.must_write()  # which says why, when it is the disk
                raise
            await control.start(_verbs(embedded))
            await _until_stopped(embedded, listener, _greeting(address, data, begun_anew(embedded.bus), empty=empty))


async def _until_stopped(embedded: Embedded, listener: socket.socket, greeting: Panel) -> None:
    server = HttpServer(embedded.app)
    server.heed_signals()
    console = Console(stderr=False)
    console.print(greeting)
    status = asyncio.create_task(_show_status(embedded, console)) if console.is_terminal else None
    try:
        await server.answer(listener)
    finally:
        if status is not None:
            status.cancel()


def _verbs(embedded: Embedded) -> dict[str, Verb]:
    async def slow(service: str, delay: str) -> str:
        part = embedded.part(service)
        part.answer(late=read_delay(delay), stopped=part.stopped)
        return f"{part.spec.name} answers {delay} ms late now"

    async def stop(service: str, how: str = "") -> str:
        if how:
            raise BadFault("--hard ends a program of a cluster; a demo is one process: leave it out, or kill the demo")
        part = embedded.part(service)
        await part.stop()
        return f"{part.spec.name} is stopped"

    async def heal(service: str = "") -> str:
        for part in [embedded.part(service)] if service else embedded.parts.values():
            part.answer()
            part.start()
        return f"{service or 'every service'} runs and answers at once"

    return {**running_verbs(embedded), "slow": slow, "stop": stop, "heal": heal}


def _greeting(address: str, data: Path, lost: str, *, empty: bool) -> Panel:
    text = Text()
    text.append(f"{address}\n\n", "bold")
    text.append("Try · 해 보기\n")
    text.append(f"{to_try(address, empty=empty)}\n", "cyan")
    text.append(f"API {address}/docs · metrics {address}/metrics\n")
    text.append(f"Data · 데이터: {data.resolve()}\n")
    text.append(lost, "yellow")
    text.append("No login: this is a demo, on this machine only. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("로그인 없는 데모이며 이 컴퓨터에서만 열려요. Ctrl-C로 멈춰도 데이터는 남아요.", "dim")
    return Panel(text, title="gbike demo", border_style="green", expand=False)


async def _show_status(embedded: Embedded, console: Console) -> None:
    with Live(console=console, refresh_per_second=2, transient=True) as live:
        while True:
            bikes = await embedded.part("bike").store.read(counted, ("bikes",))
            riding = await embedded.part("rent").store.read(counted, ("rented",))
            rides = await embedded.part("rent").store.read(counted, ("returned",))
            behind = [part.running.consumer for part in embedded.parts.values() if part.running.consumer]
            lag = max([await consumer.lag() for consumer in behind])
            stopped = [name for name, part in embedded.parts.items() if part.stopped]
            state = (
                f"stopped: {', '.join(stopped)}" if stopped else "all events handled" if not lag else f"{lag} behind"
            )
            live.update(Text(f"● {bikes} bikes · {riding} riding · {rides} rides · {state}", "green"))
            await asyncio.sleep(1)
