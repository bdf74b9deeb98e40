"""Documents can't rot: what the code has and they do not mention fails here."""

import re
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from gbike.app.catalogue import cards
from gbike.app.embedded import Embedded
from gbike.gateway.envoy import PROBLEMS
from gbike.gateway.settings import GatewaySettings
from gbike.kit.http.pages import problem_types
from gbike.kit.settings import describe
from tests.architecture.source import ROOT, SRC, files

DOCS = ROOT / "docs"
SET = [*(card.settings for card in cards()), GatewaySettings]
SETTINGS = sorted({setting.name for kind in SET for setting in describe(kind, {})})
EVENTS = sorted({kind.__name__ for card in cards() for kind in card.says})


def everything() -> str:
    """All documents and the readme in one text."""
    return "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))])


def problems() -> list[str]:
    """The name of every way to be refused."""
    whole = Embedded(None, {})
    shown = [operation for part in whole.parts.values() for operation in part.running.app.operations]
    return [kind.slug for kind in [*problem_types(shown), *PROBLEMS]]


def verbs() -> list[str]:
    """Every verb of the command line, as it is typed."""
    from typer.main import get_command

    from gbike.app.cli import MOUNTED, app

    modules = {name: import_module(f"gbike.app.verbs.{name}") for _, name, _ in MOUNTED}
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(get_command(modules[name].app) if name in modules else command, "commands", None)
        found += [f"{name} {deeper}" for deeper in inner] if inner else [name]
    return found


@pytest.mark.parametrize("slug", problems())
def test_every_refusal_is_explained(slug: str) -> None:
    assert f"`{slug}`" in (DOCS / "status-codes.md").read_text("utf-8")


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_explained(event: str) -> None:
    assert event in (DOCS / "events.md").read_text("utf-8")


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_explained(setting: str) -> None:
    assert setting in everything()


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_explained(verb: str) -> None:
    assert f"gbike {verb}" in everything()


def test_every_setting_says_what_it_means() -> None:
    for kind in SET:
        for setting in describe(kind, {}):
            assert setting.meaning, setting.name


def test_every_event_says_what_happened() -> None:
    for card in cards():
        for kind in card.says:
            assert kind.__doc__, kind
            assert issubclass(kind, msgspec.Struct)


@pytest.mark.parametrize("number", range(1, 14))
def test_every_requirement_is_cited_where_it_is_met(number: int) -> None:
    code = "\n".join(file.read_text("utf-8") for file in files(SRC / "services"))
    assert re.search(rf"\bR{number}\b", code)


def links(file: Path) -> list[str]:
    """Where a document links to in this repository."""
    found = re.findall(r"\]\(([^)#\s]+)", file.read_text("utf-8"))
    return [link for link in found if "://" not in link and not link.startswith(("mailto:", "/"))]


def test_no_document_links_to_a_file_that_is_not_there() -> None:
    documents = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    assert [(str(d), link) for d in documents for link in links(d) if not (d.parent / link).exists()] == []
