"""What Envoy lets in: nothing internal, nothing too large, nothing that pretends; and what it writes down."""

import socket

import pytest

from gbike.kit.http.request import MAX_BODY
from tests.gateway.conftest import Stubs
from tests.gateway.test_faults import problem

TRICKS = [
    *("/internal", "/internal/", "/internal/bikes/1/reservations/1", "//internal/x", "/./internal/x", "/%69nternal/x"),
    *(
        "/rents/../internal/x",
        "/rents/..%2finternal/x",
        "/rents/%2e%2e/internal/x",
        "/rents%2F..%2Finternal",
        "/%2Finternal",
    ),
    *(
        "/rents/..;/internal/x",
        "/internal;x/y",
        "/rents\\..\\internal\\x",
        "/rents/%5c..%5cinternal",
        "/rents//../..//internal/x",
    ),
    *(
        "/rents/%252e%252e/internal/x",
        "/INTERNAL/x",
        "/rents/./../internal/x?/rents",
        "http://elsewhere.example/internal/x",
    ),
]


@pytest.mark.parametrize("target", TRICKS)
def test_nothing_internal_is_behind_the_public_door(stubs: Stubs, target: str) -> None:
    before = len(stubs.there.asked)
    answer = stubs.envoy.ask("GET", target)
    for _, seen in stubs.there.asked[before:]:
        # What reaches a service is below its own path and holds no way out of it.
        assert seen.startswith("/rents/")
        assert "/../" not in seen.replace("%2f", "/").replace("\\", "/")
    if not stubs.there.asked[before:]:
        problem(answer, 404, "not-found")


def test_a_path_below_no_segment_border_is_nobodys(stubs: Stubs) -> None:
    assert stubs.envoy.ask("GET", "/rents?x=1").json["target"] == "/rents?x=1"
    assert stubs.envoy.ask("GET", "/rents/1?x=%ED%95%9C&x=/../y").json["target"] == "/rents/1?x=%ED%95%9C&x=/../y"
    problem(stubs.envoy.ask("GET", "/rentsfoo"), 404, "not-found")


def test_an_alias_reaches_the_service_under_its_proper_name(stubs: Stubs) -> None:
    seen = stubs.envoy.ask("GET", "/rentandbillingviews/1?a=b").json["target"]
    assert seen == "/rentAndBillingViews/1?a=b"
    assert stubs.envoy.ask("GET", "/rentAndBillingView").json["target"] == "/rentAndBillingViews"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_has_the_services_own_limit(stubs: Stubs, chunked: bool) -> None:
    assert stubs.envoy.ask("POST", "/rents/echo", b"x" * MAX_BODY).json["length"] == MAX_BODY
    before = len(stubs.there.asked)
    raw = b"x" * (MAX_BODY + 1)
    if chunked:
        head = "POST /rents/echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        printed = spoken(stubs, head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(raw), raw))
        assert printed.startswith(b"HTTP/1.1 413 ")
    else:
        answer = stubs.envoy.ask("POST", "/rents/echo", raw)
        problem(answer, 413, "body-too-large")
        assert answer.json["most_bytes"] == MAX_BODY
    assert len(stubs.there.asked) == before


@pytest.mark.parametrize("headers", [{"x-long": "a" * 40_000}, {f"x-{number}": "1" for number in range(120)}])
def test_headers_have_a_limit(stubs: Stubs, headers: dict[str, str]) -> None:
    answer = stubs.envoy.ask("GET", "/rents/echo", headers=headers)
    assert (answer.status, answer.json["type"]) == (431, "/docs/status-codes#headers-too-large")
    assert answer.headers["x-gbike-mode"] == "demo"


def test_what_is_no_http_is_refused_as_a_problem(stubs: Stubs) -> None:
    printed = spoken(stubs, b"GET /rents SMTP/1.1\r\n\r\n")
    assert printed.startswith(b"HTTP/1.1 400 ")
    assert b"/docs/status-codes#bad-request" in printed


def test_an_old_client_is_served(stubs: Stubs) -> None:
    assert spoken(stubs, b"GET /rents/echo HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.")


