"""`gbike gateway`: Envoy in front of the services, configured from what they say of themselves."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gbike.app.catalogue import cards, usual_port
from gbike.app.doors import not_for_production
from gbike.app.engines import envoy as engine
from gbike.app.event_map import build_all
from gbike.app.web import web
from gbike.gateway.envoy import PROBLEMS, Address, Place, config
from gbike.gateway.routes import Page, route_table
from gbike.gateway.settings import GatewaySettings
from gbike.kit.http.openapi import document
from gbike.kit.http.pages import docs_page, status_codes_page
from gbike.kit.runtime import Card
from gbike.kit.settings import BadSetting, load, surroundings

__all__ = ["Place", "configuration", "drain", "run", "show"]
LOOPBACK = ("127.0.0.1", "::1", "localhost")
HTML = "text/html; charset=utf-8"


def configuration(place: Place, env: Mapping[str, str]) -> dict[str, Any]:
    """Envoy's configuration for all services of this installation. Raises BadSetting."""
    known = cards()
    upstreams = {card.name: addresses(card, env) for card in known}
    settings = load(GatewaySettings, env)
    return config(route_table(known), upstreams, pages(demo=place.demo) | web(settings), place, settings)


def addresses(card: Card, env: Mapping[str, str]) -> list[Address]:
    """Where the processes of a service are: `GBIKE_PEER_RENT_URL`, several with commas between. Raises BadSetting."""
    name = f"GBIKE_PEER_{card.name.upper()}_URL"
    given = env.get(name) or f"http://127.0.0.1:{usual_port(card.name)}"
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


def show(place: Place) -> str:
    """The configuration as JSON. Raises BadSetting."""
    return json.dumps(configuration(place, _settings()), indent=2, ensure_ascii=False)


def run(place: Place, folder: Path) -> None:
    """Become Envoy: this process is replaced, so that signals go where they should. Raises BadSetting, CannotRun."""
    if place.demo:
        not_for_production(os.environ)
    if place.demo and place.host not in LOOPBACK and "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise BadSetting(f"with --demo everybody may do everything: loopback only, or in a pod, not {place.host}")
    place = msgspec.structs.replace(place, files=engine.open_files())
    engine.prepare(folder, configuration(place, _settings()))
    command: Sequence[str] = engine.program(folder).command
    os.execv(command[0], list(command))  # noqa: S606 - a program of ours with arguments of ours


async def drain(admin_port: int, seconds: float) -> bool:
    """What comes before the end of a gateway that others go on without: for so long it answers those who have not heard
    yet, and sends each of them away with the answer. Whether it was there to hear it."""
    there = await engine.leave(admin_port)
    await asyncio.sleep(seconds if there else 0)
    return there


def _settings() -> dict[str, str]:
    return surroundings(os.environ)


def _address(name: str, text: str) -> Address:
    parts = urlsplit(text)
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port or parts.path not in ("", "/"):
        raise BadSetting(f"{name}={text!r}: write http://host:port, several with commas between")
    return Address(parts.hostname, port)
