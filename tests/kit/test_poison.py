"""Whatever somebody else writes to the topic: it is set aside and counted, and what comes after it takes effect."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gbike.contracts import LATEST_MS, MAX_NUMBER
from gbike.contracts.billing import CalculatedFee
from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented
from gbike.kit.clock import SystemClock, rfc3339
from gbike.kit.envelope import Message, Undecodable, pack, unpack
from gbike.kit.messaging.bus import Batch
from gbike.kit.messaging.dead_letters import DeadLetter, letters, set_aside
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka.wire import to_headers, to_message
from gbike.kit.privacy.erasure import remember, take_out
from gbike.kit.store import Reading, Store, Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from gbike.services.rent.storage import VERSIONS
from tests.kit.floor import SetClock
from tests.kit.test_erasure import a_store
from tests.postgres import Server

RENTED = Rented(rentid=1, userid=7, bikeid=1, status="renting", starttime=1_000)
GOOD = pack(RENTED, id="m1", source="rent", now_ms=1, trace=NO_TRACE)
DEEP = b'{"eventType":"Rented","userid":7,"x":' + b"[" * 100_000


class Record(msgspec.Struct):
    """As aiokafka gives it."""

    headers: list[tuple[str, bytes | None]]
    key: bytes | None = GOOD.key.encode()
    value: bytes | None = GOOD.value
    topic: str = "gbike"
    partition: int = 0
    offset: int = 0


def headers(**other: bytes | None) -> list[tuple[str, bytes | None]]:
    return list({**dict(to_headers(GOOD)), **other}.items())


def saying(**fields: object) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(GOOD.value), **fields})


POISON = {
    "a NUL in its id": Record(headers(ce_id=b"a\0b")),
    "an id that is no text": Record(headers(ce_id=b"\xff\xfe")),
    "an id of a megabyte": Record(headers(ce_id=b"x" * 1_000_000)),
    "an id of two lines": Record(headers(ce_id=b"a\nb")),
    "no id": Record([(name, value) for name, value in headers() if name != "ce_id"]),
    "an empty id": Record(headers(ce_id=None)),
    "a type alone": Record([("ce_type", b"Rented")]),
    "no value": Record(headers(ce_id=b"p1"), value=None),
    "a value that is no text": Record(headers(ce_id=b"p2"), value=GOOD.value[:-1] + b',"x":"\xff"}'),
    "half a value": Record(headers(ce_id=b"p3"), value=GOOD.value[:-5]),
    "a value that is a list": Record(headers(ce_id=b"p4"), value=b"[1]"),
    "a deep value": Record(headers(ce_id=b"p5"), value=DEEP),
    "a wrong type": Record(headers(ce_id=b"p6"), value=saying(userid="seven")),
    "a number that no column takes": Record(headers(ce_id=b"p7"), value=saying(userid=10**30)),
    "a number beyond int64": Record(headers(ce_id=b"p8"), value=saying(rentid=2**63)),
    "a moment after the year 9999": Record(headers(ce_id=b"p9"), value=saying(starttime=9_200_000_000_000_000_000)),
    "a moment before 1970": Record(headers(ce_id=b"p10"), value=saying(starttime=-1)),
    "half a character": Record(headers(ce_id=b"p11"), value=GOOD.value[:-1] + b',"x":"\\ud800"}'),
    "a second type with a NUL": Record([*headers(ce_id=b"p13"), ("ce_type", b"Re\0")], value=b"[1]"),
    "a NUL in its value": Record(headers(ce_id=b"p12"), value=saying(status="\0")),
}


class Topic:
    """A subscription to records that are there already."""

    def __init__(self, records: list[Record]) -> None:
        self.waiting = [to_message(record) for record in records]

    async def take(self, most: int) -> Batch:
        return Batch(self.waiting[:most], most)

    def save_position(self, tx: Tx, batch: Batch) -> None: ...

    async def acknowledge(self, batch: Batch) -> None:
        del self.waiting[: batch.position]

    async def changed(self, timeout_ms: int) -> None: ...

    async def lag(self) -> int:
        return len(self.waiting)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Store]:
    made = a_store(request.param, VERSIONS, server, SetClock(SystemClock().now_ms()))
    await made.write(remember, 7)  # whoever has erased somebody looks into every message
    yield made
    await made.close()


def keep(tx: Tx, published: Rented) -> None:
    """The effect."""
    if "\0" in published.status:
        raise ValueError(published.status)  # as PostgreSQL, on both engines
    tx.count(f"rented {published.rentid}")


async def handled(store: Store, records: list[Record]) -> tuple[list[DeadLetter], Metrics]:
    metrics, topic = Metrics(), Topic(records)
    consumer = Consumer(store, topic, {Rented: keep}, metrics, "ears")
    while await consumer.lag():
        await consumer.step()
    return await store.read(letters, 1_000), metrics


def effects(read: Reading) -> int:
    return len(read.all("SELECT 1 FROM inbox"))


@pytest.mark.parametrize("what", POISON)
async def test_what_is_wrong_with_one_record_is_set_aside_and_the_next_takes_effect(store: Store, what: str) -> None:
    dead, metrics = await handled(store, [POISON[what], Record(headers())])
    assert len(dead) == 1
    assert dead[0].reason
    assert metrics.dead_letters.labels("ears")._value.get() == 1
    assert await store.read(effects) == 1
    again, _ = await handled(store, [POISON[what], Record(headers())])
    assert len(again) == 1


async def test_much_poison_at_once_holds_up_nobody(store: Store) -> None:
    records = [msgspec.structs.replace(record, offset=n) for n, record in enumerate(POISON.values())]
    dead, _ = await handled(store, [*records, Record(headers())])
    assert len(dead) == len(records)
    assert await store.read(effects) == 1


@pytest.mark.parametrize("key", [b"\0", b"\xff", b"k" * 1_000_000, None])
async def test_a_key_is_only_a_place_on_the_topic_and_spoils_nothing(store: Store, key: bytes | None) -> None:
    wrong = Record(headers(ce_id=b"p"), key=key, value=b"?")
    dead, _ = await handled(store, [wrong, Record(headers(), key=key)])
    assert [letter.message.id for letter in dead] == ["p"]
    assert await store.read(effects) == 1


async def test_a_reason_may_have_any_letters(store: Store) -> None:
    await store.write(set_aside, GOOD, "a\0b \ud800 " + "x" * 10_000, EVENTS)
    assert len(await store.read(letters, 10)) == 1


async def test_who_is_erased_is_taken_out_of_letters_that_nobody_can_read(store: Store) -> None:
    broken = Message("m9", "Rented", "k", b"{}", b'{"userid":7,"endlocation":"Corner","x":"\xff"}')
    await store.write(lambda tx: tx.execute("DELETE FROM erased"))
    await store.write(set_aside, broken, "unreadable", EVENTS)
    await store.write(take_out, ("userid",), [7], EVENTS)
    assert b"Corner" not in (await store.read(letters, 10))[0].message.value
    await store.write(remember, 7)
    await store.write(set_aside, msgspec.structs.replace(broken, id="m10"), "unreadable", EVENTS)
    assert all(b"Corner" not in letter.message.value for letter in await store.read(letters, 10))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Rented, {"starttime": LATEST_MS + 1}),
        (Rented, {"rentid": MAX_NUMBER + 1}),
        (CalculatedFee, {"fee": -MAX_NUMBER - 1}),
        (CalculatedFee, {"endtime": 9_200_000_000_000_000_000}),
    ],
)
def test_no_event_has_a_number_out_of_its_range(kind: type, fields: dict[str, int]) -> None:
    whole: dict[str, Any] = {
        "eventType": kind.__name__,
        **dict.fromkeys(("rentid", "userid", "bikeid", "billid", "starttime", "endtime", "fee"), 1),
        "status": "s",
    }
    unpack(Message("m", kind.__name__, "k", b"", msgspec.json.encode(whole)), kind)
    with pytest.raises(Undecodable):
        unpack(Message("m", kind.__name__, "k", b"", msgspec.json.encode({**whole, **fields})), kind)


def test_a_moment_that_an_older_version_kept_is_shown_as_the_last_that_can_be_written() -> None:
    assert rfc3339(9_200_000_000_000_000_000).startswith("9999-12-31T23:59:59")
