"""What is on record in a service's store, for admins: the deeds, newest first, and whether their chain is whole."""

from typing import Any

import msgspec

from gbike.kit.audit.chain import COLUMNS, Walk, head, piece
from gbike.kit.audit.rows import GENESIS, Row
from gbike.kit.auth.rules import ADMINS
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation
from gbike.kit.http.filters import NUMBER, SPAN, TEXT
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
LISTED = Listing(  # newest first by the clock, and by the number where it says the same: so that an index has them so
    f"SELECT {COLUMNS} FROM audit",
    {},
    "at_ms DESC, number DESC",
    key="number",
    whole=True,  # who and what together may be looked for in the half of a million rows
    make=lambda row: Row(*row),
    conditions={
        "from": "at_ms >= ?",
        "to": "at_ms < ?",
        "who": "who = ?",
        "subject": "subject = ?",
        "action": "action = ?",
    },
)


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
        walk, found = Walk((after, before)), list[str]()
        for _ in range(MOST_WALKED // PIECE):
            known = walk.number
            found += await self._store.scan(_along, walk, end[0])
            if walk.number in (known, end[0]):  # the rows end: with the head, or before it
                found += walk.ends(end)
                return ChainResource(*end, whole=not found, breaks=found[:MOST_TOLD], checked=end[0])
        return ChainResource(*end, whole=not found, breaks=found[:MOST_TOLD], checked=walk.number)


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
        return await listed(request, store, LISTED, kind, _shown, total=number)

    async def whole(request: Request) -> Response:
        after = request.wanted.get("after", 0)
        told = await chain.check(after)
        here = f"{request.base}{path}/chain"
        links = {"self": {"href": f"{here}?after={after}" if after else here}}
        if told.checked < told.number:
            links["next"] = {"href": f"{here}?after={told.checked}"}
        return Response(200, {**msgspec.structs.asdict(told), "_links": links})

    return [
        Operation(
            "GET",
            path,
            deeds,
            "Who did what, newest first",
            ADMINS,
            answers={200: [DeedResource]},
            paged=True,
            filters={**SPAN, "who": TEXT, "subject": TEXT, "action": TEXT},
        ),
        Operation(
            "GET",
            f"{path}/chain",
            whole,
            "Whether the record is as it was written",
            ADMINS,
            answers={200: ChainResource},
            filters={"after": NUMBER},
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
