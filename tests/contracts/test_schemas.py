"""What is published about gbike's interfaces is what the code does, and old messages can still be read."""

import json
import random
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import msgspec
import pytest
import yaml
from schemathesis.specs.openapi.definitions import OPENAPI_31
from typer.testing import CliRunner

from dev.documents.event_storm import SCRIPT, Command, NotAsWritten, watch
from dev.documents.golden import EXAMPLES
from dev.documents.schemas import examples, files, stem, write
from gbike.cli import app
from gbike.contracts import PROBLEM_TEXTS
from gbike.gateway.envoy import PROBLEMS
from gbike.kit.envelope import Event, Message, key_of, unpack
from gbike.kit.http.openapi import document
from gbike.kit.http.problems import EVERYWHERE, FLOOR, catalogue
from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from gbike.run.event_map import build_all, events
from gbike.run.gateway import pages
from tests.support import Client

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
OPENAPI = SCHEMAS / "openapi/gbike.json"
EVENTS = {event.name: event.kind for event in events(build_all())}
GOLDEN = sorted((SCHEMAS / "examples").glob("*.json"))


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _message(path: Path) -> Message:
    shown = _read(path)
    headers = json.dumps(shown["headers"]).encode()
    value = json.dumps(shown["value"]).encode()
    return Message(shown["headers"]["ce_id"], shown["headers"]["ce_type"], shown["key"], headers, value)


def test_the_committed_documents_are_what_the_code_would_write() -> None:
    stale = [path for path, text in files() if (ROOT / path).read_text("utf-8") != text]
    assert stale == [], "run `make schemas` and look at the difference"


def test_nothing_is_published_that_the_code_no_longer_has() -> None:
    made = {path for path, _ in files() if path.startswith("schemas/")}
    kept = {
        file.relative_to(ROOT).as_posix()
        for file in SCHEMAS.rglob("*")
        if file.is_file() and file.parent.name != "examples"
    }
    assert kept == made


def test_generating_again_changes_nothing_and_never_edits_an_example(tmp_path: Path) -> None:
    assert "schemas/examples/Rented.v1.json" in write(tmp_path)
    assert write(tmp_path) == []
    (tmp_path / "schemas/examples/Rented.v1.json").write_text("an old message")
    (tmp_path / "schemas/events/Rented.v1.json").write_text("a stale schema")
    assert write(tmp_path) == ["schemas/events/Rented.v1.json"]
    assert (tmp_path / "schemas/examples/Rented.v1.json").read_text() == "an old message"


def test_every_event_of_the_contracts_is_published_and_has_an_example() -> None:
    published = {
        kind
        for name in ("account", "bike", "bike_manage_app", "bike_manager", "billing", "rent", "user_deposit")
        for kind in import_module(f"gbike.contracts.{name}").PUBLISHES
    }
    assert published == set(EVENTS.values())
    assert {stem(kind) for kind in published} <= {path.stem for path in GOLDEN}
    assert {f"{name}.json" for name in EXAMPLES} <= {path.name for path in GOLDEN}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_example_still_decodes_with_every_fact_it_carries(path: Path) -> None:
    message = _message(path)
    event: Event = unpack(message, EVENTS[message.type])
    assert key_of(event) == message.key
    facts = {name: value for name, value in _read(path)["value"].items() if name not in ("eventType", "timestamp")}
    assert facts.items() <= msgspec.json.decode(msgspec.json.encode(event)).items()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_example_fits_its_json_schema_and_its_headers(path: Path) -> None:
    shown = _read(path)
    schema = _read(SCHEMAS / "events" / f"{path.stem.partition('-')[0]}.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(shown["value"])
    headers = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))["components"]["schemas"]["Headers"]
    jsonschema.Draft202012Validator(headers).validate(shown["headers"])
    assert set(headers["properties"]) - {"causationid"} <= set(shown["headers"]) <= set(headers["properties"])


def test_an_example_shows_the_message_it_was_said_because_of() -> None:
    caused = _read(SCHEMAS / "examples/RegisteredBill.v1-caused.json")
    assert caused["headers"]["causationid"] == _read(SCHEMAS / "examples/Rented.v1.json")["headers"]["ce_id"]


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_every_field_of_an_event_stands_in_one_of_its_examples(kind: type) -> None:
    shown = [_read(path)["value"] for path in GOLDEN if path.name.startswith(f"{stem(kind)}")]
    assert {field.name for field in msgspec.structs.fields(kind)} <= set().union(*shown), "join a new example"


def test_the_code_still_writes_the_golden_examples_byte_for_byte() -> None:
    for path, text in examples():
        assert text == (ROOT / path).read_text("utf-8"), path


