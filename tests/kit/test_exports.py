"""A list as a file: whole, in pieces, and nothing in it that a spreadsheet calculates."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from gbike.kit.auth.principal import ANONYMOUS, Acting, OwnerScope, acting
from gbike.kit.auth.rules import SIGNED_IN
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.filters import SPAN
from gbike.kit.http.lists import listed
from gbike.kit.http.request import Request, ResourceKind, Response
from gbike.kit.http.server import HttpServer, listen
from gbike.kit.storage.listing import Listing, Pieces
from gbike.kit.store import Row, Store, Tx
from gbike.kit.telemetry import Metrics
from tests.kit.floor import a_store, note
from tests.support import Client, Reply

WORDS = Listing(
    "SELECT id, word FROM notes",
    {},
    "id DESC",
    counters=("notes",),
    conditions={"from": "id >= ?", "to": "id < ?"},
    owner="length(word)",
)


class Word(msgspec.Struct, frozen=True):
    """A word as clients see it."""

    number: int
    word: str | None
    whole: bool = True
    part: float | None = None
    more: tuple[int, ...] = (1, 2)


async def words(*found: str) -> Store:
    store = a_store()

    def fill(tx: Tx) -> None:
        for word in found:
            note(tx, word)

    await store.write(fill)
    return store


def app(store: Store, make: Callable[[Row], Any] = tuple) -> HttpApp:
    async def answer(request: Request) -> Response:
        listing = msgspec.structs.replace(WORDS, make=make)
        return await listed(request, store, listing, ResourceKind("words", "word", "number"), lambda row: Word(*row))

    operation = Operation("GET", "/words", answer, "Words", SIGNED_IN, answers={200: [Word]}, paged=True, filters=SPAN)
    return HttpApp("test", [operation], {}, Metrics(), NO_AUTH)


def lines(reply: Reply, encoding: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(reply.content.decode(encoding), newline="")))


async def test_a_file_has_a_header_and_every_row_in_the_order_of_its_number() -> None:
    reply = await Client(app(await words("pear", "fig", 'a, "b"\nc'))).get("/words?format=csv&page=7&size=1")
    assert reply.content.startswith(b'\xef\xbb\xbfnumber,word,whole,part,more\r\n1,pear,true,,"[1,2]"\r\n')
    assert [row[:2] for row in lines(reply)[1:]] == [["1", "pear"], ["2", "fig"], ["3", 'a, "b"\nc']]
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert reply.headers["content-disposition"] == 'attachment; filename="words.csv"'
    assert reply.headers["cache-control"] == "no-store"


async def test_a_file_of_nothing_has_its_header() -> None:
    assert lines(await Client(app(await words())).get("/words?format=csv")) == [
        ["number", "word", "whole", "part", "more"]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\tx", " =1", "\u3000=1", "\n=1", "\ufeff=1", 
        "＝1", "＋1", "－1", "＠x",
        " ＝cmd|' /C calc'!A0", "\x01=1", "\u200e=1", "\u2060+1", "\xad-1", "\xa0@x", "\u202e\u200b =1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
async def test_no_text_is_a_formula(text: str, encoding: str) -> None:
    reply = await Client(app(await words(text))).get(f"/words?format=csv&encoding={encoding}")
    read = reply.content.decode("utf-8-sig" if encoding == "utf-8" else "cp949")
    assert list(csv.reader(io.StringIO(read, newline="")))[1][1].startswith("'")


@pytest.mark.parametrize("text", ["pear", "a=b", "분당_정자역", "'x", "1-2", " 정자역", "(=1)", "", "\u200b가"])
async def test_other_texts_are_as_they_are(text: str) -> None:
    assert lines(await Client(app(await words(text))).get("/words?format=csv"))[1][1] == text


async def test_what_cp949_lacks_is_a_question_mark() -> None:
    reply = await Client(app(await words("정자역 😀é"))).get("/words?format=csv&encoding=cp949")
    assert lines(reply, "cp949")[1][1] == "정자역 ??"
    assert reply.headers["content-type"].startswith("text/csv; charset=windows-949")


@pytest.mark.parametrize("query", ["format=xls", "format=", "format=csv&encoding=latin-1", "format=csv&format=csv"])
async def test_a_form_that_there_is_not_is_refused(query: str) -> None:
    assert (await Client(app(await words("pear"))).get(f"/words?{query}")).status == 422


async def test_who_took_a_list_is_on_record_with_what_it_was_narrowed_by() -> None:
    store = await words("pear")
    await Client(app(store)).get("/words?format=csv&from=1970-01-01T00:00:00Z&sort=number")
    await Client(app(store)).send("HEAD", "/words?format=csv")
    rows = await store.read(lambda read: read.all("SELECT who, action, subject, after FROM audit"))
    assert rows == [("demo", "list exported", "list:/words", '{"filters":["from"]}')]


async def test_a_file_is_narrowed_as_its_list_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.PIECE", 2)
    client = Client(app(await words(*"abcdefgh")))
    span = "from=1970-01-01T00:00:00.003Z&to=1970-01-01T00:00:00.008Z"
    assert [row[1] for row in lines(await client.get(f"/words?format=csv&{span}"))[1:]] == ["c", "d", "e", "f", "g"]


async def test_a_file_has_only_what_is_theirs() -> None:
    store = await words("a", "bb", "cc", "ddd")
    before = acting.set(Acting(ANONYMOUS, OwnerScope.of(2)))
    try:
        found = [one async for piece in Pieces(store, WORDS, {"from": 1}).each() for one in piece]
    finally:
        acting.reset(before)
    assert found == [(2, "bb"), (3, "cc")]


async def test_no_more_rows_are_held_than_two_pieces_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.PIECE", 10)
    alive, most = 0, 0

    class Counted(tuple[Any, ...]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def make(row: Row) -> Counted:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        return Counted(row)

    reply = await Client(app(await words(*map(str, range(200))), make)).get("/words?format=csv")
    assert len(lines(reply)) == 201
    assert most <= 20


@asynccontextmanager
async def asked(store: Store) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that has asked a server for the file."""
    listener, server = listen("127.0.0.1", 0), HttpServer(app(store), drain_s=60)
    serving = asyncio.create_task(server.answer(listener))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET /words?format=csv HTTP/1.1\r\nhost: gbike\r\n\r\n")
    yield reader, writer
    writer.close()
    server.should_exit = server.force_exit = True
    await serving


async def test_a_file_that_breaks_off_has_no_end_that_looks_like_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.PIECE", 1)
    store = await words("pear", "fig", "plum")
    scan, looks = store.scan, 0

    async def breaking(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks > 2:
            raise OSError("the disk is gone")
        return await scan(*args)

    monkeypatch.setattr(store, "scan", breaking)
    async with asked(store) as (reader, _):
        try:
            sent = await reader.read()
            while more := await reader.read():
                sent += more
        except ConnectionError:
            sent = b""
        assert not sent.endswith(b"0\r\n\r\n")


async def test_a_client_that_goes_away_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.PIECE", 1)
    store = await words("pear", "fig", "plum")
    scan = store.scan
    gone = asyncio.Event()
    over = asyncio.Event()
    looks = 0

    async def waiting(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks > 2:
            gone.set()
            try:
                await asyncio.Event().wait()
            finally:
                over.set()
        return await scan(*args)

    monkeypatch.setattr(store, "scan", waiting)
    async with asked(store) as (_, writer):
        await gone.wait()
        writer.close()
        await over.wait()
        assert looks == 3
