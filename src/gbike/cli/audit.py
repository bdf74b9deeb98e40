"""`gbike audit list|verify|export`: who did what, and whether the record is as it was written."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from gbike.cli import DATA, Data, OfService, StoreUrl, group
from gbike.kit.audit.chain import breaks, head, rows
from gbike.kit.audit.rows import Row
from gbike.kit.clock import SystemClock, rfc3339
from gbike.kit.store import Reading
from gbike.run.folder.backup import NoData
from gbike.run.open_stores import StoreLocation

NONE = "nothing is on record · 감사 기록이 없어요"
MOST_TOLD = 100
"""Breaks of one chain that are told."""
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


class Wanted(msgspec.Struct, frozen=True):
    """Which rows: of one subject (`user:3`), of one who acted, from a moment on (ms)."""

    subject: str = ""
    who: str = ""
    since_ms: int = 0


class Head(msgspec.Struct, frozen=True):
    """A row that is known from elsewhere: a line of an export, of the log, or of an earlier `verify --json`."""

    service: str
    number: int
    hash: str


Subject = Annotated[str, typer.Option("--subject", help="only of this: user:3, bike:7, manager:1")]
Who = Annotated[str, typer.Option("--who", help="only by this one: an account's number, demo, local")]
Since = Annotated[str, typer.Option("--since", help="from then on: 2026-11-23, 90m, 24h, 7d")]
Against = Annotated[
    Path | None, typer.Option("--against", help="rows that must still be there: lines of an export, or of --json")
]
audit_verb = group("Who did what with money, bikes, staff and accounts.")


@audit_verb.command("list")
def audit_list(
    *, data: Data = DATA, store: StoreUrl = "", service: OfService = "", subject: Subject = "", who: Who = "",
    since: Since = "",
) -> None:  # fmt: skip
    """What was done, oldest first."""
    for line in listed(StoreLocation(data, store, service), _wanted(subject, who, since)):
        typer.echo(line)


@audit_verb.command("export")
def audit_export(
    *, data: Data = DATA, store: StoreUrl = "", service: OfService = "", subject: Subject = "", who: Who = "",
    since: Since = "",
) -> None:  # fmt: skip
    """The same as lines of JSON, with the hashes: keep them elsewhere, for `verify --against`."""
    for service_name, row in _rows(StoreLocation(data, store, service), _wanted(subject, who, since)):
        typer.echo(_json({"service": service_name, **msgspec.structs.asdict(row)}))


@audit_verb.command("verify")
def audit_verify(
    data: Data = DATA,
    store: StoreUrl = "",
    service: OfService = "",
    against: Against = None,
    as_json: Annotated[bool, typer.Option("--json", help="the heads as lines of JSON")] = False,
) -> None:
    """Walk every chain: is any row changed, removed, moved, or cut off?"""
    found = verify(StoreLocation(data, store, service), against, as_json, typer.echo)
    if not as_json:
        typer.echo(f"{found} breaks · 훼손 {found}건")
    raise typer.Exit(1 if found else 0)


def _wanted(subject: str, who: str, moment: str) -> Wanted:
    try:
        return Wanted(subject, who, since(moment) if moment else 0)
    except ValueError:
        raise typer.BadParameter(f"--since {moment!r}: write 2026-11-23, 90m, 24h or 7d") from None


def listed(where: StoreLocation, wanted: Wanted) -> Iterator[str]:
    """A line for each row, oldest first in each service. Raises NoData, NoSuchService."""
    found = 0
    for service, row in _rows(where, wanted):
        found += 1
        change = " → ".join(part for part in (row.before, row.after) if part != "{}")
        roles = f" ({row.roles})" if row.roles else ""
        yield f"{rfc3339(row.at_ms)}  {service} {row.number}  {row.who}{roles} {row.mode}  {row.action} {row.subject}"
        yield f"    {change}  trace {row.trace_id}"
    yield f"{found} deeds · 기록 {found}건" if found else NONE


def verify(where: StoreLocation, against: Path | None, as_json: bool, tell: Callable[[str], None]) -> int:
    """Walk every chain; tells the head of each and whatever does not fit, answers how much that is. `against`: a file
    whose lines name rows that must still be there. Raises NoData, NoSuchService."""
    known = read_heads(against) if against else {}
    found = 0
    with where.readings() as stores:
        for service, read in stores.items():
            broken = list(found_in(service, read, known.get(service, {})))
            for what in broken:
                tell(what)
            found += len(broken)
            number, digest = head(read)
            tell(_json(Head(service, number, digest)) if as_json else f"{service}  {number} rows  head {digest}")
    return found


def found_in(service: str, read: Reading, known: Mapping[int, str] | None = None) -> Iterator[str]:
    """Where the chain of a service is broken, MOST_TOLD at most."""
    for number, what in enumerate(breaks(read, known)):
        if number == MOST_TOLD:
            yield f"audit {service}: … and more of these"
            return
        yield f"audit {service}: {what}"


def read_heads(file: Path) -> dict[str, dict[int, str]]:
    """The hashes that a file of JSON lines names, by service and number; other lines are passed over. Raises NoData."""
    known: dict[str, dict[int, str]] = {}
    try:
        lines = file.read_bytes().splitlines()
    except OSError as away:
        raise NoData(f"{file}: {away.strerror}") from None
    for line in lines:
        try:
            one = msgspec.json.decode(line, type=Head)
        except msgspec.DecodeError:
            continue
        known.setdefault(one.service, {}).update({one.number: one.hash} if one.number else {})
    if not known:
        raise NoData(f"{file} names no row: lines of `gbike audit export` or `verify --json` are wanted")
    return known


def since(text: str) -> int:
    """The moment that `2026-11-23`, `2026-11-23T09:00:00+09:00`, `90m`, `24h` or `7d` means, ms. Raises ValueError."""
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in _UNITS_S:
        return SystemClock().now_ms() - int(number) * _UNITS_S[unit] * 1000
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _rows(where: StoreLocation, wanted: Wanted) -> Iterator[tuple[str, Row]]:
    with where.readings() as stores:
        for service, read in stores.items():
            for row in rows(read, subject=wanted.subject, who=wanted.who, since_ms=wanted.since_ms):
                yield service, row


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
