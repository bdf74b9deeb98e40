"""A named test for each risk of the OWASP API Security Top 10 (2023). What they are here: docs/guide/security.md."""

import re
from collections.abc import AsyncIterator

import msgspec
import pytest

from gbike.gateway.settings import GatewaySettings, origins
from gbike.kit.auth.addresses import Proxies
from gbike.kit.http.openapi import document
from gbike.kit.http.protection import PAGE_POLICY, POLICY
from gbike.kit.http.request import MAX_BODY
from gbike.kit.settings import BadSetting
from gbike.run.embedded import Embedded
from gbike.run.event_map import build_all
from tests.security.people import UNLIMITED, As, Locked, by_hand
from tests.support import EVERY_RIDE_COSTS, digest

NEVER_WRITTEN = {
    "rents": {"rentid", "starttime", "endtime"},
    "userDeposits": {"billid", "registered", "version", "blocked", "mayrent", "since"},
    "billings": {"billid", "rentid", "userid", "fee", "status", "tariff", "refunded", "by", "at"},
    "bikeManagers": {"entries"},
    "bikes": {"rentid", "version", "held", "broken", "retired", "point", "noposition"},
    "places": {"by", "bikes", "noposition"},
    "bikeManageApps": {"status", "points", "why", "at"},
    "complaints": {"complaintid", "at", "takenout"},
    "accounts": {"userid", "erased", "created"},
    "sessions": {"userid", "roles"},
}


@pytest.fixture
async def town() -> AsyncIterator[Locked]:
    """Two riders, the first of whom rides; one of the field staff."""
    locked = Locked(EVERY_RIDE_COSTS)
    for bikeid in (1, 2):
        assert (await locked.admin.post("/bikes", {"bikeid": bikeid, "batterylevel": 50})).status == 201
    assert (await locked.admin.post("/userDeposits", {"userid": 7, "deposit": 5_000})).status == 201
    assert (await locked.admin.post("/bikeManagers", {"managerid": 3, "userid": 8, "point": 2_000})).status == 201
    assert (await rider(locked).post("/rents", {"userid": 7, "bikeid": 1})).status == 201
    await locked.whole.settle()
    yield locked
    await locked.whole.stop()


def rider(locked: Locked, userid: int = 7) -> As:
    """A rider's client."""
    return locked.person(userid, "rider")


async def test_api1_broken_object_level_authorization(town: Locked) -> None:
    """Another's object looks just like none at all, and no list, search or total tells of it."""
    other = rider(town, 9)
    for path in ("/rents/{}", "/billings/{}", "/rentAndBillingViews/{}", "/billings/search/findByRentid?rentid={}"):
        assert (await rider(town).get(path.format(1))).status == 200
        theirs, nobodys = await other.get(path.format(1)), await other.get(path.format(999))
        told = [{**reply.json, "correlation_id": "", "instance": ""} for reply in (theirs, nobodys)]
        assert (theirs.status, nobodys.status) == (404, 404)
        assert str(told[0]).replace("999", "1") == str(told[1]).replace("999", "1")
    for path in ("/rents", "/rents?status=rented", "/billings?sort=fee,desc", "/userDeposits", "/rentAndBillingViews"):
        assert (await other.get(path)).json["page"]["totalElements"] == 0
    found = await other.get("/rentAndBillingViews/search/findByUserid?userid=7")
    assert (found.status, found.json["page"]["totalElements"]) == (200, 0)


async def test_api2_broken_authentication(town: Locked) -> None:
    """A token that is not exactly right is none; test_tokens.py has every way to be wrong."""
    claims = town.issuer.claims(900, "admin")
    bad = {
        "nothing": None, "alg=none": by_hand({"alg": "none", "typ": "at+jwt", "kid": "tests"}, claims),
        "wrong audience": town.issuer.token(900, "admin", aud="elsewhere"),
        "expired": town.issuer.token(900, "admin", iat=1_000, exp=1_600),
        "an id token": town.issuer.sign(claims, {"typ": "JWT"}),
        "a service's": town.service("rent", "bike"), "garbage": "x.y.z",
    }  # fmt: skip
    before = await digest(town.whole)
    for name, token in bad.items():
        reply = await As(town.whole.app, token).post("/userDeposits", {"userid": 5, "deposit": 1})
        assert reply.status == 401, name
        assert reply.headers["www-authenticate"].startswith("Bearer")
    for scheme in ("Basic OTAwOmFkbWlu", "Token abc", "Bearer", "bearer ", ""):
        reply = await As(town.whole.app, None).send("GET", "/rents", headers={"authorization": scheme})
        assert reply.status == 401, scheme
    assert (await town.anonymous.get(f"/rents?access_token={town.admin.token}")).status == 401
    assert await digest(town.whole) == before


