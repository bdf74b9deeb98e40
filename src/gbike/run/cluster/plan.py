"""What a cluster consists of: which programs, on which ports, and how they are told of each other."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from gbike.kit.files import write_whole
from gbike.kit.service import ServiceSpec
from gbike.kit.settings import BadSetting, surroundings
from gbike.run import CannotDo
from gbike.run.cluster.logins import Logins, urls_at
from gbike.run.cluster.tcp_ports import free_ports, is_free, must_be_free
from gbike.run.engines import Program
from gbike.run.folder.data_folder import BACKED_UP, LETTERS
from gbike.run.registry import GATEWAY_PORT, specs, usual_port
from gbike.run.registry import spec as find_spec

BETWEEN_REPLICAS = 100
"""Replica k of a service listens so much above replica k - 1."""
INSIDE = 50
"""A secure service answers other services so much above its port."""
MOST_REPLICAS = 9
SERVE = (sys.executable, "-m", "gbike.run.serve")
"""What every service's command begins with."""
FILE = "cluster.json"
MOVING = "moving"
"""The file that names the folder from which `gbike move` is filling this one; gone when it is whole."""
RESTORING = "restoring"
"""The folder in a cluster's that `gbike restore` fills; there until everything is in its place."""
SQLITE, POSTGRES = "sqlite", "postgres"


class BadCluster(CannotDo):
    """The cluster can't be started like this; the text says what to mend."""


class Options(msgspec.Struct, frozen=True):
    """What the command line says."""

    data: Path
    port: int = GATEWAY_PORT
    replicas: int = 1
    stores: Sequence[str] = ()
    demo: bool = False
    empty: bool = False
    admin_file: Path | None = None


class Replica(msgspec.Struct, frozen=True):
    """One process of a service."""

    name: str
    service: str
    number: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def inside(self) -> int:
        """The port on which it answers other services, over mutual TLS."""
        return self.port + INSIDE

    def ports(self, demo: bool) -> tuple[int, ...]:
        return (self.port,) if demo else (self.port, self.inside)


class Plan(msgspec.Struct, frozen=True):
    """Everything that is decided before anything starts; DIR/cluster.json keeps it for other commands."""

    gateway: str
    kafka: str
    stores: Mapping[str, str]
    replicas: Sequence[Replica]
    ports: Mapping[str, int]
    demo: bool = True
    data: str = ""
    readers: Mapping[str, str] = {}
    """Where stores are read by who only reads, where that is another login than their service's."""

    @property
    def reading(self) -> Mapping[str, str]:
        return {**self.stores, **self.readers}

    def logins(self, data: Path) -> Logins | None:
        """Who may enter the PostgreSQL in the cluster's folder; None: everybody, in a demo."""
        return None if self.demo else Logins(data, [name for name in self.stores if name not in on_files(self)])

    def peers(self, *, inside: bool = False) -> dict[str, str]:
        """Where each service's processes are, as settings. `inside`: for other services of a secure cluster."""
        urls: dict[str, list[str]] = {}
        for replica in self.replicas:
            url = f"https://127.0.0.1:{replica.inside}" if inside else replica.url
            urls.setdefault(replica.service, []).append(url)
        return {f"GBIKE_PEER_{service.upper()}_URL": ",".join(found) for service, found in urls.items()}

    def service_program(self, replica: Replica) -> Program:
        env = {
            **self._door(replica),
            "GBIKE_STORE_URL": self.stores[replica.service],
            "GBIKE_STORE_PASSWORD_FILE": "",  # an operator's is for a store elsewhere
            "GBIKE_KAFKA": self.kafka,
            "GBIKE_INSTANCE": str(replica.number),
            "GBIKE_BACKED_UP": str(Path(self.data) / BACKED_UP),
            **self.peers(inside=not self.demo),
        }
        return Program([*SERVE, replica.service, "--port", str(replica.port)], {**os.environ, **env})

    def _door(self, replica: Replica) -> Mapping[str, str]:
        """Open, or closed with the keys in the data folder; Envoy is on this machine, and says for whom it asks, as do
        the operator's proxies before it. Account writes its letters, without which nobody proves a contact, there too
        unless told where."""
        if self.demo:
            return {"GBIKE_DEMO": "1", "GBIKE_KAFKA_LOGIN": "", "GBIKE_KAFKA_PASSWORD_FILE": ""}
        from gbike.run.cluster import secrets

        told = surroundings(os.environ)
        believed = ",".join(filter(None, ["127.0.0.1", told.get("GBIKE_TRUSTED_PROXIES", "")]))
        own = {"GBIKE_DEMO": "0", "GBIKE_TRUSTED_PROXIES": believed, "GBIKE_TLS_PORT": str(replica.inside)}
        own["GBIKE_SMTP_URL"] = told.get("GBIKE_SMTP_URL", "") if replica.service == "account" else ""  # a password
        if replica.service == "account":
            own["GBIKE_PUBLIC_URL"] = told.get("GBIKE_PUBLIC_URL") or self.gateway
            own["GBIKE_RESET_FILE"] = told.get("GBIKE_RESET_FILE", str(Path(self.data) / LETTERS))
        return {**own, **secrets.told(Path(self.data), replica.service)}


