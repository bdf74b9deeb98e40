"""Which login may do what on Kafka: derived from who says and who hears which events."""

from collections.abc import Iterator, Sequence

import msgspec

from gbike.app.catalogue import speakers
from gbike.app.event_map import Built
from gbike.app.reference import GENERATED
from gbike.kit.kafka.subscription import group_of
from gbike.kit.kafka.topic import HOUSE, KEEP_MS, PARTITIONS, topic_of

READER = "reader"
"""Who looks and changes nothing."""
EVERYBODYS = "account"
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
    return [*(one.card.name for one in built), READER]


def topics() -> list[str]:
    """The topics that are written to."""
    return [topic_of(service) for service in sorted(set(speakers().values()))]


def rights(built: Sequence[Built]) -> list[Right]:
    """What each login may do: who reads or writes a topic may ask about it. Nothing else is allowed to anybody."""
    return sorted({right for one in built for right in _of(one)} | set(_of_reader()))


def as_options(found: Sequence[Right]) -> Iterator[str]:
    """The same as Kafka's own tool takes them."""
    for right in found:
        name = f"'{right.name}'" if right.name == ANY else right.name
        how = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield f"--allow-principal User:{right.login} --operation {right.may.capitalize()} --{right.kind} {name}{how}"


def page(built: Sequence[Built]) -> str:
    """docs/operating/kafka-rights.md."""
    way = "--bootstrap-server $BROKER --command-config admin.properties"
    made = [f"$topics --topic {topic} --partitions {PARTITIONS} --config retention.ms={KEEP_MS}" for topic in topics()]
    users = [f"$users --entity-name {login} --add-config-file {login}.scram" for login in logins(built)]
    parts = [
        "# Kafka: topics, logins and rights",
        GENERATED,
        "`gbike cluster up` settles all of this by itself. For a Kafka of your own, give it what follows; its"
        " authorizer must refuse what no rule allows (`allow.everyone.if.no.acl.found=false`). Each service then runs"
        " with `GBIKE_KAFKA_LOGIN` (its name below) and `GBIKE_KAFKA_PASSWORD_FILE`, by SCRAM-SHA-512 on the listener"
        " in `GBIKE_KAFKA`; without a login it takes Kafka for open. `reader` is for people who look: it reads every"
        " topic and sees every group's places. [Why](../decisions/0033-a-topic-per-speaker.md).\n",
        "## Topics\n\nAdd `--replication-factor 3` where there are three brokers.\n",
        _block([f'topics="kafka-topics.sh {way} --create --if-not-exists"', *made]),
        "## Logins\n\n`NAME.scram` holds `SCRAM-SHA-512=[password=…]` and is removed afterwards.\n",
        _block([f'users="kafka-configs.sh {way} --alter --entity-type users"', *users]),
        "## Rights\n\n`gbike` is the one topic of before 0.3.0; where it never was, its lines do nothing.\n",
        _block([f'acls="kafka-acls.sh {way} --add"', *(f"$acls {right}" for right in as_options(rights(built)))]),
    ]
    return "\n".join(parts)


def _block(lines: Sequence[str]) -> str:
    return "\n".join(["```sh", *lines, "```", ""])


def _of(one: Built) -> Iterator[Right]:
    service, says = one.card.name, speakers()
    heard = {says[kind.__name__] for kind in one.service.policies}
    if one.card.says:
        yield Right(service, "write", "topic", topic_of(service))
        yield Right(service, "describe", "topic", HOUSE)
    if heard:
        yield Right(service, "read", "group", group_of(service))
        yield Right(service, "read", "topic", HOUSE)
    for speaker in {*heard, EVERYBODYS}:
        yield Right(service, "read", "topic", topic_of(speaker))


def _of_reader() -> Iterator[Right]:
    """Places of groups may be asked for, but a place may be kept in groups of its own only."""
    yield Right(READER, "read", "topic", ANY)
    yield Right(READER, "describe", "group", ANY)
    yield Right(READER, "read", "group", READER, prefixed=True)
