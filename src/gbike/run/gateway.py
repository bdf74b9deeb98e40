"""What the gateway of an installation is given: routes and pages from the services, their addresses from settings."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gbike.gateway.envoy import PROBLEMS, Address, ListenAddress, config
from gbike.gateway.http import Page, route_table
from gbike.gateway.settings import GatewaySettings, tiles_elsewhere
from gbike.kit.http.openapi import document
from gbike.kit.http.pages import docs_page, status_codes_page
from gbike.kit.service import ServiceSpec
from gbike.kit.settings import BadSetting, load
from gbike.run.event_map import build_all
from gbike.run.registry import specs, usual_port
from gbike.run.web import web

HTML = "text/html; charset=utf-8"


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


def _address(name: str, text: str) -> Address:
    parts = urlsplit(text)
    try:
        port = parts.port or 80
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port or parts.path not in ("", "/"):
        raise BadSetting(f"{name}={text!r}: write http://host:port, several with commas between")
    return Address(parts.hostname, port)
