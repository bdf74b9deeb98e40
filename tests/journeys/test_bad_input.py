"""Bad input is refused with a named reason in the reader's language, and changes nothing in any store."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gbike.run.embedded import Embedded
from tests.journeys.forms import Form
from tests.support import Client, Reply, digest

HUGE = 10**30
GOOD: dict[str, tuple[str, str, dict[str, Any]]] = {
    "rent": ("POST", "/rents", {"userid": 1, "bikeid": 2}),
    "return": ("PATCH", "/rents/1", {"endlocation": "B"}),
    "return by PUT": ("PUT", "/rents/1", {"endlocation": "B"}),
    "bike": ("POST", "/bikes", {"bikeid": 3}),
    "bike change": ("PATCH", "/bikes/2", {"location": "C"}),
    "bike replacement": ("PUT", "/bikes/2", {"location": "C"}),
    "deposit": ("POST", "/userDeposits", {"userid": 2, "deposit": 5}),
    "deposit change": ("PATCH", "/userDeposits/1", {"deposit": 5}),
    "top-up": ("POST", "/userDeposits/1/topUps", {"amount": 5}),
    "manager": ("POST", "/bikeManagers", {"userid": 2}),
    "conversion": ("PUT", "/bikeManagers/1", {"userid": 1, "point": 500, "adjustpoint": 500}),
    "report": ("POST", "/bikeManageApps", {"managerid": 1, "bikeid": 2, "batterylevel": 50, "usableyn": False}),
}
"""A request of each kind that would be accepted; each test spoils one thing."""

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "half an object": (b'{"userid": 1,', 400),
    "no JSON": (b"{bad", 400),
    "NaN": (b'{"deposit": NaN, "userid": NaN}', 400),
    "infinity": (b'{"deposit": Infinity}', 400),
    "a number beyond every type": (b'{"userid": 1e999}', 400),
    "bad UTF-8": (b'{"endlocation": "\xff\xfe"}', 400),
    "half a surrogate pair": (b'{"endlocation": "\\ud800"}', 400),
    "a control character": (b'{"endlocation": "\x01"}', 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400),
    "deep arrays": (b"[" * 30_000 + b"]" * 30_000, 400),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "deeper than a body is": (b'{"a":' * 33 + b"1" + b"}" * 33, 400),
    "two documents": (b"{}{}", 400),
    "an array": (b"[]", 422),
    "a text": (b'"rent"', 422),
    "a number": (b"7", 422),
    "null": (b"null", 422),
    "a megabyte": (b'{"endlocation": "' + b"x" * 1_000_000 + b'"}', 413),
}
VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "rider is text": ("rent", {"userid": "abc"}),
    "rider is missing": ("rent", {"userid": ...}),
    "bike is null": ("rent", {"bikeid": None}),
    "bike is negative": ("rent", {"bikeid": -1}),
    "bike is zero": ("rent", {"bikeid": 0}),
    "bike is huge": ("rent", {"bikeid": HUGE}),
    "bike is huge text": ("rent", {"bikeid": "9" * 400}),
    "bike is a fraction": ("rent", {"bikeid": 1.5}),
    "bike is beyond 2**53": ("rent", {"bikeid": 2**53}),
    "bike is a list": ("rent", {"bikeid": [1]}),
    "bike is true": ("rent", {"bikeid": True}),
    "bike has spaces": ("rent", {"bikeid": " 1"}),
    "bike is in other digits": ("rent", {"bikeid": "١"}),
    "bike is hexadecimal": ("rent", {"bikeid": "0x1"}),
    "bike has underscores": ("rent", {"bikeid": "1_0"}),
    "place is an object": ("return", {"endlocation": {"a": 1}}),
    "place is too long": ("return", {"endlocation": "x" * 256}),
    "place has a zero byte": ("return", {"endlocation": "a\0b"}),
    "latitude is true": ("return", {"lat": True, "lon": 1}),
    "longitude is text": ("return", {"lat": 1, "lon": "east"}),
    "status is unknown": ("bike", {"status": "고장"}),
    "status is a list": ("bike", {"status": ["사용가능"]}),
    "battery is over 100": ("bike", {"batterylevel": 101}),
    "battery is negative": ("bike change", {"batterylevel": -1}),
    "battery is text": ("bike replacement", {"batterylevel": "full"}),
    "bike number is missing": ("bike", {"bikeid": ...}),
    "deposit is negative": ("deposit", {"deposit": -1}),
    "deposit is huge": ("deposit", {"deposit": HUGE}),
    "deposit is a fraction": ("deposit change", {"deposit": 0.5}),
    "top-up is zero": ("top-up", {"amount": 0}),
    "top-up is negative": ("top-up", {"amount": -5}),
    "top-up is missing": ("top-up", {"amount": ...}),
    "points are negative": ("manager", {"point": -1}),
    "manager number is text": ("manager", {"managerid": "one"}),
    "conversion of nothing": ("conversion", {"adjustpoint": 0}),
    "conversion is negative": ("conversion", {"adjustpoint": -500}),
    "report without battery": ("report", {"batterylevel": ...}),
    "report's usableyn is yes": ("report", {"usableyn": "yes"}),
    "report's usableyn is 1": ("report", {"usableyn": 1}),
}
REFUSED: dict[str, tuple[str, str, Any, int]] = {
    "an unknown bike is rented": ("POST", "/rents", {"userid": 1, "bikeid": 777777}, 404),
    "a ridden bike is rented": ("POST", "/rents", {"userid": 1, "bikeid": 1}, 409),
    "an unknown rent is returned": ("PATCH", "/rents/777777", {"endlocation": "B"}, 404),
    "an unknown bike is changed": ("PATCH", "/bikes/777777", {"location": "B"}, 404),
    "an unknown bike is retired": ("POST", "/bikes/777777/retirement", None, 404),
    "a ridden bike is retired": ("POST", "/bikes/1/retirement", None, 409),
    "a bike is let go of that nobody holds": ("DELETE", "/bikes/1/holds/nobody", None, 404),
    "an unknown bike is held": ("PUT", "/bikes/777777/holds/staff", {"reason": "brake"}, 404),
    "a hold without a reason": ("PUT", "/bikes/2/holds/staff", {}, 422),
    "a holder in capitals": ("PUT", "/bikes/2/holds/STAFF", {"reason": "brake"}, 422),
    "an unknown bike comes back": ("DELETE", "/bikes/777777/retirement", None, 404),
    "a bike is registered twice": ("POST", "/bikes", {"bikeid": 1}, 409),
    "a ridden bike is made available": ("PATCH", "/bikes/1", {"status": "사용가능"}, 409),
    "a deposit is opened twice": ("POST", "/userDeposits", {"userid": 1, "deposit": 1}, 409),
    "an unknown deposit is topped up": ("POST", "/userDeposits/777777/topUps", {"amount": 1}, 404),
    "a manager number is taken": ("POST", "/bikeManagers", {"managerid": 1, "userid": 1}, 409),
    "more points than there are": ("PUT", "/bikeManagers/1", {"point": 0, "adjustpoint": 5000}, 409),
    "points that are not left": ("PUT", "/bikeManagers/1", {"point": 3, "adjustpoint": 500}, 409),
    "another rider's points": ("PUT", "/bikeManagers/1", {"userid": 9, "point": 500, "adjustpoint": 500}, 409),
    "a conversion without point or key": ("PUT", "/bikeManagers/1", {"adjustpoint": 500}, 409),
    "an unknown manager is changed": ("PATCH", "/bikeManagers/777777", {"userid": 1}, 404),
    "an unknown bike is reported": (
        "POST",
        "/bikeManageApps",
        {"managerid": 1, "bikeid": 777777, "batterylevel": 1},
        404,
    ),
    "an id is text": ("GET", "/bikes/abc", None, 422),
    "an id is negative": ("GET", "/rents/-1", None, 422),
    "an id is huge": ("GET", "/billings/" + "9" * 300, None, 422),
    "an id ends in a new line": ("GET", "/bikes/1%0A", None, 422),
    "an id is a zero byte": ("GET", "/bikes/%00", None, 422),
    "an id is a path": ("GET", "/bikes/..%2f..%2fetc", None, 404),
    "a finder without its parameter": ("GET", "/bikes/search/findByBikeid", None, 422),
    "a finder with text": ("GET", "/billings/search/findByRentid?rentid=x", None, 422),
    "an unknown finder": ("GET", "/bikes/search/nothing", None, 404),
    "an unknown filter value": ("GET", "/rents?status=lost", None, 422),
    "a bill is written": ("POST", "/billings", {"rentid": 1}, 405),
    "a view row is deleted": ("DELETE", "/rentAndBillingViews/1", None, 405),
    "a rent is deleted": ("DELETE", "/rents/1", None, 405),
    "an unknown method": ("BREW", "/bikes/1", None, 405),
    "an unknown path": ("GET", "/nonsense", None, 404),
    "the inside from outside": ("PUT", "/internal/bikes/2/reservations/9", None, 404),
    "a very long path": ("GET", "/bikes/" + "x" * 9000, None, 422),
    "too many parameters": ("GET", "/bikes?" + "&".join(f"a{i}=1" for i in range(200)), None, 422),
}


@pytest.fixture
async def house(embedded: Embedded, client: Client) -> Embedded:
    """One ride under way, a free bike, a rider with money and a manager with points."""
    for path, body in {
        "/bikes": {"bikeid": 1},
        "/userDeposits": {"userid": 1, "deposit": 10_000},
        "/rents": {"userid": 1, "bikeid": 1},
        "/bikeManagers": {"userid": 1, "point": 1000},
    }.items():
        assert (await client.post(path, body)).status == 201
    assert (await client.post("/bikes", {"bikeid": 2})).status == 201
    await embedded.settle()
    return embedded


def spoiled(body: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body, **change}.items() if value is not ...}


async def refused(house: Embedded, method: str, path: str, body: Any, headers: Mapping[str, str | bytes]) -> Reply:
    """The answer to a request that must be refused, by name, and change nothing."""
    before = await digest(house)
    reply = await Client(house.app).send(method, path, body, headers)
    await house.settle()
    assert 400 <= reply.status < 500, reply
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["type"].startswith("/docs/status-codes#")
    assert all((reply.json["title"], reply.json["detail"], "{" not in reply.json["detail"]))
    after = await digest(house)
    changed = [table for table, value in after.items() if value != before[table]]
    asked_bike = method == "POST" and path in ("/rents", "/bikeManageApps") and reply.status in (404, 409)
    assert not set(changed) - (KEPT_OF_A_REFUSED_WISH if asked_bike else set()), changed
    return reply


KEPT_OF_A_REFUSED_WISH = {
    *(f"rent.{table}" for table in ("rents", "counters", "outbox", "sqlite_sequence")),
    *(f"bike_manage_app.{table}" for table in ("reports", "counters", "sqlite_sequence")),
    *(f"{service}.commits" for service in ("rent", "bike", "bike_manage_app")),
    *("bike.tombstones", "bike.inbox", "bike.positions", "bus.log", "bus.sqlite_sequence"),
}
"""A rent or report that bike refuses is kept as cancelled, so that it can't begin later; it says nothing of money."""


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("body", BODIES)
async def test_a_body_that_is_no_json_object_is_refused_by_every_operation(
    house: Embedded, kind: str, body: str
) -> None:
    method, path, _ = GOOD[kind]
    raw, status = BODIES[body]
    reply = await refused(house, method, path, raw, {"content-type": "application/json"})
    assert reply.status == status, reply


