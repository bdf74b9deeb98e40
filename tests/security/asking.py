"""Goes through the table: one request for each cell, made so that nothing but who asks can make it fail."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from tests.security.people import TestIssuer
from tests.security.table import COLUMNS, expected
from tests.support import Client, Reply

PASSWORD = "정자역 3번 출구의 자전거"
ADMIN, MANAGER = 900, 3_333
CHEAP = {
    "GBIKE_PASSWORD_MEMORY_KIB": "8192",
    "GBIKE_PASSWORD_PASSES": "1",
    "GBIKE_SIGN_UPS_PER_IP": "1000",
    "GBIKE_SIGN_IN_FAILURES_PER_IP": "10000",
    "GBIKE_PAYMENT_PROVIDER": "test",
}
"""Passwords that cost the tests little, many people at one address, and payments that cost nothing."""
AS_MANY_RENTS = {"GBIKE_MAX_OPEN_RENTS_PER_RIDER": "0"}
"""The table asks for rent after rent in one rider's name."""


class Things(NamedTuple):
    """What belongs to one person."""

    userid: int
    rentid: int
    billid: int
    managerid: int
    reportid: int
    contact: str
    bikeid: int
    paymentid: str
    complaintid: int


class Stage:
    """A running gbike, secure, with people and what is theirs. A form says how it is reached."""

    riders: Things
    managers: Things
    _importid: int | None = None

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer, self._numbers = issuer, itertools.count(10_000)
        self.admin = self.gateway(issuer.token(ADMIN, "admin"))

    def gateway(self, token: str | None) -> Client:
        """A client with this token, through the gateway."""
        raise NotImplementedError

    def alone(self, service: str, token: str | None) -> Client:
        """A client at the door of one service, past the gateway."""
        raise NotImplementedError

    def service(self, name: str, peer: str) -> str:
        """What service `name` shows when it asks `peer`."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Return when every event is handled."""
        raise NotImplementedError

    def number(self) -> int:
        """A number that nobody has used."""
        return next(self._numbers)

    def client(self, service: str, column: str, *, right: str, wrong: str) -> Client:
        """A client at the door of a service as the principal of a column."""
        return self.alone(service, self._token(service, column, right, wrong))

    def _token(self, service: str, column: str, right: str, wrong: str) -> str | None:
        issuer = self.issuer
        (a, b) = self._rider_ids
        (m, n) = self._manager_ids
        match column:
            case "anonymous":
                return None
            case "rider" | "other rider":
                return issuer.token(a if column == "rider" else b, "rider")
            case "manager" | "other manager":
                me, number = (m, MANAGER) if column == "manager" else (n, 4_444)
                return issuer.token(me, "rider", "bikeManager", managerid=number)
            case "admin":
                return issuer.token(ADMIN, "admin")
            case _:
                return self.service(right if column == "right" else wrong, service)

    async def imported(self) -> int:
        """The number of an import, the same each time."""
        if self._importid is None:
            reply = await self.admin.send("POST", "/bikes/imports", b"bikeid\n1\n")
            assert reply.status == 202, reply
            self._importid = reply.json["importid"]
        return self._importid

    async def prepare(self) -> None:
        """People, and for one rider and one manager a ride that is billed, a deposit, a report and a
        complaint."""
        contacts = [f"person{number}@example.com" for number in range(4)]
        for contact in contacts:
            await _made(self.gateway(None), "/accounts", name="Kim", contact=contact, password=PASSWORD)
        listed = (await self.admin.get("/accounts")).json["_embedded"]["accounts"]
        ids = {row["contact"]: row["userid"] for row in listed}
        a, b, m, n = (ids[contact] for contact in contacts)
        self._rider_ids, self._manager_ids = (a, b), (m, n)
        await _made(self.admin, "/bikes", bikeid=1, label="SPB-03001", location="dock")
        await _made(self.admin, "/bikeManagers", userid=m, point=1_000, managerid=MANAGER)
        manager = self.gateway(self.issuer.token(m, "rider", "bikeManager", managerid=MANAGER))
        report = await _made(manager, "/bikeManageApps", managerid=MANAGER, bikeid=1, batterylevel=50)
        found = []
        for userid, contact in ((a, contacts[0]), (m, contacts[2])):
            await _made(self.admin, "/userDeposits", userid=userid, deposit=1_000_000)
            await self.settle()  # rent hears that they may ride
            rider = self.gateway(self.issuer.token(userid, "rider"))
            bikeid = await _bike(self)
            rentid = (await _made(rider, "/rents", userid=userid, bikeid=bikeid))["rentid"]
            await self.settle()
            bill = await self.admin.get(f"/billings/search/findByRentid?rentid={rentid}")
            paid = (await _made(rider, f"/userDeposits/{userid}/payments", amount=5))["paymentid"]
            complaint = await _made(rider, "/complaints", bikeid=bikeid, kind="brake", words="it squeals")
            found.append(
                Things(
                    userid=userid,
                    rentid=rentid,
                    billid=bill.json["billid"],
                    managerid=MANAGER,
                    reportid=report["reportid"],
                    contact=contact,
                    bikeid=bikeid,
                    paymentid=paid,
                    complaintid=complaint["complaintid"],
                )
            )
        self.riders, self.managers = found


