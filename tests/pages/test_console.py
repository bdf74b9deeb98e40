"""The operator's console, in a real browser: bikes come in from a file, are found, and a ride is followed live."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from gbike.kit.storage.sqlite.store import open_file
from gbike.kit.text import clean
from gbike.run.folder.data_folder import DataFolder
from tests.pages.browser import CONSOLE, DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.console_views import CONSOLE_VIEWS, choose
from tests.pages.test_accessible import BUDGET, NARROW, violations, weighed, wide, wrong
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en", marks=FULL)])
MANY = 500
HOSTILE = "<script>document.title='hurt'</script><img src=x onerror=alert(1)>"
FRAME_CPU_MS = 16
"""What the page's thread may compute for a frame of a drag: 60 a second are drawn where nobody else computes."""

NewOperator = Callable[..., Rider]


@pytest.fixture
def operator(browser: Browser, demo: Demo) -> Iterator[NewOperator]:
    """Opens the console; at the end nothing went wrong on its pages."""
    made: list[Rider] = []

    def new(locale: str = "ko-KR", **options: Any) -> Rider:
        made.append(Rider(browser, demo, 1001, locale, **{**CONSOLE, **DESKTOP, **options}))
        return made[-1]

    yield new
    wrong = [one.clean for one in made]
    for one in made:
        one.close()
    assert wrong == [[] for _ in made]


def file_of(numbers: range, words: Words) -> str:
    """Good rows, and one of each problem that a dry run knows."""
    head = "번호,위치,배터리,위도,경도" if words is KO else "BikeID;Place;Battery;Latitude;Longitude"
    mark = head[2] if words is KO else head[6]
    rows = [(n, f'"콘솔, {n % 5}구역"', n % 101, 37.3 + n % 100 / 1000, 127.1) for n in numbers]
    first = numbers[0]
    bad = [
        (first, "again", 50, 37, 127),
        (1001, "there", 50, 37, 127),
        (first + 9001, "full", 101, 37, 127),
        (first + 9002, "far", 50, 91, 127),
        ("x", "none", 50, 37, 127),
    ]
    return "\r\n".join([head, *(mark.join(map(str, row)) for row in [*rows, *bad])])


def test_a_file_is_looked_through_as_the_service_will_keep_it(operator: NewOperator) -> None:
    one = operator()
    one.go("#/add")
    page = one.page
    module = page.locator("link[rel=modulepreload][href$='/console/csv.js']").first.get_attribute("href")
    text = "bikeid,location\n40001,\u202edock\u200b\x1b\n"
    run = page.evaluate("async ([module, text]) => (await import(module)).dryRun(text, () => false)", [module, text])
    assert run["rows"][0]["bike"] == {"bikeid": 40001, "location": "dock"}
    dropped = page.evaluate(
        """async (module) => {
          const { clean } = await import(module);
          const all = Array.from({ length: 0x110000 }, (_, at) => at).filter((at) => at < 0xd800 || at > 0xdfff);
          return all.filter((at) => clean(String.fromCodePoint(at)) !== String.fromCodePoint(at));
        }""",
        module,
    )
    assert dropped == [at for at in range(0x110000) if not 0xD800 <= at <= 0xDFFF and clean(chr(at)) != chr(at)]


@BOTH
def test_an_operator_imports_500_bikes_sees_them_and_follows_a_ride_live(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    one, first = operator(words["locale"]), 20_000 if words is KO else 30_000
    page = one.page
    one.go("#/add")
    choose(one, file_of(range(first, first + MANY), words))
    page.get_by_role("button", name=words["problems"]).click()
    told = page.get_by_role("table", name=words["dry run"]).get_by_role("row").all_inner_texts()
    problems = ("in file", "in fleet", "bad battery", "bad coordinates", "bad number")
    assert [words[name] in row for name, row in zip(problems, told[-5:], strict=True)] == [True] * 5, told
    page.get_by_role("button", name=words["import 500"]).click()
    page.get_by_text(words["500 done"]).wait_for()
    assert demo.ask("GET", f"/bikes/{first + MANY - 1}")["location"] == f"콘솔, {(first + MANY - 1) % 5}구역"

    page.get_by_role("link", name=words["see fleet"]).click()
    page.get_by_label(words["search"]).fill(str(first + 7))
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(first + 7), exact=True))
    row.get_by_text(words["free"]).wait_for()
    rent = demo.ask("POST", "/rents", {"userid": 1003, "bikeid": first + 7})
    row.get_by_text(words["rider 1003"]).wait_for()
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "도착_구역"})
    row.get_by_text("도착 구역").wait_for()
    row.get_by_text(words["free"]).wait_for()


