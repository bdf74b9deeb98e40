"""The store port: one suite for every engine that stands behind it."""

import asyncio
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gbike.kit.auth.principal import NOBODY_ASKED, Acting, IdempotencyKey, OwnerScope, Principal, acting
from gbike.kit.envelope import Message
from gbike.kit.storage import batching
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore, open_file
from gbike.kit.store import Conflict, Reading, Store, StoreUnavailable, Tx
from gbike.kit.telemetry import Trace, trace_now
from tests.kit.floor import Rang, a_store, held, note, words


class Refused(Exception):
    """What a request raises when it is refused."""


def note_and_refuse(tx: Tx, word: str) -> None:
    note(tx, word)
    tx.publish(Rang(number=1))
    tx.count("notes")
    raise Refused(word)


def outbox(read: Reading) -> int:
    row = read.one("SELECT count(*) FROM outbox")
    return int(row[0]) if row else 0


class StoreSuite:
    """What every store promises."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    async def test_what_is_answered_is_kept(self, store: Store) -> None:
        number = await store.write(note, "a")
        assert await store.read(lambda read: read.all("SELECT id, word FROM notes")) == [(number, "a")]

    async def test_what_is_refused_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(Refused):
            await store.write(note_and_refuse, "a")
        assert await words(store) == []
        assert await store.read(outbox) == 0
        assert await store.read(lambda read: read.all("SELECT * FROM counters")) == []

    async def test_one_that_is_refused_leaves_the_others_of_its_batch(self, store: Store) -> None:
        wishes = [store.write(note_and_refuse if n == 3 else note, str(n)) for n in range(6)]
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert [type(answer) for answer in answers] == [int, int, int, Refused, int, int]
        assert await words(store) == ["0", "1", "2", "4", "5"]

    async def test_a_key_that_exists_is_a_conflict(self, store: Store) -> None:
        await store.write(note, "a")
        with pytest.raises(Conflict):
            await store.write(note, "a")
        assert await words(store) == ["a"]

    async def test_what_is_said_is_in_the_outbox_if_and_only_if_it_is_kept(self, store: Store) -> None:
        def publish(tx: Tx, number: int) -> None:
            note(tx, str(number))
            tx.publish(Rang(number=number))
            if number % 2:
                raise Refused

        await asyncio.gather(*(store.write(publish, n) for n in range(10)), return_exceptions=True)
        kept = await words(store)
        published = await store.read(lambda read: read.all("SELECT value FROM outbox ORDER BY id"))
        assert [f'"number":{word}' in row[0].decode() for word, row in zip(kept, published, strict=True)] == [True] * 5

    async def test_a_message_is_new_once_and_new_again_when_its_effect_failed(self, store: Store) -> None:
        def hear(tx: Tx, fail: bool) -> bool:
            new = "m1" in tx.first_time([Message(id, "Rang", "bell:1", b"{}", b"{}") for id in ("m0", "m1")])
            if fail:
                raise Refused
            return new

        with pytest.raises(Refused):
            await store.write(hear, True)
        assert [await store.write(hear, False), await store.write(hear, False)] == [True, False]

    async def test_counters_add_up_what_is_kept(self, store: Store) -> None:
        def count(tx: Tx, by: int) -> None:
            tx.count("rides", by)
            tx.count("others")
            if by == 3:
                raise Refused

        await asyncio.gather(*(store.write(count, by) for by in (1, 2, 3, -1)), return_exceptions=True)
        rows = await store.read(lambda read: read.all("SELECT name, n FROM counters ORDER BY name"))
        assert rows == [("others", 3), ("rides", 2)]

    async def test_a_number_never_comes_back_after_a_purge(self, store: Store) -> None:
        numbers = []
        for word in "abc":
            numbers.append(await store.write(note, word))
            await store.write(lambda tx: tx.execute("DELETE FROM notes"))
        assert numbers == sorted(set(numbers))

        async def published() -> int:
            await store.write(lambda tx: tx.publish(Rang(number=1)))
            row = (await store.read(lambda read: read.all("SELECT max(id) FROM outbox")))[0]
            await store.write(lambda tx: tx.execute("DELETE FROM outbox"))
            return int(row[0])

        first = await published()
        assert await published() > first

    async def test_a_caller_that_goes_away_does_not_stop_what_has_begun(self, store: Store) -> None:
        begun, loop = asyncio.Event(), asyncio.get_running_loop()

        def tell(tx: Tx) -> int:
            loop.call_soon_threadsafe(begun.set)
            return note(tx, "kept")

        async with held(store):
            caller = store.write(tell)
            await asyncio.sleep(0)
        await begun.wait()
        caller.cancel()
        await store.write(note, "after")
        assert await words(store) == ["kept", "after"]

    async def test_a_caller_that_goes_away_before_it_begins_leaves_nothing(self, store: Store) -> None:
        async with held(store):
            caller = store.write(note, "never")
            await asyncio.sleep(0)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
        await store.write(note, "after")
        assert await words(store) == ["after"]

    async def test_more_than_may_wait_is_refused_and_the_others_are_kept(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batching, "QUEUE", 5)
        async with held(store):
            wishes = [store.write(note, str(n)) for n in range(8)]
            await asyncio.sleep(0)
        answers = await asyncio.gather(*wishes, return_exceptions=True)
        assert [isinstance(answer, StoreUnavailable) for answer in answers] == [False] * 5 + [True] * 3
        assert await words(store) == list("01234")

    async def test_a_closed_store_refuses_and_has_finished_what_was_asked(self, store: Store) -> None:
        wish = store.write(note, "last")
        await asyncio.sleep(0)
        await store.close()
        assert await wish >= 1
        with pytest.raises(StoreUnavailable):
            await store.write(note, "too late")
        with pytest.raises(StoreUnavailable):
            await words(store)

    async def test_what_a_request_may_see_is_what_its_transactions_and_looks_may_see(self, store: Store) -> None:
        def seen(read: Reading) -> tuple[OwnerScope, IdempotencyKey | None]:
            return read.owner, read.key

        def seen_by(tx: Tx) -> Acting:
            return Acting(tx.by, tx.owner, tx.key)

        async def ask(rider: Acting) -> list[object]:
            acting.set(rider)
            return [await store.write(seen_by), await store.read(seen), await store.scan(seen)]

        riders = [
            Acting(
                Principal(str(n)), OwnerScope(n), IdempotencyKey(f"key {n}", "hash", lambda result: (200, b"", b"{}"))
            )
            for n in (1, 2, 3)
        ]
        asked = [*riders, NOBODY_ASKED]
        answers = await asyncio.gather(*(asyncio.create_task(ask(one)) for one in asked))  # the writes in one batch
        assert answers == [[one, (one.owner, one.key), (one.owner, one.key)] for one in asked]

    async def test_an_outbox_row_carries_the_trace_of_its_request(self, store: Store) -> None:
        before = trace_now.set(Trace("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "ride-77"))
        await store.write(lambda tx: tx.publish(Rang(number=1)))
        trace_now.reset(before)
        [(headers,)] = await store.read(lambda read: read.all("SELECT headers FROM outbox"))
        assert b"ride-77" in headers

    async def test_who_waits_for_what_is_said_is_woken(self, store: Store) -> None:
        waiting = asyncio.create_task(store.something_published(60_000))
        await store.write(lambda tx: tx.publish(Rang(number=1)))
        await asyncio.wait_for(waiting, 5)


class TestSqliteInMemory(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SqliteStore:
        return a_store()


class TestSqliteRehearsed(StoreSuite):
    """Every write runs twice, as after a broken batch."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> SqliteStore:
        return a_store(run_twice=True)


