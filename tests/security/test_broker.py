"""Kafka of a secure cluster: who has no login does nothing there, and a login does what it is for. It was open before,
with messages in it that are not heard yet."""

import asyncio
import multiprocessing
import os
import pwd
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiokafka.errors
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from gbike.contracts.bike_manager import AdjustedPoint
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import Message, pack
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.inbox import Consumer
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.subscription import KafkaSubscription, group_of
from gbike.kit.messaging.kafka.topic import HOUSE, PARTITIONS, ensure_topics, topic_of
from gbike.kit.messaging.kafka.wire import to_headers
from gbike.kit.store import Tx
from gbike.kit.telemetry import NO_TRACE, Metrics
from gbike.run.cluster import kafka_logins, secrets
from gbike.run.engines import kafka as engine
from gbike.run.registry import speakers, specs
from tests.kit.floor import a_store, note, words
from tests.kit.kafkas import RealKafka
from tests.waiting import a_while

pytestmark = pytest.mark.timeout(300)
NOBODY = "nobody"


def adjusted(managerid: int, source: str = "bike_manager") -> Message:
    """777,000 won for somebody."""
    event = AdjustedPoint(managerid=managerid, userid=managerid, point=0, adjustpoint=777_000, conversion="deposit")
    return pack(event, id=SystemIds().new(), source=source, now_ms=1, trace=NO_TRACE)


class Locked(RealKafka):
    """The broker of a folder that was open, and is a secure cluster's now."""

    def __init__(self, data: Path) -> None:
        self.data = data
        super().__init__(data / "kafka")

    def lock(self) -> None:
        """As `cluster up` does it at each start."""
        secrets.make(self.data, specs(), SystemClock().now_ms())
        kafka_logins.lock_up(self._folder, self._port, secrets.kafka_passwords(self.data))

    def login(self, name: str) -> Broker:
        return Broker(self.bootstrap, **secrets.kafka_login(self.data, name))

    def bus(self, service: str) -> KafkaBus:
        return KafkaBus(self.login(service), service)

    async def ready(self) -> None:
        """See RealKafka.ready."""
        if engine.was_locked(self._folder):
            login = secrets.kafka_login(self.data, "reader")
            while not await engine.ready(self._port, **login):
                assert self._child.poll() is None, (self._folder / "log").read_text()
                await a_while()
        else:
            await super().ready()


async def write(way: dict[str, Any], topic: str, *messages: Message) -> None:
    """Whoever has a client of Kafka can try this. Raises KafkaError."""
    producer = AIOKafkaProducer(**way, request_timeout_ms=5_000)
    try:
        async with asyncio.timeout(20):
            await producer.start()
            for message in messages:
                await producer.send_and_wait(topic, message.value, message.key.encode(), headers=to_headers(message))
    finally:
        await producer.stop()


async def read(way: dict[str, Any], topic: str, group: str | None = None) -> list[Any]:
    """What there is in a topic. Raises KafkaError."""
    consumer = AIOKafkaConsumer(**way, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        async with asyncio.timeout(20):
            await consumer.start()
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            ends, found = await consumer.end_offsets(places), []
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
            if group:
                await consumer.commit({places[0]: 1})
            return found
    finally:
        await consumer.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """It was open, somebody left a right behind, and two messages wait in the one topic of before."""
    if (missing := engine.why_not()) is not None:
        pytest.skip(missing)
    made = Locked(tmp_path_factory.mktemp("secure"))
    try:
        asyncio.run(made.ready())
        asyncio.run(_before(made))
        asyncio.run(made.stop())
        made.lock()
        asyncio.run(made.start())
        yield made
    finally:
        made.destroy()


async def _before(open_one: Locked) -> None:
    await ensure_topics(Broker(open_one.bootstrap), [HOUSE])
    way = {"bootstrap_servers": open_one.bootstrap}
    await write(way, HOUSE, adjusted(1), adjusted(2))
    await read(way, HOUSE, "gbike-user_deposit")


REFUSED = (aiokafka.errors.KafkaError, TimeoutError)
"""A broker says why, or hangs up until the client gives up."""


async def refused(kind: type[Exception] | tuple[type[Exception], ...], *attempts: Awaitable[object]) -> None:
    """Each of them fails so; they are made at the same time, as most wait for a broker that hangs up."""
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, kind)] == []


