"""`gbike demo`: everything in one process on loopback, open to whoever is on this machine, with a small fleet."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from gbike.app.control import Control, Verb
from gbike.app.data_folder import DataFolder
from gbike.app.doors import not_for_production
from gbike.app.embedded import Embedded, begun_anew
from gbike.app.faults import read_delay
from gbike.app.manifest import TAKEN
from gbike.app.modes import Mode, claim
from gbike.app.running_verbs import running_verbs
from gbike.app.seed import NotMade, SmallFleet, posted_to
from gbike.app.tracing import start_tracing, stop_tracing
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.listing import counted
from gbike.kit.settings import environment
from gbike.kit.telemetry import configure_logs


class CannotStart(Exception):
    """The demo can't start; the text says why and what to do."""


class DemoOptions(msgspec.Struct, frozen=True):
    """What the command line says."""

    host: str
    port: int
    data: Path
    empty: bool
    slow: Sequence[str]
    without: Sequence[str]
    adopt: bool = False


async def _serve(options: DemoOptions) -> None:
    folder, control = DataFolder(options.data), Control(options.data)
    folder.acquire("gbike demo")
    try:
        listener = listen(options.host, options.port)
        address = f"http://{options.host}:{listener.getsockname()[1]}"
        folder.announce("gbike demo", address, control.path)
        fleet = SmallFleet(folder.path)
        if options.empty:
            fleet.forget()
        elif not folder.exists:
            fleet.want()
        for taken in claim(folder, Mode.DEMO, adopt=options.adopt):
            Console(stderr=True).print(f"{TAKEN}: {taken}", soft_wrap=True)
        tracing = start_tracing(os.environ)
        embedded = Embedded(folder, environment(os.environ), tracing=tracing)
        try:
            for fault in options.slow:
                service, _, delay = fault.partition("=")
                embedded.part(service).answer(late=read_delay(delay))
            await embedded.bus.identity()
            embedded.start(options.without)
            await fleet.finish(posted_to(embedded.inside))
            await control.start(_verbs(embedded))
            await _until_stopped(embedded, listener, options, address)
        except NotMade:
            await embedded.must_write()  # which says why, when it is the disk
            raise
        finally:
            await embedded.stop()
            stop_tracing(tracing)
    finally:
        await control.stop()
        folder.release()


async def _until_stopped(embedded: Embedded, listener: socket.socket, options: DemoOptions, address: str) -> None:
    server = HttpServer(embedded.app)
    server.heed_signals()
    console = Console(stderr=False)
    console.print(_greeting(address, options, begun_anew(embedded.bus)))
    status = asyncio.create_task(_show_status(embedded, console)) if console.is_terminal else None
    try:
        await server.answer(listener)
    finally:
        if status is not None:
            status.cancel()


def run_demo(options: DemoOptions) -> None:
    """Run until Ctrl-C or SIGTERM. Raises CannotStart, CannotListen, FolderInUse, BadSetting, BadFault or
    NoSuchService."""
    if options.host not in ("127.0.0.1", "::1", "localhost"):
        raise CannotStart(
            f"the demo is open to everybody who reaches it, so it binds loopback only, not {options.host}"
        )
    not_for_production(os.environ)
    configure_logs(os.environ.get("GBIKE_LOG_LEVEL", "WARNING"))
    run(_serve(options))


def _verbs(embedded: Embedded) -> dict[str, Verb]:
    async def slow(service: str, delay: str) -> str:
        part = embedded.part(service)
        part.answer(late=read_delay(delay), stopped=part.stopped)
        return f"{part.card.name} answers {delay} ms late now"

    async def stop(service: str) -> str:
        part = embedded.part(service)
        await part.stop()
        return f"{part.card.name} is stopped"

    async def heal(service: str = "") -> str:
        for part in [embedded.part(service)] if service else embedded.parts.values():
            part.answer()
            part.start()
        return f"{service or 'every service'} runs and answers at once"

    return {**running_verbs(embedded), "slow": slow, "stop": stop, "heal": heal}


def _greeting(address: str, options: DemoOptions, lost: str) -> Panel:
    text = Text()
    text.append(f"{address}\n\n", "bold")
    text.append("Try · 해 보기\n")
    bike, user = ("1", "1") if options.empty else ("1001", "1001")
    if options.empty:
        text.append(f"  http POST {address}/bikes bikeid=1 status=사용가능 location=분당_정자역_1구역\n", "cyan")
    text.append(f"  http POST {address}/rents userid={user} bikeid={bike}\n", "cyan")
    text.append(f"  http PATCH {address}/rents/1 endlocation=분당_정자역_3구역\n", "cyan")
    text.append(f"  http {address}/rentAndBillingViews\n\n", "cyan")
    text.append(f"API {address}/docs · metrics {address}/metrics\n")
    text.append(f"Data · 데이터: {options.data.resolve()}\n")
    text.append(lost, "yellow")
    text.append("No login: this is a demo, on this machine only. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("로그인 없는 데모이며 이 컴퓨터에서만 열립니다. Ctrl-C로 멈춰도 데이터는 남습니다.", "dim")
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
