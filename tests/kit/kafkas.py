"""Kafkas for tests: librdkafka's mock cluster in this process, and a real one as a child process."""

import ctypes
import itertools
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka
import pytest

from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import Subscription
from gbike.kit.messaging.kafka import reading, subscription
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.bus import KafkaBus
from gbike.kit.messaging.kafka.subscription import KafkaSubscription
from gbike.kit.store import Store
from gbike.run.engines import kafka as engine
from tests.kit.test_bus import RINGS
from tests.waiting import a_while

POINTER, PRODUCER = ctypes.c_void_p, 0
BROKER = 1
_topics = itertools.count(1)


def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock answers a question for more only when its time is up, and lets every join wait for a session's time."""
    monkeypatch.setattr(reading, "WAIT_MS", 20)
    monkeypatch.setattr(subscription, "SESSION_MS", 1_500)
    monkeypatch.setattr(subscription, "HEARTBEAT_MS", 200)


class MockCluster:
    """librdkafka's own test cluster through its C API, as confluent-kafka's would let every group wait for 3 s.
    (A group has one member there: the mock refuses the others' SyncGroup when the leader's came first.)"""

    def __init__(self) -> None:
        folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
        self._lib = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(self._lib, name).restype = POINTER
        self._lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        self._lib.rd_kafka_conf_set.argtypes = [POINTER, *[ctypes.c_char_p] * 3, ctypes.c_size_t]
        settings = self._lib.rd_kafka_conf_new()
        self._lib.rd_kafka_conf_set(settings, b"log_level", b"2", None, 0)
        self._owner = POINTER(self._lib.rd_kafka_new(PRODUCER, POINTER(settings), None, 0))
        self._cluster = POINTER(self._lib.rd_kafka_mock_cluster_new(self._owner, 1))
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    async def stop(self) -> None:
        """Nobody is reached any more."""
        self._lib.rd_kafka_mock_broker_set_down(self._cluster, BROKER)

    async def start(self) -> None:
        """And again."""
        self._lib.rd_kafka_mock_broker_set_up(self._cluster, BROKER)

    def destroy(self) -> None:
        """Its threads end."""
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._owner)


class RealKafka:
    """One node of the real thing, killed and started over the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, engine.free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        engine.prepare(folder, self._port)
        self._launch()

    def _launch(self) -> None:
        command = engine.program(self._folder, self._port).command
        with open(self._folder / "log", "ab") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=log)

    async def stop(self) -> None:
        """As kill -9 does it."""
        self._child.kill()
        self._child.wait()

    async def start(self) -> None:
        """Start, and wait until it takes requests."""
        self._launch()
        await self.ready()

    async def ready(self) -> None:
        began = time.monotonic()
        while not await engine.ready(self._port):
            assert self._child.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() - began < 60, (self._folder / "log").read_text()
            await a_while()

    def destroy(self) -> None:
        """End it in order."""
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()


Cluster = MockCluster | RealKafka


class KafkaWire:
    """A house of its own on a cluster, in which a bell rings; each reader is a process of its own, as far as Kafka
    sees."""

    def __init__(self, cluster: Cluster, house: str = "", instance: str = "") -> None:
        self.cluster, self.house = cluster, house or f"t{next(_topics)}"
        self.bus = KafkaBus(Broker(cluster.bootstrap), "bell", instance, self.house)
        self.topic = self.bus.topic

    def reader(self, store: Store, name: str = "reader") -> KafkaSubscription:
        return KafkaSubscription(self.bus, f"{self.house}-{name}", dict.fromkeys(RINGS, "bell"))

    def another(self) -> "KafkaWire":
        """Another process on the same topic."""
        return KafkaWire(self.cluster, self.house)

    async def append(self, messages: Sequence[Message]) -> None:
        await self.bus.append(messages)

    async def gone(self, reader: Subscription) -> None:
        assert isinstance(reader, KafkaSubscription)
        await reader.close()

    async def close(self) -> None:
        await self.bus.close()
