"""The machine: room on its disk, and which of its ports others reach."""

import shutil
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from urllib.parse import urlsplit

from gbike.cli.doctor.finding import Finding
from gbike.run.cluster.plan import Plan

LEAST_FREE = 1 << 30
"""Bytes. A store that can't write stops its service, and PostgreSQL with a full disk does not start again by itself."""
LEAST_SHARE = 0.05
LISTENS = "0A"
"""How the kernel's table writes the state of a socket that listens."""
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1, ::1 and ::ffff:127.0.0.1 as that table writes them on a little-endian machine."""


def disk(data: Path) -> Iterator[Finding]:
    """Too little room for the data folder."""
    there = next(place for place in (data.resolve(), *data.resolve().parents) if place.exists())
    found = shutil.disk_usage(there)
    if few := too_few(found.free, found.total):
        yield Finding("disk-space", f"{few} free for {data}", "make room, or move the folder to a larger disk")


def too_few(free: int, total: int) -> str:
    """How much room there is when that is too little, else nothing."""
    if free >= LEAST_FREE and free >= LEAST_SHARE * total:
        return ""
    return f"only {free / (1 << 20):.0f} MiB ({100 * free / max(total, 1):.0f} %) are"


def listening(tables: tuple[Path, ...] = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))) -> Mapping[int, Set[str]]:
    """The addresses that each port of this machine listens on, as the kernel writes them; nothing without a table."""
    found: dict[int, set[str]] = {}
    for table in tables:
        for line in table.read_text("utf-8").splitlines()[1:] if table.exists() else ():
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == LISTENS:
                found.setdefault(int(port, 16), set()).add(address)
    return found


def binds(plan: Plan | None, address: str, open_ports: Mapping[int, Set[str]]) -> Iterator[Finding]:
    """Programs of ours that other machines reach though only the gateway is for them."""
    ports = {port: one.name for one in plan.replicas for port in one.ports(plan.demo)} if plan else {}
    ports |= {port: name for name, port in plan.ports.items() if name != "gateway"} if plan else {}
    for port, name in sorted(ports.items()):
        if any(where not in LOOPBACK for where in open_ports.get(port, ())):
            how = "let it listen on 127.0.0.1, or close the port in the firewall"
            yield Finding("open-bind", f"{name} on port {port} is open to other machines", how)
    host = urlsplit(address).hostname if "//" in address else None
    if host in ("0.0.0.0", "::"):  # noqa: S104  # nosec B104 - this is what is looked for
        what = f"{address} takes requests without TLS from every machine"
        yield Finding("open-bind", what, "listen on 127.0.0.1, behind a proxy that speaks TLS")
