"""Whoever listens is told what changed of theirs: at once, once more after a break, and nothing of anybody else's."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gbike.contracts.rent import Rented
from gbike.kit.auth.principal import DEMO, OwnerScope
from gbike.kit.auth.revoked import NEVER
from gbike.kit.envelope import Message, pack
from gbike.kit.telemetry import NO_TRACE
from gbike.run.embedded import Embedded
from gbike.services.rent_and_billing_view import streams as changes
from gbike.services.rent_and_billing_view.commands import keep
from gbike.services.rent_and_billing_view.streams import MOST_BEHIND, MOST_WAITING, Changes, Listener
from tests.security.people import As, Locked
from tests.support import EVERY_RIDE_COSTS, Client

KIM, LEE = 31, 32
CHANGES = "/rentAndBillingViews/changes"


class Stream:
    """One reader of the stream, in this process."""

    def __init__(self, client: Client, last: int | None = None) -> None:
        self._client, self._last = client, last
        self._gone = asyncio.Event()
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.events: list[dict[str, Any]] = []
        self.last: int | None = None
        """The number to go on after."""

    async def __aenter__(self) -> "Stream":
        headers = {b"accept": b"text/event-stream", b"host": b"gbike"}
        if isinstance(self._client, As) and self._client.token:
            headers[b"authorization"] = f"Bearer {self._client.token}".encode()
        if self._last is not None:
            headers[b"last-event-id"] = str(self._last).encode()
        scope = {
            "type": "http", "method": "GET", "path": CHANGES, "query_string": b"", "headers": list(headers.items()),
        }  # fmt: skip
        self._task = asyncio.create_task(self._client._app(scope, self._receive, self._messages.put))
        self.begin = await self._messages.get()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._gone.set()
        await self._task

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def piece(self) -> list[dict[str, Any]]:
        """The events of the next piece. Nothing when the stream is over."""
        async with asyncio.timeout(5):
            message = await self._messages.get()
        found = []
        for block in message["body"].decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            self.last = int(fields["id"])
            if "data" in fields:
                found.append({"event": fields["event"], **json.loads(fields["data"])})
        return found

    async def until(self, type: str) -> list[dict[str, Any]]:
        """Every event up to one of that type."""
        found: list[dict[str, Any]] = []
        while not any(one.get("type") == type for one in found):
            found += await self.piece()
        return found


@pytest.fixture
async def town() -> AsyncIterator[Locked]:
    """Two riders with money, and bikes."""
    made = Locked(EVERY_RIDE_COSTS)
    made.whole.start()
    for number in (KIM, LEE):
        await made.admin.post("/userDeposits", {"userid": number, "deposit": 10_000})
        await made.admin.post("/bikes", {"bikeid": number, "status": "사용가능", "location": "정자"})
    await quiet(made.whole)
    yield made
    await made.whole.stop()


async def quiet(whole: Embedded) -> None:
    for part in whole.parts.values():
        await part.drivers.stop()
    await whole.settle()
    for part in whole.parts.values():
        part.drivers.start()


async def ride(client: Client, userid: int) -> int:
    """A whole ride; answers its number."""
    rentid: int = (await client.post("/rents", {"userid": userid, "bikeid": userid})).json["rentid"]
    assert (await client.patch(f"/rents/{rentid}", {"endlocation": "정자"})).status == 200
    return rentid


def types(events: list[dict[str, Any]]) -> list[str]:
    return [one.get("type", one["event"]) for one in events]


async def test_a_ride_is_told_to_its_rider_and_to_admins_and_to_nobody_else(town: Locked) -> None:
    kim, lee = town.person(KIM, "rider"), town.person(LEE, "rider", "bikeManager", managerid=9)
    async with Stream(kim) as of_kim, Stream(lee) as of_lee, Stream(town.admin) as of_all:
        assert [types(await one.piece()) for one in (of_kim, of_lee, of_all)] == [["anew"]] * 3
        rentid = await ride(kim, KIM)
        seen = await of_kim.until("ClosedBill")
        assert {one["type"] for one in seen} >= {"Rented", "Returned", "RegisteredBill", "CalculatedFee", "ClosedBill"}
        (back,) = [one for one in seen if one["type"] == "Returned"]
        assert back == {"event": "change", "type": "Returned", "rentid": rentid, "bikeid": KIM, "userid": KIM}
        assert types(await of_all.until("ClosedBill")) == types(seen)
        await ride(lee, LEE)
        assert {one["userid"] for one in await of_lee.until("ClosedBill")} == {LEE}


@pytest.mark.parametrize("cut", ["Rented", "Returned", "RegisteredBill", "CalculatedFee"])
async def test_who_breaks_off_anywhere_and_goes_on_after_what_it_knows_loses_nothing(town: Locked, cut: str) -> None:
    kim = town.person(KIM, "rider")
    async with Stream(town.admin) as whole:
        await whole.piece()
        async with Stream(kim) as before:
            await before.piece()
            rentid = (await kim.post("/rents", {"userid": KIM, "bikeid": KIM})).json["rentid"]
            if cut != "Rented":
                await kim.patch(f"/rents/{rentid}", {"endlocation": "정자"})
            heard = await before.until(cut)
        if cut == "Rented":
            await kim.patch(f"/rents/{rentid}", {"endlocation": "정자"})
        await quiet(town.whole)  # all of it happens while nobody of Kim's listens
        everything = await whole.until("ClosedBill")
        async with Stream(kim, before.last) as after:
            rest = await after.piece()
        assert sorted(types(heard + rest)) == sorted(types(everything))


@pytest.mark.parametrize("last", [10**15, -1])
async def test_a_number_that_was_never_told_means_to_read_everything_anew(town: Locked, last: int) -> None:
    async with Stream(town.admin, last) as stream:
        assert types(await stream.piece()) == ["anew"]


async def test_who_was_away_too_long_reads_everything_anew(town: Locked, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Stream(town.admin) as stream:
        await stream.piece()
    await ride(town.person(KIM, "rider"), KIM)
    await quiet(town.whole)
    async with Stream(town.admin, stream.last) as near:
        assert "Returned" in types(await near.piece())
    monkeypatch.setattr(changes, "MOST_BEHIND", 3)
    async with Stream(town.admin, stream.last) as far:
        assert types(await far.piece()) == ["anew"]
    assert MOST_BEHIND >= 100


async def test_a_stream_ends_with_the_token_that_opened_it(town: Locked) -> None:
    now_s = town.whole.clock.now_ms() // 1000
    short = town.with_token(town.issuer.token(KIM, "rider", exp=now_s + 1))
    async with Stream(short) as stream:
        assert types(await stream.piece()) == ["anew"]
        async with asyncio.timeout(3):
            await stream._task
    async with Stream(town.anonymous) as refused:
        assert refused.begin["status"] == 401


async def test_who_is_an_admin_no_more_hears_of_no_ride_that_begins_after(town: Locked) -> None:
    async with Stream(town.admin) as admin, Stream(town.person(KIM, "rider")) as kim:
        assert types(await admin.piece()) == types(await kim.piece()) == ["anew"]
        town.whole.auth_mode.revoked.refuse(900, NEVER, town.whole.clock.now_ms())  # type: ignore[attr-defined]
        await ride(town.person(KIM, "rider"), KIM)
        assert (await kim.until("ClosedBill"))[0]["type"] == "Rented"
        assert await admin.piece() == []
        async with asyncio.timeout(3):
            await admin._task


async def test_one_account_has_so_many_streams_and_a_process_so_many() -> None:
    town = Locked({"GBIKE_VIEW_STREAMS": "3", "GBIKE_VIEW_STREAMS_EACH": "2"})
    town.whole.start()
    kim = town.person(KIM, "rider")
    async with Stream(kim), Stream(kim), Stream(kim) as third:
        assert problem(third, await third._messages.get()) == (429, "too-many-streams", b"30")
        async with Stream(town.admin) as fits, Stream(town.admin) as fourth:
            assert fits.begin["status"] == 200
            assert problem(fourth, await fourth._messages.get()) == (503, "streams-full", b"30")
    async with Stream(kim) as again:
        assert again.begin["status"] == 200
    await town.whole.stop()


async def streams(clients: list[As]) -> tuple[int, set[str], list[Stream]]:
    """How many of them are let in, why others are not, and those that are, to be left."""
    opened, refused = [], set()
    for client in clients:
        stream = await Stream(client).__aenter__()
        if stream.begin["status"] == 200:
            opened.append(stream)
        else:
            refused.add(problem(stream, await stream._messages.get())[1])
    return len(opened), refused, opened


async def test_32_accounts_do_not_hold_all_streams_and_riders_never_those_of_staff() -> None:
    town = Locked({"GBIKE_VIEW_STREAMS_ADDRESS": "10000"})
    town.whole.start()
    few, why, held = await streams([town.person(n, "rider") for n in range(1, 33) for _ in range(9)])
    assert (few, why) == (128 + 16, {"too-many-streams"})
    more, why, others = await streams([town.person(n, "rider") for n in range(33, 200)])
    assert (few + more, why) == (256 - 32, {"streams-full"})
    staff = [town.person(n, "bikeManager", managerid=n) for n in range(200, 240)]
    last, why, staffs = await streams([*staff[:31], town.admin, *staff[31:]])
    assert (last, why) == (32, {"streams-full"})
    for one in (*held, *others, *staffs):
        await one.__aexit__()
    await town.whole.stop()


async def test_one_address_does_not_hold_all_streams_and_staff_there_is_let_in() -> None:
    town = Locked()
    town.whole.start()
    riders, why, held = await streams([town.person(n, "rider") for n in range(1, 140)])
    assert (riders, why) == (128, {"too-many-streams-of-address"})
    async with Stream(town.admin) as admin:
        assert admin.begin["status"] == 200
    for one in held:
        await one.__aexit__()
    await town.whole.stop()


def problem(stream: Stream, body: dict[str, Any]) -> tuple[int, str, bytes]:
    slug = json.loads(body["body"])["type"].partition("#")[2]
    return stream.begin["status"], slug, dict(stream.begin["headers"])[b"retry-after"]


async def test_a_reader_that_is_too_slow_is_told_to_read_everything_anew_and_let_go(town: Locked) -> None:
    hub = of(town.whole)
    stream = await hub.listen(DEMO, OwnerScope.ALL, None)
    pieces = stream.pieces()
    await anext(pieces)
    for number in range(1, MOST_WAITING + 2):
        stream.push(hub.at + number, b"x")
    assert b"event: anew" in await anext(pieces)
    assert [piece async for piece in pieces] == []
    stream.close()
    assert sample(town.whole, "gbike_streams_dropped_total") == 1
    assert sample(town.whole, "gbike_streams") == 0


async def test_who_would_miss_news_that_are_kept_no_more_reads_everything_anew(town: Locked) -> None:
    part, hub = town.whole.parts["rent_and_billing_view"], of(town.whole)
    async with Stream(town.admin) as stream:
        await stream.piece()
        await ride(town.person(KIM, "rider"), KIM)
        await stream.until("ClosedBill")
        await quiet(town.whole)
        await part.drivers.stop()
        await part.store.write(keep, [news(n) for n in (1, 2, 3)])
        await part.store.write(lambda tx: tx.execute("DELETE FROM kept WHERE number < (SELECT max(number) FROM kept)"))
        assert await hub.step() == 1
        assert types(await stream.piece()) == ["anew"]
        assert stream.last == hub.at
    async with Stream(town.admin, hub.at - 1) as near, Stream(town.admin, hub.at - 2) as far:
        assert types(await near.piece()) == ["Rented"]
        assert types(await far.piece()) == ["anew"]


def news(n: int) -> Message:
    printed = Rented(rentid=900 + n, userid=KIM, bikeid=KIM, status="rented", starttime=0)
    return pack(printed, id=f"news-{n}", source="rent", now_ms=0, trace=NO_TRACE)


async def test_silence_is_broken_by_a_beat_that_says_up_to_where_all_was_told(town: Locked) -> None:
    hub = of(town.whole)
    stream: Listener = await hub.listen(DEMO, OwnerScope.ALL, None, beat_ms=1)
    pieces = stream.pieces()
    await anext(pieces)
    assert await anext(pieces) == b": still here\nid: %d\n\n" % hub.at
    stream.close()


def of(whole: Embedded) -> Changes:
    """The view's streams."""
    worker = next(one for one in whole.parts["rent_and_billing_view"].running.workers if one.name == "changes")
    hub: Changes = worker.step.__self__  # type: ignore[attr-defined]
    return hub


def sample(whole: Embedded, name: str) -> float | None:
    return whole.metrics.registry.get_sample_value(name, {"service": "rent_and_billing_view"})