async def _made(client: Client, path: str, **body: Any) -> Any:
    reply = await client.post(path, body)
    assert reply.status in (201, 202), reply
    return reply.json


Request = tuple[str, Any]
Make = Callable[[Stage, Things], Awaitable[Request]]


async def _bike(stage: Stage) -> int:
    """A new bike that is free."""
    bikeid = stage.number()
    assert (await stage.admin.post("/bikes", {"bikeid": bikeid})).status == 201
    return bikeid


def _body(**fields: Any) -> Callable[[Stage, Things], Awaitable[Any]]:
    async def make(stage: Stage, of: Things) -> Any:
        known = {"new": stage.number, "userid": lambda: of.userid, "managerid": lambda: of.managerid}
        found = {name: known[value[1:]]() if str(value).startswith("=") else value for name, value in fields.items()}
        if found.get("bikeid") == "free":
            found["bikeid"] = await _bike(stage)
        return found

    return make


async def _charged(stage: Stage) -> int:
    """The bill of a ride that is over; nobody's whom the table knows."""
    ride = await _made(stage.admin, "/rents", userid=stage.number(), bikeid=await _bike(stage))
    assert (await stage.admin.patch(f"/rents/{ride['rentid']}", {"status": "returned"})).status == 200
    await stage.settle()
    bill = await stage.admin.get(f"/billings/search/findByRentid?rentid={ride['rentid']}")
    return int(bill.json["billid"])


async def _corrected(stage: Stage, of: Things) -> Any:
    """Another balance in place of the one that there is."""
    balance = (await stage.admin.get(f"/userDeposits/{of.userid}")).json["deposit"]
    return {"deposit": balance - 1, "expected": balance}


BODIES: Mapping[str, Callable[[Stage, Things], Awaitable[Any]]] = {
    "POST /rents": _body(userid="=userid", bikeid="free"),
    "PATCH /rents/{rentid}": _body(endlocation="dock"),
    "PUT /rents/{rentid}": _body(endlocation="dock"),
    "POST /bikes": _body(bikeid="=new"),
    "PATCH /bikes/{bikeid}": _body(location="dock"),
    "PUT /bikes/{bikeid}": _body(location="dock"),
    "PUT /bikes/{bikeid}/holds/{holder:str}": _body(reason="brake"),
    "POST /places": _body(name="dock", lat=37.4, lon=127.1),
    "PUT /internal/bikes/{bikeid}/reports/{reportid}": _body(batterylevel=50, usableyn=True),
    "POST /userDeposits": _body(userid="=new", deposit=1),
    "PATCH /userDeposits/{userid}": _corrected,
    "PUT /userDeposits/{userid}": _corrected,
    "POST /userDeposits/{userid}/corrections": _body(amount=1, reason="a test"),
    "POST /userDeposits/{userid}/topUps": _body(amount=1),
    "PUT /userDeposits/{userid}/block": _body(reason="a test"),
    "POST /bikeManagers/{managerid}/corrections": _body(amount=1, reason="a test"),
    "POST /userDeposits/{userid}/payments": _body(amount=1),
    "POST /userDeposits/payments/confirmations": _body(paymentid="made-up", amount=1),
    "POST /bikeManageApps": _body(managerid="=managerid", bikeid="free", batterylevel=50),
    "POST /complaints": _body(userid="=userid", bikeid="free", kind="brake"),
    "POST /bikeManagers": _body(userid="=new", point=0),
    "PUT /bikeManagers/{managerid}": _body(adjustpoint=1),
    "PATCH /bikeManagers/{managerid}": _body(adjustpoint=1),
    "POST /sessions/refresh": _body(refresh_token="bm8gc2Vzc2lvbg"),
    "POST /sessions/end": _body(refresh_token="bm8gc2Vzc2lvbg"),
    "POST /accounts/passwordResets/use": _body(token="bm8gcmVzZXQ", password=PASSWORD),
    "POST /accounts/searches": _body(q="Kim"),
    "PATCH /accounts/{userid}": _body(name="Kim"),
    "POST /accounts/{userid}/password": _body(current=PASSWORD, new=PASSWORD),
    "POST /accounts/{userid}/authenticator/confirmation": _body(code="123456"),
    "POST /accounts/{userid}/contact": _body(contact="another@example.com"),
    "POST /accounts/{userid}/contact/proof": _body(code="12345678"),
    "PUT /accounts/{userid}/roles": _body(roles=["rider"]),
}
FREE_BIKES = ("POST /bikes/{bikeid}/retirement", "PUT /internal/bikes/{bikeid}/reservations/{rentid}")
OF_REPORTING = ("GET /internal/bikes/{bikeid}", "PUT /internal/bikes/{bikeid}/reports/{reportid}")
"""What bikeManageApp asks, not rent."""
FINDERS = {"findByRentid": "rentid", "findByBillid": "billid", "findByUserid": "userid", "findByManagerid": "managerid"}


