"""Looks at what is somebody else's: who may see everybody's things, and sees one person's, leaves an audit row for it.

An operation says what is seen (`looks="page"`). The row is written before the answer goes out: a store that can't keep
it refuses the look. Services that ask each other, and people who look at what is their own, leave none.
"""

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from gbike.kit.http.exports import CsvExport
from gbike.kit.http.request import Request, Response
from gbike.kit.store import Store, Tx

LOOKED = "looked at"
"""The action of such a row."""
AGAIN_S = 600
"""The same look again within so long is one with the first: a page that polls leaves a row every ten minutes."""
MOST_KNOWN = 10_000

Look = tuple[str, str, Any]
"""Who, at what, of whom."""


class Shows(Protocol):
    """What an operation says of the looks that it gives."""

    @property
    def looks(self) -> str:
        """What is seen of one person."""

    @property
    def looks_at(self) -> str:
        """The row's subject, where many are seen with their names."""

    @property
    def one_by(self) -> Sequence[str]:
        """What narrows a list to one person's, beside `userid`."""

    @property
    def filters(self) -> Container[str]:
        """What narrows a list."""

    @property
    def finder(self) -> str | None:
        """What is found by a number."""


class Looks:
    """The looks of one process at what is in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.until: dict[Look, float] = {}
        """Until when a look that is on record need not be put there again, s by the monotonic clock; lost with the
        process: then there is a row more."""

    async def at(self, request: Request, shows: Shows, result: object, response: Response, now_s: float) -> None:
        """Put on record who was seen, if the answer shows it. `result`: what the response was made of. Raises
        StoreUnavailable."""
        by = request.principal
        if by.service is not None or response.status != 200:
            return
        for whose in await _seen(request, shows, result, response):
            look = by.name, shows.looks, whose
            if (whose is None or whose != by.userid) and self.until.get(look, 0.0) < now_s:
                subject = shows.looks_at or f"user:{whose}"
                await self._store.write(_put_on_record, subject, shows.looks)
                if len(self.until) >= MOST_KNOWN:
                    self.until.clear()
                self.until[look] = now_s + AGAIN_S


def _put_on_record(tx: Tx, subject: str, what: str) -> None:
    tx.audit(LOOKED, subject, after={"what": what})


async def _seen(request: Request, shows: Shows, result: object, response: Response) -> Collection[int | None]:
    """Whose things are answered; None: those of all, with their names. A list tells it where it was narrowed to one."""
    if shows.looks_at:
        return (None,)
    narrowed = "userid" in shows.filters or shows.finder == "userid"
    named = request.path_params.get("userid") or (request.first("userid") if narrowed else None)
    whose = int(named) if named else request.whose or getattr(result, "userid", None)
    if whose is not None:
        return (whose,)
    if shows.finder or any(request.first(name) for name in shows.one_by):
        return await _shown(response.content)
    return ()


async def _shown(content: Any) -> Collection[int]:
    """Of whom the rows of a list are; of a file, those of its first piece, as it is narrowed to one person's."""
    rows: Sequence[Mapping[str, Any]] = ()
    if isinstance(content, CsvExport):
        rows = [msgspec.structs.asdict(one) for one in await content.first()]
    elif isinstance(content, dict) and "_embedded" in content:
        rows = [row for found in content["_embedded"].values() for row in found]
    return dict.fromkeys(row["userid"] for row in rows if "userid" in row)
