"""docs/reference/kafka-rights.md: what a Kafka of one's own is told, as Kafka's own tools take it."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from dev.documents.reference import GENERATED
from gbike.kit.messaging.bus import KEEP_MS
from gbike.kit.messaging.kafka.topic import PARTITIONS
from gbike.run.cluster.kafka_rights import ANY, Right, logins, rights, topics
from gbike.run.event_map import Built


def page(built: Sequence[Built]) -> str:
    """docs/reference/kafka-rights.md."""
    way = "--bootstrap-server $BROKER --command-config admin.properties"
    topic = f"kafka-topics.sh {way} --create --if-not-exists --partitions {PARTITIONS} --config retention.ms={KEEP_MS}"
    user = f"kafka-configs.sh {way} --alter --entity-type users"
    parts = [
        "# Kafka: topics, logins and rights",
        GENERATED,
        "`gbike cluster up` settles all of this by itself. For a Kafka of your own, give it what follows; its"
        " authorizer must refuse what no rule allows (`allow.everyone.if.no.acl.found=false`). Each service then runs"
        " with `GBIKE_KAFKA_LOGIN` (its name below) and `GBIKE_KAFKA_PASSWORD_FILE`, by SCRAM-SHA-512 on the listener"
        " in `GBIKE_KAFKA`; without a login it takes Kafka for open. `reader` is for people who look: it reads every"
        " topic and sees every group's places. [Why](../decisions/0033-a-topic-per-speaker.md).\n",
        "## Topics\n\nAdd `--replication-factor 3` where there are three brokers.\n",
        _block([f"for topic in {' '.join(topics())}; do", f"  {topic} --topic $topic", "done"]),
        "## Logins\n\n`NAME.scram` holds `SCRAM-SHA-512=[password=…]` and is removed afterwards.\n",
        _block(
            [
                f"for login in {' '.join(logins(built))}; do",
                f"  {user} --entity-name $login --add-config-file $login.scram",
                "done",
            ]
        ),
        "## Rights\n\n`gbike` is the one topic of before 0.3.0; where it never was, its lines do nothing.\n",
        _block([f'acls="kafka-acls.sh {way} --add"', *(f"$acls {right}" for right in as_options(rights(built)))]),
    ]
    return "\n".join(parts)


def as_options(found: Sequence[Right]) -> Iterator[str]:
    """The rights as Kafka's own tool takes them, a line for what a login may do with one kind of thing."""
    for (login, may, kind, prefixed), alike in groupby(
        found, lambda right: (right.login, right.may, right.kind, right.prefixed)
    ):
        names = " ".join(f"--{kind} '{one.name}'" if one.name == ANY else f"--{kind} {one.name}" for one in alike)
        how = " --resource-pattern-type prefixed" if prefixed else ""
        yield f"--allow-principal User:{login} --operation {may.capitalize()} {names}{how}"


def _block(lines: Sequence[str]) -> str:
    return "\n".join(["```sh", *lines, "```", ""])
