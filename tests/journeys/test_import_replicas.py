"""Two processes of bike on one PostgreSQL: every row of a file is done once, whichever of them is there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gbike.kit.clock import SystemIds
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.store import Args, Reading, T
from gbike.services.bike.saga import ROWS
from gbike.services.bike.storage import VERSIONS
from gbike.services.bike.wiring import SPEC
from tests.postgres import Server
from tests.services.bike.faulty_fleet import faulty_fleet
from tests.services.lone import Lone

MANY = 5 * ROWS


class Leading(PostgresStore):
    """A process that takes itself for the leader, as two do while one has just lost its connection."""

    async def read_as_leader(self, fn: Callable[[Reading, *Args], T], *args: *Args) -> T | None:
        return await self.read(fn, *args)


@pytest.fixture(params=[PostgresStore, Leading], ids=["one leads", "both lead"])
async def bikes(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[list[Lone]]:
    """Two processes."""
    url = server.migrated(VERSIONS)
    kind: type[PostgresStore] = request.param
    found = [Lone(SPEC, store=lambda clock: kind(url, clock=clock, ids=SystemIds(), source="bike")) for _ in range(2)]
    yield found
    for lone in found:
        await lone.stop()


async def worked_off(lone: Lone) -> Any:
    """The import as this process sees it when it is over."""
    while (job := (await lone.client.get("/bikes/imports/1")).json)["state"] != "done":
        await lone.worker("imports").step()
    return job


async def test_two_processes_do_each_row_once(bikes: list[Lone]) -> None:
    data, table = faulty_fleet(MANY)
    good = sum(row.wanted is not None for row in table)
    begun = await bikes[0].client.send("POST", "/bikes/imports?name=fleet.csv", data)
    assert begun.status == 202
    one, other = await asyncio.gather(*map(worked_off, bikes))
    assert one == other
    assert (one["rows"], one["registered"], one["refused"]) == (MANY, good, MANY - good)
    lines = await bikes[0].rows("SELECT line, outcome FROM import_rows ORDER BY line")
    assert lines == [(row.line, "registered" if row.wanted else "refused") for row in table]
    assert await bikes[0].rows("SELECT n FROM counters WHERE name = 'bikes'") == [(good,)]
    assert await bikes[0].rows("SELECT count(*) FROM outbox WHERE type = 'RegisteredBike'") == [(good,)]
    assert await bikes[0].rows("SELECT count(*) FROM audit WHERE action = 'bike registered'") == [(good,)]
    assert await bikes[0].rows("SELECT count(*) FROM audit WHERE action = 'bikes imported'") == [(1,)]


async def test_the_other_goes_on_when_one_is_gone_in_the_middle(bikes: list[Lone]) -> None:
    data, table = faulty_fleet(MANY)
    await bikes[0].client.send("POST", "/bikes/imports", data)
    await bikes[0].worker("imports").step()
    await bikes[0].store.close()
    job = await worked_off(bikes[1])
    good = sum(row.wanted is not None for row in table)
    assert (job["rows"], job["registered"], job["refused"]) == (MANY, good, MANY - good)


async def test_what_a_file_says_that_postgresql_can_not_keep_stops_no_row(bikes: list[Lone]) -> None:
    feed = r'{"data": {"bikes": [{"bike_id": "1", "station_id": "a\u0000b\ud800"}, {"bike_id": "2"}]}}'
    begun = await bikes[0].client.send("POST", "/bikes/imports?name=a%00b%ED%A0%80", feed.encode())
    assert begun.status == 202
    job = await worked_off(bikes[0])
    assert (job["registered"], job["refused"]) == (1, 1)
