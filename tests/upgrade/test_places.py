"""The bikes of before stand where they stood, and what staff told of them are the places that are known."""

from typing import Any

from gbike.kit.clock import SystemClock, SystemIds
from gbike.run.single import open_store
from gbike.services.bike import storage
from gbike.services.bike.domain import Point
from gbike.services.bike.storage import VERSIONS, places
from tests.upgrade.before import Before, Step, store_at

RIDER = 3
before = store_at(Step(VERSIONS, "0007"))


def put(
    before: Before, bikeid: int, where: tuple[Any, Any, Any], *, left_by: int | None = None, version: int = 1
) -> None:
    """A bike of before."""
    before.run(
        "INSERT INTO bikes (bikeid, location, lat, lon, held, broken, retired, version, left_by)"
        " VALUES (?, ?, ?, ?, 0, 0, 0, ?, ?)",
        (bikeid, *where, version, left_by),
    )


async def test_a_fleet_of_before_keeps_its_points_and_teaches_the_places(before: Before) -> None:
    put(before, 1, ("10호 ", 37.36, 127.1))
    put(before, 2, ("10호", 37.37, 127.1))
    put(before, 3, ("이름뿐", None, None))
    put(before, 4, ("집 앞", 37.3, 127.2), left_by=RIDER, version=5)
    put(before, 5, ("of whom", 37.2, 127.2), version=3)
    put(before, 6, ("창고", None, 127.2), version=3)
    put(before, 7, ("창고", 37.1, 127.2), version=4)
    put(before, 8, (None, 0.0, 0.0))
    before.upgrade()
    store = open_store(before.url, "bike", SystemClock(), SystemIds())
    try:
        bikes = [await store.read(storage.load, bikeid) for bikeid in range(1, 9)]
        known = [place[:3] for place in (await store.read(lambda read: read.all(places.found(None, None).select)))]
        listed = await store.read(lambda read: read.all("SELECT name FROM places ORDER BY sort"))
        owners = await store.read(
            lambda read: read.all("SELECT bikeid, point_of FROM bikes WHERE point_of IS NOT NULL")
        )
    finally:
        await store.close()
    assert [bike.place.location for bike in bikes][:2] == ["10호", "10호"]
    assert (bikes[0].place.point, bikes[0].place.present) == (Point(37.36, 127.1), Point(37.36, 127.1))
    assert [bike.place.point for bike in bikes if bike.bikeid in (3, 6, 8)] == [None] * 3, "half and zero are none"
    assert sorted(known) == sorted([("10호", 37.36, 127.1), ("이름뿐", None, None), ("창고", 37.1, 127.2)])
    assert [name for (name,) in listed] == ["10호", "이름뿐", "창고"]
    assert owners == [(4, RIDER)]


def test_many_bikes_are_carried_over_a_batch_at_a_time(before: Before) -> None:
    before.run(
        "INSERT INTO bikes (bikeid, location, held, broken, retired, version) WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i, 'dock ' || (i / 2), 0, 0, 0, 1 FROM n"
    )
    before.upgrade()
    assert before.run("SELECT count(*), count(place_sort) FROM bikes") == [(2500, 2500)]
    assert before.run("SELECT count(*) FROM places") == [(1251,)]
