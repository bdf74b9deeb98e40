"""PostgreSQL goes away, and comes back: an answer means kept, a refusal means nothing happened, and all go on."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

import psycopg
import pytest
from structlog.testing import capture_logs

from dev.tcp_ports import free_port
from gbike.kit.envelope import Message
from gbike.kit.messaging.outbox import Relay
from gbike.kit.storage import batching
from gbike.kit.storage.postgres import connection as connection_module
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Reading, StoreUnavailable, Tx
from gbike.kit.telemetry import Metrics
from tests.kit.conftest import floor_database
from tests.kit.floor import Hummed, Rang, SetClock, note, words
from tests.kit.test_postgres import postgres_store
from tests.postgres import Server
from tests.waiting import a_while, soon


@pytest.fixture
def plugged() -> Iterator[Server]:
    """A server of one's own, which waits for the disk."""
    server = Server(durable=True)
    yield server
    server.remove()


def publish(tx: Tx, word: str) -> None:
    note(tx, word)
    tx.publish(Rang(number=1))
    tx.count("notes")


def said_and_counted(read: Reading) -> tuple[int, int]:
    [(published,)] = read.all("SELECT count(*) FROM outbox")
    [(counted,)] = read.all("SELECT coalesce(sum(n), 0) FROM counters")
    return published, counted


async def _answers(store: PostgresStore) -> bool:
    """Whether a reader dials again, which a writer's success does not make it do."""
    with contextlib.suppress(StoreUnavailable):
        await words(store)
        return True
    return False


async def test_the_plug_is_pulled_in_the_middle_of_writes(plugged: Server) -> None:
    """Only StoreUnavailable meanwhile, recovery by itself, each acknowledged write kept once and no refused one."""
    url = plugged.url(floor_database(plugged))
    stores = [postgres_store(url), postgres_store(url)]
    kept = list[str]()
    refused = list[str]()
    wrong = list[BaseException]()
    stopped = asyncio.Event()

    async def writer(number: int) -> None:
        count = 0
        while not stopped.is_set():
            word = f"{number}-{count}"
            count += 1
            try:
                await stores[number % 2].write(publish, word, key=f"k{number}")
                kept.append(word)
            except StoreUnavailable:
                refused.append(word)
                await a_while()
            except Exception as other:
                wrong.append(other)

    loop = asyncio.get_running_loop()
    writers = [asyncio.create_task(writer(number)) for number in range(16)]
    for _ in range(3):
        before = len(kept)
        await soon(lambda before=before: len(kept) > before + 200)  # type: ignore[misc]
        await loop.run_in_executor(None, plugged.stop)
        for store in stores:  # the riders may all be waiting to hear what became of their commits
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(store.write(publish, "refused", key="another"), 3)
        await loop.run_in_executor(None, plugged.start)
    before = len(kept)
    await soon(lambda: len(kept) > before + 200)
    stopped.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*writers)
    assert wrong == []
    await soon(partial(_answers, stores[0]))
    assert sorted(await words(stores[0])) == sorted(kept)
    assert await stores[0].read(said_and_counted) == (len(kept), len(kept))
    for store in stores:
        await store.close()


NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_notes BEFORE INSERT ON notes FOR EACH STATEMENT EXECUTE FUNCTION no_room();
CREATE TRIGGER full_counters BEFORE INSERT ON counters FOR EACH STATEMENT EXECUTE FUNCTION no_room()
"""
"""The server's own error for a disk that is full."""


