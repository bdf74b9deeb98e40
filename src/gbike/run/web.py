"""The pages that people see, as files of the wheel: what stands under /app, in both forms, with a policy of its own.

What a page is made of stands under a path that changes with its content, so browsers keep it for good and never mix two
versions. The page itself, its manifest and its service worker are asked for each time.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from posixpath import dirname, join, normpath

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
RIDERS, CONSOLE = "rider/main.js", "console/main.js"
"""Where the two apps begin. What these name is loaded with the first view; what is imported later is not."""
WITH_A_LINE = ("vendor/", "doors/", "invited/", "profile/")
"""Where the modules are that nobody needs without a line, unless they are of the first view."""
_NAMED = re.compile(r"\b(?:from|import)\s*'(\.[^']+)'")
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
    first = _first(texts, RIDERS)
    known = {
        "{{base}}": base,
        "{{tiles}}": escape(tiles.address),
        "{{attribution}}": escape(settings.map_attribution),
        "{{modules}}": _preloaded(base, first),
        "{{console}}": _preloaded(base, _first(texts, CONSOLE)),
        "{{shell}}": " ".join(f"{base}/{name}" for name in texts if _is_kept_ahead(name, first)),
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


def _first(texts: Mapping[str, str], begins: str) -> list[str]:
    """What an app loads with its first view: the module where it begins and, in turn, all that these name."""
    found, new = {"boot.js", begins}, [begins]
    while new:
        name = new.pop()
        named = {normpath(join(dirname(name), path)) for path in _NAMED.findall(texts[name])}
        new += named - found
        found |= named
    return sorted(found)


def _is_kept_ahead(name: str, first: Collection[str]) -> bool:
    """Whether the service worker keeps a file for a spell without a line: all that riders and field staff may do then.
    What others made and only some pages need is large (a map, codes): that is kept once it was loaded."""
    if name in UNVERSIONED or name.startswith("console/"):
        return False
    return name in first or not name.startswith(WITH_A_LINE)


def _preloaded(base: str, names: Iterable[str]) -> str:
    return "\n".join(f'<link rel="modulepreload" href="{base}/{name}">' for name in names)


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
