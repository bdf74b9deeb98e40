"""What may be asked of bikeManager."""

from typing import Annotated

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.access.rules import ADMIN, ADMINS, BIKE_MANAGER, may
from gbike.kit.clock import rfc3339
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.http.fields import Id
from gbike.kit.http.hal import Kind, collection, item, searches
from gbike.kit.http.problems import catalogue
from gbike.kit.ids import Ids
from gbike.kit.money import MAX_WON
from gbike.kit.store import Store
from gbike.services.bike_manager import domain, storage
from gbike.services.bike_manager.commands import convert_points, name_the_rider, register_a_manager
from gbike.services.bike_manager.domain import ConversionWish, Manager, Numbers

MANAGERS = Kind("bikeManagers", "bikeManager", "managerid", (("findByManagerid", "managerid"),))
ENTRIES = Kind("entries", "entry", "entryid")
TEXTS = catalogue(PROBLEM_TEXTS)
UNKNOWN = TEXTS["manager-unknown"]
EXISTS = TEXTS["manager-exists"]
OF_ANOTHER = TEXTS["number-of-another"]
NOT_YOURS = TEXTS["not-your-points"]
DIFFER = TEXTS["points-differ"]
NOT_ENOUGH = TEXTS["not-enough-points"]
KEY_NEEDED = TEXTS["idempotency-key-needed"]
REFUSALS: Refusals = {
    domain.NoSuchManager: UNKNOWN,
    domain.ManagerExists: EXISTS,
    domain.NumberOfAnother: OF_ANOTHER,
    domain.NotYourPoints: NOT_YOURS,
    domain.NotEnoughPoints: NOT_ENOUGH,
    domain.PointsDiffer: DIFFER,
    domain.KeyNeeded: KEY_NEEDED,
}
Points = Annotated[int, msgspec.Meta(ge=0, le=MAX_WON, description="points; one point is worth one won")]
Converted = Annotated[int, msgspec.Meta(ge=1, le=MAX_WON, description="points to turn into deposit")]
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


THEIRS = may(own=(BIKE_MANAGER,), all=(ADMIN,))


class ManagerHttp:
    """The handlers."""

    def __init__(self, store: Store, ids: Ids, numbers: Numbers) -> None:
        self._store, self._ids, self._numbers = store, ids, numbers

    async def list(self, ask: Ask) -> Answer:
        """GET /bikeManagers."""
        page = ask.page()
        found, total = await storage.page(self._store, page)
        return Answer(200, collection(MANAGERS, ask.base, [shown(one) for one in found], page, total))

    async def register(self, ask: Ask) -> Manager:
        """POST /bikeManagers."""
        new = await ask.body(NewManager)
        args = (new.managerid, new.userid, new.point, self._numbers)
        return await self._store.write(register_a_manager, *args, key="managers")

    async def show(self, ask: Ask) -> Manager:
        """GET /bikeManagers/{managerid}."""
        return await self._store.read(storage.load, ask.id("managerid"))

    async def find(self, ask: Ask) -> Manager:
        """GET /bikeManagers/search/findByManagerid."""
        return await self._store.read(storage.load, ask.find("managerid"))

    async def change(self, ask: Ask) -> Manager:
        """PUT or PATCH /bikeManagers/{managerid}."""
        number, change = ask.id("managerid"), await ask.body(ManagerChange)
        key = f"manager:{number}"
        if change.adjustpoint is not None:
            wish = ConversionWish(change.adjustpoint, change.point, change.userid, keyed=ask.key is not None)
            cause = f"conversion:{number}:{self._ids.new()}"
            return await self._store.write(convert_points, number, wish, cause, key=key)
        if change.userid is not None and ask.whose.only != change.userid:
            ask.must_cover(change.userid)  # only an admin names another's account
            return await self._store.write(name_the_rider, number, change.userid, key=key)
        return await self._store.read(storage.load, number)

    async def entries(self, ask: Ask) -> Answer:
        """GET /bikeManagers/{managerid}/entries."""
        number, page = ask.id("managerid"), ask.page()
        found, total = await storage.entries(self._store, number, page)
        rows = [PointEntryResource(e.entryid, e.cause, e.amount, rfc3339(e.at_ms)) for e in found]
        return Answer(200, collection(ENTRIES, f"{ask.base}/bikeManagers/{number}", rows, page, total))

    async def searches(self, ask: Ask) -> Answer:
        """GET /bikeManagers/search."""
        return Answer(200, searches(MANAGERS, ask.base))


def _found(ask: Ask, manager: Manager) -> Answer:
    return ask.found(MANAGERS, shown(manager))


def _created(ask: Ask, manager: Manager) -> Answer:
    where = f"{ask.base}/bikeManagers/{manager.managerid}"
    return Answer(201, item(MANAGERS, ask.base, shown(manager)), {"Location": where})


def shown(manager: Manager) -> ManagerResource:
    """The manager as clients see them."""
    return ManagerResource(manager.managerid, manager.userid, manager.points, manager.adjustpoint)


def operations(store: Store, ids: Ids, numbers: Numbers) -> list[Operation]:
    """The operations of bikeManager."""
    http, one, base = ManagerHttp(store, ids, numbers), {200: ManagerResource}, "/bikeManagers"
    at, none, refused = base + "/{managerid}", (UNKNOWN,), (UNKNOWN, NOT_YOURS, NOT_ENOUGH, DIFFER, KEY_NEEDED)
    find, turn = base + "/search/findByManagerid", "R12: convert points"
    many, wish = {200: [PointEntryResource]}, {"userid": 1, "point": 1000, "adjustpoint": 1000}
    return [
        Operation("GET", base, http.list, "List the managers", THEIRS, answers={200: [ManagerResource]}, paged=True),
        Operation(
            "POST",
            base,
            http.register,
            "Register a manager",
            ADMINS,
            NewManager,
            {201: ManagerResource},
            refusals=(EXISTS, OF_ANOTHER),
            example={"managerid": 1, "userid": 1, "point": 1000},
            answer=_created,
        ),
        Operation("GET", base + "/search", http.searches, "The searches", THEIRS),
        Operation("GET", find, http.find, "A manager", THEIRS, None, one, "managerid", refusals=none, answer=_found),
        Operation("GET", at, http.show, "R11: a manager's points", THEIRS, answers=one, refusals=none, answer=_found),
        *(
            Operation(
                way, at, http.change, turn, THEIRS, ManagerChange, one, refusals=refused, example=wish, answer=_found
            )
            for way in ("PUT", "PATCH")
        ),
        Operation("GET", at + "/entries", http.entries, "Movements", THEIRS, answers=many, paged=True, refusals=none),
    ]
