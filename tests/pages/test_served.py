"""How the pages are served: with a policy of their own, for good where the name changes with the content."""

import gzip
import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from gbike.gateway.settings import GatewaySettings
from gbike.kit.http.protection import POLICY
from gbike.kit.settings import BadSetting
from gbike.run.embedded import Embedded
from gbike.run.web import FILES, FOR_GOOD, FRESH, UNVERSIONED, WITH_A_LINE, policy, web
from tests.support import Client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = web(GatewaySettings())
RIDERS, CONSOLE = "rider/main.js", "console/main.js"
STATIC = re.compile(r"^(?:import|export|}).*'(\.[^']+)';$", re.MULTILINE)


@pytest.mark.parametrize("accept", [BROWSER, "text/html"])
async def test_a_browser_is_sent_to_the_pages_and_a_program_is_not(client: Client, accept: str) -> None:
    sent = await client.get("/", accept=accept)
    assert (sent.status, sent.headers["location"]) == (302, "/app/")
    assert (await client.get("/app/", accept=accept)).status == 200
    assert (await client.get("/")).json["name"] == "gbike"
    assert (await client.get("/", accept="application/json")).json["mode"] == "demo"


async def test_every_file_is_answered_as_what_it_is(client: Client) -> None:
    for path, page in PAGES.items():
        answer = await client.get(path)
        assert (answer.status, answer.headers["content-type"]) == (200, page.media)
        assert answer.headers["content-security-policy"] == policy()
        kept = FRESH if path in UNVERSIONED.values() else FOR_GOOD
        assert answer.headers["cache-control"] == kept, path


async def test_the_slash_at_the_end_makes_no_difference(client: Client) -> None:
    assert (await client.get("/app")).content == (await client.get("/app/")).content


async def test_what_is_asked_of_the_services_keeps_the_strict_policy(client: Client) -> None:
    assert (await client.get("/bikes")).headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("path", ["/app", "/app/console"])
def test_nothing_that_the_page_names_is_missing_and_nothing_is_inline(path: str) -> None:
    text = PAGES[path].text
    named = re.findall(r'(?:href|src)="(/app[^"]*)"', text)
    assert len(named) > 10
    assert [path for path in named if path not in PAGES] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert "style=" not in text
    assert "<style" not in text
    assert "{{" not in text


def test_nothing_names_another_host() -> None:
    own = [path for path in FILES.rglob("*.*") if "vendor" not in path.parts and path.suffix != ".svg"]
    assert len(own) > 15
    assert [path.name for path in own if re.search(r"https?://|url\(", path.read_text("utf-8"))] == []


def test_the_worker_keeps_ahead_what_a_page_needs_but_nothing_large_that_only_some_need() -> None:
    kept = kept_ahead()
    assert kept <= set(PAGES)
    modules = [PAGES[path].text for path in kept if path.endswith(".js")]
    imported = {name for text in modules for name in re.findall(r"(?:from |import\()'\.\.?/([\w./]+)'", text)}
    missing = {name for name in imported if not any(path.endswith(f"/{name}") for path in kept)}
    assert [name for name in missing if not name.startswith(WITH_A_LINE)] == []
    assert {"where.js", "staff/pages.js", "complain/page.js"} <= imported
    assert not [path for path in kept if "vendor/" in path and "leaflet" in path]


def test_a_first_view_names_each_module_that_it_loads_and_no_other() -> None:
    for app, path in ((RIDERS, "/app"), (CONSOLE, "/app/console")):
        named = set(re.findall(r'"modulepreload" href="(/app[^"]*)"', PAGES[path].text))
        read = [f"{posixpath.dirname(one)}/{name}" for one in named for name in re.findall(STATIC, PAGES[one].text)]
        begins = {one for one in named if one.endswith((f"/{app}", "/boot.js"))}
        assert named == begins | {posixpath.normpath(one) for one in read}
        assert len(begins) == 2


