"""Personal data: what a store holds of one person, for an access request."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gbike.kit.audit.chain import rows
from gbike.kit.privacy.erasure import readable
from gbike.kit.store import Reading

_MESSAGES = {"outbox": "value", "dead_letters": "value"}


class PersonalData(msgspec.Struct, frozen=True):
    """Rows about people: what they are called, their columns, and `FROM … WHERE …` with one parameter, the person's
    number: of the account, or of who works here where `staff`."""

    name: str
    columns: tuple[str, ...]
    source: str
    staff: bool = False


def held(read: Reading, holdings: Iterable[PersonalData], numbers: Mapping[bool, list[int]]) -> dict[str, list[Any]]:
    """Every row about the person, by what it is called. `numbers`: the account's, and under True the staff's."""
    found: dict[str, list[Any]] = {}
    for rows_about in holdings:
        sql = f"SELECT {', '.join(rows_about.columns)} {rows_about.source}"
        found[rows_about.name] = [
            dict(zip(rows_about.columns, row, strict=True))
            for number in numbers[rows_about.staff]
            for row in read.each(sql, (number,))
        ]
    for userid in numbers[False]:
        found["audit"] = [msgspec.structs.asdict(row) for row in _deeds(read, userid)]
        found["messages"] = [message for table in _MESSAGES for message in _messages(read, table, userid)]
    return {name: rows for name, rows in found.items() if rows}


def _deeds(read: Reading, userid: int) -> list[Any]:
    either = {row.number: row for row in (*rows(read, subject=f"user:{userid}"), *rows(read, who=str(userid)))}
    return [either[number] for number in sorted(either)]


def _messages(read: Reading, table: str, userid: int) -> Iterator[Any]:
    sql = f"SELECT {_MESSAGES[table]} FROM {table} WHERE instr({_MESSAGES[table]}, ?) > 0"
    for (value,) in read.each(sql, (f'"userid":{userid}'.encode(),)):
        published = readable(bytes(value))
        if published is not None and published.get("userid") == userid:
            yield published