async def test_api3_broken_object_property_level_authorization(town: Locked) -> None:
    """What the server owns is no field of what is sent, and of a bike all see the same: its battery, but not who
    rides it; only staff see when somebody last stood at it, and until when it is meant to be out of service."""
    for one in build_all():
        for operation in one.public:
            if operation.takes is not None:
                fields = {field.encode_name for field in msgspec.structs.fields(operation.takes)}
                assert not fields & NEVER_WRITTEN[operation.path.split("/")[1]], operation.path
    ridden = (await rider(town).get("/bikes/1")).json
    assert (ridden["status"], ridden["batterylevel"]) == ("사용중", 50)
    fields = {
        "bikeid",
        "label",
        "status",
        "location",
        "offered",
        "batterylevel",
        "lat",
        "lon",
        "point",
        "noposition",
        "lastseen",
    }
    assert set(ridden) == fields | {"retired", "held", "due", "_links"}
    assert (ridden["lastseen"], ridden["held"], ridden["due"]) == (None, False, None)
    assert (await rider(town, 9).get("/bikes/1")).json == ridden
    for staff in (town.person(8, "bikeManager", managerid=3), town.admin):
        seen = (await staff.get("/bikes/1")).json
        assert seen["lastseen"] is not None
        assert seen == {**ridden, "lastseen": seen["lastseen"]}
    repair = {"reason": "a flat tyre", "due": "2099-01-01T00:00:00.000Z"}
    assert (await town.admin.put("/bikes/2/holds/staff", repair)).status == 200
    told = [(await one.get("/bikes/2")).json["due"] for one in (rider(town), town.person(8, "bikeManager"), town.admin)]
    assert told == [None, repair["due"], repair["due"]]
    assert (await rider(town).get("/bikes?due=past")).status == 403
    for who, sorts in ((rider(town), False), (town.admin, True)):
        up, down = [
            [bike["bikeid"] for bike in (await who.get(f"/bikes?sort=lastseen,{way}")).json["_embedded"]["bikes"]]
            for way in ("asc", "desc")
        ]
        assert (up == down[::-1]) is sorts
    assert (await rider(town).get("/bikes/2/holds")).status == 403
    fleet = (await rider(town, 9).get("/bikes")).json["_embedded"]["bikes"]
    assert [(bike["bikeid"], bike["batterylevel"]) for bike in fleet] == [(1, 50), (2, 50)]
    assert (await town.anonymous.get("/bikes/1")).json == ridden


async def test_api4_unrestricted_resource_consumption(town: Locked) -> None:
    """Bodies, pages, queries and paces have their most; test_limits.py has the rest."""
    assert (await rider(town).post("/rents", b" " * (MAX_BODY + 1))).status == 413
    assert (await rider(town).get("/rents?size=1000000")).json["page"]["size"] == 1_000
    assert (await rider(town).get("/rents?" + "a=1&" * 500)).status == 422
    paced = Locked({**UNLIMITED, "GBIKE_LIMIT_READS_PER_MIN": "5"})
    statuses = [(await rider(paced).get("/bikes")).status for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    await paced.whole.stop()


async def test_api5_broken_function_level_authorization(town: Locked) -> None:
    """What is an admin's or a service's is nobody else's; test_matrix.py asks every route."""
    for method, path, body in (
        ("POST", "/bikes", {"bikeid": 9}), ("POST", "/userDeposits/7/topUps", {"amount": 1}),
        ("PUT", "/accounts/7/roles", {"roles": ["admin"]}), ("GET", "/accounts", None), ("GET", "/metrics", None),
    ):  # fmt: skip
        assert (await rider(town).send(method, path, body)).status == 403
        assert (await town.person(8, "bikeManager", managerid=3).send(method, path, body)).status == 403
    inside = "/internal/bikes/2/reservations/5"
    assert (await town.admin.put(inside, None)).status == 404, "the gateway does not route it"
    assert (await town.alone("bike", town.admin.token).put(inside, None)).status == 403
    assert (await town.alone("bike", town.service("bike_manage_app", "bike")).put(inside, None)).status == 403
    assert (await town.alone("bike", town.service("rent", "bike")).put(inside, None)).status == 200


async def test_api6_unrestricted_access_to_sensitive_business_flows(town: Locked) -> None:
    """One report is paid once, points become money once, and rents have a pace."""
    manager = town.person(8, "rider", "bikeManager", managerid=3)
    report = {"managerid": 3, "bikeid": 2, "batterylevel": 40, "reportid": 77}
    assert {(await manager.post("/bikeManageApps", report)).status for _ in range(5)} == {201}
    await town.whole.settle()
    assert (await manager.get("/bikeManagers/3")).json["point"] == 3_000
    wish = {"userid": 8, "point": 2_000, "adjustpoint": 1_000}
    assert {(await manager.put("/bikeManagers/3", wish)).status for _ in range(5)} == {200}
    await town.whole.settle()
    assert (await town.person(8, "rider").get("/userDeposits/8")).json["deposit"] == 1_000
    paced = Locked({**UNLIMITED, "GBIKE_LIMIT_RENTS_PER_MIN": "10"})
    statuses = [(await rider(paced).post("/rents", {"userid": 7, "bikeid": n})).status for n in range(1, 12)]
    assert [status == 429 for status in statuses] == [False] * 10 + [True]
    await paced.whole.stop()


def test_api7_server_side_request_forgery() -> None:
    """No address comes from a request; where a setting names one, it is https and not the clouds' inner ones."""
    for one in build_all():
        for operation in one.public:
            fields = msgspec.structs.fields(operation.takes) if operation.takes else ()
            assert not [f.name for f in fields if "url" in f.name.lower() or "uri" in f.name.lower()], operation.path
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "gopher://x/", "http://10.0.0.1/jwks", "//x/y"):
        with pytest.raises(BadSetting):
            Embedded(None, {"GBIKE_OUTSIDE_ISSUERS": f"https://id.example={url}"}, secure=True)


