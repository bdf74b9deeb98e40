"""A bike's label of letters, which riders type or scan and operators look for."""

from typing import Any

import pytest

from tests.pages.browser import DESKTOP, PHONE, SCANS, Demo
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
def test_a_bike_is_found_by_the_label_that_stands_on_it(
    rider: NewRider, operator: NewOperator, demo: Demo, words: Words
) -> None:
    label = f"SPB-{words['locale'][:2].upper()}01"
    bikeid = demo.new_bike("라벨 길")
    demo.ask("PATCH", f"/bikes/{bikeid}", {"label": label})
    one = rider(words["locale"], viewport=PHONE)
    one.page.locator(".place", has_text=label).wait_for()
    one.go("#/number")
    one.page.get_by_label(words["number"]).fill("SPB-404")
    one.tap(words["next"])
    one.see(words["unknown"])
    one.page.get_by_label(words["number"]).fill(label.lower())
    one.tap(words["next"])
    one.page.get_by_role("heading", name=str(bikeid)).wait_for()
    one.page.locator("dd", has_text=label).wait_for()
    console = operator(words["locale"], **DESKTOP)
    console.page.get_by_label(words["search"]).fill(label[:7])
    console.page.get_by_role("row").filter(has_text=label).get_by_role("link", name=str(bikeid), exact=True).wait_for()


def test_one_bike_is_added_with_its_label(operator: NewOperator, demo: Demo) -> None:
    one = operator("en-US")
    one.go("#/add")
    form = one.page.get_by_role("form", name="Add one bike")
    form.get_by_label("Number").fill("43500")
    form.get_by_label("Label").fill("only-1")
    form.get_by_role("button").click()
    one.see("Bike 43500 is in the fleet.")
    assert demo.ask("GET", "/bikes/43500")["label"] == "ONLY-1"


@pytest.mark.parametrize(("words", "form"), [(KO, {"viewport": PHONE}), (EN, DESKTOP)], ids=["ko-phone", "en-desktop"])
def test_a_label_is_scanned(rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]) -> None:
    label = f"scan-{words['locale'][:2]}"
    bikeid = demo.new_bike()
    demo.ask("PATCH", f"/bikes/{bikeid}", {"label": label})
    one = rider(words["locale"], **form)
    one.page.evaluate(SCANS % f"https://bikes.example/app/#/bike/{label}")
    one.go("#/number")
    one.page.get_by_role("button", name=words["scan"]).click()
    one.page.locator("dd", has_text=label.upper()).wait_for()
    assert one.page.url.endswith(f"#/bike/{bikeid}")
