"""A real Kafka on this machine: one node in KRaft mode, from the jars that `make kafka` puts into the checkout.

Java 17 runs them. Where there is none, `mock_kafka` stands in for the demo: the same protocol, in memory only.

With a lock nobody comes in without a login, nor does more than its rights say. Both are in Kafka's own metadata, which
`cluster/kafka_logins.py` settles before anybody can reach it.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

import msgspec

from gbike.kit.files import private
from gbike.run.engines import CannotRun, Program

LIBS = Path(__file__).parents[4] / ".engines" / "kafka" / "libs"
OLDEST_JAVA = 17
FORMAT_S = 60
"""How long preparing the storage may take, JVM included (2 s on a quiet machine)."""
JVM = (
    *("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MaxMetaspaceSize=128m"),
    *("-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
)
"""A small heap, and ready in 2 to 3 s: C1 alone is what a single node of a demonstration needs."""

OPEN, LOCKED = "PLAINTEXT", "SASL_PLAINTEXT"
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={kind}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={kind}://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name={kind}
log.dirs={data}
# Topics are made with their fixed number of partitions.
auto.create.topics.enable=false
# One node: what it keeps for itself has one copy.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# After a kill -9 the node is let in again when the session of the killed one has ended (9 s by default).
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
# A consumer that joins need not wait for others that may come.
group.initial.rebalance.delay.ms=0
# Memory: by default the cleaner alone would take half of the heap.
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""

AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
LOCK = f"""\
listener.security.protocol.map={LOCKED}:{LOCKED},CONTROLLER:{LOCKED}
authorizer.class.name={AUTHORIZER}
allow.everyone.if.no.acl.found=false
super.users=User:{{name}}
sasl.enabled.mechanisms={{mechanism}}
sasl.mechanism.inter.broker.protocol={{mechanism}}
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
"""
"""Between the two halves of the one node it is PLAIN: SCRAM's passwords are in what they have to agree about first."""
SCRAM, PLAIN = "SCRAM-SHA-512", "PLAIN"
MODULES = {SCRAM: "scram.ScramLoginModule", PLAIN: "plain.PlainLoginModule"}
ADMIN = "admin"
"""Who may do everything."""


class Lock(msgspec.Struct, frozen=True):
    """Who may do everything, and how all others show who they are: by SCRAM, or while it is being settled not at all.
    A password is of letters that need no quotes."""

    password: str
    name: str = ADMIN
    mechanism: str = SCRAM

    def properties(self) -> str:
        """What stands in Kafka's settings."""
        lines = [LOCK.format(name=self.name, mechanism=self.mechanism)]
        for listener, mechanism in ((LOCKED, self.mechanism), ("CONTROLLER", PLAIN)):
            known = f' user_{self.name}="{self.password}"' if mechanism == PLAIN else ""
            lines.append(
                f"listener.name.{listener.lower()}.{mechanism.lower()}.sasl.jaas.config="
                f"org.apache.kafka.common.security.{MODULES[mechanism]} required"
                f' username="{self.name}" password="{self.password}"{known};\n'
            )
        return "".join(lines)


LOST = (
    "there is no data of Kafka in {folder}: its storage is made anew, and every service publishes its outbox again"
    " · Kafka 데이터가 없어 새로 만들고, 보낸 메시지를 다시 발행해요"
)


def why_not() -> str | None:
    """Why a real Kafka can't run here, in a line; None when it can."""
    java = shutil.which("java")
    if java is None:
        return f"there is no Java (Kafka needs {OLDEST_JAVA} or later)"
    version = re.search(r'version "(\d+)', _run([java, "-version"]).stderr)
    if version is None or int(version[1]) < OLDEST_JAVA:
        return f"Java {version[1] if version else '?'} is too old (Kafka needs {OLDEST_JAVA} or later)"
    if not any(libs().glob("kafka_*.jar")):
        return f"there are no jars of Kafka in {libs()}: `make kafka` gets them; GBIKE_KAFKA_LIBS names another place"
    return None


def libs() -> Path:
    """Where Kafka's jars are: GBIKE_KAFKA_LIBS, or the checkout."""
    return Path(os.environ.get("GBIKE_KAFKA_LIBS") or LIBS)


def prepare(folder: Path, port: int, lock: Lock | None = None) -> None:
    """Write the settings and format the storage, once; what is in it stays. Raises CannotRun."""
    if (missing := why_not()) is not None:
        raise CannotRun(f"Kafka can't run: {missing}")
    data = folder.resolve() / "data"
    data.mkdir(parents=True, exist_ok=True)
    settings(folder, port, lock)
    if formatted_ms(folder) is None:
        name = secrets.token_urlsafe(16)  # 22 letters, as Kafka wants a cluster's id; maybe the first is "-"
        tool = [*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={name}", "-c", str(_settings(folder))]
        done = _run(tool)
        if done.returncode:
            raise CannotRun(f"Kafka's storage in {data} could not be prepared: {(done.stderr or done.stdout).strip()}")


def formatted_ms(folder: Path) -> int | None:
    """When the storage was formatted, ms since 1970; None: there is none."""
    try:
        return int((folder / "data" / "meta.properties").stat().st_mtime * 1000)
    except FileNotFoundError:
        return None


def settings(folder: Path, port: int, lock: Lock | None = None) -> None:
    """Write the settings; a password in them is for our user only."""
    data, file = folder.resolve() / "data", _settings(folder)
    text = PROPERTIES.format(port=port, controller=free_port(), data=data, kind=LOCKED if lock else OPEN)
    private(file)
    file.write_text(text + (lock.properties() if lock else ""), "utf-8")


def was_locked(folder: Path) -> bool:
    """Whether the last settings let nobody in without a login."""
    file = _settings(folder)
    return file.exists() and AUTHORIZER in file.read_text("utf-8")


def program(folder: Path, port: int) -> Program:
    """Kafka in the foreground, over a folder that is prepared for `port`: anew where its data is gone since, as a
    storage that is not formatted never starts. Raises CannotRun."""
    if formatted_ms(folder) is None:
        prepare(folder, port)
    return Program([*_java(), "kafka.Kafka", str(_settings(folder))])


async def ready(port: int, login: str = "", password_file: str = "") -> bool:
    from gbike.kit.messaging.kafka.broker import Broker
    from gbike.kit.messaging.kafka.topic import reachable

    return await reachable(Broker(f"127.0.0.1:{port}", login, password_file))


def listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def _settings(folder: Path) -> Path:
    return folder.resolve() / "server.properties"


def _java() -> list[str]:
    return [shutil.which("java") or "java", *JVM, "-cp", f"{libs()}/*"]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_S, check=False)  # noqa: S603


def free_port() -> int:
    """For the controller, which nobody but this node speaks to; it may be another one at every start."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