async def request(stage: Stage, route: str, of: Things) -> Request:
    """Target and body for a route, about somebody's things."""
    _, _, path = route.partition(" ")
    bikeid = await _bike(stage) if route in FREE_BIKES else 1
    numbers = {**of._asdict(), "bikeid": bikeid, "sessionid": "0190-never-was-one", "name": "dock"}
    numbers["holder"] = "staff"
    if route.endswith("/reservations/{rentid}"):
        numbers["rentid"] = stage.number()
    if "/imports" in route:
        return path.format(importid=await stage.imported()), b"bikeid\n1\n" if route.startswith("POST") else None
    if route in ("POST /rents/{rentid}/end", "POST /rents/{rentid}/void"):
        ride = await _made(stage.admin, "/rents", userid=stage.number(), bikeid=await _bike(stage))
        at = {"at": ride["starttime"]} if route.endswith("/end") else {}
        return path.format(**ride), {**at, "reason": "found at the dock"}
    if "/accounts/invitations" in route:
        return await _invitation(stage, route)
    if route == "POST /billings/{billid}/corrections":
        return f"/billings/{await _charged(stage)}/corrections", {"amount": 1, "reason": "a test"}
    if route == "DELETE /bikes/{bikeid}/holds/{holder:str}":
        numbers["bikeid"] = (await _made(stage.admin, "/bikes", bikeid=stage.number(), status="사용중"))["bikeid"]
    target = path.replace(":str", "").replace(":path", "").format_map(numbers)
    finder = target.rpartition("/")[2]
    if route.startswith("GET /rentAndBillingViews/"):
        numbers["bikeid"] = of.bikeid
    if finder == "findByLabel":
        target += "?label=SPB-03001"
    elif finder.startswith("findBy"):
        field = FINDERS.get(finder, "bikeid")
        target += f"?{field}={numbers[field]}"
    if route == "POST /accounts":
        return target, {"name": "Kim", "contact": f"new{stage.number()}@example.com", "password": PASSWORD}
    if route == "POST /accounts/passwordResets":
        return target, {"contact": f"nobody{stage.number()}@example.com"}
    if route == "POST /sessions":
        return target, {"contact": of.contact, "password": PASSWORD}
    return target, await BODIES[route](stage, of) if route in BODIES else None


async def _invitation(stage: Stage, route: str) -> Request:
    """For a contact that nobody has, or about an invitation of one."""
    method, _, path = route.partition(" ")
    wish = {"contact": f"new{stage.number()}@example.com", "roles": ["rider"]}
    if method == "DELETE":
        made = await _made(stage.admin, "/accounts/invitations", **wish)
        return path.format(invitationid=made["invitationid"]), None
    if path.endswith(("/look", "/use")):
        return path, {"token": "bm8gaW52aXRhdGlvbg", "name": "Kim", "password": PASSWORD}
    return path, wish if method == "POST" else None


async def mismatches(stage: Stage, service: str) -> list[str]:
    """Every cell of a service's routes that is not as the table says."""
    found = []
    for route, row in expected(service).items():
        for column, cell in zip(COLUMNS, row.split(), strict=True):
            of = stage.managers if "manager" in column or service == "bike_manager" else stage.riders
            target, body = await request(stage, route, of)
            inside = route in OF_REPORTING
            right, wrong = ("bike_manage_app", "rent") if inside else ("rent", "bike_manage_app")
            client = stage.client(service, column, right=right, wrong=wrong)
            headers = {"idempotency-key": f"k{stage.number()}"}
            reply = await client.send(route.partition(" ")[0], target, body, headers)
            if (is_so := verdict(reply, cell, column, of)) != cell:
                found.append(f"{route} as {column}: {cell} wanted, but {is_so}: {reply.status} {reply.content[:200]!r}")
    return found


def verdict(reply: Reply, wanted: str, column: str, of: Things) -> str:
    """What came of a request, in the words of the table."""
    slug = reply.json["type"].partition("#")[2] if reply.status >= 400 else ""
    if (reply.status, slug) in ((401, "unauthenticated"), (403, "forbidden")) or reply.status == 404:
        return str(reply.status)
    if reply.status >= 500:
        return "failed"
    if reply.status >= 400:
        return "ran"
    return _reach(reply, column, of) if wanted in ("own", "all") else "yes"


def _reach(reply: Reply, column: str, of: Things) -> str:
    """Whose things a list shows. Others have none of their own; the admin sees those of several people."""
    [rows] = reply.json["_embedded"].values()
    whose = {row.get("userid", row.get("managerid")) for row in rows}
    mine = {of.userid, of.managerid}
    if column == "admin":
        return "all" if rows else "none"
    if "other" in column:
        return "all" if whose else "own"
    return "own" if rows and len(whose) == 1 and whose <= mine else "all"