@pytest.mark.parametrize("case", VALUES)
async def test_a_value_that_does_not_fit_is_refused_and_named(house: Embedded, case: str) -> None:
    kind, change = VALUES[case]
    method, path, good = GOOD[kind]
    reply = await refused(house, method, path, spoiled(good, change), {})
    assert reply.status == 422, reply
    assert any(name in reply.json["detail"] for name in change), reply.json


@pytest.mark.parametrize("case", REFUSED)
async def test_what_the_world_does_not_allow_is_refused(house: Embedded, case: str) -> None:
    method, path, body, status = REFUSED[case]
    assert (await refused(house, method, path, body, {})).status == status


SEEN_BY_ENVOY = ("an unknown method", "an id is a zero byte")
"""The gateway refuses these itself, as no HTTP: see tests/gateway."""
BEYOND_WORLDS = {
    name: case for name, case in REFUSED.items() if case[3] in (404, 405, 422) and name not in SEEN_BY_ENVOY
}
"""What is refused whatever there is."""


async def test_all_of_it_is_refused_and_changes_nothing_in_every_form(form: Form) -> None:
    before = await form.digest()
    kinds = [(GOOD[kind], body) for kind in GOOD for body in BODIES]
    wishes = [(f"{kind[:2]} {body}", *kind[:2], *BODIES[body]) for kind, body in kinds]
    wishes += [(name, *GOOD[kind][:2], spoiled(GOOD[kind][2], change), 422) for name, (kind, change) in VALUES.items()]
    wishes += [(name, *case) for name, case in BEYOND_WORLDS.items()]
    answered = {}
    for name, method, path, body, status in wishes:
        reply = await form.client.send(method, path, body)
        if reply.status != status or reply.headers["content-type"] != "application/problem+json":
            answered[name] = reply
    assert answered == {}
    after = await form.digest()
    assert {table for table in after if after[table] != before[table]} <= KEPT_OF_A_REFUSED_WISH
    assert await form.violations() == []