async def test_the_makers_of_a_forged_message_get_no_further_than_the_door(broker: Locked) -> None:
    """Any local user of the machine once published one AdjustedPoint and had 777,000 won."""
    forged, topic = adjusted(9), topic_of("bike_manager")
    before = len(await read(broker.login("reader").client(), topic))
    scram = broker.login("bike_manager").client()
    ways: tuple[dict[str, Any], ...] = (
        {"bootstrap_servers": broker.bootstrap},
        {**scram, "sasl_plain_password": scram["sasl_plain_password"][::-1]},
        {**scram, "sasl_plain_username": "root"},
        {**scram, "sasl_mechanism": "PLAIN"},
        {**scram, "sasl_plain_username": kafka_logins.SETTLER, "sasl_mechanism": "PLAIN"},
    )
    await refused(REFUSED, *(write(way, topic, forged) for way in ways), *(read(way, topic) for way in ways))
    others = [broker.login(login).client() for login in ("rent", "user_deposit", "rent_and_billing_view", "reader")]
    attempts = (write(way, to, forged) for way in others for to in (topic, HOUSE))
    await refused(aiokafka.errors.TopicAuthorizationFailedError, *attempts)
    assert len(await read(broker.login("reader").client(), topic)) == before


async def test_each_service_writes_its_topic_and_reads_those_of_whom_it_hears(broker: Locked) -> None:
    topics = {topic_of(speaker) for speaker in speakers().values()}
    unheard = asyncio.create_task(read(broker.login("bike").client(), topic_of("user_deposit")))
    for spec in specs():
        may = broker.login(spec.name).client()
        attempts = (write(may, topic, adjusted(9)) for topic in sorted(topics - {topic_of(spec.name)}))
        await refused(aiokafka.errors.TopicAuthorizationFailedError, *attempts)
    await read(broker.login("rent").client(), topic_of("account"))
    with pytest.raises(aiokafka.errors.GroupAuthorizationFailedError):
        await read(broker.login("rent").client(), topic_of("account"), group_of("user_deposit"))
    await read(broker.login("reader").client(), topic_of("account"))
    unheard.cancel()  # a client waits for a topic that it may not see, while all of the others were answered
    [answer] = await asyncio.gather(unheard, return_exceptions=True)
    assert isinstance(answer, (*REFUSED, asyncio.CancelledError))
    with pytest.raises(aiokafka.errors.GroupAuthorizationFailedError):
        await read(broker.login("reader").client(), topic_of("account"), group_of("user_deposit"))


async def test_a_service_makes_no_topic_and_says_which_one_it_misses(broker: Locked) -> None:
    with pytest.raises(BusUnavailable, match=r"gbike\.elsewhere"):
        await ensure_topics(broker.login("rent"), [topic_of("elsewhere")])
    admin = AIOKafkaAdminClient(**broker.login("rent").client())
    await admin.start()
    made = await admin.create_topics([NewTopic("mine", 1, 1)])
    gone = await admin.delete_topics([topic_of("rent")])
    await admin.close()
    assert made.topic_errors[0][1] != 0
    assert gone.topic_error_codes[0][1] != 0


async def test_what_waited_in_the_open_topic_is_heard_first_and_then_what_its_speaker_says(broker: Locked) -> None:
    def paid(tx: Tx, event: AdjustedPoint) -> None:
        note(tx, f"paid {event.managerid}")

    manager = broker.bus("bike_manager")
    hearer = broker.bus("user_deposit")
    store = a_store()
    await manager.append([adjusted(3), adjusted(4, source="rent")])
    heard = {kind: who for kind, who in speakers().items() if kind == "AdjustedPoint"}
    subscription = KafkaSubscription(hearer, "user_deposit", heard)
    consumer = Consumer(store, subscription, {AdjustedPoint: paid}, Metrics(), "user_deposit")
    async with asyncio.timeout(60):
        while await consumer.lag():
            if not await consumer.step():
                await consumer.changed(500)
    told = await words(store)
    assert told[-1] == "paid 3"
    assert set(told) <= {"paid 1", "paid 2", "paid 3"}
    assert {"paid 1", "paid 2"} & set(told), "one of them was passed before"
    await manager.close()
    await hearer.close()


