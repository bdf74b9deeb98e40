"""A file of bikes in the console: its bytes go to the service, and operators see what comes of each row."""

import itertools
import re
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Request, Route

from tests.pages.browser import DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewOperator
from tests.pages.console_views import choose
from tests.pages.test_accessible import violations
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize(
    ("words", "form"), [(KO, {"viewport": PHONE}), (EN, DESKTOP)], ids=["ko-phone", "en-desktop"]
)
MANY = 140
_numbers = itertools.count(70_000, 1_000)


def exists(demo: Demo, bikeid: int) -> bool:
    """Whether the fleet has it."""
    try:
        return bool(demo.ask("GET", f"/bikes/{bikeid}")["bikeid"])
    except HTTPError:
        return False


def write(one: Rider, words: Words, count: int) -> None:
    """What the dry run showed, and wait until it is done."""
    one.page.get_by_role("button", name=words["write"].format(count), exact=True).click()
    one.page.get_by_role("heading", name=words["over"]).wait_for()


def rows(one: Rider, words: Words) -> list[str]:
    """The rows of the page that is shown, as they are read."""
    table = one.page.get_by_role("table", name=words["outcome"])
    return [text.replace("\n", " ") for text in table.locator(".rows [role=row]").all_inner_texts()]


@BOTH
def test_a_file_in_cp949_is_shown_as_it_is_read_before_anything_is_written(
    operator: NewOperator, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one, first = operator(words["locale"], **form), next(_numbers)
    good = [f"{first + n},강남역 {n}번,{n % 101},37.{4000 + n},127.1" for n in range(MANY)]
    bad = [f"{first + 900},한강,190,37.4,127.1", f"{first + 901},여의도,50,0,0"]
    data = "\r\n".join(["자전거번호,대여소명,배터리(%),위도,경도", *bad, *good]).encode("cp949")
    choose(one, data, "강남.csv")
    one.page.get_by_role("heading", name="강남.csv").wait_for()
    one.see("CP949")
    one.page.get_by_role("region", name=words["first rows"]).get_by_role("cell", name="강남역 0번").wait_for()
    one.page.get_by_text(words["write"].format(MANY + 1), exact=True).wait_for()
    shown = rows(one, words)
    assert words["bad battery"] in shown[0]
    assert words["no position"] in shown[1]
    assert all(said in shown[3] for said in (str(first + 1), "1%", "강남역 1번", "37.4001, 127.1"))
    one.page.get_by_role("button", name=words["following"], exact=True).click()
    one.page.locator(".rows [role=row]", has_text=str(first + 98)).wait_for()
    one.page.get_by_role("button", name=words["refused rows"], exact=True).click()
    one.page.locator(".rows [role=row]", has_text=str(first + 900)).get_by_text(words["bad battery"]).wait_for()
    eventually(lambda: len(rows(one, words)) == 1)
    assert not exists(demo, first)
    assert violations(one.page) == []
    write(one, words, MANY + 1)
    assert demo.ask("GET", f"/bikes/{first + 7}")["location"] == "강남역 7번"
    assert not exists(demo, first + 900)


@BOTH
def test_columns_that_nobody_knows_are_said_by_hand_and_two_of_one_name_are_a_question(
    operator: NewOperator, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one, first = operator(words["locale"], **form), next(_numbers)
    page = one.page
    odd = f"no{first}"
    choose(one, f"{odd},lat,lat,lon\n{first},37.1,37.2,127.1\n{first + 1},37.1,37.2,127.1\n".encode())
    one.see(words["which column"])
    one.see(words["which is the number"])
    one.see(words["answer first"])
    page.get_by_label(words["is"].format(odd)).select_option("bikeid")
    page.get_by_label(words["is"].format("lat"), exact=True).select_option("")
    page.get_by_role("button", name=words["again"]).click()
    page.get_by_text(words["which column"]).wait_for(state="detached")
    write(one, words, 2)
    assert demo.ask("GET", f"/bikes/{first}")["lat"] == 37.2


@BOTH
def test_an_import_goes_on_at_the_server_whoever_leaves_the_page(
    operator: NewOperator, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one, first = operator(words["locale"], **form), next(_numbers)
    page = one.page
    data = ("bikeid,location\n" + "\n".join(f"{first + n},느린 길" for n in range(900))).encode()
    choose(one, data, f"many-{first}.csv")
    one.reload(page.get_by_text(words["once more"]))
    page.locator("input[type=file]").set_input_files([{"name": f"many-{first}.csv", "mimeType": "", "buffer": data}])
    begin = page.get_by_role("button", name=words["write"].format(900), exact=True)
    begin.wait_for()
    with page.expect_response(lambda answer: "dryrun=false" in answer.url):
        begin.click()
    page.close()
    page = one.page = one.open("#/add")
    page.locator(".lines a", has_text=f"many-{first}.csv").first.click()
    page.get_by_role("heading", name=words["over"]).wait_for()
    assert exists(demo, first + 899)


def test_bikes_that_are_there_are_changed_when_it_is_asked(operator: NewOperator, demo: Demo) -> None:
    one, first = operator("en-US"), next(_numbers)
    demo.ask("POST", "/bikes", {"bikeid": first, "location": "old", "batterylevel": 10})
    choose(one, f"bikeid,location,batterylevel\n{first},new,60\n".encode())
    one.see("Nothing would be written.")
    one.page.locator("label", has_text=EN["change"]).click()
    one.page.get_by_role("button", name=EN["again"]).click()
    one.page.get_by_role("button", name="Write 1 bike", exact=True).click()
    one.page.get_by_role("heading", name=EN["over"]).wait_for()
    changed = demo.ask("GET", f"/bikes/{first}")
    assert (changed["location"], changed["batterylevel"]) == ("new", 60)


def test_a_file_whose_answer_was_lost_is_sent_again_and_written_once(operator: NewOperator, demo: Demo) -> None:
    one, first = operator("en-US"), next(_numbers)
    met = list[str]()

    def lose(route: Route, request: Request) -> None:
        met.append(request.headers["idempotency-key"])
        if len(met) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    choose(one, f"bikeid\n{first}\n{first + 1}\n".encode(), f"lost-{first}.csv")
    one.context.route(re.compile("dryrun=false"), lose)
    begin = one.page.get_by_role("button", name=EN["write"].format(2), exact=True)
    begin.click()
    one.see("No answer. Please try again.")
    begin.click()
    one.page.get_by_role("heading", name=EN["over"]).wait_for()
    assert met == [met[0]] * 2
    every = demo.ask("GET", "/bikes/imports?size=100")["_embedded"]["imports"]
    written = [one for one in every if one["name"] == f"lost-{first}.csv" and not one["dryrun"]]
    assert [one["registered"] for one in written] == [2]


@pytest.mark.parametrize(("locale", "says"), [("ko-KR", "CSV"), ("en-US", "CSV")])
def test_a_file_of_which_nothing_can_be_read_is_said_so(operator: NewOperator, locale: str, says: str) -> None:
    one = operator(locale)
    one.go("#/add")
    file = {"name": "bikes.xlsx", "mimeType": "", "buffer": b"PK\x03\x04" + bytes(100)}
    one.page.locator("input[type=file]").set_input_files([file])
    one.page.locator(".notice.bad", has_text=says).wait_for()
    assert one.page.evaluate("location.hash") == "#/add"