def test_a_request_id_is_taken_over_when_it_is_sane_and_made_when_not(stubs: Stubs) -> None:
    for sent, taken in (("ride-77/a", True), ("no spaces", False), ("x" * 129, False), ("<script>", False)):
        answer = stubs.envoy.ask("GET", "/rents/echo", headers={"x-request-id": sent})
        given = answer.json["headers"]["x-request-id"]
        assert answer.headers["x-request-id"] == given
        assert (given == sent) is taken
    assert len({stubs.envoy.ask("GET", "/nothing").headers["x-request-id"] for _ in range(5)}) == 5


def test_a_client_does_not_say_which_address_it_used(stubs: Stubs) -> None:
    lies = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "host": "bikes.example"}
    seen = stubs.envoy.ask("GET", "/rents/echo", headers=lies).json["headers"]
    assert "x-forwarded-host" not in seen
    assert (seen["host"], seen["x-forwarded-proto"]) == ("bikes.example", "http")


def test_a_known_proxy_says_which_address_the_client_used(secure: Stubs) -> None:
    printed = {"x-forwarded-host": "bikes.example", "x-forwarded-proto": "https"}
    seen = secure.envoy.ask("GET", "/rents/echo", headers=printed).json["headers"]
    assert (seen["x-forwarded-host"], seen["x-forwarded-proto"]) == ("bikes.example", "https")
    links = secure.envoy.ask("GET", "/", headers=printed).json["_links"]
    assert links["rents"]["href"] == "https://bikes.example/rents"


def test_only_listed_origins_may_call_outside_the_demo(secure: Stubs) -> None:
    asked = {"access-control-request-method": "POST"}
    for origin, may in (("https://app.example", True), ("https://staff.example", True), ("https://appXexample", False)):
        preflight = secure.envoy.ask("OPTIONS", "/rents/echo", headers={**asked, "origin": origin})
        answer = secure.envoy.ask("GET", "/health/live", headers={"origin": origin})
        for reply in (preflight, answer):
            assert reply.headers.get("access-control-allow-origin") == (origin if may else None)
    assert "x-gbike-mode" not in answer.headers


def test_a_flood_is_refused_and_health_is_not(secure: Stubs) -> None:
    answers = [secure.envoy.ask("GET", "/rents/echo") for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) >= 20
    problem(refused[0], 429, "too-many-requests")
    assert refused[0].headers["retry-after"] == "1"
    assert [secure.envoy.ask("GET", "/health/live").status for _ in range(5)] == [200] * 5


def test_the_demo_has_no_limit_of_rate(stubs: Stubs) -> None:
    assert "local_ratelimit" not in stubs.envoy.operators("/stats")


def test_the_log_tells_what_happened_and_not_who_asked(stubs: Stubs) -> None:
    given = {"x-request-id": "logged-1", "user-agent": "private", "x-forwarded-for": "203.0.113.9"}
    stubs.envoy.ask("GET", "/rents/echo?name=private", headers=given)
    line = stubs.envoy.log_line("logged-1")
    assert (line["method"], line["path"], line["status"], line["service"]) == ("GET", "/rents/echo", 200, "rent")
    assert line["upstream"] == f"127.0.0.1:{stubs.there.port}"
    assert "private" not in str(line)
    assert "203.0.113.9" not in str(line)


def test_operators_may_look_and_not_touch(stubs: Stubs) -> None:
    assert "envoy_http_downstream_rq_total" in stubs.envoy.operators("/stats/prometheus")
    for path in ("/quitquitquit", "/config_dump", "/logging?level=trace", "/healthcheck/ok"):
        assert "not allowed" in stubs.envoy.operators(path)
    problem(stubs.envoy.ask("GET", "/metrics"), 404, "not-found")


def spoken(stubs: Stubs, raw: bytes) -> bytes:
    """What Envoy answers to some bytes, until it closes or falls silent."""
    with socket.create_connection(("127.0.0.1", stubs.envoy.place.port), timeout=5) as connection:
        connection.sendall(raw)
        printed = connection.recv(4096)
        while b"\r\n\r\n" not in printed or printed.endswith(b"\r\n\r\n"):
            more = connection.recv(4096)
            if not more:
                break
            printed += more
        return printed
