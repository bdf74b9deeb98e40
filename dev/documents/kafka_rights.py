"""docs/operating/kafka-rights.md: what a Kafka of one's own is told, as Kafka's own tools take it."""

from collections.abc import Iterator, Sequence

from dev.documents.reference import GENERATED
from gbike.app.event_map import Built
from gbike.app.kafka_rights import ANY, Right, logins, rights, topics
from gbike.kit.bus import KEEP_MS
from gbike.kit.kafka.topic import PARTITIONS


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


def as_options(found: Sequence[Right]) -> Iterator[str]:
    """The rights as Kafka's own tool takes them."""
    for right in found:
        name = f"'{right.name}'" if right.name == ANY else right.name
        how = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield f"--allow-principal User:{right.login} --operation {right.may.capitalize()} --{right.kind} {name}{how}"


def _block(lines: Sequence[str]) -> str:
    return "\n".join(["```sh", *lines, "```", ""])
