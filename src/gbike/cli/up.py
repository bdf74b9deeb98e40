"""`gbike up`: everything in one process, secure. Nobody changes anything without a token."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from gbike.cli import DATA, AdminFile, Adopt, Data, account
from gbike.kit.auth.addresses import Proxies
from gbike.kit.auth.keyring import KeyFolder
from gbike.kit.auth.settings import AccessSettings
from gbike.kit.http.server import HttpServer, listen, run
from gbike.kit.settings import BadSetting, environment, load
from gbike.kit.telemetry import configure_logs
from gbike.run.auth_mode import LOOPBACK
from gbike.run.defaults import about_test_payments
from gbike.run.embedded import begun_anew
from gbike.run.folder.data_folder import LETTERS
from gbike.run.folder.data_mode import Mode
from gbike.run.hosting import claimed, held, opened, running_verbs

COMMAND = "gbike up"
FOR_US_ONLY = 0o700
"""Contacts and hashes of passwords are in the folder."""


def up_verb(
    *,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8088,
    data: Data = DATA,
    admin_file: AdminFile = None,
    adopt: Adopt = False,
) -> None:
    """Everything in one process, secure: tokens required. Asks for the first admin."""
    if os.environ.get("GBIKE_DEMO", "0") not in ("0", "false", ""):
        raise BadSetting("GBIKE_DEMO is set, and `gbike up` is never open: unset it, or use `gbike demo`")
    configure_logs(os.environ.get("GBIKE_LOG_LEVEL", "WARNING"))
    run(_serve(host, port, data, admin_file, adopt=adopt))


def settings_in(data: Path, env: Mapping[str, str]) -> dict[str, str]:
    """The settings, with the places that a data folder has for keys and for password resets."""
    here = data.resolve()
    return {"GBIKE_ACCOUNT_KEYS": str(here / "keys"), "GBIKE_RESET_FILE": str(here / LETTERS), **env}


async def _serve(host: str, port: int, data: Path, admin_file: Path | None, *, adopt: bool) -> None:
    async with held(data, COMMAND) as (folder, control):
        claimed(folder, Mode.SECURE, adopt=adopt)
        folder.path.chmod(FOR_US_ONLY)
        env = settings_in(data, environment(os.environ))
        KeyFolder(Path(env["GBIKE_ACCOUNT_KEYS"])).make()
        async with opened(folder, env, secure=True) as embedded:
            store = embedded.store(account.ACCOUNT)
            # Nothing listens before there is somebody who decides who may do what.
            if not await account.is_there_one(store):
                await account.appoint(store, env, account.wanted(admin_file))
            listener = listen(host, port)
            address = f"http://{host}:{listener.getsockname()[1]}"
            folder.announce(COMMAND, address, control.path)
            await embedded.bus.identity()
            await embedded.hear_all()
            embedded.start()
            await control.start({**running_verbs(embedded), **account.verbs(store, env)})
            trusts = Proxies(load(AccessSettings, env).trusted_proxies).trusts
            server = HttpServer(embedded.app, trusts=trusts)
            server.heed_signals()
            told = begun_anew(embedded.bus) + about_test_payments(env)
            Console(stderr=False).print(_greeting(address, host, data, told))
            await server.answer(listener)


def _greeting(address: str, host: str, data: Path, told: str) -> Panel:
    text = Text()
    text.append(f"{address}\n\n", "bold")
    text.append("Sign in, then show the access_token · 로그인한 뒤 access_token을 보내세요\n")
    text.append(f"  http POST {address}/sessions contact=NAME password=…\n", "cyan")
    text.append(f"  http {address}/bikes Authorization:'Bearer TOKEN'\n\n", "cyan")
    text.append(f"API {address}/docs\n")
    text.append(f"Data · 데이터: {data.resolve()}\n")
    text.append(told, "yellow")
    text.append("Keys · 키: keys/ (keep a copy apart from backups · 백업과 따로 보관하세요)\n")
    if host not in LOOPBACK:
        text.append("This is HTTP: put a proxy with TLS in front, or passwords travel in the clear.\n", "yellow")
        text.append("HTTP이므로 앞에 TLS 프록시를 두세요. 그러지 않으면 비밀번호가 평문으로 전송돼요.\n", "yellow")
    text.append("Everything needs a token. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("모든 요청에 토큰이 필요해요. Ctrl-C로 멈춰도 데이터는 남아요.", "dim")
    return Panel(text, title=COMMAND, border_style="green", expand=False)
