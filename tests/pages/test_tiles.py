"""The map's tiles of a file that the same process serves, in a real browser: drawn, and asked for in pieces only."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request

from tests.pages.archive import write_archive
from tests.pages.browser import DESKTOP, Demo
from tests.pages.conftest import NewRider
from tests.pages.test_accessible import violations
from tests.pages.test_map import OPERATORS, SCREENS, fleet, near

PAINTED = """(least) => [...document.querySelectorAll('canvas.leaflet-tile')].some((tile) => {
  if (!tile.width) return false;
  const { data } = tile.getContext('2d').getImageData(0, 0, tile.width, tile.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4 * 97) colours.add(data.slice(at, at + 4).join());
  colours.delete('0,0,0,0');
  return colours.size >= least;
})"""
"""Whether a tile has so many colours: land, and a lake or a road on it."""


@pytest.fixture(scope="module")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One that serves a file of tiles."""
    folder = tmp_path_factory.mktemp("tiles")
    found = Demo(folder / "data", GBIKE_MAP_TILES=str(write_archive(folder / "city.pmtiles")))
    yield found
    found.stop()


@pytest.mark.parametrize("screen", SCREENS)
def test_tiles_are_drawn_of_pieces_of_the_file(rider: NewRider, screen: str) -> None:
    one = rider("en-US", service_workers="block", **SCREENS[screen])
    asked: list[Request] = []
    one.page.on("request", lambda request: asked.append(request))
    page = near(one)
    page.wait_for_function(PAINTED, arg=2)
    tiles = [request for request in asked if "pmtiles" in request.url]
    assert tiles, "nothing was asked for"
    assert all(request.all_headers()["range"].startswith("bytes=") for request in tiles)
    answers = [answer for request in tiles if (answer := request.response())]
    assert {answer.status for answer in answers} == {206}
    credit = page.locator(".leaflet-control-attribution a", has_text="© OpenStreetMap")
    assert credit.is_visible()
    assert credit.get_attribute("href") == "https://www.openstreetmap.org/copyright"


def test_operators_have_them_too_in_the_dark(rider: NewRider) -> None:
    one = rider("ko-KR", color_scheme="dark", **OPERATORS["desktop"])
    page = fleet(one)
    page.wait_for_function(PAINTED, arg=2)
    assert page.locator(".leaflet-control-attribution").is_visible()
    assert violations(page) == []


def test_closer_than_the_tiles_go_the_last_ones_are_drawn(rider: NewRider) -> None:
    page = near(rider("en-US", **DESKTOP))
    for _ in range(4):
        page.locator(".leaflet-control-zoom-in").click()
    page.wait_for_function(PAINTED, arg=1)
