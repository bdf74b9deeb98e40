"""Where bikes are left, and what a return says of it, as riders meet it in a browser."""

import re
import unicodedata
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Request, Route

from tests.pages.browser import DESKTOP, PHONE, Demo, Rider, eventually
from tests.pages.conftest import NewRider
from tests.pages.test_rider import rent
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
FORMS = pytest.mark.parametrize(
    ("words", "form"), [(KO, {"viewport": PHONE}), (EN, {**DESKTOP, "has_touch": True})], ids=["ko-phone", "en-desktop"]
)
HERE, RODE_ON = {"latitude": 37.3670, "longitude": 127.1083}, {"latitude": 37.3850, "longitude": 127.1083}
"""Two kilometres apart."""
SEES: dict[str, Any] = {"geolocation": HERE, "permissions": ["geolocation"]}
NOW = """() => new Promise((known) => navigator.geolocation.getCurrentPosition(
    ({ coords }) => known(coords.latitude), () => known(null), { maximumAge: 2000 }))"""
"""Where the phone says that it is to who takes what it measured a moment ago."""
LOST = "() => { navigator.geolocation.getCurrentPosition = (_, lost) => setTimeout(lost, 9000); }"
"""A phone that finds nothing."""
FOUND = """([{ latitude, longitude }, ms]) => { navigator.geolocation.getCurrentPosition = (found) =>
    found({ coords: { latitude, longitude, accuracy: 5 }, timestamp: Date.now() - ms }); }"""
"""A phone that hands out what it measured so many milliseconds ago."""


def to_return(one: Rider, words: Words, bikeid: int) -> None:
    """A ride, up to the page of its return."""
    rent(one, bikeid, words)
    one.tap(words["return"])
    one.page.get_by_role("button", name=words["here"]).wait_for()


def body(asked: Request) -> dict[str, Any]:
    """What a request brings."""
    return dict(asked.post_data_json or {})


def returned(one: Rider, words: Words) -> dict[str, Any]:
    """What the tap sends."""
    with one.page.expect_request(lambda asked: asked.method == "PATCH") as asked:
        one.page.get_by_role("button", name=words["here"]).click()
    one.page.get_by_role("heading", name=words["done"]).wait_for()
    return body(asked.value)


