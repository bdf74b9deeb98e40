"""What may be set of the gateway."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gbike.kit.auth.addresses import Proxies
from gbike.kit.settings import BadSetting


class GatewaySettings(msgspec.Struct, frozen=True):
    """What may be set of the gateway of the distributed form."""

    gateway_origins: Annotated[
        str, Meta(description="web origins that may call, separated by commas; the demo is open to all")
    ] = ""
    gateway_timeout_ms: Annotated[int, Meta(gt=0, description="a service must answer within this, ms")] = 5_000
    gateway_requests_per_s: Annotated[
        int,
        Meta(
            ge=0,
            description="requests let through a second and client (a campus behind one address is one), twice as many"
            " at once; returns and sign-outs do not count; 0: no limit; none in demo",
        ),
    ] = 1_000
    gateway_connections: Annotated[
        int, Meta(ge=1, description="clients connected at once; more are turned away at once")
    ] = 4_096
    map_tiles: Annotated[
        str, Meta(description="where the map's pictures are, https://host/{z}/{x}/{y}.png; empty: a plain ground")
    ] = ""
    trusted_proxies: Annotated[
        str, Meta(description="proxies whose X-Forwarded headers are believed: addresses or networks, with commas")
    ] = ""
    gateway_trusted_proxies: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="where GBIKE_TRUSTED_PROXIES is empty: how many proxies stand in front of it, whoever they are",
        ),
    ] = 0


def origins(settings: GatewaySettings) -> list[str]:
    """The web origins that may call. Raises BadSetting: `*` would be every page that somebody visits."""
    found = [origin.strip() for origin in settings.gateway_origins.split(",") if origin.strip()]
    for origin in found:
        if not re.fullmatch(r"https?://[A-Za-z0-9.\-]+(:[0-9]+)?", origin):
            raise BadSetting(f"GBIKE_GATEWAY_ORIGINS: {origin!r} is no origin: write https://host, with commas between")
    return found


def cidrs(settings: GatewaySettings) -> list[dict[str, Any]]:
    """The proxies that are believed, as Envoy writes networks. Raises BadSetting."""
    return [
        {"address_prefix": str(one.network_address), "prefix_len": one.prefixlen}
        for one in Proxies(settings.trusted_proxies).networks
    ]


def tiles_origin(settings: GatewaySettings) -> str:
    """Whence pages may load the map's pictures; empty where there are none. Raises BadSetting."""
    if not settings.map_tiles:
        return ""
    found = re.fullmatch(r"(https?://[A-Za-z0-9.\-]+(:[0-9]+)?)/[!-~]*", settings.map_tiles)
    if found is None or not all(part in settings.map_tiles for part in ("{z}", "{x}", "{y}")):
        raise BadSetting(f"GBIKE_MAP_TILES: {settings.map_tiles!r} is not https://host/...{{z}}/{{x}}/{{y}}.png")
    return found[1]
