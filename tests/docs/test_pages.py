"""What the pages name is there: functions and classes of the tour, headings that are linked to, metrics, decisions."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from prometheus_client import Counter

from gbike.kit.storage.batching import BATCH
from gbike.kit.storage.sqlite.store import COMMITS_IN_THREAD, SLOW_COMMIT_MS
from tests.observability.pages import declared

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))


def _names(file: Path) -> set[str]:
    """The functions, classes and methods (`Class.method`) of a module."""
    body = ast.parse(file.read_text("utf-8")).body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = {node.name for node in body if isinstance(node, kinds)}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, kinds)}
    return found


def test_the_tour_has_ten_links_and_each_name_is_in_one_of_their_files() -> None:
    page = (ROOT / "docs/guide/tour.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert 8 <= len(links) <= 10
    known = [_names((ROOT / "docs/guide" / link).resolve()) for link in links]
    told = set(re.findall(r"`([A-Za-z]+(?:_[a-z_]+|\.[a-z_]+)|[A-Z]\w+)`", page))
    events = {"Rented", "RentCancelled"}
    assert len(told) > 15
    assert told - {"gbike.run", "PENDING", "bus.sqlite"} - events - set().union(*known) == set()
    assert all(any(f"`{name}`" in page for name in names) for names in known)


@cache
def _anchors(page: Path) -> set[str]:
    """How GitHub names a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_link_to_a_heading_finds_it() -> None:
    lost = [
        f"{page.name}: {file}#{anchor}"
        for page in PAGES
        for file, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
        if (target := page.parent / file if file else page).suffix == ".md" and anchor not in _anchors(target)
    ]
    assert lost == []


def test_operating_lists_every_metric_and_no_other() -> None:
    real = {metric.describe()[0].name + ("_total" if isinstance(metric, Counter) else "") for metric in declared()}
    page = (ROOT / "docs/operate/watching.md").read_text("utf-8")
    assert set(re.findall(r"^- `(gbike_\w+)`", page, re.MULTILINE)) == real


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_context_decision_and_consequences_in_120_words(page: Path) -> None:
    title, _, text = page.read_text("utf-8").partition("\n")
    assert title.startswith(f"# {page.name[:4]} ")
    at = [text.index(f"**{part}.**") for part in ("Context", "Decision", "Consequences")]
    assert at == sorted(at)
    assert len(text.split()) <= 120


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_decision_on_group_commit_has_the_store_s_figures() -> None:
    page = (ROOT / "docs/decisions/0003-group-commit.md").read_text("utf-8")
    assert f"({BATCH} at most)" in page
    assert f"{SLOW_COMMIT_MS} ms the next {COMMITS_IN_THREAD} run in a thread" in page.replace("\n", " ")


def test_both_readmes_link_to_the_same_pages_and_to_each_other() -> None:
    english, korean = (
        set(re.findall(r"\]\((?!README\.md#)([^)]+)\)", (ROOT / name).read_text("utf-8")))
        for name in ("README.md", "README.ko.md")
    )
    assert english - {"README.ko.md"} == korean - {"README.md"}
    assert "README.ko.md" in english
    assert "README.md" in korean


def test_reliability_names_every_invariant_that_is_checked() -> None:
    page = (ROOT / "docs/guide/reliability.md").read_text("utf-8")
    told = set(re.findall(r"^- (I\d+)\b", page, re.MULTILINE))
    checked = {
        number
        for folder in ("src/gbike", "dev/simulation")
        for file in (ROOT / folder).rglob("*.py")
        for number in re.findall(r"\bI\d+\b", file.read_text("utf-8"))
    }
    assert checked
    assert checked <= told, checked - told


def test_every_number_of_the_original_that_is_cited_is_on_its_page() -> None:
    page = (ROOT / "docs/guide/original.md").read_text("utf-8")
    known = set(re.findall(r"^- (flaw \d+|ruling \d+|R\d+|L\d): ", page, re.MULTILINE))
    cited = set()
    for folder in ("src", "tests", "dev", "deploy", "docs"):
        for file in (file for file in (ROOT / folder).rglob("*") if file.suffix in {".py", ".md", ".js"}):
            text = file.read_text("utf-8")
            cited |= {f"{kind} {number}" for kind, number in re.findall(r"(flaw|ruling)s?[ _](\d+)", text)}
            cited |= set(re.findall(r"(?<![\w.-])(?:R\d{1,2}|L[1-5])(?=[:,; )])", text))
    assert len(cited) > 50
    assert cited - known == set()


def _prose(file: Path) -> str:
    """What a page says, or the docstrings of a module."""
    if file.suffix == ".md":
        return file.read_text("utf-8")
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    texts = [node.value.value for node in tree if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    return "\n".join(text for text in texts if isinstance(text, str))


def test_a_file_that_a_page_or_a_docstring_names_is_there() -> None:
    """Moved files are searched for by what the prose says. `NNNN_model.py`, `SERVICE.py`: names to be chosen."""
    sources = [file for top in ("src", "dev", "deploy", "tests") for file in (ROOT / top).rglob("*.py")]
    known = "".join(f"/{file.relative_to(ROOT)}\n" for file in sources)
    history = (ROOT / "CHANGELOG.md", ROOT / "docs/guide/original.md")
    lost = [
        f"{file.relative_to(ROOT)}: {name}"
        for file in (*PAGES, *sources)
        for name in re.findall(r"(?<![\w*{}…/.-])[a-z_][a-z_/]*\.py\b", _prose(file))
        if file not in history and f"/{name}\n" not in known
    ]
    assert lost == []
