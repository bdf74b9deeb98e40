"""A file of bikes: what was said with it, how far it is, and what became of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COUNTS = ("registered", "changed", "unchanged", "refused")
"""What may become of a row of a file."""


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file of bikes as it came: what was said with it, and what it seems to hold."""

    name: str
    dryrun: bool
    existing: str
    """keep or change: what is done with bikes that there are already."""
    told: Mapping[str, str]
    """What columns are, as somebody said for this file, by name; "": not to be read."""
    columns: Mapping[str, str]
    """The same with what was said for files before."""
    encoding: str
    separator: str
    fields: Sequence[tuple[str, str | None]]
    """Its columns and what each is taken for."""
    questions: Sequence[Any]
    first: Sequence[Any]
    rows: int
    """How many there are at most."""
    file: bytes


@dataclass(frozen=True, slots=True)
class Import:
    """A file of bikes that is, or was, worked off row by row."""

    importid: int
    name: str
    dryrun: bool
    existing: str
    state: str
    """waiting, running, done, or refused: a question was open."""
    encoding: str
    separator: str
    columns: Sequence[Any]
    questions: Sequence[Any]
    first: Sequence[Any]
    rows: int
    done: int
    registered: int
    changed: int
    unchanged: int
    refused: int
    who: str
    roles: str
    traceparent: str
    requestid: str
    told: Mapping[str, str]
    at_ms: int
    done_ms: int | None


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of a row, or would become where nothing is written."""

    line: int
    outcome: str
    """One of COUNTS."""
    bikeid: int | None
    label: str | None
    location: str | None
    batterylevel: int | None
    lat: float | None
    lon: float | None
    problems: tuple[str, ...] = ()
    noposition: str = ""
    """Why what the row says of its position is none; empty: it is one, or the row says nothing."""
