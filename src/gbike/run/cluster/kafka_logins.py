"""The logins, rights and topics of a Kafka with a lock, settled before anybody can reach it.

They are in Kafka's own metadata, where only somebody who may do everything can put them, and that is nobody yet in a
storage that is new or was open. So Kafka is run alone for that long, on a port that nobody knows, with one user whose
password is made for this one run: whoever else is on this machine gets nothing of it, now or later.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import msgspec

from gbike.kit.messaging.kafka.topic import CONFIGS, PARTITIONS
from gbike.run.cluster.child import alone
from gbike.run.cluster.kafka_rights import Right, logins, rights, topics
from gbike.run.engines import CannotRun, kafka
from gbike.run.event_map import build_all

DONE = "logins"
"""The file that tells what is settled, by its digest."""
SETTLER = "settler"
ANSWER_S = 20
ROUNDS = 4_096
"""Of SCRAM: a password is 256 random bits, so that more would only cost whoever comes in."""


def lock_up(folder: Path, port: int, passwords: Mapping[str, str]) -> None:
    """Prepare a Kafka that lets in whom the installation knows, each with its password. Raises CannotRun."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # what is in the messages is nobody else's business either
    built = build_all()
    known = {name: passwords[name] for name in (kafka.ADMIN, *logins(built))}
    settle(folder, known, rights(built), topics())
    kafka.prepare(folder, port, kafka.Lock(passwords[kafka.ADMIN]))


def settle(folder: Path, passwords: Mapping[str, str], rights: Sequence[Right], topics: Sequence[str]) -> None:
    """Let just these logins in, with just these rights, and make the topics that are missing; nothing when that is so
    already. The folder is prepared, and no Kafka runs over it. Raises CannotRun."""
    digest = hashlib.sha256(msgspec.json.encode([sorted(passwords.items()), rights, topics])).hexdigest()
    done = folder / DONE
    locked = kafka.was_locked(folder) and kafka.formatted_ms(folder) is not None
    if locked and done.exists() and done.read_text("ascii") == digest:
        return
    done.unlink(missing_ok=True)
    with _alone(folder) as admin:
        _let_in(admin, passwords)
        _allow(admin, rights)
        _make(admin, topics)
    done.write_text(digest, "ascii")


@contextmanager
def _alone(folder: Path) -> Iterator[Any]:
    """Kafka with nobody but us, as the client library's AdminClient. Raises CannotRun."""
    try:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
    except ImportError:
        raise CannotRun("confluent-kafka is not installed: pip install 'gbike[cluster]'") from None
    port, password = kafka.free_port(), secrets.token_urlsafe(32)
    log = folder / "logins.log"
    kafka.prepare(folder, port, kafka.Lock(password, SETTLER, kafka.PLAIN))
    program = kafka.program(folder, port)
    way: dict[str, Any] = {"bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": kafka.LOCKED}
    user = {"sasl.mechanism": kafka.PLAIN, "sasl.username": SETTLER, "sasl.password": password}
    with alone("Kafka", program, log, lambda: kafka.listens(port), gentle=SIGTERM, dies=SIGKILL):
        try:
            yield AdminClient({**way, **user, "log_level": 2})
        except KafkaException as wrong:
            raise CannotRun(f"Kafka's logins could not be settled: {wrong}; see {log}") from None


def _let_in(admin: Any, passwords: Mapping[str, str]) -> None:
    """Who had a login and has none now is let in no more."""
    known: Any = import_module("confluent_kafka.admin")
    gone = [
        known.UserScramCredentialDeletion(name, info.mechanism)
        for name, found in admin.describe_user_scram_credentials(request_timeout=ANSWER_S).result().items()
        for info in found.scram_credential_infos
        if name not in passwords
    ]
    how = known.ScramCredentialInfo(known.ScramMechanism.SCRAM_SHA_512, ROUNDS)
    new = [known.UserScramCredentialUpsertion(name, how, password.encode()) for name, password in passwords.items()]
    _done(admin.alter_user_scram_credentials([*gone, *new], request_timeout=ANSWER_S))


def _allow(admin: Any, rights: Sequence[Right]) -> None:
    """Just these: any other that there is was given by somebody else."""
    known: Any = import_module("confluent_kafka.admin")
    kinds, patterns = known.ResourceType, known.ResourcePatternType
    may, permission = known.AclOperation, known.AclPermissionType
    anything = known.AclBindingFilter(
        restype=kinds.ANY,
        name=None,
        resource_pattern_type=patterns.ANY,
        principal=None,
        host=None,
        operation=may.ANY,
        permission_type=permission.ANY,
    )
    _done(admin.delete_acls([anything], request_timeout=ANSWER_S))
    wanted = [
        known.AclBinding(
            restype=kinds[right.kind.upper()],
            name=right.name,
            resource_pattern_type=patterns.PREFIXED if right.prefixed else patterns.LITERAL,
            principal=f"User:{right.login}",
            host="*",
            operation=may[right.may.upper()],
            permission_type=permission.ALLOW,
        )
        for right in rights
    ]
    _done(admin.create_acls(wanted, request_timeout=ANSWER_S))


def _make(admin: Any, topics: Sequence[str]) -> None:
    known: Any = import_module("confluent_kafka.admin")
    there = admin.list_topics(timeout=ANSWER_S).topics
    missing = [known.NewTopic(topic, PARTITIONS, 1, config=CONFIGS) for topic in topics if topic not in there]
    if missing:
        _done(admin.create_topics(missing, operation_timeout=ANSWER_S))


def _done(answers: Mapping[Any, Any]) -> None:
    """Wait for all of them. Raises KafkaException."""
    for answer in answers.values():
        answer.result()
