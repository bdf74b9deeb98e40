"""Which login may do what on Kafka: derived from who says and who hears which events."""

from collections.abc import Iterator, Sequence

import msgspec

from gbike.kit.messaging.kafka.subscription import group_of
from gbike.kit.messaging.kafka.topic import HOUSE, topic_of
from gbike.run.event_map import Built
from gbike.run.registry import speakers

READER = "reader"
"""Who looks and changes nothing."""
FOR_EVERYBODY = "account"
"""Whose topic every service may read: who is erased, or may do less than before, is of interest at every door."""
ANY = "*"


class Right(msgspec.Struct, frozen=True, order=True):
    """One thing that a login may do. `kind`: topic or group. `prefixed`: on all whose names begin so."""

    login: str
    may: str
    kind: str
    name: str
    prefixed: bool = False


def logins(built: Sequence[Built]) -> list[str]:
    """Everybody who may come in, beside the admin."""
    return [*(one.spec.name for one in built), READER]


def topics() -> list[str]:
    return [topic_of(service) for service in sorted(set(speakers().values()))]


def rights(built: Sequence[Built]) -> list[Right]:
    """What each login may do: who reads or writes a topic may ask about it. Nothing else is allowed to anybody."""
    return sorted({right for one in built for right in _of(one)} | set(_of_reader()))


def _of(one: Built) -> Iterator[Right]:
    service, says = one.spec.name, speakers()
    heard = {says[kind.__name__] for kind in one.service.policies}
    if one.spec.publishes:
        yield Right(service, "write", "topic", topic_of(service))
        yield Right(service, "describe", "topic", HOUSE)
    if heard:
        yield Right(service, "read", "group", group_of(service))
        yield Right(service, "read", "topic", HOUSE)
    for speaker in {*heard, FOR_EVERYBODY}:
        yield Right(service, "read", "topic", topic_of(speaker))


def _of_reader() -> Iterator[Right]:
    """Places of groups may be asked for, but a place may be kept in groups of its own only."""
    yield Right(READER, "read", "topic", ANY)
    yield Right(READER, "describe", "group", ANY)
    yield Right(READER, "read", "group", READER, prefixed=True)