def test_a_row_that_meets_a_busy_service_or_a_lost_answer_is_sent_until_it_is_done_and_counts_once(
    operator: NewOperator, demo: Demo
) -> None:
    one = operator()
    keys = dict[str, set[str]]()
    met = list[str]()

    def hold_up(route: Route, request: Request) -> None:
        if request.method == "POST":
            body = request.post_data or ""
            keys.setdefault(body, set()).add(request.headers["idempotency-key"])
            met.append(body)
        if request.method == "POST" and len(met) == 1:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"type": "docs#too-many-requests"})
        elif request.method == "POST" and len(met) == 2:
            route.fetch()  # it was done, and nobody heard of it
            route.abort()
        else:
            route.continue_()

    one.context.route("**/bikes", hold_up)
    one.go("#/add")
    choose(one, "number,place\n" + "\n".join(f"{n},여기" for n in range(41_000, 41_006)))
    one.page.get_by_role("button", name="6대 등록").click()
    one.page.get_by_text("6대 중 6대 등록, 0대 거절").wait_for()
    assert len(met) > 6
    assert [len(of) for of in keys.values()] == [1] * 6
    printed = demo.ask("GET", "/bikes/41000/events")["_embedded"]["events"]
    assert [event["type"] for event in printed] == ["RegisteredBike"]