async def test_a_database_without_room_refuses_is_known_for_it_and_found_out_again(
    plugged: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PROBE_S", 0.01)
    url = plugged.url(floor_database(plugged))
    store = postgres_store(url)
    await store.write(publish, "before", key="a")
    with psycopg.connect(url, autocommit=True) as hand:
        hand.execute(NO_ROOM.encode())
        with capture_logs() as told:
            for _ in range(3):
                with pytest.raises(StoreUnavailable, match="could not extend file"):
                    await store.write(publish, "no room", key="a")
                assert store.failing
        assert len([line for line in told if line["event"] == "a batch of writes was rolled back"]) == 1
        hand.execute("DROP FUNCTION no_room CASCADE")
    await soon(lambda: not store.failing)  # though nobody writes
    await store.write(publish, "after", key="a")
    assert await words(store) == ["before", "after"]
    await store.close()


PREPARE_COMMIT = re.compile(rb"P....(s\d+)\x00COMMIT\x00", re.DOTALL)
"""How the wire says that a statement of this name will be COMMIT."""


class Proxy:
    """A wire to the server that is cut at the next COMMIT: before the server hears it, or before it is answered."""

    def __init__(self, port: int) -> None:
        self.port, self._to = free_port(), port
        self.cut: str | None = None
        self.happened, self.told = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def stop(self) -> None:
        self._server.close()

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, forth = await asyncio.open_connection("127.0.0.1", self._to)
        state, commit = {"mute": False}, b"?"
        answers = asyncio.create_task(self._answers(server, back, state))
        with contextlib.suppress(ConnectionError):
            while data := await client.read(65536):
                if prepared := PREPARE_COMMIT.search(data):
                    commit = b"\x00" + prepared[1] + b"\x00"
                elif self.cut and commit in data:
                    cut, self.cut = self.cut, None
                    if cut == "the answer":
                        state["mute"] = True
                        forth.write(data)
                        await self.happened.wait()
                    back.close()
                    if cut == "the answer, and the question is late":
                        state["mute"] = True
                        await self.told.wait()
                        forth.write(data)
                        await self.happened.wait()
                    break
                forth.write(data)
        for wire in (back, forth):
            wire.close()
        await answers

    async def _answers(self, server: asyncio.StreamReader, back: asyncio.StreamWriter, state: dict[str, bool]) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await server.read(65536):
                if state["mute"]:
                    self.happened.set()
                else:
                    back.write(data)
        self.happened.set()
        back.close()


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    proxy = Proxy(server.port)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def through(proxy: Proxy, server: Server, url: str) -> AsyncIterator[PostgresStore]:
    store = postgres_store(url.replace(str(server.port), str(proxy.port)))
    yield store
    await store.close()


async def test_a_commit_whose_answer_is_lost_is_answered_and_not_repeated(proxy: Proxy, through: PostgresStore) -> None:
    await through.write(publish, "before", key="k")
    proxy.cut = "the answer"
    await asyncio.gather(*(through.write(publish, word, key="k") for word in "abc"))
    assert sorted(await words(through)) == ["a", "b", "before", "c"]
    assert await through.read(said_and_counted) == (4, 4)


async def test_a_commit_that_never_arrived_is_refused_and_nothing_is_left(proxy: Proxy, through: PostgresStore) -> None:
    await through.write(publish, "before", key="k")
    proxy.cut = "the question"
    doubtful = asyncio.gather(*(through.write(publish, word, key="k") for word in "abc"), return_exceptions=True)
    assert [type(answer) for answer in await doubtful] == [StoreUnavailable] * 3
    await through.write(publish, "after", key="k")
    assert await words(through) == ["before", "after"]


async def test_a_commit_that_arrives_after_it_was_refused_fails(proxy: Proxy, through: PostgresStore) -> None:
    await through.write(publish, "before", key="k")
    proxy.cut = "the answer, and the question is late"
    with pytest.raises(StoreUnavailable):
        await through.write(publish, "late", key="k")
    proxy.told.set()
    await proxy.happened.wait()
    await through.write(publish, "after", key="k")
    assert await words(through) == ["before", "after"]


async def test_who_waits_for_a_doubtful_commit_holds_up_nobody(server: Server, proxy: Proxy, url: str) -> None:
    store = postgres_store(url.replace(str(server.port), str(proxy.port)))
    await store.write(publish, "before", key="k")
    proxy.cut = "the answer"
    doubtful = store.write(publish, "doubtful", key="k")
    await proxy.happened.wait()
    async with asyncio.timeout(5):
        await store.write(publish, "after", key="k")
        await doubtful
        await store.close()


async def test_a_connection_that_broke_while_nobody_used_it_is_made_anew_and_costs_nothing(
    server: Server, floor: str
) -> None:
    name = server.database(like=floor)
    store = postgres_store(server.url(name))
    await store.write(note, "a", key="k")
    await words(store)
    with server.connection() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    await store.write(note, "b", key="k")
    assert await words(store) == ["a", "b"]
    await store.close()


async def test_a_write_that_waits_too_long_for_a_lock_is_refused_alone(
    server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "LOCK_MS", 200)
    store = postgres_store(url)
    await store.write(note, "locked")
    with server.connection(url) as connection, connection.transaction():
        connection.execute("SELECT 1 FROM notes WHERE word = 'locked' FOR UPDATE")
        blocked = store.write(lambda tx: tx.execute("UPDATE notes SET word = 'x' WHERE word = 'locked'"))
        answers = await asyncio.gather(store.write(note, "a"), blocked, store.write(note, "b"), return_exceptions=True)
    assert [type(answer) for answer in answers] == [int, StoreUnavailable, int]
    assert sorted(await words(store)) == ["a", "b", "locked"]
    await store.close()


class Wire:
    """A bus that remembers what it was given."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def append(self, messages: Sequence[Message]) -> None:
        self.messages += [message.id for message in messages]


async def test_many_writers_in_two_processes_lose_no_event_and_one_relay_publishes(url: str) -> None:
    """Ids are given when a row is made and not when it is committed: a smaller one may appear later (rulings 16)."""
    stores, bus = [postgres_store(url), postgres_store(url)], Wire()
    relays = [Relay(store, bus, SetClock(), Metrics(), "bell") for store in stores]
    done = asyncio.Event()

    async def writer(number: int) -> None:
        for count in range(60):
            await stores[number % 2].write(lambda tx: tx.publish(Hummed(number=1)), key=f"k{number}-{count}")

    async def relay(one: Relay) -> int:
        moved = 0
        while not done.is_set() or await one.step():
            moved += await one.step()
            await asyncio.sleep(0)
        return moved

    relaying = [asyncio.create_task(relay(one)) for one in relays]
    await asyncio.gather(*(writer(number) for number in range(8)))
    done.set()
    moved = await asyncio.gather(*relaying)
    rows = await stores[0].read(lambda read: read.all("SELECT message_id FROM outbox"))
    assert len(rows) == 480
    assert set(bus.messages) == {row[0] for row in rows}
    assert 0 in moved
    for store in stores:
        await store.close()
