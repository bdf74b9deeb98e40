"""A way to be refused has one definition: a second one stops whoever imports it."""

import ast
import shutil
from pathlib import Path

import pytest

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.http.problems import catalogue
from gbike.services.account.domain import RECENT_S
from tests.architecture.source import SRC, files, tree

BUSY = """[busy]
status = 503
title_en = "Too many tickets"
title_ko = "문의가 많음"
detail_en = "Too many tickets at once."
detail_ko = "문의가 많습니다."
advice = "Ask later."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The catalogue, to plant something in."""
    return Path(shutil.copytree(PROBLEM_TEXTS, tmp_path / "problems"))


def test_a_second_definition_of_a_slug_by_another_service_fails(folder: Path) -> None:
    (folder / "tickets.toml").write_text(BUSY, "utf-8")
    with pytest.raises(ValueError, match=r"tickets\.toml: the problem busy is defined already"):
        catalogue(folder)


def test_a_second_definition_in_the_same_file_fails(folder: Path) -> None:
    with (folder / "bike.toml").open("a", encoding="utf-8") as file:
        file.write(BUSY)
    with pytest.raises(ValueError, match="busy"):
        catalogue(folder)


def test_a_second_definition_of_what_the_server_answers_itself_fails(folder: Path) -> None:
    (folder / "tickets.toml").write_text(BUSY.replace("busy", "not-found"), "utf-8")
    with pytest.raises(ValueError, match="not-found is defined already"):
        catalogue(folder)


def test_a_definition_without_korean_words_or_with_a_wrong_name_fails(folder: Path) -> None:
    for wrong in (BUSY.replace("title_ko", "title_kr"), BUSY.replace('title_ko = "문의가 많음"\n', "")):
        (folder / "tickets.toml").write_text(wrong.replace("busy", "ticket-unknown"), "utf-8")
        catalogue.cache_clear()
        with pytest.raises(ValueError, match="title_k"):
            catalogue(folder)


def test_no_words_stand_beside_the_catalogue() -> None:
    made = [
        f"{file.relative_to(SRC)}:{node.lineno}"
        for file in files(SRC)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "ProblemType")
            or any(keyword.arg in ("title_en", "detail_en") for keyword in node.keywords)
        )
    ]
    assert made == []


def test_another_wording_of_a_refusal_is_the_same_refusal() -> None:
    blocked, erased = (catalogue(PROBLEM_TEXTS)[name] for name in ("rider-blocked", "rider-blocked.erased"))
    assert (erased.slug, erased.status) == (blocked.slug, blocked.status) == ("rider-blocked", 403)
    assert erased.detail_en != blocked.detail_en


def test_the_age_of_a_sign_in_that_is_told_is_the_one_that_is_judged() -> None:
    assert f'max_age="{RECENT_S}"' in catalogue(PROBLEM_TEXTS)["sign-in-again"].challenge
