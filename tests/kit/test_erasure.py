"""What SQL forgets of a person, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gbike.contracts.bike import Stand
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Returned
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.privacy.erasure import impersonal, take_out
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.storage.retention import DAY_MS, Housekeeper
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Reading, Store
from gbike.services.bike import commands as fleet
from gbike.services.bike import storage as bike
from gbike.services.bike.domain import Location as BikePlace
from gbike.services.bike.domain import Whereabouts, a_new_bike
from gbike.services.rent import commands
from gbike.services.rent import storage as rent
from gbike.services.rent.domain import GivenUp, Handback, Limits, Location, PendingRent, RiderBlocked, Standing
from gbike.services.rent.storage import keep_standing, newest
from tests.kit.floor import SetClock
from tests.postgres import Server

CORNER, SOON = Handback(Location("Corner", 37.123456, 127.654321)), Limits(1_000)


def a_store(engine: str, versions: Path, server: Server, clock: SetClock) -> Store:
    """A store of a service on an engine."""
    if engine == "sqlite":
        memory = in_memory(versions)
        return SqliteStore(None, clock=clock, ids=SystemIds(), source="it", run_twice=True, memory=memory)
    url = server.migrated(versions)
    return PostgresStore(url, clock=clock, ids=SystemIds(), source="it", run_twice=True)


@pytest.fixture(params=["sqlite", "postgres"])
async def rents(request: pytest.FixtureRequest, server: Server, clock: SetClock) -> AsyncIterator[Store]:
    store = a_store(request.param, rent.VERSIONS, server, clock)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def bikes(request: pytest.FixtureRequest, server: Server, clock: SetClock) -> AsyncIterator[Store]:
    store = a_store(request.param, bike.VERSIONS, server, clock)
    yield store
    await store.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(SystemClock().now_ms())


async def a_ride(rents: Store, userid: int) -> int:
    """A ride that ends at the corner."""
    pending: PendingRent = await rents.write(commands.ask_for_a_bike, userid, 1, SOON)
    await rents.write(commands.start_the_rent, pending, SOON)
    await rents.write(commands.return_the_bike, pending.rentid, CORNER, SOON)
    return pending.rentid


def places(read: Reading) -> list[tuple[object, ...]]:
    return read.all("SELECT userid, endlocation, lat, lon FROM rents ORDER BY rentid")


def published(read: Reading) -> list[bytes]:
    return [bytes(row[0]) for row in read.all("SELECT value FROM outbox ORDER BY id")]


async def test_rent_forgets_one_and_nobody_else(rents: Store) -> None:
    for userid in (7, 71):
        await a_ride(rents, userid)
    under_way: PendingRent = await rents.write(commands.ask_for_a_bike, 7, 2, SOON)
    await rents.write(commands.start_the_rent, under_way, SOON)
    await rents.write(commands.forget_the_rider, 7)
    await rents.write(commands.forget_the_rider, 7)
    await rents.write(commands.return_the_bike, under_way.rentid, CORNER, SOON)
    gone, kept = (None, None, None), ("Corner", 37.123456, 127.654321)
    assert await rents.read(places) == [(7, *gone), (71, *kept), (7, *gone)]
    told = [b"Corner" in value for value in await rents.read(published) if b"Returned" in value]
    assert told == [False, True, False]


async def test_a_try_that_never_began_is_kept_a_day_and_rides_for_ever(rents: Store, clock: SetClock) -> None:
    await a_ride(rents, 7)
    for _ in range(3):
        pending: PendingRent = await rents.write(commands.ask_for_a_bike, 7, 1, SOON)
        await rents.write(commands.give_up_the_wish, pending.rentid, "NoSuchBike", False)
    housekeeper = Housekeeper(rents, clock, [rent.TRIES_KEPT])
    clock.at_ms += DAY_MS
    assert await housekeeper.step() == 0
    late: PendingRent = await rents.write(commands.ask_for_a_bike, 7, 1, SOON)
    await rents.write(commands.give_up_the_wish, late.rentid, "NoSuchBike", False)
    clock.at_ms += 1
    assert await housekeeper.step() == 3
    assert await rents.read(rent.how_many) == {"rented": 0, "returned": 1, "cancelled": 1, "clocksuspect": 0}
    kept = await rents.read(lambda read: read.all("SELECT status FROM rents ORDER BY rentid"))
    assert kept == [("returned",), ("cancelled",)]
    following: PendingRent = await rents.write(commands.ask_for_a_bike, 7, 1, SOON)
    assert following.rentid > late.rentid
    clock.at_ms += 300 * DAY_MS
    assert await housekeeper.step() == 1
    assert (await rents.read(rent.how_many))["returned"] == 1


async def test_exact_places_are_kept_so_many_days(rents: Store, clock: SetClock) -> None:
    await a_ride(rents, 7)
    housekeeper = Housekeeper(rents, clock, [rent.places_kept(90)])
    clock.at_ms += 90 * DAY_MS - 1
    assert await housekeeper.step() == 0
    clock.at_ms += 2
    assert await housekeeper.step() == 1
    assert await rents.read(places) == [(7, None, 37.12, 127.65)]
    assert await housekeeper.step() == 0


async def test_bike_forgets_where_somebody_left_a_bike(bikes: Store, clock: SetClock) -> None:
    for bikeid, userid in ((1, 7), (2, 71)):
        await bikes.write(fleet.register_a_bike, a_new_bike(bikeid, bike.Status.AVAILABLE, BikePlace("Depot"), None))
        stand = await bikes.write(fleet.reserve_a_bike, bikeid, 100 + bikeid, lambda: False)
        assert stand == Stand("Depot")
        where = Whereabouts("Corner", 37.123456, 127.654321, 8.0)
        await bikes.write(fleet.release, bikeid, 100 + bikeid, userid, where)
    await bikes.write(fleet.forget_the_rider, 7)
    left = "SELECT bikeid, location, lat, lon FROM bikes ORDER BY bikeid"
    assert await bikes.read(lambda read: read.all(left)) == [
        (1, None, 37.12, 127.65),
        (2, "Corner", 37.123456, 127.654321),
    ]
    told = [value for value in await bikes.read(published) if b"Corner" in value]
    assert [b'"bikeid":2' in value for value in told] == [True]


async def test_a_number_within_another_is_not_that_number(rents: Store) -> None:
    await a_ride(rents, 71)
    await rents.write(take_out, ("userid",), [7], EVENTS)
    assert any(b"Corner" in value for value in await rents.read(published))


def test_what_tells_of_nobody_stays_byte_for_byte() -> None:
    plain = b'{"eventType":"Returned", "userid":7,"lat":null}'
    assert impersonal(plain, Returned) is plain
    assert impersonal(b'{"userid":7,"lat":37.1,"endtime":3}', Returned) == b'{"userid":7,"lat":null,"endtime":3}'


async def test_who_may_rent_and_what_hangs_is_judged_alike_on_every_engine(rents: Store) -> None:
    for mayrent, missing_krw, version in ((False, 700, 2), (True, 0, 1)):
        await rents.write(keep_standing, 7, Standing(mayrent, ("minimum",), missing_krw), version)
    with pytest.raises(RiderBlocked) as refused:
        await rents.write(commands.ask_for_a_bike, 7, 1, SOON)
    assert (refused.value.reasons, refused.value.missing_krw) == (("minimum",), 700)
    hours_ahead: PendingRent = await rents.write(commands.ask_for_a_bike, 8, 1, Limits(9 * 3_600_000))
    assert await rents.write(commands.sweep, 100, SOON) == 1
    with pytest.raises(GivenUp):
        await rents.write(commands.start_the_rent, hours_ahead, SOON)
    assert await rents.read(newest) > 0
    await a_ride(rents, 9)
    assert await rents.read(rent.how_many_overdue, 0, 1_000) == 0
