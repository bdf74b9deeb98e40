"""The one topic of the house. Its number of partitions is fixed when it is made: a key must stay where it is."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from gbike.kit.bus import BusUnavailable
from gbike.kit.kafka.identity import topic_id

TOPIC = "gbike"
PARTITIONS = 12
"""As many consumers of one service can share the work; more would cost every consumer for nobody's use."""
KEEP_MS = 7 * 24 * 3_600_000
"""As long as the embedded log keeps its messages, and well inside what an inbox remembers."""
ANSWER_S = 10
"""How long the broker may take."""
LOOK_MS = 2_000
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


async def ensure_topic(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> str:
    """Make the topic unless it exists; answers what tells it from every other: its cluster's id and its own, as one
    that is removed and made anew has nothing of what was in it. Raises BusUnavailable."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=ANSWER_S * 1000)
    try:
        async with asyncio.timeout(ANSWER_S):
            await admin.start()
            cluster = await admin.describe_cluster()
            if cluster["controller_id"] not in {broker["node_id"] for broker in cluster["brokers"]}:
                # Nobody to ask: the mock cluster makes topics when they are first used.
                return str(cluster["cluster_id"])
            answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=CONFIGS)])
            for _, code, *_ in answer.topic_errors:
                if code and not issubclass(for_code(code), TopicAlreadyExistsError):
                    raise BusUnavailable(f"the topic {topic} could not be made: {for_code(code).__name__}")
            while (own := await topic_id(admin, topic)) is None:  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(PACE_MS / 1000)  # a broker hears of it a little later
    except (KafkaError, OSError, TimeoutError) as wrong:
        raise BusUnavailable(f"Kafka at {bootstrap}: {wrong!r}") from None
    finally:
        await admin.close()
    return f"{cluster['cluster_id']}/{own}" if own else str(cluster["cluster_id"])


async def reachable(bootstrap: str) -> bool:
    """Whether there is a broker that takes requests."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=LOOK_MS)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
