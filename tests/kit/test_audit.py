"""The record of deeds behind every engine: in the transaction of the change, and one chain whoever appends."""

import asyncio
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from gbike.kit.audit.chain import breaks, head, rows
from gbike.kit.audit.rows import LOCAL, WITHHELD
from gbike.kit.auth.principal import DEMO, Acting, Principal, acting
from gbike.kit.store import Store, Tx
from tests.kit.floor import a_store, note
from tests.kit.test_postgres import postgres_store

ADMIN = Principal("7", frozenset({"rider", "admin"}), userid=7)


class Refused(Exception):
    """What a request raises when it is refused."""


def do(tx: Tx, word: str) -> None:
    note(tx, word)
    tx.audit("noted", f"note:{word}", {"words": 0}, {"words": 1, "held": True})
    tx.count("noted")


def do_and_refuse(tx: Tx, word: str) -> None:
    do(tx, word)
    raise Refused(word)


class AuditSuite:
    """What every store promises."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    async def test_a_deed_tells_who_did_what(self, store: Store) -> None:
        for who in (ADMIN, DEMO, LOCAL):
            before = acting.set(Acting(who))
            await store.write(do, who.name)
            acting.reset(before)
        await store.write(do, "itself")
        found = await store.read(lambda read: list(rows(read)))
        assert [(row.number, row.who, row.roles, row.mode, row.subject) for row in found] == [
            (1, "7", "admin,rider", "secure", "note:7"),
            (2, "demo", "admin,bikeManager,rider", "open", "note:demo"),
            (3, "local", "", "local", "note:local"),
            (4, "gbike", "", "inside", "note:itself"),
        ]
        assert {(row.action, row.before, row.after) for row in found} == {
            ("noted", '{"words":0}', '{"held":true,"words":1}')
        }
        assert await store.read(lambda read: list(breaks(read))) == []

    async def test_what_is_refused_is_not_on_record(self, store: Store) -> None:
        wishes = [store.write(do_and_refuse if n % 3 == 0 else do, str(n)) for n in range(9)]
        await asyncio.gather(*wishes, return_exceptions=True)
        found = await store.read(lambda read: [row.subject for row in rows(read)])
        assert sorted(found) == [f"note:{n}" for n in range(9) if n % 3]
        assert await store.read(lambda read: list(breaks(read))) == []

    @pytest.mark.parametrize("fact", sorted(WITHHELD))
    async def test_places_names_and_secrets_are_refused(self, store: Store, fact: str) -> None:
        with pytest.raises(ValueError, match=f"no audit row holds {fact}"):
            await store.write(lambda tx: tx.audit("noted", "note:1", {}, {fact: "x"}))


class TestSqlite(AuditSuite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = a_store()
        yield store
        await store.close()


class TestSqliteRehearsed(AuditSuite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = a_store(run_twice=True)
        yield store
        await store.close()


class TestPostgres(AuditSuite):
    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        store = postgres_store(url)
        yield store
        await store.close()


async def test_two_processes_with_many_writers_make_one_chain_and_nobody_waits_for_ever(url: str) -> None:
    """Each deed also wants a row that the others want, before and after: appended anywhere but last it would lock."""
    processes = [postgres_store(url), postgres_store(url)]
    await processes[0].write(note, "wanted")

    def hustle(tx: Tx, word: str) -> None:
        do(tx, word)
        tx.execute("UPDATE notes SET word = word WHERE word = 'wanted'")

    writes = [
        store.write(hustle if n % 2 else do, f"{which}-{n}", key=f"k{n % 5}")
        for n in range(100)
        for which, store in enumerate(processes)
    ]
    await asyncio.wait_for(asyncio.gather(*writes), 60)
    assert await processes[0].read(head) == await processes[1].read(head)
    assert (await processes[0].read(head))[0] == 200
    assert await processes[0].read(lambda read: list(breaks(read))) == []
    for store in processes:
        await store.close()


@pytest.mark.parametrize("sql", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_postgres_refuses_to_change_a_row(url: str, sql: str) -> None:
    store = postgres_store(url)
    await store.write(do, "a")
    await store.close()
    refused: Callable[..., object] = psycopg.connect(url).execute
    with pytest.raises(psycopg.errors.RaiseException, match="audit rows are final"):
        refused(sql)
