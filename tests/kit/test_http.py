"""What a client may send and how it is read: bodies, numbers, pages, headers, languages."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.kit.auth.rules import PUBLIC
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.fields import Amount, Id, Latitude, Longitude, Percent, Text, plain_fields, read_body
from gbike.kit.http.lists import collection
from gbike.kit.http.problems import Problem, preferred_language
from gbike.kit.http.request import Request, ResourceKind, Response, item
from gbike.kit.numbers import MAX_ID
from gbike.kit.storage.listing import Page
from gbike.kit.store import StoreUnavailable
from gbike.kit.telemetry import Metrics
from tests.described import undescribed
from tests.services.lone import examples


class Wish(msgspec.Struct, frozen=True):
    """One field of each kind."""

    id: Id
    amount: Amount = 1
    percent: Percent | None = None
    usable: bool | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    place: Text | None = None


def read(**given: Any) -> Wish:
    """The body as a wish."""
    return read_body(json.dumps({"id": 1, **given}).encode(), Wish)


@pytest.mark.parametrize(
    ("field", "sent", "value"),
    [
        ("id", "1", 1), ("id", 7.0, 7), ("id", str(MAX_ID), MAX_ID), ("amount", "1000", 1000),
        ("percent", "0", 0), ("percent", "100", 100), ("percent", "", None), ("percent", None, None),
        ("usable", "true", True), ("usable", "false", False), ("usable", "", None), ("usable", False, False),
        ("lat", "37.36", 37.36), ("lat", "-90", -90.0), ("lon", "180", 180.0), ("lon", "-179.5", -179.5),
        ("lat", 37, 37),
        ("place", "분당_정자역_1구역", "분당_정자역_1구역"), ("place", "", ""),
    ],
)  # fmt: skip
def test_a_value_may_be_sent_as_itself_or_as_its_plain_text(field: str, sent: Any, value: Any) -> None:
    assert getattr(read(**{field: sent}), field) == value


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("id", "0"), ("id", 0), ("id", -1), ("id", "01"), ("id", "1.0"), ("id", 1.5), ("id", " 1"), ("id", "１"),
        ("id", "1e3"),
        ("id", MAX_ID + 1), ("id", str(MAX_ID + 1)), ("id", "9" * 400), ("id", None), ("id", ""), ("id", True),
        ("id", [1]),
        ("amount", "0"), ("amount", "-5"), ("amount", 10**13), ("amount", None), ("amount", "+1"),
        ("percent", "101"), ("percent", 101), ("percent", "-1"), ("percent", "full"), ("percent", {}),
        ("usable", "yes"), ("usable", "TRUE"), ("usable", 1), ("usable", "1"), ("lat", "90.1"), ("lat", "nan"),
        ("lat", "inf"),
        ("lon", "181"), ("lon", -180.5), ("place", 5), ("place", "x" * 256), ("place", "a\x00b"), ("place", ["x"]),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_a_422_that_names_its_field(field: str, sent: Any) -> None:
    with pytest.raises(Problem) as refused:
        read(**{field: sent})
    assert refused.value.type.status == 422
    assert refused.value.facts["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("raw", "why", "why_ko"),
    [
        (b'{"id":1,"lat":"37.12345678901"}', "lat: '37.12345678901' must", "lat: '37.12345678901': -90"),
        (b'{"id":1,"lat":"37.12345678901"}', "to 90; as text with at most 10 decimals", "소수점 아래 10자리까지"),
        (b'{"id":1,"lon":"1e1"}', "from -180 to 180; as text with at most 10 decimals and no", "지수 표기 없이"),
        (b'{"id":1,"lat":1e400}', "lat: 1e400 must be a number from -90 to 90", "lat: 1e400: -90에서 90까지의 숫자"),
        (b'{"id":1,"lat":"NaN"}', "lat: 'NaN' must be a number", "lat: 'NaN': -90에서"),
        (b'{"id":1,"lat":NaN}', "lat: NaN is no number in JSON", "JSON의 숫자가 아니에요"),
        (b'{"id":1,"lat":-Infinity}', "lat: Infinity is no number in JSON", "JSON의 숫자가 아니에요"),
        (b'{"id":1,"lat":91}', "lat: 91 must be a number from -90 to 90", "lat: 91: -90에서 90까지의 숫자"),
        (b'{"id":"1e3"}', "id: '1e3' must be a whole number from 1 to 9007199254740991", "정수여야 해요"),
        (b'{"id":%d}' % 10**30, "must be a whole number from 1 to 9007199254740991", "9007199254740991까지의 정수"),
        (b'{"id":%b}' % (b"9" * 5000), f"id: {'9' * 40} must be a whole number from 1", "까지의 정수"),
        (b'{"id":"%b"}' % (b"9" * 23), "must be a whole number from 1 to 9007199254740991", "까지의 정수"),
        (b'{"id":1.5}', "id: 1.5 must be a whole number", "id: 1.5: 1에서"),
        (b'{"id":1,"usable":"yes"}', "usable: 'yes' must be true or false", "true 또는 false"),
    ],
)  # fmt: skip
def test_a_number_that_is_refused_says_the_rule_in_both_languages(raw: bytes, why: str, why_ko: str) -> None:
    with pytest.raises(Problem) as refused:
        read_body(raw, Wish)
    assert why in refused.value.body("en", "/")["detail"]
    assert why_ko in refused.value.body("ko", "/")["detail"]


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"{'id': 1}", b'{"id": NaN}', b"[" * 5000, b'{"id":1}x'])
def test_what_is_no_json_is_a_400(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_body(raw, Wish)
    assert refused.value.type.status == 400


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"id"', b"{}"])
def test_json_that_is_no_such_object_is_a_422(raw: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_body(raw, Wish)
    assert refused.value.type.status == 422


@examples(400)
@given(st.integers(0, 10**20))
def test_the_texts_of_a_number_are_exactly_those_of_the_numbers_that_fit(number: int) -> None:
    pattern = plain_fields(Wish)["percent"].pattern
    assert bool(re.fullmatch(pattern, str(number))) is (number <= 100)
    if re.fullmatch(plain_fields(Wish)["id"].pattern, str(number)):
        assert number <= 9_999_999_999_999_999


def test_fields_nobody_asked_for_are_ignored() -> None:
    assert read(status="RETURNED", fee=0, starttime="now") == Wish(1)


async def everything(request: Request) -> Response:
    """Answers what it saw."""
    page = request.page()
    return Response(200, {"page": page.number, "size": page.size, "sort": page.sort, "base": request.base})


async def take(request: Request) -> Response:
    wish = await request.body(Wish)
    return Response(201, {"id": wish.id})


async def fail(request: Request) -> Response:
    raise {"store": StoreUnavailable("full"), "bug": KeyError("x")}[request.path_params["how"]]


APP = HttpApp(
    "test",
    [
        Operation("GET", "/things", everything, "List", PUBLIC),
        Operation("POST", "/things", take, "Make", PUBLIC, takes=Wish),
        Operation("GET", "/fail/{how}", fail, "Fail", PUBLIC),
    ],
    {},
    Metrics(),
    NO_AUTH,
)


async def ask(method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, Any, dict[str, str]]:
    """The answer of the little application."""
    path, _, query = target.partition("?")
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def keep(message: Any) -> None:
            sent.append(message)
            await send(message)

        await APP({**scope, "query_string": query.encode()}, receive, keep)

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await call_asgi(app, method, path, body, named)
    seen = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return answer.status, json.loads(answer.body) if answer.body else None, seen


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ("", 0, 20), ("page=2&size=5", 2, 5), ("size=0", 0, 20), ("size=-1", 0, 20), ("size=abc", 0, 20),
        ("page=-1", 0, 20),
        ("size=2000", 0, 1000), ("page=99999999999", 0, 20), ("page=", 0, 20), ("size=5&size=6", 0, 5),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_of_a_page_is_its_default(query: str, page: int, size: int) -> None:
    _, seen, _ = await ask("GET", f"/things?{query}")
    assert (seen["page"], seen["size"]) == (page, size)


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        ("sort=a", [["a", False]]), ("sort=a,desc", [["a", True]]), ("sort=a,DESC&sort=b", [["a", True], ["b", False]]),
        ("sort=a,b,desc", [["a", True], ["b", True]]), ("sort=desc", []), ("sort=,", []),
    ],
)  # fmt: skip
async def test_a_page_may_be_sorted_by_several_fields(query: str, sort: list[Any]) -> None:
    assert (await ask("GET", f"/things?{query}"))[1]["sort"] == sort


async def test_too_many_parameters_are_never_our_mistake() -> None:
    status, _, _ = await ask("GET", "/things?" + "a=1&" * 500)
    assert status < 500


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "slug"),
    [
        ("GET", "/nowhere", b"", {}, 404, "not-found"),
        ("DELETE", "/things", b"", {}, 405, "method-not-allowed"),
        ("GET", "/things", b"", {"accept": "application/xml"}, 406, "not-acceptable"),
        ("POST", "/things", b'{"id":1}', {"accept": "text/html"}, 406, "not-acceptable"),
        ("POST", "/things", b"{", {}, 400, "malformed-body"),
        ("POST", "/things", b"", {}, 400, "malformed-body"),
        ("POST", "/things", b'{"id":0}', {}, 422, "invalid-request"),
        ("POST", "/things", b" " * 70_000, {}, 413, "body-too-large"),
        ("GET", "/fail/store", b"", {}, 503, "store-unavailable"),
        ("GET", "/fail/bug", b"", {}, 500, "internal-error"),
    ],
)
async def test_every_refusal_is_a_problem_with_its_name_and_its_request(
    method: str, path: str, body: bytes, headers: dict[str, str], *, status: int, slug: str
) -> None:
    got, problem, seen = await ask(method, path, body, x_request_id="ride-77", **headers)
    assert (got, problem["status"], problem["type"].partition("#")[2]) == (status, status, slug)
    assert seen["content-type"] == "application/problem+json"
    assert (problem["correlation_id"], seen["x-request-id"], problem["instance"]) == ("ride-77", "ride-77", path)
    assert ("retry-after" in seen) is (status == 503)
    assert status != 405 or seen["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_a_trailing_slash_head_and_options_are_answered() -> None:
    assert (await ask("GET", "/things/"))[0] == 200
    status, body, seen = await ask("HEAD", "/things")
    assert (status, body) == (200, None)
    assert int(seen["content-length"]) > 0
    assert (await ask("OPTIONS", "/things"))[2]["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"), ("ko", "ko"), ("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-US,ko;q=0.5", "en"), ("fr", "en"),
        ("en;q=0.1, ko;q=0.2", "ko"), ("ko;q=zero", "en"), ("*", "en"),
    ],
)  # fmt: skip
async def test_a_refusal_is_in_the_language_that_was_asked_for(accept: str, language: str) -> None:
    assert preferred_language(accept) == language
    _, problem, seen = await ask("GET", "/nowhere", accept_language=accept)
    assert seen["content-language"] == language
    assert problem["title"] == {"ko": "찾을 수 없음", "en": "Not found"}[language]


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://peer"),
        ({"x_forwarded_proto": "https", "x_forwarded_host": "bike.example"}, "https://bike.example"),
        ({"x_forwarded_proto": "https, http"}, "https://peer"),
        ({"x_forwarded_proto": " HTTPS,http "}, "https://peer"),
        ({"x_forwarded_host": "bike.example, inner"}, "http://bike.example"),
        ({"x_forwarded_host": "evil/<script>"}, ""),
        ({"x_forwarded_proto": "javascript"}, "http://peer"),
    ],
)
async def test_links_name_the_address_that_the_client_used(headers: dict[str, str], base: str) -> None:
    assert (await ask("GET", "/things", **headers))[1]["base"] == base


class Thing(msgspec.Struct, frozen=True):
    """A resource."""

    thingid: int
    name: str | None


THINGS = ResourceKind("things", "thing", "thingid", (("findByName", "name"),))


def test_an_item_has_its_fields_and_two_links() -> None:
    link = {"href": "http://h/things/7"}
    assert item(THINGS, "http://h", Thing(7, None)) == {
        "thingid": 7,
        "name": None,
        "_links": {"self": link, "thing": link},
    }


@pytest.mark.parametrize(
    ("number", "total", "links"),
    [
        (0, 0, {"self", "search"}),
        (0, 2, {"self", "search"}),
        (0, 5, {"first", "self", "next", "last", "search"}),
        (1, 5, {"first", "prev", "self", "next", "last", "search"}),
        (2, 5, {"first", "prev", "self", "last", "search"}),
        (9, 5, {"first", "prev", "self", "last", "search"}),
    ],
)
def test_a_page_links_to_the_pages_around_it(number: int, total: int, links: set[str]) -> None:
    shown = collection(THINGS, "http://h", [], Page(number, 2, given=(("page", str(number)), ("size", "2"))), total)
    assert set(shown["_links"]) == links
    assert shown["page"] == {"size": 2, "totalElements": total, "totalPages": -(-total // 2), "number": number}
    if "prev" in links:
        assert shown["_links"]["prev"]["href"] == f"http://h/things?page={number - 1}&size=2"


async def test_an_answer_that_its_operation_does_not_describe_is_seen() -> None:
    found: list[str] = []
    HttpApp.watching.append(lambda operation, answer: found.extend(undescribed(operation, answer)))
    try:
        await ask("POST", "/things", b'{"id": 1}')
        await ask("GET", "/things?" + "&".join(["a=1"] * 60))
        await ask("GET", "/fail/store")
    finally:
        HttpApp.watching.pop()
    assert found == ["POST /things: 201", "GET /things: invalid-request"]
