"""What documents are generated from says what it means, and no document links to what is not there."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gbike.gateway.settings import GatewaySettings
from gbike.kit.settings import describe
from gbike.run.registry import specs
from tests.architecture.source import ROOT

DOCS = ROOT / "docs"
SET = [*(card.settings for card in specs()), GatewaySettings]


def verbs() -> Iterator[str]:
    """Every verb of the command line, as it is typed."""
    from typer.main import get_command

    from gbike.cli import FOR_DEVELOPERS, VERBS, verb

    yield from FOR_DEVELOPERS
    for name in VERBS:
        inner = getattr(get_command(verb(name)), "commands", None)
        yield from (f"{name} {deeper}" for deeper in inner) if inner else (name,)


def test_every_verb_is_explained() -> None:
    told = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")])
    assert [verb for verb in verbs() if f"gbike {verb}" not in told] == []


def test_every_setting_says_what_it_means() -> None:
    for kind in SET:
        for setting in describe(kind, {}):
            assert setting.meaning, setting.name


def test_every_event_says_what_happened() -> None:
    for spec in specs():
        for kind in spec.publishes:
            assert kind.__doc__, kind
            assert issubclass(kind, msgspec.Struct)


def links(file: Path) -> list[str]:
    """Where a document links to in this repository."""
    found = re.findall(r"\]\(([^)#\s]+)", file.read_text("utf-8"))
    return [link for link in found if "://" not in link and not link.startswith(("mailto:", "/"))]


def test_no_document_links_to_a_file_that_is_not_there() -> None:
    documents = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    assert [(str(d), link) for d in documents for link in links(d) if not (d.parent / link).exists()] == []