async def _folded(order: list[Path]) -> tuple[Any, list[int]]:
    whole = Embedded(None, {})
    try:
        for path in order:
            await whole.bus.append([_message(path)])
            await whole.settle()
        line = (await Client(whole.app).get("/rentAndBillingViews/1")).json
        dead = [await part.store.read(_dead_letters) for part in whole.parts.values()]
        return line, dead
    finally:
        await whole.stop()


def _dead_letters(read: Reading) -> int:
    row = read.one("SELECT count(*) FROM dead_letters")
    assert row is not None
    return int(row[0])


async def test_the_golden_examples_fold_to_one_closed_ride_in_any_order() -> None:
    chance = random.Random(7)
    told = [path for path in GOLDEN if "voided" not in path.stem]  # the same ride can't be charged and voided
    orders = [told, told[::-1], *(chance.sample(told, len(told)) for _ in range(3))]
    for order in orders:
        line, dead = await _folded(order)
        assert not any(dead)
        assert (line["rentStatus"], line["billingStatus"], line["fee"]) == ("returned", "CLOSEBILL", 2_100)


def test_the_openapi_document_is_valid_openapi_3_1() -> None:
    document = _read(OPENAPI)
    jsonschema_rs.Draft202012Validator(OPENAPI_31).validate(document)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert not _dangling(document)


def test_the_openapi_document_is_the_gateways_with_every_service_and_nothing_internal() -> None:
    whole = _read(OPENAPI)
    assert whole == json.loads(pages(demo=False)["/openapi.json"].text)
    parts = [document(one.spec.name, one.service.operations)["paths"] for one in build_all()]
    assert whole["paths"] == {path: printed for part in parts for path, printed in part.items()}
    assert not [path for path in whole["paths"] if path.startswith("/internal")]


def test_the_asyncapi_document_holds_together() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
    assert document["asyncapi"] == "3.0.0"
    assert not _dangling(document)
    assert {message["name"] for message in document["components"]["messages"].values()} == set(EVENTS)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert all(ref["$ref"].startswith(f"{operation['channel']['$ref']}/messages/") for ref in operation["messages"])
    for message in document["components"]["messages"].values():
        assert (SCHEMAS / message["payload"]["schema"]["$ref"]).is_file()
    sent = [ref for o in document["operations"].values() if o["action"] == "send" for ref in o["messages"]]
    assert len(sent) == len(EVENTS), "each event has one speaker"


def _dangling(document: Any) -> list[str]:
    """The references within the document that lead nowhere."""
    lost = []
    for ref in _refs(document):
        at: Any = document
        for step in ref[2:].split("/") if ref.startswith("#/") else []:
            at = at.get(step) if isinstance(at, dict) else None
        if at is None:
            lost.append(ref)
    return lost


def _refs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for inner in value.values() for ref in _refs(inner)]
    return [ref for inner in value for ref in _refs(inner)] if isinstance(value, list) else []


async def test_the_storm_shows_every_event_and_every_policy() -> None:
    built, scenes = build_all(), await watch()
    published = {event for scene in scenes for _, event in scene.published}
    published |= {event for scene in scenes for reaction in scene.reactions for event in reaction.published}
    assert published == set(EVENTS)
    watched = {(reaction.heard, reaction.by) for scene in scenes for reaction in scene.reactions}
    assert watched == {(kind.__name__, one.spec.name) for one in built for kind in one.service.policies}


async def test_the_storm_stops_when_a_command_is_answered_otherwise() -> None:
    with pytest.raises(NotAsWritten, match="404"):
        await watch([Command("Rider", "rents what is not there", "POST /rents", {"userid": 1, "bikeid": 9}, "rent")])
    assert {number for command in SCRIPT for number in command.requirements} == {1, 2, 3, 5, 10, 12}


def test_every_refusal_is_on_its_page_once_and_no_text_is_left_over() -> None:
    built = build_all()
    slugs = {problem.slug for problem in [*EVERYWHERE, *PROBLEMS]}
    slugs |= {problem.slug for one in built for problem in one.service.refusals.values()}
    slugs |= {problem.slug for one in built for o in one.service.operations for problem in o.refusals}
    assert slugs == {problem.slug for problem in [*FLOOR.values(), *catalogue(PROBLEM_TEXTS).values()]}
    page = (ROOT / "docs/reference/status-codes.md").read_text("utf-8")
    assert {
        slug: found for slug in slugs if (found := len(re.findall(rf"^- \d+ `{slug}`[ :]", page, re.MULTILINE))) != 1
    } == {}


def test_gbike_events_and_routes_name_every_event_policy_and_operation() -> None:
    built = build_all()
    told, shown = (CliRunner().invoke(app, [verb]).output for verb in ("events", "routes"))
    for event in events(built):
        assert event.name in told
        assert all(heard.why and heard.why in told for heard in event.handled_by)
    for operation in (o for one in built for o in one.service.operations):
        assert (f"{operation.method:<6} {operation.path} " in shown) is not operation.hidden
