"""The published API keeps its word: the description is valid, and schemathesis finds nothing that contradicts it."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from starlette.types import ASGIApp

from gbike.run.embedded import Embedded
from gbike.run.seed import posted_to, seed
from tests.cluster.running import Cluster
from tests.journeys.fuzzing import FULL, PATIENCE_S, schemathesis, served
from tests.security.people import EVERYWHERE, Locked
from tests.security.table import ANYBODY, NOTHING_HERE, TABLE
from tests.support import Client

EXAMPLES = "200" if FULL else "10"
PHASES = {"Examples", "Coverage", "Fuzzing", "Stateful"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The demo, with a small fleet."""

    async def opened() -> tuple[Embedded, ASGIApp]:
        house = Embedded(None, {})
        await seed(posted_to(house.app))
        return house, house.app

    with served(opened) as where:
        yield where


KNOWN_METHODS = """
[phases.coverage]
unexpected-methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "TRACE"]
"""
"""All but QUERY: where it comes without a content type, Envoy refuses it with 400 before any service is asked."""


@pytest.mark.timeout(PATIENCE_S + 20)
def test_schemathesis_finds_no_answer_that_contradicts_the_description(address: str, tmp_path: Path) -> None:
    told = schemathesis(address, tmp_path, "examples,coverage,fuzzing,stateful", EXAMPLES)
    [tested] = re.findall(r"Tested: (\d+)", told)
    assert int(tested) >= 40
    assert set(re.findall(r"✅  (Examples|Coverage|Fuzzing|Stateful)", told)) == PHASES


@pytest.mark.skipif(not FULL, reason="a quarter of a minute, for the cluster alone: GBIKE_FULL=1")
@pytest.mark.timeout(PATIENCE_S + 20)
def test_schemathesis_finds_none_through_envoy_either(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(KNOWN_METHODS)
    assert "✅  Stateful" in schemathesis(cluster.url, tmp_path, "examples,coverage,fuzzing,stateful", "20")


async def test_the_description_is_a_valid_openapi_3_1_document(client: Client) -> None:
    document = (await client.get("/openapi.json")).json
    OPENAPI_31_VALIDATOR.validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["info"].keys() >= {"title", "version", "description", "license"}
    names = re.findall(r'"\$ref": "#/([^"]+)"', str(document).replace("'", '"'))
    for name in set(names):
        found = document
        for part in name.split("/"):
            found = found[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_operation_is_told_from_the_others_and_explained(client: Client) -> None:
    document = (await client.get("/openapi.json")).json
    operations = [
        (path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()
    ]
    identifiers = [each["operationId"] for _, _, each in operations]
    assert len(set(identifiers)) == len(identifiers) >= 40
    tags = {tag["name"] for tag in document["tags"]}
    assert tags == {
        "rents",
        "bikes",
        "places",
        "billings",
        "userDeposits",
        "rentAndBillingViews",
        "bikeManageApps",
        "complaints",
        "bikeManagers",
        "accounts",
        "sessions",
        "audit",
        ".well-known",
    }
    for path, method, each in operations:
        assert each["tags"] == [path.split("/")[1]]
        assert each["summary"]
        assert each["description"]
        for status, answer in each["responses"].items():
            assert answer["description"], (path, method, status)
            assert answer["content"], (path, method, status)
            if status == "201":
                assert "Location" in answer["headers"]
            if status == "503":
                assert "Retry-After" in answer["headers"]


async def test_the_demo_asks_for_no_token_and_its_description_says_so(client: Client) -> None:
    document = (await client.get("/openapi.json")).json
    assert not [each for methods in document["paths"].values() for each in methods.values() if "security" in each]
    assert "securitySchemes" not in document["components"]


UNDESCRIBED = {"GET /bikes/chkAndUpdateStatus", "GET /bikes/getReportAndUpdate"}
"""The original's changes by GET, which answer that they are gone."""


async def test_elsewhere_each_operation_asks_for_a_token_but_those_of_the_doors() -> None:
    locked = Locked()
    document = (await locked.anonymous.get("/openapi.json")).json
    open_to_all = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method, each in methods.items()
        if "security" not in each
    }
    rows = {route: row for service in EVERYWHERE for route, row in TABLE[service].items()}
    assert open_to_all == {route for route, row in rows.items() if row in (ANYBODY, NOTHING_HERE)} - UNDESCRIBED
    await locked.whole.stop()


async def test_the_example_of_each_request_body_fits_its_schema(client: Client) -> None:
    document = (await client.get("/openapi.json")).json
    bodies = [
        next(iter(each["requestBody"]["content"].values()))
        for methods in document["paths"].values()
        for each in methods.values()
        if "requestBody" in each
    ]
    assert len(bodies) >= 11
    for body in bodies:
        schema = {**body["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(body["example"])


async def test_allow_names_exactly_the_methods_that_are_described(client: Client) -> None:
    document = (await client.get("/openapi.json")).json
    for path, methods in document["paths"].items():
        target = re.sub(r"\{\w+\}", "1", path)
        refused = await client.send("TRACE", target)
        asked = await client.send("OPTIONS", target)
        named = {method.strip() for method in refused.headers["allow"].split(",")}
        assert (refused.status, asked.status, asked.headers["allow"]) == (405, 200, refused.headers["allow"])
        assert named - {"OPTIONS", "HEAD"} == {method.upper() for method in methods}, path


HOST = b"Host: localhost\r\n"
END = HOST + b"Connection: close\r\n\r\n"
CHUNKS = (b"10000\r\n" + b"z" * 65_536 + b"\r\n") * 16 + b"0\r\n\r\n"
WIRE: dict[str, tuple[bytes, int]] = {
    "no HTTP at all": (b"\x00\x01\x02\r\n\r\n", 400),
    "an address of 100 kB": (b"GET /bikes/" + b"x" * 100_000 + b" HTTP/1.1\r\n" + END, 400),
    "a control character in the path": (b"GET /bikes/\x01 HTTP/1.1\r\n" + END, 400),
    "bytes in the path": (b"GET /bikes/\xff\xfe HTTP/1.1\r\n" + END, 400),
    "broken percent signs": (b"GET /bikes/%ff%fe%zz HTTP/1.1\r\n" + END, 422),
    "a negative length": (b"POST /bikes HTTP/1.1\r\nContent-Length: -5\r\n" + END, 400),
    "a length and chunks": (
        b"POST /bikes HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" + END + b"0\r\n\r\n",
        400,
    ),
    "a megabyte in chunks": (
        b"POST /bikes HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n" + END + CHUNKS,
        413,
    ),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1\r\n" + END, 404),
    "TRACE": (b"TRACE /bikes HTTP/1.1\r\n" + END, 405),
    "HTTP/1.0 without a host": (b"GET /bikes HTTP/1.0\r\n\r\n", 200),
}


@pytest.mark.parametrize("case", WIRE)
def test_what_comes_over_the_wire_is_answered_below_500(address: str, case: str) -> None:
    sent, status = WIRE[case]
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 10) as line:
        line.sendall(sent)
        answered = line.recv(4096)
    assert answered.startswith(b"HTTP/1.1 %d " % status), answered[:300]