class TestSqliteFile(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> SqliteStore:
        return a_store(tmp_path / "store.sqlite")


async def test_who_waits_is_not_woken_by_a_write_that_said_nothing() -> None:
    store = a_store()
    waiting = asyncio.create_task(store.something_published(60_000))
    await store.write(note, "silent")
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


def commits(store: SqliteStore) -> list[str]:
    """Every COMMIT from now on, as SQLite sees it."""
    seen: list[str] = []

    def ran(told: dict[str, str]) -> None:
        if told["sql"] == "COMMIT":
            seen.append("COMMIT")

    store._writer.trace_v2(apsw.SQLITE_TRACE_STMT, ran)
    return seen


async def test_writes_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store.sqlite")
    seen = commits(store)
    await asyncio.gather(*(store.write(note, str(n)) for n in range(200)))
    assert len(seen) == 1
    await asyncio.gather(*(store.write(note, f"b{n}") for n in range(batching.BATCH + 1)))
    assert len(seen) == 3


async def test_a_rehearsed_write_runs_twice_and_is_kept_once() -> None:
    store, runs = a_store(run_twice=True), []
    await store.write(lambda tx: (runs.append(1), note(tx, "a")))
    assert len(runs) == 2
    assert await words(store) == ["a"]


async def test_a_commit_in_a_thread_is_not_taken_back_when_the_process_ends_meanwhile(tmp_path: Path) -> None:
    store, may_end = a_store(tmp_path / "store.sqlite"), threading.Event()
    loop, began = asyncio.get_running_loop(), asyncio.Event()

    def refused() -> bool:
        loop.call_soon_threadsafe(began.set)
        return not may_end.wait(10)

    with ThreadPoolExecutor(1) as threads:
        store._committer, store._in_thread = threads, 1
        store._writer.set_commit_hook(refused)
        wish = store.write(note, "a")
        await began.wait()
        assert store._drain is not None
        store._drain.cancel()
        with pytest.raises(asyncio.CancelledError):
            await store._drain
        assert not wish.done(), "nobody knows yet"
        may_end.set()
    assert await words(store) == ["a"]
    wish.cancel()


def connection_of(read: Reading) -> apsw.Connection:
    assert isinstance(read, SqliteReading)
    return read._connection


async def test_scans_share_a_connection_that_ends_with_the_store_or_with_what_goes_wrong(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store.sqlite")
    with ThreadPoolExecutor(1) as threads:
        store._committer = threads
        first = await store.scan(connection_of)
        await store.write(note, "a")
        assert await store.scan(lambda read: len(read.all("SELECT 1 FROM notes"))) == 1
        assert await store.scan(connection_of) is first
        with pytest.raises(apsw.SQLError):
            await store.scan(lambda read: read.all("SELECT nothing"))
        with pytest.raises(apsw.ConnectionClosedError):
            first.changes()
        assert await store.scan(connection_of) is not first
        await store.close()
        assert not store._scanning


async def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(tmp_path: Path) -> None:
    store = a_store(tmp_path / "store.sqlite")
    [(pages,)] = store._writer.execute("PRAGMA page_count").fetchall()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 4}")
    large = [store.write(note, c * (1_000_000 if c == "c" else 10)) for c in "abcde"]
    answers = await asyncio.gather(*large, return_exceptions=True)
    assert [isinstance(answer, StoreUnavailable) for answer in answers] == [False, False, True, False, False]
    assert [word[0] for word in await words(store)] == list("abde")
    store._writer.execute("PRAGMA max_page_count = 100000")
    await store.write(note, "room again")


class FailingConnection:
    """A connection whose Nth statement fails as a broken disk does."""

    def __init__(self, real: apsw.Connection, nth: int) -> None:
        self._real, self.left = real, nth

    def _tick(self, sql: str) -> None:
        self.left -= 1
        if self.left == 0 and not sql.startswith("ROLLBACK"):
            raise apsw.IOError("disk I/O error")

    def execute(self, sql: str, params: object = ()) -> object:
        self._tick(sql)
        return self._real.execute(sql, params)  # type: ignore[arg-type]

    def executemany(self, sql: str, rows: object) -> object:
        self._tick(sql)
        return self._real.executemany(sql, rows)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


async def test_whichever_statement_fails_an_answer_means_kept_and_a_refusal_means_nothing() -> None:
    def publish(tx: Tx, word: str) -> None:
        note(tx, word)
        tx.publish(Rang(number=1))
        tx.count("notes")

    for nth in range(1, 60):
        store = a_store()
        store._writer = failing = FailingConnection(store._writer, nth)  # type: ignore[assignment]
        answers = await asyncio.gather(*(store.write(publish, c) for c in "abc"), return_exceptions=True)
        kept = [c for c, answer in zip("abc", answers, strict=True) if answer is None]
        assert all(answer is None or isinstance(answer, StoreUnavailable) for answer in answers), (nth, answers)
        assert await words(store) == kept, nth
        assert await store.read(outbox) == len(kept), nth
        if failing.left > 0:
            assert kept == ["a", "b", "c"]
            return
        await store.write(publish, "later")
    pytest.fail("the loop did not come to a run without a failure")


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.kit.floor import a_store, note

async def one(store, rider):
    count = 0
    while True:
        await store.write(note, f"{rider}-{count}")
        print(f"{rider}-{count}", flush=True)
        count += 1

async def main():
    store = a_store(Path(sys.argv[1]))
    await asyncio.gather(*(one(store, rider) for rider in range(8)))

asyncio.run(main())
"""


def test_what_was_acknowledged_before_kill_9_is_there(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    a_store(path)._writer.close()
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline().strip() for _ in range(300)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in child.stdout.read().splitlines()[:-1]]
    child.wait(10)
    with closing(open_file(path)) as found:
        assert set(acknowledged) <= {word for (word,) in found.execute("SELECT word FROM notes")}
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
