"""What tells one topic from another of the same name, be it on the same Kafka: the id that it gets when it is made.

The client library asks for metadata as of before there were such ids (KIP-516); this is the same question, version 12.
"""

from collections.abc import Sequence
from io import BytesIO

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

METADATA, VERSION = 3, 12
NONE = bytes(16)


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]
    """16 bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


_TEXT, _TAGS = CompactString("utf-8"), ("tags", TaggedFields)
_BROKER = (("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), _TAGS)
_REPLICAS = tuple((name, CompactArray(Int32)) for name in ("replicas", "isr", "offline_replicas"))
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    *_REPLICAS,
    _TAGS,
)
_TOPIC = (
    *(("error_code", Int16), ("topic", _TEXT), ("topic_id", _Uuid), ("is_internal", Boolean)),
    *(("partitions", CompactArray(*_PARTITION)), ("authorized_operations", Int32), _TAGS),
)
_CLUSTER = (("brokers", CompactArray(*_BROKER)), ("cluster_id", _TEXT), ("controller_id", Int32))


class _Answer(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = METADATA, VERSION
    SCHEMA = Schema(("throttle_time_ms", Int32), *_CLUSTER, ("topics", CompactArray(*_TOPIC)), _TAGS)


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION = METADATA, VERSION
    FLEXIBLE_VERSION, RESPONSE_TYPE = True, _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", _TEXT), _TAGS)),
        *((name, Boolean) for name in ("allow_auto_topic_creation", "include_topic_authorized_operations")),
        _TAGS,
    )


class _AboutTopics(Request[_Question]):  # type: ignore[misc]
    API_KEY = METADATA

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(NONE, topic, {}) for topic in self._topics], False, False, {})


async def topic_ids(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, str | None]:
    """The topics' ids in hex; None of one that nobody knows, or that we may not know of; empty where brokers give no
    ids. Raises KafkaError."""
    try:
        answer = await admin._send_request(_AboutTopics(topics))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return dict.fromkeys(topics, "")
    found = {name: None if code or id == NONE else bytes(id).hex() for code, name, id, *_ in answer.topics}
    return {topic: found.get(topic) for topic in topics}
