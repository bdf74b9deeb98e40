"""Through Envoy a client gets what it gets from the embedded gateway: for every route, alias and page."""

import json
import re
from typing import Any

import pytest

from gbike.gateway.settings import GatewaySettings
from gbike.run.event_map import build_all
from gbike.run.web import web
from tests.gateway.conftest import Town
from tests.gateway.servers import ask
from tests.support import Reply

BUILT = build_all()
OPERATIONS = [(operation.method, operation.path) for one in BUILT for operation in one.public]
ALIASES = [alias for one in BUILT for alias in one.spec.aliases]
HOST = {"host": "bikes.example:8088", "x-request-id": "same-answers"}
NOT_COMPARED = {"date", "connection", "keep-alive", "traceparent", "transfer-encoding", "content-length", "server"}


def both(town: Town, method: str, target: str, body: Any = None, **headers: str) -> tuple[Reply, Reply]:
    """The answers of Envoy and of the embedded gateway, to the same request under the same host name."""
    given = HOST | {name.replace("_", "-"): value for name, value in headers.items()}
    through_envoy = town.envoy.ask(method, target, body, given)
    return through_envoy, ask(town.embedded_port, method, target, body, given)


def same(answers: tuple[Reply, Reply]) -> Reply:
    """Compare what a client sees; answers one of them."""
    ours, embedded = answers
    assert ours.status == embedded.status, (ours, embedded)
    assert content(ours) == content(embedded)
    kept = [{n: v for n, v in reply.headers.items() if n not in NOT_COMPARED} for reply in answers]
    assert kept[0] == kept[1]
    return ours


def content(reply: Reply) -> Any:
    """The content, read where it is JSON: fields have no order."""
    return json.loads(reply.content) if reply.content and "json" in reply.headers["content-type"] else reply.content


def filled(path: str, number: int) -> str:
    """A path with a number in the place of each parameter."""
    return re.sub(r"\{[^}]+\}", str(number), path)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(operation) for operation in OPERATIONS])
def test_every_operation_answers_the_same(town: Town, method: str, path: str) -> None:
    body = None if method == "GET" else {"bikeid": "x", "userid": "x", "managerid": "x", "amount": "x", "deposit": "x"}
    for number in (1, 999):
        same(both(town, method, filled(path, number), body))
        same(
            both(
                town, method, filled(path, number) + "?size=2&sort=bikeid,desc&status=%EC%82%AC%EC%9A%A9%EC%A4%91", body
            )
        )
    same(both(town, "DELETE", filled(path, 1)))
    same(both(town, "OPTIONS", filled(path, 1)))


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_its_path(town: Town, alias: str) -> None:
    assert same(both(town, "GET", alias)).status == 200
    assert same(both(town, "GET", f"{alias}/search/findByUserid?userid=1")).status == 200
    assert same(both(town, "GET", f"{alias}x")).status == 404


ODD = [
    *(
        "/",
        "/bikes/",
        "/bikes//1",
        "//bikes",
        "/bikes/1/",
        "/bikesfoo",
        "/BIKES",
        "/bikes;a=b",
        "/bikes/1;a=b",
        "/nothing/at/all",
    ),
    *("/%62ikes", "/bikes%2F1", "/bikes/%ED%95%9C", "/bikes?x=1", "/bikes/search", "/docs", "/openapi.json", "/docs/"),
    *("/health/live", "/health/ready", "/actuator/health", "/health/ready/", "/health", "/docs/nothing", "/metric"),
]


@pytest.mark.parametrize("target", ODD)
def test_an_odd_path_answers_the_same(town: Town, target: str) -> None:
    if target == "/":
        ours, embedded = both(town, "GET", target)
        links = embedded.json["_links"]
        del links["metrics"]  # Envoy's own are for operators
        assert (ours.json["_links"], ours.json["mode"]) == (links, embedded.json["mode"])
        return
    same(both(town, "GET", target))
    same(both(town, "GET", target, accept_language="ko-KR,ko;q=0.9,en;q=0.8"))
    same(both(town, "OPTIONS", target))
    if not target.startswith("/docs") and target != "/health/ready/":  # a problem names the path as it was asked
        same(both(town, "POST", target, {}))


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_what_people_see_answers_the_same(town: Town) -> None:
    for path in (*web(GatewaySettings()), "/app/"):
        same(both(town, "GET", path, accept=BROWSER))
    for accept in (BROWSER, "text/html"):
        assert same(both(town, "GET", "/", accept=accept)).headers["location"] == "/app/"
    same(both(town, "POST", "/app", {}))


def test_a_command_has_its_effect_once_and_answers_the_same(town: Town) -> None:
    ours, kept = both(town, "POST", "/userDeposits", {"userid": 7, "deposit": 100}, idempotency_key="one")
    assert (ours.status, ours.content) == (201, kept.content)
    assert ours.headers["location"] == kept.headers["location"] == "http://bikes.example:8088/userDeposits/7"
    assert kept.headers["idempotent-replayed"] == "true"


def test_links_name_the_address_that_the_client_used(town: Town) -> None:
    found = same(both(town, "GET", "/bikes/1"))
    assert found.json["_links"]["self"]["href"] == "http://bikes.example:8088/bikes/1"


PREFLIGHT = {"origin": "https://somewhere.example", "access_control_request_method": "PATCH"}


def test_a_page_of_any_origin_may_call_the_demo(town: Town) -> None:
    asked = same_cors(
        both(town, "OPTIONS", "/rents", **PREFLIGHT, access_control_request_headers="x-a, idempotency-key")
    )
    assert asked["access-control-allow-headers"] == "x-a, idempotency-key"
    for target in ("/bikes", "/bikes/999", "/nothing", "/health/live"):
        assert "access-control-allow-origin" in same_cors(both(town, "GET", target, origin=PREFLIGHT["origin"]))


def same_cors(answers: tuple[Reply, Reply]) -> dict[str, str]:
    """Compare what a browser looks at."""
    found = []
    for reply in answers:
        names = {n: v for n, v in reply.headers.items() if n.startswith("access-control-") or n == "vary"}
        if "access-control-allow-methods" in names:
            names.pop("access-control-expose-headers", None)  # means nothing in the answer to a preflight
            names["vary"] = "Origin" if "Origin" in names["vary"] else names["vary"]
        found.append(names)
        assert reply.status in (200, 404)
    assert found[0] == found[1]
    return found[0]


def test_every_answer_says_that_this_is_a_demo(town: Town) -> None:
    for target in ("/", "/bikes", "/bikes/999", "/nothing", "/health/live", "/docs"):
        assert town.envoy.ask("GET", target).headers["x-gbike-mode"] == "demo"
