"""What may be asked of bikeManager."""

from functools import partial
from typing import Annotated

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.rules import ADMIN, ADMINS, BIKE_MANAGER, may
from gbike.kit.clock import Ids, rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import NOT_ZERO, Id, Reason, invalid
from gbike.kit.http.filters import SPAN
from gbike.kit.http.lists import listed, searching
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, ResourceKind, Response, showing
from gbike.kit.money import MAX_WON
from gbike.kit.store import Row, Store
from gbike.services.bike_manager import domain, storage
from gbike.services.bike_manager.commands import convert_points, correct_points, name_the_rider, register_a_manager
from gbike.services.bike_manager.domain import ConversionWish, Manager, Numbers

MANAGERS = ResourceKind("bikeManagers", "bikeManager", "managerid", (("findByManagerid", "managerid"),))
ENTRIES = ResourceKind("entries", "entry", "entryid")
TEXTS = catalogue(PROBLEM_TEXTS)
REFUSALS: Refusals = {
    domain.NoSuchManager: TEXTS["manager-unknown"],
    domain.ManagerExists: TEXTS["manager-exists"],
    domain.NumberOfAnother: TEXTS["number-of-another"],
    domain.NotYourPoints: TEXTS["not-your-points"],
    domain.NotEnoughPoints: TEXTS["not-enough-points"],
    domain.PointsDiffer: TEXTS["points-differ"],
    domain.KeyNeeded: TEXTS["idempotency-key-needed"],
}
Points = Annotated[int, msgspec.Meta(ge=0, le=MAX_WON, description="points; one point is worth one won")]
Converted = Annotated[int, msgspec.Meta(ge=1, le=MAX_WON, description="points to turn into deposit")]
Moved = Annotated[
    int,
    msgspec.Meta(
        ge=-MAX_WON, le=MAX_WON, description="points to add, never 0; below 0: to take", extra_json_schema=NOT_ZERO
    ),
]
MAX_WANTED = 1_000_000_000
"""The largest number one may ask for: others are given onwards from the largest so far, so there must be room."""
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_WANTED, description="the wanted number; taken when it is free")]


class ManagerResource(msgspec.Struct, frozen=True):
    """A manager as clients see them."""

    managerid: int
    userid: int
    point: int
    adjustpoint: int | None


class PointEntryResource(msgspec.Struct, frozen=True):
    """One movement of points."""

    entryid: int
    cause: str
    amount: int
    at: str


class NewManager(msgspec.Struct, frozen=True):
    """What registers a manager."""

    userid: Id
    managerid: Number | None = None
    point: Points = 0


class ManagerChange(msgspec.Struct, frozen=True):
    """With `adjustpoint`: a conversion, and `point` is what should be left. Without: the rider account."""

    userid: Id | None = None
    point: Points | None = None
    adjustpoint: Converted | None = None


class PointCorrection(msgspec.Struct, frozen=True):
    """Points that are given, or taken, by hand."""

    amount: Moved
    reason: Reason


THEIRS = may(own=(BIKE_MANAGER,), all=(ADMIN,))