@FORMS
def test_a_return_says_where_it_was_tapped_and_not_where_bikes_were_looked_for(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one = rider(words["locale"], **SEES, **form)
    one.page.get_by_role("button", name=words["nearest"]).click()
    one.page.get_by_role("button", name=words["nearest"]).wait_for(state="detached")
    to_return(one, words, demo.new_bike())
    one.page.get_by_role("group", name=words["near you"]).wait_for()
    one.context.set_geolocation({**RODE_ON, "accuracy": 12.4})
    eventually(lambda: one.page.evaluate(NOW) == RODE_ON["latitude"])
    sent = returned(one, words)
    assert (sent["lat"], sent["lon"], sent["accuracy"]) == (RODE_ON["latitude"], RODE_ON["longitude"], 12)
    (mine,) = demo.rents(one.userid)
    measured, ended = (datetime.fromisoformat(at) for at in (sent["measuredat"], mine["endtime"]))
    assert abs(ended - measured).total_seconds() < 30


def test_a_return_says_no_position_where_none_is_measured_though_one_was_known(rider: NewRider, demo: Demo) -> None:
    one = rider(**SEES)
    one.page.evaluate(FOUND, [HERE, 31_000])
    one.tap(KO["nearest"])
    one.page.get_by_role("button", name=KO["nearest"]).wait_for(state="detached")
    to_return(one, KO, demo.new_bike())
    assert returned(one, KO) == {"endlocation": ""}


def test_a_tap_is_written_down_before_anything_is_measured_and_sent_later_without_a_later_position(
    rider: NewRider, demo: Demo
) -> None:
    one = rider(**SEES)
    one.page.evaluate(LOST)
    to_return(one, KO, demo.new_bike())
    held = list[Route]()
    one.context.route("**/rents/*", lambda route: held.append(route))
    one.tap(KO["here"])
    (tap,) = one.page.evaluate("JSON.parse(localStorage.getItem('gbike.taps'))")
    assert (tap["kind"], tap["body"], held) == ("return", {"endlocation": ""}, [])
    one.context.unroute("**/rents/*")
    with one.page.expect_request(lambda asked: asked.method == "PATCH") as asked:
        one.page.reload()
    one.page.get_by_role("heading", name=KO["done"]).wait_for()
    sent = body(asked.value)
    assert ("lat" in sent, "tappedat" in sent) == (False, True)


def test_a_tap_without_a_line_is_sent_later_with_the_position_of_the_tap(rider: NewRider, demo: Demo) -> None:
    one = rider(**SEES)
    to_return(one, KO, demo.new_bike())
    one.context.set_offline(True)
    one.tap(KO["here"])
    one.see(KO["not yet"])
    eventually(lambda: "measuredat" in one.page.evaluate("localStorage.getItem('gbike.taps')"))
    one.context.set_geolocation(RODE_ON)
    eventually(lambda: one.page.evaluate(NOW) == RODE_ON["latitude"])
    with one.page.expect_request(lambda asked: asked.method == "PATCH" and "tappedat" in body(asked)) as asked:
        one.context.set_offline(False)
    one.page.get_by_role("heading", name=KO["done"]).wait_for()
    sent = body(asked.value)
    assert (sent["lat"], sent["lon"]) == (HERE["latitude"], HERE["longitude"])
    measured, tapped = (datetime.fromisoformat(sent[at]) for at in ("measuredat", "tappedat"))
    assert (tapped - measured).total_seconds() < 30


def test_who_never_let_the_page_know_is_not_asked_at_the_return(rider: NewRider, demo: Demo) -> None:
    one = rider()
    one.page.evaluate("() => { navigator.geolocation.getCurrentPosition = () => { window.asked = true; }; }")
    to_return(one, KO, demo.new_bike())
    assert returned(one, KO) == {"endlocation": ""}
    assert one.page.evaluate("window.asked") is None


@pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
def test_where_somebody_was_minutes_ago_is_measured_again_or_shown_as_old(rider: NewRider, words: Words) -> None:
    one = rider(words["locale"], **SEES)
    one.page.evaluate(FOUND, [HERE, 4 * 60_000])
    one.tap(words["nearest"])
    one.see(words["minutes ago"])
    near = one.page.get_by_role("button", name=words["nearest"])
    near.wait_for()
    one.page.evaluate(FOUND, [RODE_ON, 0])
    one.go("#/me")
    with one.page.expect_request(f"**/bikes?*near={RODE_ON['latitude']:.5f},*"):
        one.go("#/")
    near.wait_for(state="detached")


STREET = [100, 10, 9, 1, 2, 3, 4]
"""Numbers of the doors of a street, the nearest first."""
CORNER = {"latitude": 37.4000, "longitude": 127.1083}


@pytest.fixture(scope="module")
def street(demo: Demo) -> Demo:
    """Bikes at the doors of a street, some 100 m apart. One name is written as another phone writes it."""
    for away, door in enumerate(STREET):
        demo.ask("POST", "/bikes", {"bikeid": 60_000 + door, "batterylevel": 80, **_at(f"느티길 {door}호", away)})
    strange = unicodedata.normalize("NFD", "느티길 10호") + " "
    demo.ask("POST", "/bikes", {"bikeid": 60_999, "batterylevel": 80, **_at(strange, 1)})
    return demo


def _at(name: str, away: int) -> dict[str, Any]:
    return {"location": name, "lat": CORNER["latitude"] + 0.001 * (away + 1), "lon": CORNER["longitude"]}


def offered(one: Rider, group: str) -> list[str]:
    """The places of a group, as they are read."""
    names = one.page.get_by_role("group", name=group, exact=True).locator("label .grow")
    names.first.wait_for()
    return names.all_inner_texts()


@FORMS
def test_the_nearest_places_are_offered_and_the_last_ones_and_any_is_found(
    rider: NewRider, street: Demo, words: Words, form: dict[str, Any]
) -> None:
    one = rider(words["locale"], geolocation=CORNER, permissions=["geolocation"], **form)
    to_return(one, words, street.new_bike())
    assert offered(one, words["near you"]) == [f"느티길 {door}호" for door in STREET[:5]]
    one.see(words["none chosen"])
    one.page.locator("#other").fill("미금역 1")
    assert offered(one, words["found places"])[0] == "분당 미금역 1구역"
    one.see(words["none chosen"])
    one.page.locator("label", has_text="분당 미금역 1구역").click()
    assert returned(one, words)["endlocation"] == "분당_미금역_1구역"

    to_return(one, words, street.new_bike())
    assert offered(one, words["before"]) == ["분당 미금역 1구역"]
    one.context.set_offline(True)
    one.go("#/ride")
    one.tap(words["return"])
    assert offered(one, words["before"]) == ["분당 미금역 1구역"]


@pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
def test_a_name_is_found_however_it_is_written_and_names_are_in_order_of_their_numbers(
    rider: NewRider, street: Demo, words: Words
) -> None:
    one = rider(words["locale"])
    one.page.locator(".place h2", has_text="느티길 10호").wait_for()
    cards = [text for text in one.page.locator(".place h2").all_inner_texts() if text.startswith("느티길")]
    assert [re.split(r"\s*\n", text)[0] for text in cards] == [f"느티길 {door}호" for door in sorted(STREET)]
    to_return(one, words, street.new_bike())
    one.page.locator("#other").fill("느티")
    assert offered(one, words["found places"])[:-1] == [f"느티길 {door}호" for door in sorted(STREET)[:6]]
    one.page.locator("#other").fill("느티나무 아래")
    assert len(offered(one, words["new place"])) == 1
    one.page.locator(".options label.on", has_text="느티나무 아래").wait_for()
    one.page.locator("#other").fill(unicodedata.normalize("NFD", "느티길 10호") + " ")
    assert offered(one, words["found places"])[0] == "느티길 10호"
    assert returned(one, words)["endlocation"] == "느티길 10호"


@FORMS
def test_a_bike_whose_point_is_not_known_is_in_the_list_and_told_beside_the_map(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    bikeid, name = demo.new_bike(), f"어느 골목 {words['locale']}"
    demo.ask("PATCH", f"/bikes/{bikeid}", {"lat": CORNER["latitude"], "lon": CORNER["longitude"]})
    ride = demo.ask("POST", "/rents", {"userid": 999, "bikeid": bikeid})
    demo.ask("PATCH", f"/rents/{ride['rentid']}", {"endlocation": name})
    eventually(lambda: demo.ask("GET", f"/bikes/{bikeid}")["location"] == name)
    one = rider(words["locale"], **form)
    one.page.locator(".place", has_text=name).wait_for()
    one.page.locator(".tabs button").nth(1).click()
    one.page.locator(".leaflet-container").wait_for()
    one.page.get_by_role("heading", name=words["not on map"]).wait_for()
    one.page.locator(".apart ~ .places .place", has_text=name).wait_for()
    assert one.page.locator(f".pin[aria-label*='{name}']").count() == 0
    one.go(f"#/bike/{bikeid}")
    one.page.locator("dd", has_text=name).get_by_text(words["not on map"]).wait_for()
    console = one.context.new_page()
    console.goto(f"{demo.url}/app/console#/bike/{bikeid}")
    console.locator("dt", has_text=words["old point"]).wait_for()
    console.locator("dd", has_text=f"{CORNER['latitude']:.5f}, {CORNER['longitude']:.5f}").wait_for()
    console.goto(f"{demo.url}/app/console#/?view=map&q={bikeid}")
    console.locator(".not-on-map summary").click()
    stale = console.locator(".not-on-map li", has_text=name)
    stale.get_by_text(f"{CORNER['latitude']:.4f}, {CORNER['longitude']:.4f}").wait_for()
    assert console.locator(".big-map .pin").count() == 0


@FORMS
def test_a_bike_is_given_back_where_the_places_to_choose_from_do_not_load(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one = rider(words["locale"], service_workers="block", **form)
    one.page.route("**/where.js", lambda route: route.abort())
    to_return(one, words, demo.new_bike())
    one.page.locator(".empty button").wait_for()
    assert returned(one, words) == {"endlocation": ""}


def respelled(asked: Route) -> None:
    """Every place's name with blanks."""
    answer = asked.fetch()
    told = answer.json()
    for place in told["_embedded"]["places"]:
        place["name"] = place["name"].replace("_", " ")
    asked.fulfill(response=answer, json=told)


@FORMS
def test_a_chosen_place_stays_chosen_when_it_becomes_known_in_another_spelling(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    name = f"봄길_{words['locale']}_1호"
    bikeid, held = demo.new_bike(name), list[Route]()
    one = rider(words["locale"], service_workers="block", **form)
    one.page.locator(".place", has_text=name.replace("_", " ")).wait_for()
    one.page.route("**/bikes?*", lambda route: route.abort())
    one.page.route("**/places?*", lambda route: held.append(route))
    to_return(one, words, demo.new_bike())
    one.page.locator("#other").fill("봄길")
    one.page.locator(".options label", has_text=name.replace("_", " ")).click()
    demo.ask("PATCH", f"/bikes/{bikeid}", {"location": name})
    assert len(held) <= 3 + one.page.evaluate("performance.now()") / 1000  # an answer here and none there is no loop
    one.page.unroute("**/places?*")
    one.page.route("**/places?*", respelled)  # it asks again when the line is back
    for asked in held:
        respelled(asked)
    one.page.locator(f"label.on input[value='{name.replace('_', ' ')}']:checked").wait_for()
    assert returned(one, words)["endlocation"] in (name, name.replace("_", " "))


@FORMS
def test_a_place_without_a_free_bike_is_found_too(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    bikeid, name = demo.new_bike(f"빈 거치대 {words['locale']}"), f"빈 거치대 {words['locale']}"
    one = rider(words["locale"], **form)
    to_return(one, words, bikeid)
    one.page.locator("#other").fill("빈 거치대")
    one.page.locator(".options label", has_text=name).click()
    assert returned(one, words)["endlocation"] == name


@FORMS
def test_a_return_without_a_place_leaves_the_bike_s_place_as_it_was(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    bikeid = demo.new_bike("제자리")
    one = rider(words["locale"], **form)
    to_return(one, words, bikeid)
    one.see(words["none chosen"])
    one.page.locator("label.on", has_text=words["as it is"]).wait_for()
    assert returned(one, words) == {"endlocation": ""}
    eventually(lambda: demo.ask("GET", f"/bikes/{bikeid}")["status"] == "사용가능")
    assert demo.ask("GET", f"/bikes/{bikeid}")["location"] == "제자리"


@FORMS
def test_a_position_that_the_service_did_not_take_is_said_so(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    nowhere = {"latitude": 0, "longitude": 0}
    one = rider(words["locale"], geolocation=nowhere, permissions=["geolocation"], **form)
    to_return(one, words, demo.new_bike())
    returned(one, words)
    one.see(words["position not kept"])


def test_a_name_that_was_written_before_the_places_came_is_that_place(rider: NewRider, demo: Demo) -> None:
    one, held = rider(), list[Route]()
    bikeid = demo.new_bike()
    one.context.route("**/places?*", lambda route: held.append(route))
    one.context.route("**/bikes?status=*", lambda route: route.abort())
    one.reload(one.page.locator("nav"))
    rent(one, bikeid)
    with one.page.expect_request("**/places?*"):
        one.tap(KO["return"])
    one.page.locator("#other").fill("분당 미금역 1구역")
    one.page.locator("label.on", has_text="분당 미금역 1구역").wait_for()
    one.context.unroute("**/bikes?status=*")
    one.context.unroute("**/places?*")  # lets go of what is held, and of what is asked from now on
    one.page.locator("label.on .grow", has_text=re.compile("^분당 미금역 1구역$")).wait_for()
    assert returned(one, KO)["endlocation"] == "분당_미금역_1구역"
