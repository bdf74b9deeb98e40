"""The pages that people see, as files of the wheel: what stands under /app, in both forms, with a policy of its own.

What a page is made of stands under a path that changes with its content, so browsers keep it for good and never mix two
versions. The page itself, its manifest and its service worker are asked for each time.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from gbike.gateway.http import Page
from gbike.gateway.settings import GatewaySettings, MapTiles, map_tiles
from gbike.kit.auth.limits import FREE
from gbike.kit.auth.rules import PUBLIC
from gbike.kit.http.app import Handler, Operation
from gbike.kit.http.request import Request, Response

FILES = Path(__file__).parent.parent / "web"
AT = "/app"
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
UNVERSIONED = {
    "index.html": AT,
    "console.html": f"{AT}/console",
    "sw.js": f"{AT}/sw.js",
    "app.webmanifest": f"{AT}/app.webmanifest",
}
"""What is found under a name that never changes, and where."""
MAP = ("leaflet.js", "leaflet.css", "map.css", "map.js", "/discs.js", "/clusters.js")
STATEMENT = tuple(f"/statement/{name}.js" for name in ("page", "refunds", "ko", "en"))
LATER = (
    *MAP,
    *STATEMENT,
    "/contact.js",
    "/invited/page.js",
    "/invited/ko.js",
    "/invited/en.js",
    "/signs.js",
    "/qrcode.js",
)
"""What is loaded when it is needed: neither with the first view nor kept ahead for a spell without a line."""
AHEAD = ("/staff/pages.js", "/staff/ko.js", "/staff/en.js", "/rider/where.js", "/rider/offered.js")
"""What is not loaded with the first view, but kept ahead: reports and returns are made where there is no line."""
RIDER, STAFF = "/rider/", "/staff/"
"""Modules that the console has no use for."""
NO_TILES = MapTiles()
FRESH, FOR_GOOD = "no-cache", "public, max-age=31536000, immutable"


@cache
def web(settings: GatewaySettings) -> dict[str, Page]:
    """Every file that a browser may ask for, by its path. Raises BadSetting."""
    tiles = map_tiles(settings)
    texts = {path.relative_to(FILES).as_posix(): path.read_text("utf-8") for path in sorted(FILES.rglob("*.*"))}
    texts = {name: text for name, text in texts.items() if Path(name).suffix in MEDIA}
    version = hashlib.sha256(repr((texts, settings.map_tiles, settings.map_attribution)).encode()).hexdigest()[:12]
    base = f"{AT}/{version}"
    parts = {f"{base}/{name}": text for name, text in texts.items() if name not in UNVERSIONED}
    needed = [path for path in parts if path.endswith((".js", ".css", ".svg")) and not path.endswith(LATER)]
    shell = [path for path in needed if "/console/" not in path]
    console = [path for path in needed if RIDER not in path and STAFF not in path]
    known = {
        "{{base}}": base,
        "{{tiles}}": escape(tiles.address),
        "{{attribution}}": escape(settings.map_attribution),
        "{{modules}}": _preloaded(path for path in shell if not path.endswith(AHEAD)),
        "{{console}}": _preloaded(console),
        "{{shell}}": " ".join(shell),
    }
    pages = {path: _page(path, text, FOR_GOOD, tiles) for path, text in parts.items()}
    for name, path in UNVERSIONED.items():
        text = texts[name]
        for word, meant in known.items():
            text = text.replace(word, meant)
        pages[path] = _page(name, text, FRESH, tiles)
    return pages


def web_operations(settings: GatewaySettings) -> list[Operation]:
    """The same as operations of the embedded gateway. Raises BadSetting."""
    return [
        Operation("GET", path, _answering(page), "What people see", PUBLIC, hidden=True, pace=FREE)
        for path, page in web(settings).items()
    ]


def wants_a_page(request: Request) -> bool:
    """Whether somebody asks with a browser, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def policy(tiles: MapTiles = NO_TILES) -> str:
    """What a page of ours may load and run: what comes from here, and the map's tiles from where a setting says."""
    ours = "'self'"
    pictures, asked = f"{ours} data: {tiles.pictures}".strip(), f"{ours} {tiles.archives}".strip()
    return (
        f"default-src 'none'; script-src {ours}; style-src {ours}; img-src {pictures}; connect-src {asked}; "
        f"manifest-src {ours}; worker-src {ours}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _preloaded(paths: Iterable[str]) -> str:
    return "\n".join(f'<link rel="modulepreload" href="{path}">' for path in paths if path.endswith(".js"))


def _page(name: str, text: str, kept: str, tiles: MapTiles) -> Page:
    headers = {
        "cache-control": kept,
        "content-security-policy": policy(tiles),
        "permissions-policy": "camera=(self), geolocation=(self)",
    }
    return Page(MEDIA[Path(name).suffix], text, headers)


def _answering(page: Page) -> Handler:
    content = page.text.encode()

    async def answer(_ask: Request) -> Response:
        return Response(200, content, dict(page.headers), media=page.media)

    return answer