class ManagerHttp:
    """The handlers."""

    def __init__(self, store: Store, ids: Ids, numbers: Numbers) -> None:
        self._store = store
        self._ids = ids
        self._numbers = numbers

    async def list(self, request: Request) -> Response:
        return await listed(request, self._store, storage.LISTED, MANAGERS, to_resource)

    async def register(self, request: Request) -> Manager:
        new = await request.body(NewManager)
        args = (new.managerid, new.userid, new.point, self._numbers)
        return await self._store.write(register_a_manager, *args, key="managers")

    async def show(self, request: Request) -> Manager:
        return await self._store.read(storage.load, request.id("managerid"))

    async def change(self, request: Request) -> Manager:
        number, change = request.id("managerid"), await request.body(ManagerChange)
        key = f"manager:{number}"
        if change.adjustpoint is not None:
            wish = ConversionWish(change.adjustpoint, change.point, change.userid, keyed=request.key is not None)
            cause = f"conversion:{number}:{self._ids.new()}"
            return await self._store.write(convert_points, number, wish, cause, key=key)
        if change.userid is not None and request.owner.only != change.userid:
            request.must_cover(change.userid)  # only an admin names another's account
            return await self._store.write(name_the_rider, number, change.userid, key=key)
        request.only_looked = True
        return await self._store.read(storage.load, number)

    async def correct(self, request: Request) -> Manager:
        number, wish = request.id("managerid"), await request.body(PointCorrection)
        if not wish.amount:
            raise invalid("amount", "a difference of 0 corrects nothing", "0점은 고칠 것이 없어요")
        args = (number, wish.amount, wish.reason, f"correction:{number}:{self._ids.new()}")
        return await self._store.write(correct_points, *args, key=f"manager:{number}")

    async def entries(self, request: Request) -> Response:
        manager = await self._store.read(storage.load, request.id("managerid"))
        request.whose = manager.userid
        moved = storage.entries(manager.managerid)
        return await listed(request, self._store, moved, ENTRIES, _entry, of=f"/bikeManagers/{manager.managerid}")


def _entry(row: Row) -> PointEntryResource:
    entryid, cause, amount, at_ms = row
    return PointEntryResource(entryid, cause, amount, rfc3339(at_ms))


def to_resource(manager: Manager) -> ManagerResource:
    return ManagerResource(manager.managerid, manager.userid, manager.points, manager.adjustpoint)


def operations(store: Store, ids: Ids, numbers: Numbers) -> list[Operation]:
    http = ManagerHttp(store, ids, numbers)
    base, at = "/bikeManagers", "/bikeManagers/{managerid}"
    many, moves = {200: [ManagerResource]}, {200: [PointEntryResource]}
    unknown = TEXTS.of("manager-unknown")
    single = partial(
        Operation, answers={200: ManagerResource}, refusals=unknown, respond=showing(MANAGERS, to_resource)
    )
    refused = TEXTS.of("not-your-points", "not-enough-points", "points-differ", "idempotency-key-needed")
    turned = partial(single, refusals=unknown + refused, looks="points")
    wish = {"userid": 1, "point": 1000, "adjustpoint": 1000}
    return [
        Operation("GET", base, http.list, "List the managers", THEIRS, answers=many, paged=True),
        Operation(
            "POST",
            base,
            http.register,
            "Register a manager",
            ADMINS,
            takes=NewManager,
            answers={201: ManagerResource},
            refusals=TEXTS.of("manager-exists", "number-of-another"),
            example={"managerid": 1, "userid": 1, "point": 1000},
            respond=showing(MANAGERS, to_resource, 201),
        ),
        Operation("GET", base + "/search", searching(MANAGERS), "The searches", THEIRS),
        single(
            "GET", base + "/search/findByManagerid", http.show, "A manager", THEIRS, finder="managerid", looks="points"
        ),
        single("GET", at, http.show, "R11: a manager's points", THEIRS, looks="points"),
        *(
            turned(method, at, http.change, "R12: convert points", THEIRS, takes=ManagerChange, example=wish)
            for method in ("PUT", "PATCH")
        ),
        Operation(
            "POST",
            at + "/corrections",
            http.correct,
            "Correct a manager's points by hand",
            ADMINS,
            takes=PointCorrection,
            answers={201: ManagerResource},
            refusals=unknown + TEXTS.of("not-enough-points"),
            example={"amount": -1000, "reason": "a report that was wrong"},
            respond=showing(MANAGERS, to_resource, 201),
        ),
        Operation(
            "GET",
            at + "/entries",
            http.entries,
            "Movements",
            THEIRS,
            answers=moves,
            paged=True,
            filters=SPAN,
            refusals=unknown,
            looks="points",
        ),
    ]