SHARED = FILES / "shared"
BOOKS = sorted({path.parent for path in FILES.rglob("ko.js")})


def book(folder: Path, language: str) -> set[str]:
    """What the pages of a folder can say in a language."""
    text = (folder / f"{language}.js").read_text("utf-8")
    return set(re.findall(r"(?:^|[,{]) *([a-z]\w*):\s+(?=['(\w])", text, re.MULTILINE))


def test_both_languages_say_the_same_things() -> None:
    assert len(book(SHARED, "ko")) > 120
    for folder in BOOKS:
        assert book(folder, "ko") ^ book(folder, "en") == set(), folder


def test_no_word_of_the_riders_pages_means_two_things() -> None:
    """All that is learned is one book: the same name in another folder would change what was said before."""
    console = FILES / "console"
    names = [name for folder in BOOKS if console not in (folder, *folder.parents) for name in book(folder, "en")]
    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_everything_that_a_page_says_is_in_the_books() -> None:
    for folder in sorted({path.parent for path in FILES.rglob("*.js") if "vendor" not in path.parts}):
        used = {name for path in folder.glob("*.js") for name in re.findall(r"\bt\('(\w+)'", path.read_text("utf-8"))}
        own = {name for one in (folder, folder.parent) if one in BOOKS for name in book(one, "en")}
        assert used - book(SHARED, "en") - own == set(), folder


def test_no_page_shows_what_a_service_says_of_itself() -> None:
    """A problem's `detail` is for programs: people read the page's own words."""
    own = [path for path in FILES.rglob("*.js") if "vendor" not in path.parts]
    assert [path.name for path in own if re.search(r"\.detail\b|\bdetail[,} ]", path.read_text("utf-8"))] == []


def test_the_rider_loads_nothing_of_the_console() -> None:
    assert "console/" not in PAGES["/app"].text + PAGES["/app/sw.js"].text


def test_the_first_view_is_light_and_so_is_what_is_kept_ahead() -> None:
    first = {"/app", *re.findall(r'href="(/app[^"]*)"', PAGES["/app"].text)}
    assert weight(path for path in first if path in PAGES) < 60_000
    ahead = kept_ahead() - first
    assert [path for path in ahead if path.endswith("/staff/pages.js")]
    assert weight(ahead) < 50_000


def weight(paths: Iterable[str]) -> int:
    """In bytes, as they are sent."""
    return sum(len(gzip.compress(PAGES[path].text.encode())) for path in paths)


def kept_ahead() -> set[str]:
    """What the service worker keeps for a spell without a line."""
    shell = re.search(r"SHELL = '([^']+)'", PAGES["/app/sw.js"].text)
    assert shell
    return set(shell[1].split())


def test_tiles_are_loaded_only_from_where_the_setting_says() -> None:
    pages = web(GatewaySettings(map_tiles="https://tiles.example:8443/a/{z}/{x}/{y}.png"))
    asked = pages["/app"].headers["content-security-policy"]
    assert "img-src 'self' data: https://tiles.example:8443;" in asked
    assert 'content="https://tiles.example:8443/a/{z}/{x}/{y}.png"' in pages["/app"].text
    assert set(pages) - set(PAGES), "the same name for another content"


NO_TILES = ["https://tiles.example/", "tiles/{z}/{x}/{y}", "https://a b/{z}/{x}/{y}", "https://h;x/{z}/{x}/{y}"]


@pytest.mark.parametrize("bad", NO_TILES)
def test_a_setting_that_is_no_address_of_tiles_is_refused(bad: str) -> None:
    with pytest.raises(BadSetting, match="GBIKE_MAP_TILES"):
        web(GatewaySettings(map_tiles=bad))


async def test_what_riding_costs_can_be_read(embedded: Embedded, client: Client) -> None:
    assert (await client.get("/billings/tariff")).json == {"krw": 100, "per_s": 1, "rounding": "ceil"}
    assert json.loads(PAGES["/app/app.webmanifest"].text)["start_url"] == "/app/"