HEADERS: dict[str, tuple[dict[str, str | bytes], int]] = {
    "plain text": ({"content-type": "text/plain"}, 415),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, 415),
    "json-patch": ({"content-type": "application/json-patch+json"}, 415),
    "a content type of bytes": ({"content-type": b"\xff\xfe"}, 415),
    "only XML accepted": ({"accept": "application/xml"}, 406),
    "only pictures accepted": ({"accept": "image/*, text/html;q=0.3"}, 406),
    "JSON refused": ({"accept": "application/json;q=0, application/hal+json;q=0"}, 406),
    "an empty key": ({"idempotency-key": ""}, 422),
    "a key with spaces": ({"idempotency-key": "a b"}, 422),
    "a key that is too long": ({"idempotency-key": "k" * 256}, 422),
    "a key of control characters": ({"idempotency-key": b"a\x01b"}, 422),
    "a key of Korean letters": ({"idempotency-key": "열쇠".encode()}, 422),
    "a length that is a lie": ({"content-length": "9" * 30}, 413),
}


@pytest.mark.parametrize("kind", ["rent", "return", "top-up", "conversion", "bike change"])
@pytest.mark.parametrize("case", HEADERS)
async def test_headers_that_make_no_sense_are_refused(house: Embedded, kind: str, case: str) -> None:
    method, path, body = GOOD[kind]
    headers, status = HEADERS[case]
    assert (await refused(house, method, path, json.dumps(body).encode(), headers)).status == status


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "k"}], ids=["no key", "a key"])
@pytest.mark.parametrize(("media", "status"), [("text/plain", 415), ("application/json", 413)])
async def test_a_type_that_nobody_reads_is_told_before_the_size(
    house: Embedded, media: str, status: int, headers: dict[str, str | bytes]
) -> None:
    for method, path, _ in GOOD.values():
        large = BODIES["a megabyte"][0]
        reply = await refused(house, method, path, large, {"content-type": media, **headers})
        assert reply.status == status, (method, path)


