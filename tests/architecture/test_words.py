"""The field's words: names that a searcher would not search for are no identifiers any more.

Some old words are fine English elsewhere, so a rule says where a word is meant: a class called `House` would be the
ledger's other side again, while a test's house of several services is a house.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, SRC

NOWHERE = {
    "Whose": "OwnerScope",
    "EVERYBODYS": "OwnerScope.ALL",
    "NOBODYS": "OwnerScope.NONE",
    "SAYS": "PUBLISHES",
    "CARD": "SPEC",
    "HOLDS": "PERSONAL_DATA",
    "LockedDoor": "TokenAuth",
    "CertifiedDoor": "MutualTlsAuth",
    "OpenDoor": "NoAuth",
    "HalfDone": "PartialWrite",
    "rehearse": "run_twice",
    "LEFT_BEHIND_MS": "STALE_AFTER_MS",
    "_bury": "mark_rent_closed",
    "grave": "tombstone",
    "BITE": "BATCH",
    "LOOK_S": "POLL_S",
    "NAP_MS": "PAUSE_MS",
    "IDLE_MS": "IDLE_WAIT_MS",
    "nap_ms": "pause_ms",
    "household": "client_prefix",
    "patience": "lockout",
    "patience_ms": "stale_after_ms",
    "_patiently": "throttle",
    "said_something": "something_published",
    "_Told": "LogThrottle",
}
"""Whatever they are the name of."""
CLASSES = {
    "Ask": "Request",
    "Answer": "Response",
    "Once": "IdempotencyKey",
    "Said": "Event",
    "Card": "ServiceSpec",
    "World": "Dependencies",
    "Keeping": "RetentionRule",
    "Holding": "PersonalData",
    "Doors": "AuthMode",
    "Desk": "AccountServices",
    "Rules": "AccountPolicy",
    "Try": "SignInAttempt",
    "Patience": "LockoutPolicy",
    "House": "CounterAccount",
    "Place": "Location, OffsetPosition, ListenAddress, StoreLocation",
    "Part": "EmbeddedService, ProcessSpec",
    "Kind": "ResourceKind, SpanKind",
    "Alone": "ServiceProcess",
    "Told": "LogThrottle",
}
"""As classes of the product: as an enum's member (PLACE), a field of HTTP (place) or a test's stage they are plain."""
MEMBERS = {
    "say": "publish",
    "said": "events",
    "hear": "on_messages",
    "note": "on_handled",
    "keeps": "retention",
    "holds": "personal_data",
    "says": "publishes",
    "moves": "drains",
    "bury": "mark_rent_closed",
    "rest": "wait",
    "settled": "acknowledge",
    "facts": "rows_for_verify",
    "shown": "to_resource",
    "spoken": "display_name",
}
"""As what the product's modules and classes declare: a local value, or a parameter, may be what is shown."""
DECLARED_ELSEWHERE = {
    ("kit/http/problems.py", "facts"),  # a problem's members
    ("services/bike/storage/__init__.py", "facts"),  # a bike event's own members
    ("services/bike/http/resources.py", "facts"),  # a field of HTTP
    ("services/bike/domain/__init__.py", "holds"),  # who keeps a bike out of service
    ("run/control.py", "said"),  # a field of the control socket's answers
}
MODULES = {
    "left": "orphans",
    "copies": "backup",
    "doors": "auth_mode",
    "quiet": "wait_idle",
    "readings": "open_stores",
    "modes": "data_mode",
    "letters": "mail",
    "ports": "tcp_ports",
    "patience": "request_timeout",
    "ask": "request",
}
PORTS_OF_SERVICES = re.compile(r"services/\w+/ports\.py")
"""A service's ports are the hexagon's."""
PYTHON = sorted(
    path for top in ("src", "dev", "deploy", "tests") for path in (ROOT / top).rglob("*.py") if path != Path(__file__)
)
PAGES = sorted(path for path in (SRC / "web").rglob("*.js") if "vendor" not in path.parts)
STATE = re.compile(r"\[\s*(\w*)\s*,\s*(\w+)\s*\]\s*=\s*useState\(")


def identifiers(node: ast.AST) -> Iterator[str]:
    """The names that a node of the syntax tree holds."""
    match node:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.arg(name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.keyword(str(name)) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.alias(name, asname):
            yield from name.split(".")
            yield from (asname,) if asname else ()
        case ast.Global(names) | ast.Nonlocal(names):
            yield from names


def declared(module: ast.Module) -> Iterator[str]:
    """What a module and its classes have: functions, fields, and what `self` is given."""
    bodies = [module.body, *(node.body for node in ast.walk(module) if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def old_words(path: Path) -> list[str]:
    """The old words that a file still has as identifiers, each with what it is called now."""
    module = ast.parse(path.read_text("utf-8"))
    found = [f"{name}: {NOWHERE[name]}" for node in ast.walk(module) for name in identifiers(node) if name in NOWHERE]
    for node in ast.walk(module):
        match node:
            case ast.Attribute(value=ast.Name("tx"), attr="say" | "said" as name):
                found.append(f"tx.{name}: {MEMBERS[name]}")
    if SRC in path.parents:
        where = path.relative_to(SRC).as_posix()
        found += [f"{it.name}: {CLASSES[it.name]}" for it in classes(module) if it.name in CLASSES]
        found += [
            f"{name}: {MEMBERS[name]}"
            for name in declared(module)
            if name in MEMBERS and (where, name) not in DECLARED_ELSEWHERE
        ]
        if path.stem in MODULES and not PORTS_OF_SERVICES.fullmatch(where):
            found.append(f"{path.name}: {MODULES[path.stem]}.py")
    return found


def classes(module: ast.Module) -> list[ast.ClassDef]:
    """Every class of a module."""
    return [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]


def test_no_old_word_is_an_identifier() -> None:
    """Whoever looks for a request, a retry or a lock searches for these words."""
    found = {str(path.relative_to(ROOT)): old for path in PYTHON if (old := sorted(set(old_words(path))))}
    assert found == {}


def test_a_pages_state_is_set_by_its_name() -> None:
    """`[busy, setBusy]`: what changes a value is called after it."""
    found = [
        f"{path.relative_to(SRC)}: [{value}, {setter}]"
        for path in PAGES
        for value, setter in STATE.findall(path.read_text("utf-8"))
        if not setter.startswith("set") or (value and setter != f"set{value[0].upper()}{value[1:]}")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(tx):\n    tx.say(1)\n", ["tx.say: publish"]),
        ("from gbike.kit.auth.principal import Whose as W\n", ["Whose: OwnerScope"]),
        ("f(rehearse=True)\n", ["rehearse: run_twice"]),
        ("try:\n    pass\nexcept ValueError as grave:\n    pass\n", ["grave: tombstone"]),
        ("class House:\n    pass\n", []),
        ("place = 'a station'\n", []),
    ],
)
def test_an_old_word_is_found_wherever_it_is_a_name(tmp_path: Path, text: str, found: list[str]) -> None:
    """The look itself works, and takes English for English."""
    file = tmp_path / "some.py"
    file.write_text(text, "utf-8")
    assert old_words(file) == found
