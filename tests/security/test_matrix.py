"""Every route, asked by everybody: in one process, and nothing but the table decides what must come of it."""

import itertools
from collections.abc import AsyncIterator

import pytest

from gbike.app.embedded import Embedded
from gbike.app.event_map import build_all
from gbike.kit.access.guard import OPEN_DOOR
from gbike.kit.access.rules import Rule
from gbike.kit.http.app import HttpApp, Operation
from gbike.kit.http.ask import Answer, Ask
from gbike.kit.telemetry import Metrics
from tests.security.asking import PASSWORD, Things, mismatches
from tests.security.people import EVERYWHERE, As, Locked
from tests.security.table import COLUMNS, expected
from tests.support import EVERY_RIDE_COSTS, Client

CHEAP = {"GBIKE_PASSWORD_MEMORY_KIB": "8192", "GBIKE_PASSWORD_PASSES": "1", "GBIKE_SIGN_UPS_PER_IP": "1000"}


class InMemory:
    """A Stage in this process."""

    def __init__(self) -> None:
        self.locked = Locked({**EVERY_RIDE_COSTS, **CHEAP, "GBIKE_SIGN_IN_FAILURES_PER_IP": "10000"})
        self.admin = self.locked.admin
        self._numbers = itertools.count(10_000)

    def number(self) -> int:
        """See Stage.number."""
        return next(self._numbers)

    def client(self, service: str, column: str, *, right: str, wrong: str) -> Client:
        """See Stage.client."""
        return self.locked.alone(service, self._token(service, column, right, wrong))

    def _token(self, service: str, column: str, right: str, wrong: str) -> str | None:
        issuer, (a, b), (m, n) = self.locked.issuer, self.rider_ids, self.manager_ids
        match column:
            case "anonymous":
                return None
            case "rider" | "other rider":
                return issuer.token(a if column == "rider" else b, "rider")
            case "manager" | "other manager":
                me, number = (m, self.managers.managerid) if column == "manager" else (n, 4_444)
                return issuer.token(me, "rider", "bikeManager", managerid=number)
            case "admin":
                return issuer.token(900, "admin")
            case _:
                return self.locked.service(right if column == "right" else wrong, service)

    async def prepare(self) -> None:
        """People, and for one rider and one manager a ride that is billed, a deposit and a report."""
        contacts = [f"person{number}@example.com" for number in range(4)]
        for contact in contacts:
            made = await self.locked.anonymous.post(
                "/accounts", {"name": "Kim", "contact": contact, "password": PASSWORD}
            )
            assert made.status == 202, made
        listed = (await self.admin.get("/accounts")).json["_embedded"]["accounts"]
        ids = {row["contact"]: row["userid"] for row in listed}
        a, b, m, n = (ids[contact] for contact in contacts)
        self.rider_ids, self.manager_ids = (a, b), (m, n)
        assert (await self.admin.post("/bikes", {"bikeid": 1})).status == 201
        managed = await self.admin.post("/bikeManagers", {"userid": m, "point": 1_000, "managerid": 3_333})
        assert managed.status == 201
        as_manager = self.locked.person(m, "rider", "bikeManager", managerid=3_333)
        report = await as_manager.post("/bikeManageApps", {"managerid": 3_333, "bikeid": 1, "batterylevel": 50})
        assert report.status == 201, report
        found = []
        for userid, contact in ((a, contacts[0]), (m, contacts[2])):
            assert (await self.admin.post("/userDeposits", {"userid": userid, "deposit": 1_000})).status == 201
            bikeid = self.number()
            assert (await self.admin.post("/bikes", {"bikeid": bikeid})).status == 201
            rent = await self.locked.person(userid, "rider").post("/rents", {"userid": userid, "bikeid": bikeid})
            assert rent.status == 201, rent
            await self.locked.whole.settle()
            bill = await self.admin.get(f"/billings/search/findByRentid?rentid={rent.json['rentid']}")
            numbers = (rent.json["rentid"], bill.json["billid"], 3_333, report.json["reportid"])
            found.append(Things(userid, *numbers, contact))
        self.riders, self.managers = found


@pytest.fixture
async def stage() -> AsyncIterator[InMemory]:
    """Everybody, and everything that is theirs."""
    made = InMemory()
    await made.prepare()
    yield made
    await made.locked.whole.stop()


async def test_every_route_lets_in_just_those_whom_the_table_names(stage: InMemory) -> None:
    wrong = [line for service in EVERYWHERE for line in await mismatches(stage, service)]
    assert wrong == []


def test_the_table_has_every_route_and_no_other() -> None:
    for service, part in Embedded(None, {}).parts.items():
        routed = {f"{operation.method} {operation.path}" for operation in part.running.app.operations}
        assert routed == set(expected(service)), service


def test_every_row_of_the_table_has_a_cell_for_everybody() -> None:
    rows = {row for service in EVERYWHERE for row in expected(service).values()}
    assert {len(row.split()) for row in rows} == {len(COLUMNS)}


async def _answer(_ask: Ask) -> Answer:
    return Answer(200)


def test_a_route_without_a_rule_can_not_be_written_down() -> None:
    with pytest.raises(TypeError, match="rule"):
        Operation("GET", "/things", _answer, "List")  # type: ignore[call-arg]
    for one in build_all():
        for operation in one.service.operations:
            assert isinstance(operation.rule, Rule), f"{operation.method} {operation.path}"


async def test_a_rule_that_grants_nothing_lets_nobody_in() -> None:
    locked = Locked()
    guard = locked.whole.doors.guard("rent")
    app = HttpApp("rent", [Operation("GET", "/things", _answer, "List", Rule())], {}, Metrics(), guard)
    everybody = locked.issuer.token(1, "rider", "bikeManager", "admin", managerid=1)
    assert (await As(app, everybody).get("/things")).status == 403
    assert (await As(app, None).get("/things")).status == 401
    open_one = HttpApp("rent", [Operation("GET", "/things", _answer, "List", Rule())], {}, Metrics(), OPEN_DOOR)
    assert (await As(open_one, None).get("/things")).status == 200
    await locked.whole.stop()
