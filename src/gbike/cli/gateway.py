"""`gbike gateway`: Envoy in front of the services, configured from what they say of themselves; `gbike routes`."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from gbike.cli import DATA, Data
from gbike.gateway.envoy import PROBLEMS, Address, ListenAddress, config
from gbike.gateway.http import Page, route_table
from gbike.gateway.settings import GatewaySettings, tiles_elsewhere
from gbike.kit.http.openapi import document
from gbike.kit.http.pages import docs_page, status_codes_page
from gbike.kit.service import ServiceSpec
from gbike.kit.settings import BadSetting, load, surroundings
from gbike.run.auth_mode import not_for_production, on_loopback_only
from gbike.run.engines import envoy as engine
from gbike.run.event_map import build_all, name_of
from gbike.run.registry import specs, usual_port
from gbike.run.web import web

__all__ = ["ListenAddress", "configuration", "drain", "run"]
HTML = "text/html; charset=utf-8"


def gateway_verb(
    *,
    show: Annotated[bool, typer.Option("--print", help="print the configuration and end")] = False,
    host: Annotated[str, typer.Option(help="loopback only with --demo")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8088,
    admin_port: Annotated[int, typer.Option(min=1, max=65535, help="for operators, on loopback")] = 9901,
    demo: Annotated[bool, typer.Option("--demo", help="open to pages of every origin, with no limit of rate")] = False,
    drain_s: Annotated[
        float | None, typer.Option("--drain", min=0, help="send the clients of a running one away, so many s")
    ] = None,
    data: Data = DATA,
) -> None:
    """Envoy in front of the services, its configuration made from the route table."""
    address = ListenAddress(host, port, admin_port, demo)
    if drain_s is not None:
        raise typer.Exit(0 if asyncio.run(drain(admin_port, drain_s)) else 1)
    if show:
        typer.echo(json.dumps(configuration(address, surroundings(os.environ)), indent=2, ensure_ascii=False))
    else:
        run(address, data / "gateway")


def routes_verb() -> None:
    """The route table, from the code: each path prefix with its service and port, and what may be asked there."""
    for one in build_all():
        others = [alias for alias, path in one.spec.aliases.items() if path in one.spec.paths]
        also = f", also {' and '.join(others)}" if others else ""
        typer.echo(f"{' '.join(one.spec.paths)}  {name_of(one.spec)}, port {usual_port(one.spec.name)}{also}")
        for operation in one.public:
            typer.echo(f"    {operation.method:<6} {operation.path}  {operation.summary}")


def configuration(where: ListenAddress, env: Mapping[str, str]) -> dict[str, Any]:
    """Envoy's configuration for all services of this installation. Raises BadSetting."""
    known = specs()
    upstreams = {spec.name: addresses(spec, env) for spec in known}
    settings = load(GatewaySettings, env)
    tiles_elsewhere(settings)
    return config(route_table(known), upstreams, pages(demo=where.demo) | web(settings), where, settings)


def addresses(spec: ServiceSpec, env: Mapping[str, str]) -> list[Address]:
    """Where the processes of a service are: `GBIKE_PEER_RENT_URL`, several with commas between. Raises BadSetting."""
    name = f"GBIKE_PEER_{spec.name.upper()}_URL"
    given = env.get(name) or f"http://127.0.0.1:{usual_port(spec.name)}"
    return [_address(name, one.strip()) for one in given.split(",")]


def pages(*, demo: bool) -> dict[str, Page]:
    """What the gateway answers itself: that it is there, and what all services together offer."""
    public = [operation for one in build_all() for operation in one.public]
    whole = document("gbike", public, demo=demo)
    up = Page("application/json", '{"status":"UP"}')
    return {
        **dict.fromkeys(("/health/live", "/health/ready", "/actuator/health"), up),
        "/openapi.json": Page("application/json", msgspec.json.encode(whole).decode()),
        "/docs": Page(HTML, docs_page(whole).decode()),
        "/docs/status-codes": Page(HTML, status_codes_page(public, PROBLEMS).decode()),
    }


def run(address: ListenAddress, folder: Path) -> None:
    """Become Envoy: this process is replaced, so that signals go where they should. Raises BadSetting, CannotRun."""
    if address.demo:
        not_for_production(os.environ)
        on_loopback_only(address.host, "--demo", in_a_pod="KUBERNETES_SERVICE_HOST" in os.environ)
    address = msgspec.structs.replace(address, files=engine.open_files())
    engine.prepare(folder, configuration(address, surroundings(os.environ)))
    command: Sequence[str] = engine.program(folder).command
    os.execv(command[0], list(command))  # noqa: S606 - a program of ours with arguments of ours


async def drain(admin_port: int, seconds: float) -> bool:
    """What comes before the end of a gateway that others go on without: for so long it answers those who have not heard
    yet, and sends each of them away with the answer. Whether it was there to hear it."""
    there = await engine.leave(admin_port)
    await asyncio.sleep(seconds if there else 0)
    return there


def _address(name: str, text: str) -> Address:
    parts = urlsplit(text)
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port or parts.path not in ("", "/"):
        raise BadSetting(f"{name}={text!r}: write http://host:port, several with commas between")
    return Address(parts.hostname, port)