async def test_the_halves_of_the_node_speak_with_a_password_too(broker: Locked) -> None:
    text = (broker.data / "kafka" / "server.properties").read_text("utf-8")
    [controller] = re.findall(r"^controller\.quorum\.voters=.*:(\d+)$", text, re.MULTILINE)
    for way in ({}, {**broker.login("reader").client(), "sasl_mechanism": "PLAIN"}):
        admin = AIOKafkaAdminClient(**{**way, "bootstrap_servers": f"127.0.0.1:{controller}"}, request_timeout_ms=3_000)
        with pytest.raises(REFUSED):
            async with asyncio.timeout(20):
                await admin.start()
        await admin.close()


def test_passwords_are_in_files_of_our_user_and_nowhere_else(broker: Locked) -> None:
    passwords = secrets.kafka_passwords(broker.data)
    assert set(passwords) == {"admin", "reader", *(spec.name for spec in specs())}
    assert len(set(passwords.values())) == len(passwords)
    files = [*(broker.data / "keys").glob("*/kafka.password"), broker.data / "kafka" / "server.properties"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (broker.data / "kafka").stat().st_mode & 0o777 == 0o700
    shown = b"".join(_shown(pid) for pid in os.listdir("/proc") if pid.isdigit())
    logs = b"".join(file.read_bytes() for file in (broker.data / "kafka").glob("log*") if file.is_file())
    for password in passwords.values():
        assert password.encode() not in shown
        assert password.encode() not in logs


def _shown(pid: str) -> bytes:
    """What everybody sees of a process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_another_user_of_the_machine_finds_no_way_in(broker: Locked) -> None:
    topic, file = topic_of("bike_manager"), Path(broker.login("bike_manager").password_file)

    def publishes() -> bool:
        asyncio.run(write({"bootstrap_servers": broker.bootstrap}, topic, adjusted(9)))
        return True

    def finds_a_password() -> bool:
        return any(bool(one.read_text()) for one in (file, broker.data / "kafka" / "server.properties"))

    def reads_messages() -> bool:
        return any(one.read_bytes() for one in (broker.data / "kafka" / "data").glob("gbike*/*.log"))

    assert finds_a_password()
    assert _as_nobody(lambda: True)
    for attempt in (publishes, finds_a_password, reads_messages):
        assert not _as_nobody(attempt), attempt.__name__


def _as_nobody(attempt: Callable[[], bool]) -> bool:
    """Whether somebody else succeeds."""
    forked = multiprocessing.get_context("fork")
    found = forked.Value("b", 1)

    def run() -> None:
        os.setgroups([])
        os.setgid(pwd.getpwnam(NOBODY).pw_gid)
        os.setuid(pwd.getpwnam(NOBODY).pw_uid)
        found.value = 0
        with suppress(Exception):
            found.value = int(attempt())

    child = forked.Process(target=run)
    child.start()
    child.join(60)
    return bool(found.value)


async def test_at_the_next_start_all_is_as_it_was_and_whoever_was_open_meanwhile_is_locked_again(
    broker: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[object] = []
    monkeypatch.setattr(kafka_logins, "_alone", lambda folder: settled.append(folder) or _Nothing())
    broker.lock()
    assert settled == []
    engine.settings(broker._folder, broker._port)  # an older gbike
    broker.lock()
    assert len(settled) == 1
    broker.lock()
    assert len(settled) == 1
    (broker.data / "keys" / "rent" / "kafka.password").write_text("another", "ascii")
    broker.lock()
    assert len(settled) == 2


class _Nothing:
    """A Kafka that takes whatever it is told."""

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, _name: str) -> Any:
        return _Nothing()

    def __call__(self, *_: object, **__: object) -> "_Nothing":
        return self

    def values(self) -> list[Any]:
        return []

    def items(self) -> list[Any]:
        return []

    def __contains__(self, _name: str) -> bool:
        return True
