"""Money between services and between replicas: who prices, who posts and who tells, in which order."""

import asyncio
from typing import Any

import psycopg
import pytest

from gbike.kit.clock import SystemIds
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.run.invariants import violations
from gbike.services.billing.commands import adopt_tariff, tariff_of_a_start
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.storage import VERSIONS, tariffs
from gbike.services.user_deposit.commands import adopt_minimum, know_rider, open_a_deposit, set_a_balance, tell_standing
from gbike.services.user_deposit.domain import BalanceChanged
from gbike.services.user_deposit.storage import VERSIONS as LEDGER
from gbike.services.user_deposit.storage import own_violations
from tests.flaws.planting import Town
from tests.postgres import Server
from tests.services.lone import NOON, SetClock

CHEAP, DEAR = Tariff(100, 1, Rounding.CEIL), Tariff(9_000, 1, Rounding.CEIL)


async def test_verify_sees_a_bill_with_another_tariff_than_was_valid_at_its_start() -> None:
    town = await Town().opened()
    await town.ride()
    assert await _found(town) == []
    billing = town.all.parts["billing"].store
    await billing.write(lambda tx: tx.execute("INSERT INTO tariffs VALUES (2, 1, 7, 1, 'ceil')"))
    assert await _found(town) == [
        "I9 bill 1 has tariff version 1, 100/1s ceil; valid at its start was version 2, 7/1s ceil"
    ]
    await town.all.stop()


async def _found(town: Town) -> list[str]:
    readings = {name: await part.store.read(lambda read: read) for name, part in town.all.parts.items()}
    return list(violations(readings))


@pytest.fixture
def url(server: Server) -> str:
    """A fresh database of billing."""
    return server.migrated(VERSIONS)


@pytest.fixture
def ledger(server: Server) -> str:
    """A fresh database of userDeposit."""
    return server.migrated(LEDGER)


def replicas(url: str) -> list[PostgresStore]:
    """Two processes' stores over one database."""
    return [PostgresStore(url, clock=SetClock(), ids=SystemIds(), source="replica") for _ in range(2)]


async def until_they_wait(url: str, *tasks: asyncio.Task[Any]) -> None:
    """Return when each of the tasks waits for a lock."""
    with psycopg.connect(url, autocommit=True) as looking:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while looking.execute(waiting).fetchone() != (len(tasks),):
            assert not any(task.done() for task in tasks), "it did not wait"
            await asyncio.sleep(0)


async def test_two_replicas_that_start_with_a_new_tariff_add_one_version(url: str) -> None:
    both = replicas(url)
    for tariff in (CHEAP, DEAR):
        with psycopg.connect(url) as other:
            other.execute("SELECT pg_advisory_xact_lock(hashtextextended('tariffs', 0))")
            starts = [store.write(adopt_tariff, tariff) for store in both]
            await until_they_wait(url, *starts)
        assert await starts[0] == await starts[1]
    assert [(v.version, v.tariff) for v in await both[0].read(tariffs)] == [(1, CHEAP), (2, DEAR)]
    for store in both:
        await store.close()


async def test_a_version_waits_for_the_bills_that_are_being_opened_and_bills_do_not_wait_for_each_other(
    url: str,
) -> None:
    both = replicas(url)
    await both[0].write(adopt_tariff, CHEAP)
    with psycopg.connect(url) as bill:
        bill.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('tariffs', 0))")
        bill.execute(
            "INSERT INTO bills (rentid, userid, started_ms, status) VALUES (1, 1, %s, 'OPENBILL')", (NOON + 5,)
        )
        assert (await both[1].write(tariff_of_a_start, NOON, DEAR)).tariff == CHEAP
        adopting = asyncio.ensure_future(both[0].write(adopt_tariff, DEAR))
        await until_they_wait(url, adopting)
    assert (await adopting).effective_ms == NOON + 6
    for store in both:
        await store.close()


async def with_five_hundred(url: str) -> list[PostgresStore]:
    """Two replicas of userDeposit where a ride needs 1,000 won and rider 3 has 500."""
    both = replicas(url)
    await both[0].write(adopt_minimum, 1_000)
    await both[0].write(open_a_deposit, 3, 500)
    return both


PAY_IN = (
    "WITH e AS (INSERT INTO entries (cause, account, amount, at_ms)"
    " VALUES ('topUp:x', 'user:3', 5000, 0), ('topUp:x', 'cash', -5000, 0))"
    " UPDATE deposits SET balance = balance + 5000, version = version + 1 WHERE userid = 3"
)


async def test_a_standing_waits_for_money_that_is_being_moved_and_tells_what_came_of_it(ledger: str) -> None:
    both = await with_five_hundred(ledger)
    with psycopg.connect(ledger) as moving:
        moving.execute(PAY_IN)
        telling = asyncio.ensure_future(both[1].write(tell_standing, 3))
        await until_they_wait(ledger, telling)
    await telling
    assert await both[0].read(lambda read: list(own_violations(read))) == []
    assert await both[0].read(lambda read: read.one("SELECT missing_krw, version FROM standings")) == (0, 2)
    for store in both:
        await store.close()


async def test_a_new_account_whose_first_money_is_coming_in_is_told_of_once_more_with_it(ledger: str) -> None:
    both = replicas(ledger)
    await both[0].write(adopt_minimum, 1_000)
    with psycopg.connect(ledger) as moving:
        moving.execute("INSERT INTO deposits VALUES (3, 5000, NULL, 1, 1)")
        moving.execute("INSERT INTO standings VALUES (3, 1000, 0, 1)")
        telling = asyncio.ensure_future(both[1].write(know_rider, 3))
        await until_they_wait(ledger, telling)
    await telling
    assert await both[0].read(lambda read: read.one("SELECT missing_krw, version FROM standings")) == (0, 2)
    for store in both:
        await store.close()


async def test_a_balance_that_a_top_up_changes_meanwhile_is_not_set(ledger: str) -> None:
    both = await with_five_hundred(ledger)
    with psycopg.connect(ledger) as moving:
        moving.execute(PAY_IN)
        setting = asyncio.ensure_future(both[1].write(set_a_balance, 3, 0, 500, "x"))
        await until_they_wait(ledger, setting)
    with pytest.raises(BalanceChanged):
        await setting
    for store in both:
        await store.close()