def test_an_import_that_was_broken_off_goes_on_where_it_was(operator: NewOperator, demo: Demo) -> None:
    one = operator()
    one.context.route("**/bikes", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    one.go("#/add")
    choose(one, "number\n42001\n42002")
    one.page.get_by_role("button", name="2대 등록").click()
    one.page.get_by_text("2대 중 0대 등록").wait_for()
    one.context.unroute("**/bikes")
    one.reload(one.page.get_by_text("2대 중 2대 등록"))
    assert demo.ask("GET", "/bikes/42002")["bikeid"] == 42002


def test_an_admin_finds_the_console_from_their_own_page(rider: NewRider) -> None:
    one = rider("en-US")
    one.go("#/me")
    one.tap("Operator’s console")
    one.page.locator(".side").wait_for()
    one.page.get_by_role("heading", name="Fleet").wait_for()


def test_one_bike_is_added_and_a_refusal_says_why(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    one.go("#/add")
    form = one.page.get_by_role("form", name="Add one bike")
    form.get_by_label("Number").fill("43001")
    form.get_by_label("Place").fill('quotes ", commas')
    form.get_by_role("button").click()
    one.see("Bike 43001 is in the fleet.")
    assert demo.ask("GET", "/bikes/43001")["location"] == 'quotes ", commas'
    form.get_by_label("Number").fill("43001")
    form.get_by_role("button").click()
    one.see("registered already")


def test_filters_and_their_order_survive_a_reload(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    page = one.page
    for bikeid, battery in ((44001, 15), (44002, 5), (44003, 60)):
        demo.ask("POST", "/bikes", {"bikeid": bikeid, "location": "필터_구역", "batterylevel": battery})
    one.reload(page.locator(".rows"))
    page.get_by_label("Search").fill("필터")
    page.get_by_label("Battery", exact=True).select_option("20")
    page.get_by_role("button", name="Battery").click()
    for _ in range(2):
        page.get_by_text(re.compile("^2 of ")).wait_for()
        assert page.locator(".rows .number").all_inner_texts() == ["44002", "44001"]
        one.reload(page.locator(".rows"))
    assert page.get_by_label("Search").input_value() == "필터"
    page.get_by_role("button", name="Clear").click()
    page.get_by_text(re.compile("^2 of ")).wait_for(state="detached")
    assert page.get_by_label("Battery", exact=True).input_value() == ""


def test_hostile_text_stays_text(operator: NewOperator, demo: Demo) -> None:
    one = operator()
    page = one.page
    demo.ask("POST", "/bikes", {"bikeid": 45001, "location": HOSTILE, "lat": 37.36, "lon": 127.1})
    for hash in ("#/?q=45001", "#/bike/45001", "#/bike/45001?show=events"):
        one.go(hash)
        page.locator("main :is(.cut, dd, .story p)", has_text="<script>").first.wait_for()
        assert page.locator("main script, main img, select script").count() == 0
    assert "hurt" not in page.title()


def test_a_bikes_story_has_its_rides_bills_reports_and_events(operator: NewOperator, demo: Demo) -> None:
    demo.register(46001)
    demo.ask("POST", "/bikeManageApps", {"managerid": 1001, "bikeid": 46001, "batterylevel": 33, "usableyn": True})
    rent = demo.ask("POST", "/rents", {"userid": 1002, "bikeid": 46001})
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "여기"})
    find = "/rentAndBillingViews?bikeid=46001"
    ridden = "rentAndBillingViews"
    eventually(lambda: [one["billingStatus"] for one in demo.ask("GET", find)["_embedded"][ridden]] == ["CLOSEBILL"])
    eventually(lambda: demo.ask("GET", "/bikes/46001/events")["page"]["totalElements"] == 4)
    one = operator()
    one.go("#/bike/46001")
    one.page.locator(".story").wait_for()
    kinds = {kind: one.page.locator(f".story li.{kind}").count() for kind in ("rides", "bills", "reports", "events")}
    assert kinds == {"rides": 2, "bills": 1, "reports": 1, "events": 4}
    one.page.get_by_role("button", name="보고").click()
    one.page.locator(".story li.rides").first.wait_for(state="detached")
    assert one.page.locator(".story li").count() == 1
    one.see("배터리 33%")


def test_overdue_rides_stand_on_top_and_the_limit_is_kept(operator: NewOperator, demo: Demo) -> None:
    rents = [
        demo.ask("POST", "/rents", {"userid": 1001, "bikeid": demo.register(47_001 + n)})["rentid"] for n in (0, 1)
    ]
    with closing(open_file(DataFolder(demo.folder).store_path("rent"))) as store:
        store.execute("UPDATE rents SET started_ms = started_ms - 5400000 WHERE rentid = ?", (rents[1],))
    one = operator("en-US")
    one.go("#/rides?over=60")
    rows = one.page.locator(".rows [role=row]")
    rows.first.get_by_text("Overdue").wait_for()
    assert rows.first.get_by_role("rowheader").inner_text() == str(rents[1])
    assert one.page.get_by_label("Overdue after").input_value() == "60"
    one.page.get_by_label("Overdue after").select_option("120")
    one.page.locator(".status.late").first.wait_for(state="detached")
    one.reload(rows.first)
    assert one.page.get_by_label("Overdue after").input_value() == "120"


def test_the_system_page_is_drawn_from_the_figures_of_each_service(operator: NewOperator) -> None:
    one = operator("en-US")
    one.go("#/system")
    one.see("Every service is ready.")
    assert one.page.get_by_role("table", name="Services").get_by_role("row").count() == 9


def test_axe_finds_nothing_on_the_fleet_and_its_first_view_is_light(operator: NewOperator) -> None:
    one = operator()
    one.page.locator(".rows .charge").first.wait_for()
    assert violations(one.page) == []
    weights = weighed(one, "canvas.signs")
    assert sum(size for url, size in weights.items() if "leaflet" not in url) <= BUDGET, weights
    assert any("leaflet" in url for url in weights), "the map was not drawn"


@FULL
@pytest.mark.timeout(900)
@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_axe_finds_nothing_on_any_page_of_the_console(
    operator: NewOperator, demo: Demo, locale: str, look: str
) -> None:
    for screen in (DESKTOP, {"viewport": PHONE}):
        assert wrong(operator(locale, color_scheme=look, **screen), demo, CONSOLE_VIEWS) == {}


@FULL
@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
def test_no_page_of_the_console_is_wider_than_320_px(operator: NewOperator, demo: Demo, locale: str) -> None:
    assert wide(operator(locale, viewport=NARROW), demo, CONSOLE_VIEWS) == []


FRAMES = """(many) => new Promise((drawn) => { let left = many;
  const each = () => (left -= 1) ? requestAnimationFrame(each) : drawn(); each(); })"""
DRAGS, MOVES = 10, 10
"""Each move may be a frame; at the end of a drag the map is drawn anew."""


@FULL
@pytest.mark.timeout(900)
def test_a_drag_over_10000_bikes_is_smooth(operator: NewOperator, demo: Demo) -> None:
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(partial(_somewhere, demo), range(100_000, 110_000)))
    one = operator()
    page = one.page
    page.locator(".figure").first.wait_for()
    eventually(lambda: int(page.locator("canvas.signs").get_attribute("data-signs") or 0) > 500)
    eventually(lambda: demo.ask("GET", "/bikes?size=1")["page"]["totalElements"] >= 10_000)
    page.get_by_text(re.compile(r"^전체 1\d,\d{3} ")).first.wait_for()
    moved_ms, drawn_ms = _dragged(page)
    print(f"CPU of the page's thread: {moved_ms:.1f} ms a frame while it is dragged, {drawn_ms:.1f} ms to draw it anew")
    assert moved_ms < FRAME_CPU_MS
    assert drawn_ms < FRAME_CPU_MS


def _somewhere(demo: Demo, bikeid: int) -> None:
    place = {"lat": 37.2 + bikeid % 331 / 1000, "lon": 126.9 + bikeid % 97 / 250, "location": f"구역_{bikeid % 50}"}
    demo.ask("POST", "/bikes", {"bikeid": bikeid, "batterylevel": bikeid % 101, **place})


def _dragged(page: Page) -> tuple[float, float]:
    """What the page's thread computes for a move and for the end of a drag, ms, however long others keep it waiting."""
    box = page.locator(".big-map").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})

    def computed_ms() -> float:
        metrics = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"]) * 1000

    moved = drawn = 0.0
    for drag in range(DRAGS):
        way = 1 if drag % 2 else -1
        page.mouse.move(x, y)
        page.mouse.down()
        began = computed_ms()
        for step in range(MOVES):
            page.mouse.move(x + way * step * 12, y + way * step * 6)
        moved += computed_ms() - began
        page.evaluate(FRAMES, 12)  # held still, so that it does not go on by itself
        released = computed_ms()
        page.mouse.up()
        page.evaluate(FRAMES, 2)
        drawn += computed_ms() - released
    return moved / DRAGS / MOVES, drawn / DRAGS