@pytest.mark.parametrize("name", ["host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "forwarded"])
@pytest.mark.parametrize(
    "value",
    [
        "evil.example/<script>",
        "a\r\nSet-Cookie: b=c",
        "a b",
        "user:pw@evil",
        "http://x",
        "",
        "열쇠",
        "\x00",
        "a" * 5000,
    ],
)
async def test_an_address_that_is_none_never_comes_back_in_links_or_headers(
    client: Client, name: str, value: str
) -> None:
    reply = await client.send("POST", "/bikes", {"bikeid": 5}, {name: value})
    assert reply.status == 201
    for link in (reply.headers["location"], reply.json["_links"]["self"]["href"]):
        assert link in ("/bikes/5", "http://localhost:8088/bikes/5"), link
    assert not any("\r" in given or "\n" in given for given in reply.headers.values())


@pytest.mark.parametrize(
    "value", ["a\r\nb: c", "x" * 5000, "\x00", "열쇠", "", "{}", "'; DROP TABLE rents; --", "<script>"]
)
async def test_a_request_id_that_is_none_is_replaced(client: Client, value: str) -> None:
    reply = await client.send("GET", "/bikes", headers={"x-request-id": value, "traceparent": value})
    assert reply.status == 200
    assert reply.headers["x-request-id"].isprintable()
    assert len(reply.headers["x-request-id"]) <= 128
    assert reply.headers["traceparent"].count("-") == 3


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "page=x",
        "page=99999999999999999999",
        "size=0",
        "size=x",
        "size=9999999",
        "sort=,",
        "sort=;--,desc",
        "sort=bikeid,sideways",
        "page=%00",
        "size=%ff",
        "sort=" + "a," * 900,
        "page=1&page=2",
    ],
)
async def test_paging_that_makes_no_sense_falls_back_to_the_usual(house: Embedded, client: Client, query: str) -> None:
    for path in ("/bikes", "/rents", "/billings", "/userDeposits", "/rentAndBillingViews", "/userDeposits/1/entries"):
        reply = await client.get(f"{path}?{query}")
        assert reply.status == 200, (path, reply)
        assert 1 <= reply.json["page"]["size"] <= 1000


async def test_a_name_given_twice_counts_once_and_the_answer_says_how(client: Client) -> None:
    reply = await client.send(
        "POST", "/userDeposits", b'{"userid": 1, "deposit": 5, "deposit": 7}', {"content-type": "application/json"}
    )
    shown = await client.get("/userDeposits/1")
    assert (reply.status, reply.json["deposit"], shown.json["deposit"]) == (201, 7, 7)


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en, ko;q=0.5", "en"),
        ("fr, ko;q=0.2", "ko"),
        ("de", "en"),
        ("ko;q=x, en;q=nan", "en"),
        ("ko;q=0", "en"),
        ("*" * 3000, "en"),
        ("", "en"),
    ],
)
async def test_a_refusal_speaks_the_language_that_was_asked_for(
    client: Client, accept_language: str, language: str
) -> None:
    reply = await client.send("POST", "/rents", {"userid": 1, "bikeid": 77}, {"accept-language": accept_language})
    korean = reply.json["detail"] == "77번 자전거는 없어요."
    assert (reply.status, reply.headers["content-language"], korean) == (404, language, language == "ko")
