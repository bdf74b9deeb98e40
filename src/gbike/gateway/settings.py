"""What may be set of the gateway."""

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gbike.kit.auth.addresses import Proxies
from gbike.kit.settings import BadSetting

TILES_AT = "/map/tiles.pmtiles"
"""Where one process answers the file of tiles that it was given."""


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
        str,
        Meta(
            description="the map's tiles: pictures, https://host/{z}/{x}/{y}.png; a PMTiles file, which `gbike up` and"
            " `gbike demo` serve themselves; or its address https://host/NAME.pmtiles; empty: a plain ground"
        ),
    ] = ""
    map_attribution: Annotated[
        str, Meta(description="who made the tiles, shown on the map: a text, then an address if it is to be a link")
    ] = "© OpenStreetMap https://www.openstreetmap.org/copyright"
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


class MapTiles(msgspec.Struct, frozen=True):
    """Where the map's tiles are. `address`: as pages are told. `file`: one that we serve. `pictures`, `archives`: the
    other host that pages may load pictures from, or pieces of an archive."""

    address: str = ""
    file: Path | None = None
    pictures: str = ""
    archives: str = ""


def map_tiles(settings: GatewaySettings) -> MapTiles:
    """What GBIKE_MAP_TILES names; whether a file is there is not looked at. Raises BadSetting."""
    given = settings.map_tiles
    if not given:
        return MapTiles()
    if not re.match("https?:", given):
        if not given.endswith(".pmtiles"):
            raise _no_tiles(given)
        return MapTiles(TILES_AT, Path(given))
    found = re.fullmatch(r"(https?://[A-Za-z0-9.\-]+(?::[0-9]+)?)/[!-~]*", given)
    if found is None:
        raise _no_tiles(given)
    if given.endswith(".pmtiles"):
        return MapTiles(given, archives=found[1])
    if not all(part in given for part in ("{z}", "{x}", "{y}")):
        raise _no_tiles(given)
    return MapTiles(given, pictures=found[1])


def tiles_elsewhere(settings: GatewaySettings) -> None:
    """Raise BadSetting where the tiles are a file: only one process serves one, not the gateway of several."""
    if map_tiles(settings).file is not None:
        raise BadSetting(
            f"GBIKE_MAP_TILES: {settings.map_tiles!r} is a file, which only gbike up and gbike demo serve: put it on a"
            " static server that answers Range, and name its address https://host/NAME.pmtiles"
        )


def _no_tiles(given: str) -> BadSetting:
    return BadSetting(
        f"GBIKE_MAP_TILES: {given!r} is neither https://host/...{{z}}/{{x}}/{{y}}.png nor a file or address that ends"
        " in .pmtiles"
    )