async def test_api8_security_misconfiguration(town: Locked) -> None:
    """Closed by default, headers on every answer, no inside of ours in any, and no origin that was not listed."""
    for client, path in ((town.anonymous, "/rents"), (rider(town), "/rents"), (town.anonymous, "/nowhere"),
                         (town.anonymous, "/health/live"), (town.anonymous, "/docs")):  # fmt: skip
        reply = await client.get(path)
        policy = PAGE_POLICY if path == "/docs" else POLICY
        assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert (reply.headers["content-security-policy"], reply.headers["referrer-policy"]) == (policy, "no-referrer")
        assert ("cache-control" in reply.headers) is (path == "/rents")
        assert not {"server", "x-powered-by", "x-gbike-mode", "access-control-allow-origin"} & set(reply.headers)
    page = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for method in ("GET", "OPTIONS"):
        assert "access-control-allow-origin" not in (await rider(town).send(method, "/rents", headers=page)).headers
    listed = Locked({**UNLIMITED, "GBIKE_GATEWAY_ORIGINS": "https://bikes.example"})
    for origin, allowed in (("https://bikes.example", "https://bikes.example"), ("https://evil.example", None)):
        reply = await rider(listed).send("GET", "/bikes", headers={"origin": origin})
        assert reply.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in reply.headers
    await listed.whole.stop()
    for wrong in ("*", "https://*.example", "bikes.example", "null"):
        with pytest.raises(BadSetting):
            origins(GatewaySettings(gateway_origins=wrong))
    assert not Proxies("").trusts("127.0.0.1")


def test_api9_improper_inventory_management() -> None:
    """What is routed and not hidden is what is described, and what is described needs what it says it needs."""
    for one in build_all():
        described = document(one.spec.name, one.service.operations)["paths"]
        routed = {
            (re.sub(r":\w+}", "}", operation.path), operation.method.lower()): operation for operation in one.public
        }
        assert {(path, method) for path, methods in described.items() for method in methods} == set(routed)
        for (path, method), operation in routed.items():
            assert ("security" in described[path][method]) is not operation.rule.public, path
        for operation in one.service.operations:
            assert operation.path.startswith((*one.spec.routed, "/internal/")), operation.path


async def test_api10_unsafe_consumption_of_apis(town: Locked) -> None:
    """What a peer answers is read by type; tests of peers, of events and of key sets have the ways to be wrong.
    Here: a service that shows a true token still can't ask for more than its rule, nor send nonsense."""
    rent = town.alone("bike", town.service("rent", "bike"))
    assert (await rent.put("/internal/bikes/x/reservations/1", None)).status == 422
    assert (await rent.put("/internal/bikes/1/reservations/-1", None)).status == 422
    assert (await rent.get("/bikes/1")).status == 403
    reports = town.alone("bike", town.service("bike_manage_app", "bike"))
    before = await digest(town.whole)
    for body in (b"", b"{", b"[]", {"batterylevel": "low"}, {"batterylevel": 5_000}, {"usableyn": True}):
        assert (await reports.put("/internal/bikes/1/reports/9", body)).status in (400, 422), body
    assert await digest(town.whole) == before
