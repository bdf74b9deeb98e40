"""The topics of the house, one for each service that says something. Their number of partitions is fixed when they are
made: a key must stay where it is."""

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from gbike.kit.messaging.bus import KEEP_MS, BusUnavailable
from gbike.kit.messaging.kafka.broker import Broker
from gbike.kit.messaging.kafka.identity import topic_ids

HOUSE = "gbike"
"""What all topics' names begin with, and the name of the one topic that all services wrote to before 0.3.0."""
PARTITIONS = 12
"""As many consumers of one service can share the work; more would cost every consumer for nobody's use."""
ANSWER_S = 10
"""How long the broker may take."""
POLL_MS = 2_000
"""How long one who only looks whether it is there waits."""
PACE_MS = 50
"""Between two requests of a process for messages, and between two with messages: what comes meanwhile shares the next
one, and its transaction. Who is behind does not wait, nor does the first after a pause (docs/decisions/0030)."""

CONFIGS = {
    "retention.ms": str(KEEP_MS),
    "cleanup.policy": "delete",
    # Whatever codec somebody else writes with, we can read what the broker keeps.
    "compression.type": "uncompressed",
}
_NOT_OURS = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)


def topic_of(service: str, house: str = HOUSE) -> str:
    return f"{house}.{service}"


async def ensure_topics(
    broker: Broker, topics: Sequence[str], others: Sequence[str] = (), partitions: int = PARTITIONS
) -> dict[str, str]:
    """Make the topics unless they exist, where that is allowed. Answers what tells each from every other: its cluster's
    id and its own, as one that is removed and made anew has nothing of what was in it; under an empty name the
    cluster's alone. Of `others` only those that exist. Raises BusUnavailable."""
    admin = AIOKafkaAdminClient(**broker.client(), request_timeout_ms=ANSWER_S * 1000)
    try:
        async with asyncio.timeout(ANSWER_S):
            await admin.start()
            cluster = await admin.describe_cluster()
            name = str(cluster["cluster_id"])
            if not cluster["brokers"]:  # one that starts answers before it counts itself in
                raise BusUnavailable(f"Kafka at {broker.bootstrap} has no broker yet")
            if cluster["controller_id"] not in {broker["node_id"] for broker in cluster["brokers"]}:
                # Nobody to ask: the mock cluster makes topics when they are first used.
                return dict.fromkeys(("", *topics), name)
            ids = await topic_ids(admin, [*topics, *others])
            if missing := [topic for topic in topics if not ids[topic]]:
                await _make(admin, missing, partitions)
            while any(ids[topic] is None for topic in topics):
                await asyncio.sleep(PACE_MS / 1000)  # a broker hears of it a little later
                ids = await topic_ids(admin, [*topics, *others])
    except (KafkaError, OSError, TimeoutError) as wrong:
        raise BusUnavailable(f"Kafka at {broker.bootstrap}: {wrong!r}") from None
    finally:
        await admin.close()
    return {"": name, **{topic: f"{name}/{id}" if id else name for topic, id in ids.items() if id is not None}}


async def reachable(broker: Broker) -> bool:
    try:
        admin = AIOKafkaAdminClient(**broker.client(), request_timeout_ms=POLL_MS)
    except BusUnavailable:
        return False
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, topics: Iterable[str], partitions: int) -> None:
    """Raises BusUnavailable."""
    wanted = [NewTopic(topic, partitions, 1, topic_configs=CONFIGS) for topic in topics]
    for topic, code, *_ in (await admin.create_topics(wanted)).topic_errors:
        wrong = for_code(code)
        if issubclass(wrong, _NOT_OURS):
            raise BusUnavailable(f"the topic {topic} is not there for this login, which may not make it")
        if code and not issubclass(wrong, TopicAlreadyExistsError):
            raise BusUnavailable(f"the topic {topic} could not be made: {wrong.__name__}")
