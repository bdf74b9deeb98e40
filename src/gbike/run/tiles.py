"""The map's tiles as one file of the operator's own, answered in pieces: pages ask for a few bytes of it at a time.

A PMTiles file holds every tile of a city. What asks for it needs no login, as for the pages themselves.
"""

from collections.abc import Mapping
from pathlib import Path

import anyio
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gbike.gateway.settings import TILES_AT
from gbike.kit.http.app import SAYS_DEMO
from gbike.kit.http.protection import protecting
from gbike.kit.settings import BadSetting
from gbike.kit.telemetry import log

MEDIA = "application/vnd.pmtiles"
MAGIC = b"PMTiles\x03"
"""What version 3 begins with, the one that protomaps-leaflet reads."""
KEPT = "public, max-age=3600"
"""Who meets another file then sees it by its ETag, and asks anew."""


def with_tiles(file: Path, own: ASGIApp, *, demo: bool) -> ASGIApp:
    """`own`, and before it the file at TILES_AT, by Starlette's FileResponse: Range, If-Range, HEAD, 64 KiB of it in
    memory at a time. A file that is replaced is the new one at once. Raises BadSetting: it can't be served."""
    _must_be_an_archive(file)
    headers = _headers(demo=demo)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != TILES_AT or scope["method"] not in ("GET", "HEAD"):
            await own(scope, receive, send)
            return
        try:
            found = await anyio.Path(file).stat()
        except OSError as gone:
            log.warning("the map's tiles are gone", file=str(file), why=gone.strerror)
            await own(scope, receive, send)  # which knows nothing there
            return
        await FileResponse(file, headers=headers, media_type=MEDIA, stat_result=found)(scope, receive, send)

    return answer


def _headers(*, demo: bool) -> Mapping[str, str]:
    marks = [*protecting(), *([SAYS_DEMO] if demo else [])]
    return {name.decode(): value.decode() for name, value in marks} | {"cache-control": KEPT}


def _must_be_an_archive(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(MAGIC))
    except OSError as wrong:
        raise BadSetting(f"GBIKE_MAP_TILES: {file} can't be read: {wrong.strerror}") from None
    if begins != MAGIC:
        raise BadSetting(f"GBIKE_MAP_TILES: {file} is not a PMTiles file of version 3: make one with `pmtiles extract`")
