"""What may be asked of bikeManager."""

from functools import partial
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
from gbike.kit.money import MAX_WON
from gbike.services.bike_manager import domain
from gbike.services.bike_manager.domain import ConversionWish, Manager
from gbike.services.bike_manager.storage import SqlManagers
from gbike.services.bike_manager.usecases import (
    convert_points,
    look_up_a_manager,
    name_the_rider,
    register_a_manager,
)

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

    def __init__(self, managers: SqlManagers) -> None:
        self._managers = managers

    async def list(self, ask: Ask) -> Answer:
        """GET /bikeManagers."""
        page = ask.page()
        found, total = await self._managers.page(page, ask.whose)
        return Answer(200, collection(MANAGERS, ask.base, [shown(one) for one in found], page, total))

    async def register(self, ask: Ask) -> Answer:
        """POST /bikeManagers."""
        new, render = await ask.body(NewManager), partial(self._created, ask)
        once = await ask.once(render)
        return render(
            await register_a_manager(new.managerid, new.userid, new.point, managers=self._managers, once=once)
        )

    async def show(self, ask: Ask) -> Answer:
        """GET /bikeManagers/{managerid}."""
        return self._shown(ask, await look_up_a_manager(ask.id("managerid"), ask.whose, managers=self._managers))

    async def find(self, ask: Ask) -> Answer:
        """GET /bikeManagers/search/findByManagerid."""
        return self._shown(ask, await look_up_a_manager(ask.find("managerid"), ask.whose, managers=self._managers))

    async def change(self, ask: Ask) -> Answer:
        """PUT or PATCH /bikeManagers/{managerid}."""
        number, change, render = ask.id("managerid"), await ask.body(ManagerChange), partial(self._shown, ask)
        once = await ask.once(render)
        if change.adjustpoint is not None:
            wish = ConversionWish(change.adjustpoint, change.point, change.userid, keyed=once is not None)
            return render(await convert_points(number, wish, ask.whose, managers=self._managers, once=once))
        if change.userid is not None and ask.whose.only != change.userid:
            ask.must_cover(change.userid)  # only an admin names another's account
            return render(await name_the_rider(number, change.userid, managers=self._managers, once=once))
        return render(await look_up_a_manager(number, ask.whose, managers=self._managers))

    async def entries(self, ask: Ask) -> Answer:
        """GET /bikeManagers/{managerid}/entries."""
        number, page = ask.id("managerid"), ask.page()
        found, total = await self._managers.entries(number, ask.whose, page)
        rows = [PointEntryResource(e.entryid, e.cause, e.amount, rfc3339(e.at_ms)) for e in found]
        return Answer(200, collection(ENTRIES, f"{ask.base}/bikeManagers/{number}", rows, page, total))

    async def searches(self, ask: Ask) -> Answer:
        """GET /bikeManagers/search."""
        return Answer(200, searches(MANAGERS, ask.base))

    def _shown(self, ask: Ask, manager: Manager) -> Answer:
        return ask.found(MANAGERS, shown(manager))

    def _created(self, ask: Ask, manager: Manager) -> Answer:
        where = f"{ask.base}/bikeManagers/{manager.managerid}"
        return Answer(201, item(MANAGERS, ask.base, shown(manager)), {"Location": where})


def shown(manager: Manager) -> ManagerResource:
    """The manager as clients see them."""
    return ManagerResource(manager.managerid, manager.userid, manager.points, manager.adjustpoint)


def operations(managers: SqlManagers) -> list[Operation]:
    """The operations of bikeManager."""
    http, one, base = ManagerHttp(managers), {200: ManagerResource}, "/bikeManagers"
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
        ),
        Operation("GET", base + "/search", http.searches, "The searches", THEIRS),
        Operation("GET", find, http.find, "A manager", THEIRS, None, one, "managerid", refusals=none),
        Operation("GET", at, http.show, "R11: a manager's points", THEIRS, answers=one, refusals=none),
        Operation("PUT", at, http.change, turn, THEIRS, ManagerChange, one, refusals=refused, example=wish),
        Operation("PATCH", at, http.change, turn, THEIRS, ManagerChange, one, refusals=refused, example=wish),
        Operation("GET", at + "/entries", http.entries, "Movements", THEIRS, answers=many, paged=True, refusals=none),
    ]
