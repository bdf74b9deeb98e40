"""The price that was agreed: a ride is priced by the tariff that was valid when it began, whenever billing hears it."""

from pathlib import Path
from typing import Any

import pytest

from gbike.contracts.rent import Rented, Returned
from gbike.services.billing.domain import valid_at
from gbike.services.billing.storage import tariffs
from gbike.services.billing.wiring import SPEC
from tests.services.lone import NOON, Lone

OLD = {"GBIKE_TARIFF_KRW": "100", "GBIKE_TARIFF_PER_S": "1", "GBIKE_TARIFF_ROUNDING": "ceil"}
NEW = {**OLD, "GBIKE_TARIFF_KRW": "9000"}


def rented(rentid: int = 7, start: int = NOON) -> Rented:
    """A ride that began."""
    return Rented(rentid=rentid, userid=3, bikeid=1, status="rented", starttime=start)


def returned(rentid: int = 7, start: int = NOON, end: int = NOON + 5_000) -> Returned:
    """A ride that is over."""
    return Returned(rentid=rentid, userid=3, bikeid=1, status="returned", endtime=end, starttime=start)


async def started(file: Path, env: dict[str, str], at_ms: int = NOON) -> Lone:
    """A billing that started over a file and did what a start does; its log is a new one."""
    lone = Lone(SPEC, env, file)
    lone.clock.at_ms, lone._told = at_ms, at_ms
    await lone.store.write(lambda tx: tx.execute("DELETE FROM positions"))
    await lone.settle()
    return lone


async def bills(lone: Lone) -> list[tuple[Any, ...]]:
    """Every bill."""
    return await lone.rows("SELECT rentid, fee, tariff, version FROM bills ORDER BY rentid")


async def versions(lone: Lone) -> list[tuple[Any, ...]]:
    """Every version of the tariff."""
    return await lone.rows("SELECT version, effective_ms, krw FROM tariffs ORDER BY version")


async def test_a_tariff_that_changes_while_a_ride_is_under_way_is_that_of_the_next_ride(tmp_path: Path) -> None:
    before = await started(tmp_path / "billing.sqlite", OLD)
    await before.tell(rented())
    assert (await before.client.get("/billings/1")).json["tariff"] == "100/1s ceil"
    await before.stop()
    after = await started(tmp_path / "billing.sqlite", NEW, NOON + 3_000)
    await after.tell(returned(), rented(8, NOON + 3_000), returned(8, NOON + 3_000, NOON + 4_000))
    assert await bills(after) == [(7, 500, "100/1s ceil", 1), (8, 9_000, "9000/1s ceil", 2)]
    assert await versions(after) == [(1, 0, 100), (2, NOON + 3_000, 9_000)]
    await after.stop()


@pytest.mark.parametrize("told", [[rented(), returned()], [returned(), rented()], [returned()]], ids=["1", "2", "3"])
async def test_a_ride_that_was_over_before_the_change_has_the_old_price_though_billing_was_down(
    tmp_path: Path, told: list[Any]
) -> None:
    await (await started(tmp_path / "billing.sqlite", OLD)).stop()
    lone = await started(tmp_path / "billing.sqlite", NEW, NOON + 60_000)
    await lone.tell(*told)
    assert await bills(lone) == [(7, 500, "100/1s ceil", 1)]
    await lone.stop()


async def test_a_start_with_the_same_tariff_adds_no_version_and_a_tariff_may_come_back(tmp_path: Path) -> None:
    for number, env in enumerate((OLD, OLD, NEW, NEW, OLD)):
        await (await started(tmp_path / "billing.sqlite", env, NOON + number)).stop()
    lone = await started(tmp_path / "billing.sqlite", OLD, NOON + 9)
    assert await versions(lone) == [(1, 0, 100), (2, NOON + 2, 9_000), (3, NOON + 4, 100)]
    await lone.stop()


async def test_the_price_that_is_told_is_that_of_a_ride_that_begins_now(tmp_path: Path) -> None:
    fresh = Lone(SPEC, OLD)
    assert (await fresh.client.get("/billings/tariff")).json["krw"] == 100
    await fresh.stop()
    before = await started(tmp_path / "billing.sqlite", OLD)
    await before.tell(rented(start=NOON + 10_000))  # rent's clock is ahead
    await before.stop()
    lone = await started(tmp_path / "billing.sqlite", NEW)
    assert (await lone.client.get("/billings/tariff")).json["krw"] == 100
    lone.clock.at_ms = NOON + 10_001
    assert (await lone.client.get("/billings/tariff")).json["krw"] == 9_000
    await lone.stop()


async def test_a_new_version_never_reaches_back_to_a_ride_that_has_a_bill(tmp_path: Path) -> None:
    before = await started(tmp_path / "billing.sqlite", OLD)
    await before.tell(rented(start=NOON + 10_000))
    await before.stop()
    behind = await started(tmp_path / "billing.sqlite", NEW, NOON - 3_600_000)
    known = await behind.store.read(tariffs)
    assert [version.effective_ms for version in known] == [0, NOON + 10_001]
    assert valid_at(known, NOON + 10_000) == known[0]
    await behind.stop()


async def test_a_store_of_before_prices_what_it_has_open_and_leaves_what_it_billed(tmp_path: Path) -> None:
    lone = Lone(SPEC, NEW, tmp_path / "billing.sqlite")
    await lone.store.write(
        lambda tx: tx.execute(
            "INSERT INTO bills (rentid, userid, started_ms, ended_ms, fee, status, tariff) VALUES"
            " (6, 3, ?, ?, 200, 'CLOSEBILL', '50/1s ceil'), (7, 3, ?, NULL, NULL, 'OPENBILL', NULL)",
            (NOON - 9_000, NOON - 5_000, NOON),
        )
    )
    await lone.settle()
    assert await versions(lone) == [(1, 0, 9_000)]
    await lone.tell(returned())
    assert await bills(lone) == [(6, 200, "50/1s ceil", None), (7, 45_000, "9000/1s ceil", 1)]
    await lone.stop()
