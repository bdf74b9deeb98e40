"""`gbike up`: everything in one process, secure. Nobody changes anything without a token."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from gbike.app import admins
from gbike.app.control import Control
from gbike.app.data_folder import LETTERS, DataFolder
from gbike.app.defaults import about_test_payments
from gbike.app.embedded import Embedded, begun_anew
from gbike.app.manifest import TAKEN
from gbike.app.modes import Mode, claim
from gbike.app.operators import verbs
from gbike.app.running_verbs import running_verbs
from gbike.app.tracing import start_tracing, stop_tracing
from gbike.kit.access.addresses import Proxies
from gbike.kit.access.keyring import KeyFolder
from gbike.kit.access.settings import AccessSettings
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.settings import BadSetting, environment, load
from gbike.kit.telemetry import configure_logs

COMMAND = "gbike up"
FOR_US_ONLY = 0o700
"""Contacts and hashes of passwords are in the folder."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UpOptions(msgspec.Struct, frozen=True):
    """What the command line says."""

    host: str
    port: int
    data: Path
    admin_file: Path | None = None
    adopt: bool = False


def run_up(options: UpOptions) -> None:
    """Run until Ctrl-C or SIGTERM. Raises NotDone, CannotListen, FolderInUse, BadKeys or BadSetting."""
    if os.environ.get("GBIKE_DEMO", "0") not in ("0", "false", ""):
        raise BadSetting("GBIKE_DEMO is set, and `gbike up` is never open: unset it, or use `gbike demo`")
    configure_logs(os.environ.get("GBIKE_LOG_LEVEL", "WARNING"))
    run(_serve(options))


def settings_in(data: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The settings, with the places that a data folder has for keys and for password resets."""
    here = data.resolve()
    return {"GBIKE_ACCOUNT_KEYS": str(here / "keys"), "GBIKE_RESET_FILE": str(here / LETTERS), **env}


async def _serve(options: UpOptions) -> None:
    folder, control = DataFolder(options.data), Control(options.data)
    folder.acquire(COMMAND)
    try:
        for taken in claim(folder, Mode.SECURE, adopt=options.adopt):
            Console(stderr=True).print(f"{TAKEN}: {taken}", soft_wrap=True)
        options.data.chmod(FOR_US_ONLY)
        env = settings_in(options.data, environment(os.environ))
        KeyFolder(Path(env["GBIKE_ACCOUNT_KEYS"])).make()
        tracing = start_tracing(os.environ)
        embedded = Embedded(folder, env, secure=True, tracing=tracing)
        try:
            await _have_an_admin(embedded, env, options.admin_file)
            listener = listen(options.host, options.port)
            address = f"http://{options.host}:{listener.getsockname()[1]}"
            folder.announce(COMMAND, address, control.path)
            await embedded.bus.identity()
            await embedded.hear_all()
            embedded.start()
            await control.start({**running_verbs(embedded), **verbs(embedded.part("account").store, env)})
            trusts = Proxies(load(AccessSettings, env).trusted_proxies).trusts
            server = HttpServer(embedded.app, trusts=trusts)
            told = begun_anew(embedded.bus) + about_test_payments(env)
            await _until_stopped(server, listener, _greeting(address, options, told))
        finally:
            await embedded.stop()
            stop_tracing(tracing)
    finally:
        await control.stop()
        folder.release()


async def _have_an_admin(embedded: Embedded, env: Mapping[str, str], file: Path | None) -> None:
    """Nothing listens before there is somebody who decides who may do what."""
    store = embedded.part("account").store
    if not await admins.is_there_one(store):
        await admins.appoint(store, env, admins.wanted(file))


async def _until_stopped(server: HttpServer, listener: socket.socket, greeting: Panel) -> None:
    server.heed_signals()
    Console(stderr=False).print(greeting)
    await server.answer(listener)


def _greeting(address: str, options: UpOptions, told: str) -> Panel:
    text = Text()
    text.append(f"{address}\n\n", "bold")
    text.append("Sign in, then show the access_token · 로그인한 뒤 access_token을 보내세요\n")
    text.append(f"  http POST {address}/sessions contact=NAME password=…\n", "cyan")
    text.append(f"  http {address}/bikes Authorization:'Bearer TOKEN'\n\n", "cyan")
    text.append(f"API {address}/docs\n")
    text.append(f"Data · 데이터: {options.data.resolve()}\n")
    text.append(told, "yellow")
    text.append("Keys · 키: keys/ (keep a copy apart from backups · 백업과 따로 보관하세요)\n")
    if options.host not in LOOPBACK:
        text.append("This is HTTP: put a proxy with TLS in front, or passwords travel in the clear.\n", "yellow")
        text.append("HTTP이므로 앞에 TLS 프록시를 두세요. 그러지 않으면 비밀번호가 평문으로 전송됩니다.\n", "yellow")
    text.append("Everything needs a token. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("모든 요청에 토큰이 필요합니다. Ctrl-C로 멈춰도 데이터는 남습니다.", "dim")
    return Panel(text, title=COMMAND, border_style="green", expand=False)