def make_plan(options: Options) -> Plan:
    """Decide on ports and stores. Raises BadCluster, PortTaken or NoSuchService."""
    if not 1 <= options.replicas <= MOST_REPLICAS:
        raise BadCluster(f"--replicas {options.replicas}: 1 to {MOST_REPLICAS}")
    known = specs()
    on_sqlite = {name for text in options.stores if (name := _on_sqlite(text))}
    gateway = options.port or _free_block(known, options.replicas, options.demo)
    if not BETWEEN_REPLICAS <= gateway <= 60_000:
        raise BadCluster(f"--port {gateway}: 0 (free ports), or {BETWEEN_REPLICAS} to 60000")
    replicas = [replica for spec in known for replica in _replicas(spec, gateway, options.replicas)]
    if options.replicas > 1 and on_sqlite:
        raise BadCluster(f"--store {min(on_sqlite)}=sqlite: one process writes to a file, so --replicas must be 1")
    taken = [(gateway, "gateway"), *((port, one.name) for one in replicas for port in one.ports(options.demo))]
    for port, owner in taken:
        must_be_free(port, owner)
    free = free_ports(spared=[port for port, _ in taken])
    ports = {"postgres": next(free), "kafka": next(free), "envoy-admin": next(free)}
    on_postgres = [spec.name for spec in known if spec.name not in on_sqlite]
    files = {name: f"sqlite:///{(options.data / 'stores').resolve() / name}.sqlite" for name in on_sqlite}
    logins = None if options.demo else Logins(options.data, on_postgres)
    plan = Plan(
        gateway=f"http://127.0.0.1:{gateway}",
        kafka=f"127.0.0.1:{ports['kafka']}",
        stores=urls_at(ports["postgres"], on_postgres, logins) | files,
        replicas=replicas,
        ports={"gateway": gateway, **ports},
        demo=options.demo,
        data=str(options.data.resolve()),
        readers=logins.readers(ports["postgres"]) if logins else {},
    )
    _same_engines(plan, read_plan(options.data))
    return plan


def on_files(plan: Plan) -> set[str]:
    return {name for name, url in plan.stores.items() if url.startswith(f"{SQLITE}:")}


def read_plan(data: Path) -> Plan | None:
    """The plan of the cluster that runs, or ran last, on a folder; None where there was none. Raises BadSetting."""
    file = data / FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Plan) if file.exists() else None
    except msgspec.MsgspecError as wrong:
        raise BadSetting(
            f"{file} can't be read ({wrong}): put it back from a backup; it says where the stores are and whose"
            " · 파일을 읽을 수 없어요. 백업에서 되돌려 주세요"
        ) from None


def keep_plan(plan: Plan, data: Path) -> None:
    """Write it down for other commands, whole or not at all. Raises OSError."""
    write_whole(data / FILE, msgspec.json.format(msgspec.json.encode(plan), indent=1))


def _same_engines(plan: Plan, before: Plan | None) -> None:
    """A store is never looked for where it is not, and made anew there. Raises BadCluster."""
    if before is not None and (there := on_files(before)) != on_files(plan):
        flags = " ".join(f"--store {name}={SQLITE}" for name in sorted(there)) or "no --store"
        raise BadCluster(f"{plan.data} has its stores on other engines: start it with {flags}")


def _replicas(spec: ServiceSpec, gateway: int, count: int) -> list[Replica]:
    """The services are on the ports before the gateway's, as the original's are."""
    first = gateway - GATEWAY_PORT + usual_port(spec.name)
    return [
        Replica(spec.name if k == 0 else f"{spec.name}-{k + 1}", spec.name, k + 1, first + k * BETWEEN_REPLICAS)
        for k in range(count)
    ]


def _free_block(known: Sequence[ServiceSpec], replicas: int, demo: bool) -> int:
    """A port for the gateway such that those of all services are free too."""
    for gateway in free_ports():
        found = [replica for spec in known for replica in _replicas(spec, gateway, replicas)]
        if all(is_free(port) for one in found for port in one.ports(demo)):
            return gateway
    raise BadCluster("there are not enough free ports")


def _on_sqlite(text: str) -> str:
    service, _, engine = text.partition("=")
    if engine not in (SQLITE, POSTGRES):
        raise BadCluster(f"--store {text}: write rent=sqlite; every other service is on PostgreSQL")
    return find_spec(service).name if engine == SQLITE else ""
