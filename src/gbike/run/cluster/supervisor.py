"""Starts every program of a cluster in the right order, keeps them running, takes orders, and ends them in order."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from gbike.gateway.envoy import ListenAddress
from gbike.kit.settings import surroundings
from gbike.run import CannotDo
from gbike.run.cluster import orphans, report, secrets
from gbike.run.cluster.child import ENGINE_SILENT_S, Child, ProcessSpec, Tell
from gbike.run.cluster.forkserver import ForkServer
from gbike.run.cluster.plan import Plan, Replica
from gbike.run.control import Verb
from gbike.run.engines import Program, envoy, kafka, mock_kafka, postgres
from gbike.run.gateway import configuration
from gbike.run.registry import spec, specs

START_S = 120
"""How long everything may take to be ready before the start is given up."""
POLL_S = 0.1
"""Between two looks whether a program is ready."""
KAFKA_STOP_S = 4
"""A broker that takes longer is killed: what it acknowledged is on disk, and it recovers at its next start."""
ENGINES = ("postgres", "kafka", "envoy")
WORDS = {"gateway": "envoy", "postgresql": "postgres"}

Progress = Callable[[str, str], None]


class NotReady(CannotDo):
    """A program did not become ready in time; the text says where to look."""

    code = 1


class Supervisor:
    """The programs of one cluster."""

    def __init__(self, plan: Plan, data: Path, tell: Tell, progress: Progress) -> None:
        """`tell`: a line for the operator. `progress`: a program's name, and `starting` or `ready`."""
        self.plan, self._data = plan, data
        self._tell, self._progress = tell, progress
        self._real_kafka = kafka.why_not() is None
        self._had_a_log = (data / "postgres" / "PG_VERSION").exists()
        self._forks = ForkServer(self._note)
        self.children = {part.name: Child(part, data / "logs", tell, self._note) for part in self._parts()}

    @property
    def kafka_is(self) -> str:
        return "Kafka" if self._real_kafka else f"a stand-in for Kafka, in memory only: {kafka.why_not()}"

    async def start(self) -> None:
        """Return when everything is ready. Raises CannotRun or NotReady."""
        try:
            async with asyncio.timeout(START_S), asyncio.TaskGroup() as group:
                group.create_task(self._start_stores_and_services())
                group.create_task(self._start_kafka())
                group.create_task(self._start_envoy())
        except ExceptionGroup as several:
            raise several.exceptions[0] from None
        except TimeoutError:
            late = [child for child in self.children.values() if not await child.part.ready()]
            where = ", ".join(f"{child.part.name} (see {child.log})" for child in late)
            raise NotReady(f"not ready within {START_S} s: {where}") from None

    async def stop(self) -> None:
        """End the services first, then the gateway, then what they stood on."""
        services = [child for child in self.children.values() if child.part.name not in ENGINES]
        await asyncio.gather(*(child.stop() for child in services))
        await asyncio.gather(self.children["envoy"].stop(), self.children["kafka"].stop(within_s=KAFKA_STOP_S))
        await self.children["postgres"].stop()
        await self._forks.stop()

    def verbs(self) -> dict[str, Verb]:
        """The orders that other commands may give."""
        return {"stop": self._stop, "heal": self._heal, "status": self._status}

    def find(self, name: str) -> list[Child]:
        """The programs of that name, as people write it: `postgres`; `rent`, `view`: every replica; `rent-1`, `rent-2`:
        one of them. Raises NoSuchService."""
        exact = WORDS.get(name.lower(), name)
        if exact in ENGINES:
            return [self.children[exact]]
        if (one := self.children.get(exact.removesuffix("-1"))) and one.part.service != exact:
            return [one]
        service = spec(name).name
        return [child for child in self.children.values() if child.part.service == service]

    def bound_logs(self) -> None:
        for child in self.children.values():
            child.bound_log()

    async def _stop(self, name: str, how: str = "") -> str:
        found = self.find(name)
        await asyncio.gather(*(child.stop(hard=how == "hard") for child in found))
        return f"{_names(found)} stopped; `gbike demo-fault heal` starts it again"

    async def _heal(self, name: str = "") -> str:
        found = self.find(name) if name else [child for child in self.children.values() if not child.wanted]
        await asyncio.gather(*(child.start() for child in found))
        await asyncio.gather(*(self._until_ready(child) for child in found))
        return f"{_names(found)} ready" if found else "every program runs"

    async def _status(self) -> str:
        return json.dumps(msgspec.to_builtins(await report.look(list(self.children.values()), self._data)))

    async def _start_stores_and_services(self) -> None:
        self._progress("postgres", "starting")
        folder, port = self._data / "postgres", self.plan.ports["postgres"]
        loop = asyncio.get_running_loop()
        logins = self.plan.logins(self._data)
        await loop.run_in_executor(None, postgres.prepare, folder)
        if logins is not None:
            await loop.run_in_executor(None, logins.close, folder)
        await self._bring_up("postgres")
        if logins is not None:
            await loop.run_in_executor(None, logins.arrange, port)
        else:
            await self._make_databases(port)
        await asyncio.gather(*(self._bring_up(replica.name) for replica in self.plan.replicas))

    async def _make_databases(self, port: int) -> None:
        for one in specs():
            if self.plan.stores[one.name].startswith("postgresql:"):
                await postgres.create_database(port, one.name)

    async def _start_kafka(self) -> None:
        self._progress("kafka", "starting")
        self._tell_if_kafka_is_lost()
        await asyncio.get_running_loop().run_in_executor(None, self._prepare_kafka)
        self._had_a_log = True
        await self._bring_up("kafka")

    async def _start_envoy(self) -> None:
        ports = self.plan.ports
        address = ListenAddress(
            port=ports["gateway"], admin_port=ports["envoy-admin"], demo=self.plan.demo, files=envoy.open_files()
        )
        found = configuration(address, {**surroundings(os.environ), **self.plan.peers()})
        envoy.prepare(self._data / "envoy", found)
        await self._bring_up("envoy")

    async def _bring_up(self, name: str) -> None:
        self._progress(name, "starting")
        await self.children[name].start()
        await self._until_ready(self.children[name])
        self._progress(name, "ready")

    async def _until_ready(self, child: Child) -> None:
        while child.wanted and not await child.part.ready():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(POLL_S)

    def _parts(self) -> list[ProcessSpec]:
        ports, data = self.plan.ports, self._data
        reader = {} if self.plan.demo else secrets.kafka_login(data, "reader")
        return [
            ProcessSpec(
                name="postgres",
                service="postgres",
                port=ports["postgres"],
                program=partial(postgres.program, data / "postgres", ports["postgres"]),
                ready=partial(postgres.ready, ports["postgres"]),
                gentle=signal.SIGINT,
                hard=signal.SIGQUIT,
                answers=partial(postgres.answers, ports["postgres"]),
                silent_s=ENGINE_SILENT_S,
            ),
            ProcessSpec(
                name="kafka",
                service="kafka",
                port=ports["kafka"],
                program=self._kafka_program,
                ready=partial(kafka.ready, ports["kafka"], **reader),
                silent_s=ENGINE_SILENT_S,
            ),
            ProcessSpec(
                name="envoy",
                service="envoy",
                port=ports["gateway"],
                program=partial(envoy.program, data / "envoy"),
                ready=partial(envoy.ready, ports["envoy-admin"]),
                silent_s=ENGINE_SILENT_S,
            ),
            *(self._service(replica) for replica in self.plan.replicas),
        ]

    def _kafka_program(self) -> Program:
        if not self._real_kafka:
            return mock_kafka.program(self._data / "kafka", self.plan.ports["kafka"])
        self._tell_if_kafka_is_lost()
        if kafka.formatted_ms(self._data / "kafka") is None:
            self._prepare_kafka()
        return kafka.program(self._data / "kafka", self.plan.ports["kafka"])

    def _prepare_kafka(self) -> None:
        """Open in a demo; else with a login for each service. Raises CannotRun."""
        folder, port = self._data / "kafka", self.plan.ports["kafka"]
        if self.plan.demo:
            (kafka if self._real_kafka else mock_kafka).prepare(folder, port)
        else:
            from gbike.run.cluster.kafka_logins import lock_up

            lock_up(folder, port, secrets.kafka_passwords(self._data))

    def _tell_if_kafka_is_lost(self) -> None:
        """Its storage is formatted anew, and the services do the rest."""
        if self._real_kafka and self._had_a_log and kafka.formatted_ms(self._data / "kafka") is None:
            self._tell(kafka.LOST.format(folder=self._data / "kafka"))

    def _service(self, replica: Replica) -> ProcessSpec:
        return ProcessSpec(
            name=replica.name,
            service=replica.service,
            port=replica.port,
            program=partial(self.plan.service_program, replica),
            ready=partial(report.is_ready, replica.url),
            answers=partial(report.answers, replica.url),
            url=replica.url,
            launch=self._forks.launch if sys.platform == "linux" else None,
        )

    def _note(self) -> None:
        programs = {name: child.pid for name, child in self.children.items()}
        try:
            orphans.record(self._data, {**programs, "fork server": self._forks.pid})
        except OSError as why:  # a full disk: nobody is forgotten here, only the next supervisor would not know
            self._tell(f"which programs run could not be written down: {why}")


def _names(found: Sequence[Child]) -> str:
    names = [child.part.name for child in found]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
