"""Personal is what is marked on an event's field: erasing a rider takes their places, not a station's name and place.

Stations are not there yet; the event is one of these tests.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gbike.contracts import Event, Latitude, Longitude, Number
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Returned
from gbike.kit.clock import SystemClock
from gbike.kit.envelope import Message, pack
from gbike.kit.messaging.dead_letters import letters, set_aside
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.privacy.erasure import personal_fields, remember, take_out
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from gbike.services.rent.storage import VERSIONS
from tests.kit.floor import SetClock
from tests.kit.test_erasure import a_store
from tests.kit.test_poison import Topic
from tests.postgres import Server


class OpenedStation(Event, frozen=True):
    """Somebody opened a station: where it stands is nobody's secret."""

    ABOUT = "station"
    stationid: Number
    userid: Number
    name: str
    location: str
    lat: Latitude
    lon: Longitude


STATION = OpenedStation(stationid=1, userid=7, name="City Hall", location="Sejong-daero 110", lat=37.5663, lon=126.9779)
RIDE = Returned(
    rentid=1, userid=7, bikeid=1, status="returned", endtime=2, endlocation="Corner", starttime=1, lat=37.1, lon=127.2
)
KNOWN = {**EVENTS, "OpenedStation": OpenedStation}


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Store]:
    made = a_store(request.param, VERSIONS, server, SetClock(SystemClock().now_ms()))
    yield made
    await made.close()


def packed(event: Any) -> Message:
    return pack(event, id=type(event).__name__, source="it", now_ms=1, trace=NO_TRACE)


def published(read: Reading) -> dict[str, dict[str, Any]]:
    return {row[0]: msgspec.json.decode(bytes(row[1])) for row in read.all("SELECT type, value FROM outbox")}


def judge(found: dict[str, Any]) -> None:
    station, ride = found["OpenedStation"], found["Returned"]
    assert (station["name"], station["location"]) == ("City Hall", "Sejong-daero 110")
    assert (station["lat"], station["lon"]) == (37.5663, 126.9779)
    assert (ride["endlocation"], ride["lat"], ride["lon"]) == (None, None, None)
    assert (ride["rentid"], ride["userid"], ride["endtime"]) == (1, 7, 2)


async def test_a_station_survives_the_erasure_of_a_rider_in_what_was_said_and_set_aside(store: Store) -> None:
    for event in (STATION, RIDE):
        await store.write(lambda tx, event: tx.publish(event), event)
        await store.write(set_aside, packed(event), "a planted reason", KNOWN)
    await store.write(take_out, ("userid",), [7], KNOWN)
    judge(await store.read(published))
    judge({letter.message.type: msgspec.json.decode(letter.message.value) for letter in await store.read(letters, 10)})


async def test_a_station_that_is_heard_after_the_erasure_of_a_rider_keeps_its_name(store: Store) -> None:
    heard: list[Any] = []

    def note(_tx: Tx, event: Any) -> None:
        heard.append(event)

    await store.write(remember, 7)
    topic = Topic([])
    topic.waiting = [packed(STATION), packed(RIDE)]
    await Consumer(store, topic, {OpenedStation: note, Returned: note}, Metrics(), "ears").step()
    judge({type(event).__name__: msgspec.to_builtins(event) for event in heard})


async def test_an_answer_that_is_kept_loses_the_place_of_the_ride(store: Store) -> None:
    answer = msgspec.json.encode({"rentid": 1, "userid": 7, "status": "returned", "endlocation": "Corner", "lat": 37.1})
    columns = "INSERT INTO idempotency (key, body_hash, status, content, headers, at_ms) VALUES (?, ?, ?, ?, ?, ?)"
    await store.write(lambda tx: tx.execute(columns, ("k", "h", 200, answer, b"{}", 1)))
    await store.write(take_out, ("userid",), [7], EVENTS)
    rows = await store.read(lambda read: read.all("SELECT content FROM idempotency"))
    left = {"rentid": 1, "userid": 7, "status": "returned", "endlocation": None, "lat": None}
    assert msgspec.json.decode(bytes(rows[0][0])) == left


@pytest.mark.parametrize("of", ["Returned", "Rented", "Slept"])
async def test_what_an_event_does_not_have_or_nobody_knows_is_not_kept_of_who_was_erased(store: Store, of: str) -> None:
    value = msgspec.json.encode({"eventType": of, "timestamp": "t", "userid": 7, "photo": "face", "endlocation": "C"})
    await store.write(set_aside, Message("m", of, "k", b"{}", value), "a planted reason", EVENTS)
    await store.write(take_out, ("userid",), [7], EVENTS)
    fields = msgspec.json.decode((await store.read(letters, 10))[0].message.value)
    assert (fields["eventType"], fields["photo"], fields["endlocation"]) == (of, None, None)


def test_these_fields_are_personal() -> None:
    marked = {name: {field for field, is_so in personal_fields(kind).items() if is_so} for name, kind in EVENTS.items()}
    assert {name: fields for name, fields in marked.items() if fields} == {
        "Returned": {"endlocation", "lat", "lon", "accuracy", "measuredat"},
        "UpdatedBike": {"location", "lat", "lon", "accuracy", "pointat", "pointby"},
    }
