"""What everybody who reads topics shares: how a client is made, and what its trouble is called."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.messaging.kafka import records
from gbike.kit.messaging.kafka.broker import Broker

READ = 512
"""Records taken from the client at once."""
ANSWER_S = 5
"""How long the broker may take to answer."""
WAIT_MS = 500
"""How long the broker holds on to a question for more when there is nothing new."""

records.use()


def reader(broker: Broker, **own: Any) -> AIOKafkaConsumer:
    """A client that begins at the start where it has no place, and keeps none by itself. Raises BusUnavailable."""
    return AIOKafkaConsumer(
        **broker.client(), auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=WAIT_MS, **own
    )


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """What the client says in its own words becomes BusUnavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise BusUnavailable(f"Kafka did not answer within {seconds:g} s") from None
    except (KafkaError, OSError) as wrong:
        raise BusUnavailable(f"Kafka: {wrong!r}") from None
