"""What is on record in a service's store, for admins: the deeds, newest first, and whether their chain is whole."""

from typing import Any

import msgspec

from gbike.kit.audit.chain import COLUMNS, Walk, head, piece
from gbike.kit.audit.rows import GENESIS, Row
from gbike.kit.auth.rules import ADMINS
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation
from gbike.kit.http.lists import listed
from gbike.kit.http.request import Request, ResourceKind, Response
from gbike.kit.storage.listing import Listing
from gbike.kit.store import Reading, Store

DEEDS = "/audit"
"""Below it is each service's record, under the service's name."""
PIECE = 2_000
"""Rows that are read and computed at once, a few hundredths of a second."""
MOST_WALKED = 50_000
"""Rows that one request goes along; the next goes on."""
MOST_TOLD = 100
"""Breaks that one request tells."""
_LISTED = Listing(f"SELECT {COLUMNS} FROM audit", {}, "number DESC", make=lambda row: Row(*row))


class DeedResource(msgspec.Struct, frozen=True):
    """Who did what to whom or what, and what was so before and after. `who`: an account's number, `demo`, `local` (the
    command line), `gbike` itself. `hash` covers the row and the hash before it."""

    number: int
    at: str
    who: str
    roles: list[str]
    mode: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    traceid: str
    hash: str


class ChainResource(msgspec.Struct, frozen=True):
    """The last row's number and hash, and whether the rows that were looked at are as they were written: up to
    `checked`; where that is not the last, the link `next` goes on. `breaks`: 100 at most."""

    number: int
    hash: str
    whole: bool
    breaks: list[str]
    checked: int


class Chain:
    """The chain of a store, looked at in pieces, so that nothing waits for it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, after: int) -> ChainResource:
        """Goes along the rows that follow row `after`, MOST_WALKED of them."""
        end, before = await self._store.read(_ends, after)
        walk = Walk((after, before))
        until, found = min(end[0], after + MOST_WALKED), list[str]()
        while walk.number < until and len(found) < MOST_TOLD:
            known = walk.number
            found += await self._store.scan(_along, walk, until)
            if walk.number == known:  # the rows end before the head
                break
        if walk.number >= end[0] or until == end[0]:
            found += walk.ends(end)
        return ChainResource(end[0], end[1], not found, found[:MOST_TOLD], max(walk.number, until))


def _ends(read: Reading, after: int) -> tuple[tuple[int, str], str]:
    """The head, and the hash of row `after`."""
    row = read.one("SELECT hash FROM audit WHERE number = ?", (after,))
    return head(read), row[0] if row else GENESIS


def _along(read: Reading, walk: Walk, until: int) -> list[str]:
    return list(walk.along(piece(read, walk.number, until, PIECE)))


def deed_operations(service: str, store: Store) -> list[Operation]:
    """What every service with a store answers of its record."""
    path, chain = f"{DEEDS}/{service}", Chain(store)
    kind = ResourceKind("deeds", "deed", "number", at=path)

    async def deeds(request: Request) -> Response:
        number, _ = await store.read(head)
        return await listed(request, store, _LISTED, kind, _shown, total=number)

    async def whole(request: Request) -> Response:
        after = 0 if request.first("after") is None else request.id("after")
        told = await chain.check(after)
        here = f"{request.base}{path}/chain"
        links = {"self": {"href": f"{here}?after={after}" if after else here}}
        if told.checked < told.number:
            links["next"] = {"href": f"{here}?after={told.checked}"}
        return Response(200, {**msgspec.structs.asdict(told), "_links": links})

    return [
        Operation("GET", path, deeds, "Who did what, newest first", ADMINS, answers={200: [DeedResource]}, paged=True),
        Operation(
            "GET",
            f"{path}/chain",
            whole,
            "Whether the record is as it was written",
            ADMINS,
            answers={200: ChainResource},
            filters={"after": ()},
        ),
    ]


def _shown(row: Row) -> DeedResource:
    return DeedResource(
        number=row.number,
        at=rfc3339(row.at_ms),
        who=row.who,
        roles=row.roles.split(",") if row.roles else [],
        mode=row.mode,
        action=row.action,
        subject=row.subject,
        before=msgspec.json.decode(row.before),
        after=msgspec.json.decode(row.after),
        traceid=row.trace_id,
        hash=row.hash,
    )
