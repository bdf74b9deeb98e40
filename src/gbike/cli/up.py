"""`gbike up`: everything in one process, secure. Nobody changes anything without a token."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from gbike.cli import DATA, AdminFile, Adopt, Data, account
from gbike.kit.auth.addresses import Proxies
from gbike.kit.auth.keyring import KeyFolder
from gbike.kit.auth.settings import AccessSettings
from gbike.kit.http.server import BACKLOG, HttpServer, bound, run
from gbike.kit.settings import BadSetting, environment, load
from gbike.kit.telemetry import configure_logs
from gbike.run.auth_mode import LOOPBACK
from gbike.run.defaults import about_test_payments
from gbike.run.embedded import begun_anew
from gbike.run.folder.data_folder import LETTERS
from gbike.run.folder.data_mode import Mode
from gbike.run.hosting import claimed, held, opened, running_verbs

COMMAND = "gbike up"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what to print where somebody chose to listen there
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
        listener = bound(host, port)
        port = listener.getsockname()[1]
        address = f"http://{host}:{port}"
        env = settings_in(data, environment(os.environ))
        env["GBIKE_PUBLIC_URL"] = env.get("GBIKE_PUBLIC_URL") or _pages_at(host, port)
        KeyFolder(Path(env["GBIKE_ACCOUNT_KEYS"])).make()
        async with opened(folder, env, secure=True) as embedded:
            store = embedded.store(account.ACCOUNT)
            # Nothing listens before there is somebody who decides who may do what.
            if not await account.is_there_one(store):
                await account.appoint(store, env, account.wanted(admin_file))
            listener.listen(BACKLOG)
            folder.announce(COMMAND, address, control.path)
            await embedded.bus.identity()
            await embedded.hear_all()
            embedded.start()
            await control.start({**running_verbs(embedded), **account.verbs(store, env)})
            trusts = Proxies(load(AccessSettings, env).trusted_proxies).trusts
            server = HttpServer(embedded.app, trusts=trusts)
            server.heed_signals()
            told = begun_anew(embedded.bus) + about_test_payments(env)
            Console(stderr=False).print(_greeting(address, env["GBIKE_PUBLIC_URL"], data, told))
            await server.answer(listener)


def _pages_at(host: str, port: int) -> str:
    """Where people reach us, unless GBIKE_PUBLIC_URL says: where all addresses are listened on, by this machine's
    name."""
    name = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def _greeting(address: str, pages: str, data: Path, told: str) -> Panel:
    """`pages`: the address under which people reach them."""
    text = Text()
    text.append(f"{address}\n\n", "bold")
    for whose, path in (
        ("Riders · 이용자", ""),
        ("Field staff · 현장 직원", "#/staff"),
        ("Console · 운영 화면", "console"),
    ):
        text.append(f"{whose}: ")
        text.append(f"{pages}/app/{path}\n", "cyan")
    text.append("The first admin has the name and password of the first start: typed there, or of --admin-file.\n")
    text.append("첫 운영자는 처음 시작할 때 입력했거나 --admin-file에 적은 이름과 비밀번호로 로그인해요.\n")
    text.append("One more · 추가: gbike account create-admin\n\n")
    text.append(f"API {address}/docs\n")
    text.append(f"  http POST {address}/sessions contact=NAME password=…\n", "cyan")
    text.append(f"  http {address}/rents Authorization:'Bearer TOKEN'\n", "cyan")
    text.append(f"Data · 데이터: {data.resolve()}\n")
    text.append(told, "yellow")
    text.append("Keys · 키: keys/ (keep a copy apart from backups · 백업과 따로 보관하세요)\n")
    if urlsplit(pages).scheme == "http" and urlsplit(pages).hostname not in LOOPBACK:
        text.append("This is HTTP: put a proxy with TLS in front, or passwords travel in the clear.\n", "yellow")
        text.append("HTTP이므로 앞에 TLS 프록시를 두세요. 그러지 않으면 비밀번호가 평문으로 전송돼요.\n", "yellow")
    text.append("All but bikes, places and prices needs a token. Ctrl-C stops it and keeps everything.\n", "dim")
    text.append("자전거, 장소, 요금 말고는 모두 토큰이 필요해요. Ctrl-C로 멈춰도 데이터는 남아요.", "dim")
    return Panel(text, title=COMMAND, border_style="green", expand=False)
