"""The store on PostgreSQL keeps every promise of the port, and those that several processes need."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.storage.listing import Listing, Page, Pieces, list_page, narrowed
from gbike.kit.storage.postgres.connection import translated
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Tx
from tests.kit.floor import note, words
from tests.kit.test_store import StoreSuite
from tests.waiting import soon


def postgres_store(url: str, *, run_twice: bool = False) -> PostgresStore:
    return PostgresStore(url, clock=SystemClock(), ids=SystemIds(), source="bell", run_twice=run_twice)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = postgres_store(url)
    yield store
    await store.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[PostgresStore]:
    """A second process, as far as the database can see."""
    store = postgres_store(url)
    yield store
    await store.close()


class TestPostgres(StoreSuite):
    @pytest.fixture
    def store(self, store: PostgresStore) -> PostgresStore:
        return store


class TestPostgresRehearsed(StoreSuite):
    """Every write runs twice, as after a broken batch."""

    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[PostgresStore]:
        store = postgres_store(url, run_twice=True)
        yield store
        await store.close()


def test_parameters_are_numbered_and_what_is_quoted_is_left_alone() -> None:
    assert (
        translated("SELECT '?' , ? WHERE a = ? AND b = 'it''s ?'") == b"SELECT '?' , $1 WHERE a = $2 AND b = 'it''s ?'"
    )


async def test_values_come_back_as_sqlite_gives_them(store: PostgresStore) -> None:
    await store.write(lambda tx: tx.execute("CREATE TABLE kinds (n bigint, i integer, b boolean, x bytea, d float8)"))
    row = (2**40, True, False, b"\x00\xff", 1.5)
    await store.write(lambda tx: tx.execute("INSERT INTO kinds VALUES (?, ?, ?, ?, ?)", row))
    await store.write(lambda tx: tx.execute("INSERT INTO kinds VALUES (?, ?, ?, ?, ?)", (7, None, None, None, None)))
    rows = await store.read(lambda read: read.all("SELECT * FROM kinds ORDER BY n"))
    assert rows == [(7, None, None, None, None), (2**40, 1, False, b"\x00\xff", 1.5)]
    [(total, count)] = await store.read(lambda read: read.all("SELECT sum(n), count(*) FROM kinds"))
    assert (total, type(total), count) == (2**40 + 7, int, 2)


async def test_what_is_too_large_to_hold_is_streamed_inside_and_outside_a_transaction(store: PostgresStore) -> None:
    def fill(tx: Tx) -> int:
        tx.execute_many("INSERT INTO notes (word) VALUES (?)", [(str(n),) for n in range(2_500)])
        return sum(1 for _ in tx.each("SELECT word FROM notes"))

    assert await store.write(fill) == 2_500
    assert await store.scan(lambda read: sum(int(word) for (word,) in read.each("SELECT word FROM notes"))) == 3_123_750
    assert await store.scan(lambda read: next(iter(read.each("SELECT word FROM notes ORDER BY id")))) == ("0",)
    assert len(await words(store)) == 2_500


@pytest.mark.timeout(60)
async def test_a_list_is_narrowed_counted_sorted_and_read_in_pieces(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gbike.kit.storage.listing.PIECE", 2)
    monkeypatch.setattr("gbike.kit.storage.listing.MOST_COUNTED", 3)
    words = Listing(
        "SELECT id, word FROM notes",
        {"id": "id"},
        "id DESC",
        conditions={"from": "id >= ?", "to": "id < ?"},
        moment="length(word)",
        filled=("id",),
    )

    def fill(tx: Tx) -> list[int]:
        for word in ("a", "bb", "c", "dd", "e"):
            note(tx, word)
        return [row[0] for row in tx.all("SELECT id FROM notes ORDER BY id")]

    first, *_, last = await store.write(fill)
    span = {"from": first, "to": last}
    page = await list_page(store, narrowed(words, span), Page(0, 2))
    assert ([row[1] for row in page.items], page.total, page.more) == (["dd", "bb"], 3, True)
    found = [[row[1] for row in piece] async for piece in Pieces(store, words, span).each()]
    assert found == [["a", "bb"], ["c", "dd"]]


async def test_a_batch_that_is_larger_than_a_socket_takes_at_once_is_sent_whole(store: PostgresStore) -> None:
    """A consumer that was behind waited for an answer to what it had not sent to the end, for ever."""
    large = [(number, b"x" * 1_000_000) for number in range(24)]
    await store.write(lambda tx: tx.execute("CREATE TABLE heavy (n bigint, x bytea)"))
    await store.write(lambda tx: tx.execute_many("INSERT INTO heavy (n, x) VALUES (?, ?)", large))
    assert await store.read(lambda r: r.one("SELECT count(*), sum(length(x)) FROM heavy")) == (24, 24_000_000)


async def test_a_write_that_is_refused_before_it_changed_anything_costs_its_batch_no_second_run(
    store: PostgresStore,
) -> None:
    runs: list[int] = []

    def refuse(tx: Tx, number: int) -> None:
        runs.append(number)
        if not tx.execute("UPDATE notes SET word = 'x' WHERE id = 0"):
            raise LookupError(number)

    wishes = [store.write(refuse, number) for number in range(5)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError] * 5
    assert runs == [0, 1, 2, 3, 4]


async def test_a_lock_by_name_excludes_every_other_process(store: PostgresStore, other: PostgresStore) -> None:
    def look_then_write(tx: Tx, word: str) -> bool:
        tx.lock("one note at most")
        if tx.one("SELECT 1 FROM notes"):
            return False
        note(tx, word)
        return True

    wishes = [who.write(look_then_write, f"{n}", key=f"k{n}") for n in range(20) for who in (store, other)]
    assert sum(await asyncio.gather(*wishes)) == 1
    assert len(await words(store)) == 1


async def test_writers_that_lock_each_other_out_are_both_done_in_the_end(
    store: PostgresStore, other: PostgresStore
) -> None:
    await store.write(lambda tx: (note(tx, "a"), note(tx, "b")))

    def both(tx: Tx, first: str, second: str) -> None:
        for word in (first, second):
            tx.execute("UPDATE notes SET word = word || '.' WHERE word LIKE ?", (word + "%",))
            tx.one("SELECT pg_sleep(0.02)")

    for _ in range(3):
        await asyncio.gather(store.write(both, *"ab"), other.write(both, *"ba"))
    assert sorted(await words(store)) == ["a......", "b......"]


async def test_one_process_leads_and_another_takes_over_when_it_is_gone(
    store: PostgresStore, other: PostgresStore, url: str
) -> None:
    assert await store.read_as_leader(lambda read: read.one("SELECT 1")) == (1,)
    assert await other.read_as_leader(lambda read: read.one("SELECT 1")) is None
    with psycopg.connect(url, autocommit=True) as connection:  # as when its machine is gone
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid IS NOT NULL"
        )
    await soon(lambda: other.read_as_leader(lambda read: read.one("SELECT 1")))
