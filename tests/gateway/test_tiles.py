"""The map's tiles: a file of the operator's own that one process serves in pieces, or an address that pages may ask."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.gateway.settings import TILES_AT, GatewaySettings
from gbike.run.embedded import Embedded
from gbike.run.tiles import MAGIC
from gbike.run.web import web
from tests.gateway.servers import Loop

SIZE = 3 * 2**30
"""Of a file that nobody reads whole: a country's."""
LAST = b"the last tile"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with nothing between its first and its last bytes, so that it takes no room."""
    path = tmp_path_factory.mktemp("tiles") / "city.pmtiles"
    with path.open("wb") as file:
        file.write(MAGIC)
        file.seek(SIZE - len(LAST))
        file.write(LAST)
    return path


@pytest.fixture(scope="module")
def port(archive: Path) -> Iterator[int]:
    """Where all services of one process are served."""
    loop = Loop()

    async def build() -> Embedded:
        return Embedded(None, {"GBIKE_MAP_TILES": str(archive)})

    whole: Embedded = loop.run(build())
    yield loop.serve(whole.app)
    loop.run(whole.stop())
    loop.stop()


Answer = tuple[int, http.client.HTTPMessage, bytes]


def ask(port: int, method: str = "GET", most: int | None = None, **headers: str) -> Answer:
    """What is answered to somebody without a login. `most`: bytes to read before going away."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        line.request(method, TILES_AT, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read(most) if most else answer.read()
    finally:
        line.close()


def test_a_piece_of_the_file_is_answered_and_says_which(port: int) -> None:
    status, headers, content = ask(port, Range=f"bytes={SIZE - len(LAST)}-{SIZE - 1}")
    assert (status, content) == (206, LAST)
    assert headers["content-range"] == f"bytes {SIZE - len(LAST)}-{SIZE - 1}/{SIZE}"
    assert headers["content-length"] == str(len(LAST))
    assert headers["content-type"] == "application/vnd.pmtiles"
    assert ask(port, Range="bytes=-4")[2] == LAST[-4:]
    assert ask(port, Range=f"bytes=0-{len(MAGIC) - 1}")[2] == MAGIC


def test_a_piece_beyond_the_end_is_refused_with_the_size(port: int) -> None:
    status, headers, _ = ask(port, Range=f"bytes={SIZE}-")
    assert (status, headers["content-range"]) == (416, f"bytes */{SIZE}")


def test_head_tells_the_size_and_sends_nothing(port: int) -> None:
    status, headers, content = ask(port, "HEAD")
    assert (status, content) == (200, b"")
    assert (headers["content-length"], headers["accept-ranges"]) == (str(SIZE), "bytes")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_piece_is_only_of_the_file_that_is_meant(port: int) -> None:
    tag = ask(port, "HEAD")[1]["etag"]
    assert ask(port, Range="bytes=0-6", If_Range=tag)[0] == 206
    status, headers, _ = ask(port, most=7, Range="bytes=0-6", If_Range='"another"')
    assert (status, headers["content-length"]) == (200, str(SIZE))


def test_whoever_goes_away_in_the_middle_holds_nobody_up(port: int) -> None:
    for _ in range(3):
        assert ask(port, most=2**20)[2][:8] == MAGIC
    assert ask(port, Range="bytes=0-6")[0] == 206


def test_nothing_is_written_there(port: int) -> None:
    assert ask(port, "PUT")[0] in (404, 405)
    assert ask(port, "DELETE")[0] in (404, 405)


def test_another_file_in_its_place_has_another_tag_and_none_is_not_found(tmp_path: Path) -> None:
    loop, path = Loop(), tmp_path / "city.pmtiles"
    path.write_bytes(MAGIC + b"old")

    async def build() -> Embedded:
        return Embedded(None, {"GBIKE_MAP_TILES": str(path)})

    whole: Embedded = loop.run(build())
    try:
        here = loop.serve(whole.app)
        before = ask(here)
        (tmp_path / "next").write_bytes(MAGIC + b"newer")
        (tmp_path / "next").replace(path)
        after = ask(here)
        assert after[2] == MAGIC + b"newer"
        assert after[1]["etag"] != before[1]["etag"]
        path.unlink()
        status, headers, _ = ask(here)
        assert (status, headers["content-type"]) == (404, "application/problem+json")
    finally:
        loop.run(whole.stop())
        loop.stop()


@pytest.mark.parametrize("verb", ["up", "demo"])
@pytest.mark.parametrize("kind", ["missing", "folder", "picture"])
def test_it_does_not_start_on_a_file_that_it_can_not_serve(tmp_path: Path, verb: str, kind: str) -> None:
    path = tmp_path / "city.pmtiles"
    if kind == "folder":
        path.mkdir()
    elif kind == "picture":
        path.write_bytes(b"\x89PNG")
    env = {"GBIKE_MAP_TILES": str(path), "GBIKE_DATA": None, "GBIKE_DEMO": None}
    done = CliRunner().invoke(app, [verb, "--port", "0", "--data", str(tmp_path / "data")], env=env)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"GBIKE_MAP_TILES: {path}" in done.stderr


def test_a_gateway_of_several_processes_takes_an_address_only(archive: Path) -> None:
    done = CliRunner().invoke(app, ["gateway", "--print"], env={"GBIKE_MAP_TILES": str(archive)})
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "https://host/NAME.pmtiles" in done.stderr
    address = "https://tiles.example/city.pmtiles"
    assert CliRunner().invoke(app, ["gateway", "--print"], env={"GBIKE_MAP_TILES": address}).exit_code == 0


def test_pages_may_ask_exactly_the_host_that_is_named() -> None:
    page = web(GatewaySettings(map_tiles="https://tiles.example/a/city.pmtiles"))["/app"]
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self' https://tiles.example;" in policy
    assert "img-src 'self' data:;" in policy
    assert 'content="https://tiles.example/a/city.pmtiles"' in page.text


def test_pages_ask_for_a_file_here() -> None:
    page = web(GatewaySettings(map_tiles="/srv/maps/city.pmtiles"))["/app"]
    assert f'content="{TILES_AT}"' in page.text
    assert "/srv/maps" not in page.text
    assert "connect-src 'self';" in page.headers["content-security-policy"]
