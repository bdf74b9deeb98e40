"""Bikes: bike 7 is free and bike 8 is ridden by rent 8, bike 5 is held by staff and a ticket, and bike 4 is retired."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from msgspec.structs import replace as replace_fields

from gbike.contracts.account import AccountErased
from gbike.contracts.bike_manage_app import RiderComplained
from gbike.contracts.rent import RentCancelled, Returned
from gbike.kit.storage.retention import FLOOR
from gbike.services.bike.commands import (
    NOTHING_TOLD,
    apply_a_report,
    change_a_bike,
    free,
    learn_a_place,
    register_a_bike,
    register_a_labelled_bike,
    release,
    reserve_a_bike,
    settle_the_holds,
    tell_of_a_place,
)
from gbike.services.bike.commands.imports import begin_an_import, give_up_a_row, give_up_an_import, import_rows
from gbike.services.bike.domain import (
    Bike,
    Hold,
    Location,
    Point,
    Seen,
    Status,
    Whereabouts,
    a_new_bike,
    held,
    marked,
    released,
    retired,
    unretired,
)
from gbike.services.bike.domain.imports import Import, NewImport
from gbike.services.bike.importing import SheetRow, Wanted, Whole
from gbike.services.bike.policies import POLICIES
from gbike.services.bike.storage import TOMBSTONES
from gbike.services.bike.storage.imports import RETENTION
from tests.concurrency.house import USER, Case, Hears, House, do, floor, returned, write

BIKE, RIDDEN = 7, 8
HELD, GONE = 5, 4
TICKET = Hold("t-2", "bell", due_ms=9)
STOOD = Whereabouts("창고", 37.4, 127.1)
HEARS = Hears(POLICIES)


def in_time() -> bool:
    """The caller waits."""
    return False


def a_bike(bikeid: int) -> Bike:
    return a_new_bike(bikeid, Status.AVAILABLE, Location("역", Point(37.5, 127.1)), 80)


def act(
    name: str, bikeid: int, change: Callable[[Bike], Bike], told: Whereabouts = NOTHING_TOLD, why: str | None = None
) -> Case:
    """An operator changes a bike."""
    return write(name, change_a_bike, bikeid, change, told, why, key=f"bike:{bikeid}")


def labelled(bike: Bike) -> Bike:
    return replace(bike, label="SPB-1")


def moved(bike: Bike) -> Bike:
    return replace(bike, place=Location("공원", Point(37.2, 127.2)))


def named(bikeid: int) -> Bike:
    return a_new_bike(bikeid, Status.AVAILABLE, Location(), 80)


def as_it_is(bike: Bike) -> Bike:
    return bike


def left(bikeid: int, text: str) -> Returned:
    """The ride of the ridden bike ended, and its rider only says so."""
    return replace_fields(returned(8, bikeid), endlocation=text, lat=None, lon=None)


def cancelled(rentid: int, bikeid: int) -> RentCancelled:
    return RentCancelled(rentid=rentid, userid=USER, bikeid=bikeid, reason="TimedOut")


def complained(bikeid: int) -> RiderComplained:
    return RiderComplained(complaintid=1, userid=USER, bikeid=bikeid, kind="brake", at=1, takenout=True)


FILE = NewImport(
    name="fleet.csv",
    dryrun=False,
    existing="change",
    told={"no": "bikeid"},
    columns={"no": "bikeid"},
    encoding="utf-8",
    separator=",",
    fields=[("no", "bikeid")],
    questions=(),
    first=(),
    rows=3,
    file=b"the file",
)
IMPORT = Import(
    importid=1,
    name="fleet.csv",
    dryrun=False,
    existing="change",
    state="waiting",
    encoding="utf-8",
    separator=",",
    columns=(),
    questions=(),
    first=(),
    rows=3,
    done=0,
    registered=0,
    changed=0,
    unchanged=0,
    refused=0,
    who="gbike",
    roles="",
    traceparent="",
    requestid="",
    told={},
    at_ms=0,
    done_ms=None,
)
ROWS = [
    SheetRow(2, ("9",), Wanted(9, None, "역", 70)),
    SheetRow(3, ("7",), Wanted(bikeid=7, location="공원", batterylevel=70, lat=37.2, lon=127.2)),
    SheetRow(4, ("SPB-1",), Wanted(label="SPB-1")),
]
KNOWN = [
    SheetRow(2, ("7",), Wanted(bikeid=7, location="학교", batterylevel=60, lat=37.3333, lon=127.3333)),
    SheetRow(3, ("8",), Wanted(bikeid=8, location="창고", label="SPB-1", lat=37.4, lon=127.1)),
]
"""Of bikes that there are, one of them where it stands already."""

OF_HELD = [SheetRow(2, ("5",), Wanted(bikeid=HELD, status=Status.AVAILABLE, batterylevel=60))]

HOUSE = House(
    "bike",
    setup=(
        do(register_a_bike, a_bike(BIKE)),
        do(register_a_bike, a_bike(RIDDEN)),
        do(reserve_a_bike, RIDDEN, 8, in_time),
        do(register_a_bike, a_bike(HELD)),
        do(change_a_bike, HELD, partial(held, hold=Hold("staff")), NOTHING_TOLD, None),
        do(change_a_bike, HELD, partial(held, hold=Hold("t-1")), NOTHING_TOLD, None),
        do(register_a_bike, a_bike(GONE)),
        do(change_a_bike, GONE, retired, NOTHING_TOLD, None),
        do(begin_an_import, FILE),
        do(reserve_a_bike, BIKE, 6, in_time),
        do(release, BIKE, 6, USER, Whereabouts("학교", 37.3333, 127.3333)),
    ),
    cases=(
        write("add", register_a_bike, a_bike(9), key="bike:9", id="a"),
        write("add at a new place", register_a_bike, named(10), STOOD, key="bike:10"),
        write("add there too", register_a_bike, named(11), replace(STOOD, lat=37.4001), key="bike:11"),
        act("change", BIKE, partial(marked, status=Status.BROKEN)),
        act("move", BIKE, moved),
        act("label", BIKE, labelled),
        write("add with a label", register_a_bike, labelled(a_bike(9)), again=(labelled(a_bike(10)),), key="bike:9"),
        write("number", register_a_labelled_bike, labelled(a_bike(0)), again=(replace(a_bike(0), label="SPB-2"),)),
        act("tell where", BIKE, as_it_is, STOOD),
        act("name the place", BIKE, as_it_is, Whereabouts(STOOD.text)),
        write("learn the place", learn_a_place, "창고", (37.41, 127.11), "import"),
        write("tell of the place", tell_of_a_place, "창고 ", 37.42, 127.12, key="places"),
        act("hold", BIKE, partial(held, hold=Hold("staff", "brake")), why="brake"),
        act("hold for a ticket", BIKE, partial(held, hold=TICKET), why="bell"),
        act("hold a ridden one", RIDDEN, partial(held, hold=TICKET), why="bell"),
        act("take out", BIKE, partial(marked, status=Status.IN_USE)),
        act("let go", HELD, partial(released, holder="staff"), why="mended"),
        act("let go of the ticket", HELD, partial(released, holder="t-1")),
        act("hold the held one", HELD, partial(held, hold=TICKET), why="bell"),
        act("put back", HELD, partial(marked, status=Status.AVAILABLE)),
        act("retire the held one", HELD, retired, why="sold"),
        act("take back", GONE, unretired, why="found"),
        write("report of the held one", apply_a_report, *(HELD, 1, Seen(10, False), in_time), key="bike:5"),
        write("reserve the held one", reserve_a_bike, HELD, 12, in_time, key="bike:5"),
        write("reserve the one that is back", reserve_a_bike, GONE, 13, in_time, key="bike:4"),
        write("a row of the held one", import_rows, IMPORT, OF_HELD, False, Whole()),
        act("retire", BIKE, retired),
        act("free", RIDDEN, partial(marked, status=Status.AVAILABLE)),
        write("reserve", reserve_a_bike, BIKE, 9, in_time, key="bike:7"),
        write("reserve for another", reserve_a_bike, BIKE, 10, in_time, key="bike:7"),
        write("reserve a ridden one", reserve_a_bike, RIDDEN, 11, in_time, key="bike:8"),
        write(
            "report",
            apply_a_report,
            *(BIKE, 1, Seen(10, False), in_time),
            again=(BIKE, 2, Seen(20, True), in_time),
            key="bike:7",
        ),
        write(
            "report where it stands",
            apply_a_report,
            *(BIKE, 3, Seen(10, None, Whereabouts("창고")), in_time),
            again=(BIKE, 4, Seen(20, None, Whereabouts(lat=37.4, lon=127.1)), in_time),
            key="bike:7",
        ),
        write("send a file", begin_an_import, FILE, key="imports"),
        write("rows of a file", import_rows, IMPORT, ROWS, False, Whole()),
        write("the last rows of a file", import_rows, IMPORT, ROWS, True, Whole()),
        write("rows of known bikes", import_rows, IMPORT, KNOWN, False, Whole()),
        write("a row that fails", give_up_a_row, IMPORT, ROWS[0]),
        write("give up a file", give_up_an_import, 1),
        write("count the holds", settle_the_holds, HELD, key="bike:5"),
        write("repair", free, RIDDEN, 8, USER, key="bike:8"),
        HEARS.case("cancelled", cancelled(9, BIKE)),
        HEARS.case("returned", returned(9, BIKE)),
        HEARS.case("returned the other", returned(8, RIDDEN)),
        HEARS.case("returned to the place", left(RIDDEN, "창고")),
        HEARS.case("returned nobody knows where", left(RIDDEN, "집 앞")),
        HEARS.case("complained", complained(BIKE)),
        HEARS.case("complained of the ridden one", complained(RIDDEN)),
        HEARS.case("complained and returned", complained(BIKE), returned(8, RIDDEN)),
        HEARS.case("two returned", returned(9, BIKE), returned(8, RIDDEN)),
        HEARS.case("erased", AccountErased(userid=USER)),
        *floor((*FLOOR, TOMBSTONES, *RETENTION), HEARS, returned(9, BIKE)),
    ),
    looks=(
        (
            "I4 a bike carries the number of a rent that is over",
            "SELECT bikeid, rentid FROM bikes WHERE rentid IN (SELECT rentid FROM tombstones)",
        ),
        (
            "I1 a rent rides two bikes",
            "SELECT rentid FROM bikes WHERE rentid IS NOT NULL GROUP BY rentid HAVING count(*) > 1",
        ),
        (
            "an erased rider is known to have left a bike",
            "SELECT bikeid FROM bikes WHERE left_by IN (SELECT userid FROM erased)"
            " OR point_of IN (SELECT userid FROM erased)",
        ),
        (
            "I26 a bike is held by others than its row says",
            "SELECT bikeid, held, due_ms FROM bikes WHERE held <> (SELECT count(*) FROM holds WHERE holds.bikeid ="
            " bikes.bikeid) OR due_ms IS DISTINCT FROM (SELECT min(due_ms) FROM holds WHERE holds.bikeid ="
            " bikes.bikeid)",
        ),
        (
            "count",
            "SELECT count(*) FROM bikes WHERE retired = 0 HAVING count(*) <> (SELECT coalesce(sum(n), 0) FROM counters"
            " WHERE name = 'bikes')",
        ),
        (
            "a bike has half a position, or a stale point that is none",
            "SELECT bikeid FROM bikes WHERE (lat IS NULL) <> (lon IS NULL) OR (stale = 1 AND lat IS NULL)",
        ),
    ),
    unordered={
        frozenset({"reserve a ridden one", other}): "refused because it was ridden, and told what it is since"
        for other in (
            *("returned the other", "returned to the place", "returned nobody knows where"),
            *("two returned", "complained and returned", "repair", "free"),
        )
    }
    | {
        frozenset({"take back", "reserve the one that is back"}): "refused because it was retired, and told what it is"
        " since"
    },
)
