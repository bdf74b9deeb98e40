"""A bike's label on the pages: riders type or scan it, operators see it and look for it."""

import itertools
from typing import Any

import pytest

from tests.pages.browser import DESKTOP, PHONE, Demo, Rider
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.words import EN, KO, Words

BOTH = pytest.mark.parametrize(
    ("words", "form"), [(KO, {"viewport": PHONE}), (EN, DESKTOP)], ids=["ko-phone", "en-desktop"]
)
CAMERA = """() => {
  navigator.mediaDevices.getUserMedia = async () => new MediaStream();
  HTMLMediaElement.prototype.play = async () => {};
  globalThis.BarcodeDetector = class {
    async detect() { return [{ rawValue: 'https://bikes.example/app/#/bike/%s' }]; }
  };
}"""
_numbers = itertools.count(640_001)


def labelled(demo: Demo) -> tuple[int, str]:
    """A new bike with a label, of which small letters are typed."""
    bikeid = next(_numbers)
    demo.ask("POST", "/bikes", {"bikeid": bikeid, "label": f"SPB-{bikeid}", "location": "정자역"})
    return bikeid, f"spb-{bikeid}"


def press(one: Rider, name: str) -> None:
    """With a finger or a mouse."""
    one.page.get_by_role("button", name=name, exact=True).click()


@BOTH
def test_a_rider_types_a_label_and_rents_its_bike(
    rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    one, (bikeid, label) = rider(words["locale"], **form), labelled(demo)
    one.go("#/number")
    one.page.get_by_label(words["number"]).fill("spb-none")
    press(one, words["next"])
    one.see("SPB-NONE")
    assert one.page.url.endswith("#/number")
    one.page.get_by_label(words["number"]).fill(label)
    press(one, words["next"])
    one.page.get_by_text(label.upper(), exact=True).wait_for()
    assert one.page.url.endswith(f"#/bike/{bikeid}")
    press(one, words["rent"])
    one.page.get_by_role("timer").wait_for()


@BOTH
def test_a_label_is_scanned(rider: NewRider, demo: Demo, words: Words, form: dict[str, Any]) -> None:
    one, (bikeid, label) = rider(words["locale"], **form), labelled(demo)
    one.page.evaluate(CAMERA % label)
    one.go("#/number")
    press(one, words["scan"])
    one.page.get_by_text(label.upper(), exact=True).wait_for()
    assert one.page.url.endswith(f"#/bike/{bikeid}")


@BOTH
def test_an_operator_looks_for_a_label(operator: NewOperator, demo: Demo, words: Words, form: dict[str, Any]) -> None:
    one, (bikeid, label) = operator(words["locale"], **form), labelled(demo)
    one.page.get_by_label(words["search"], exact=True).fill(label)
    one.page.get_by_text(label.upper(), exact=True).wait_for()
    one.page.get_by_role("link", name=str(bikeid), exact=True).click()
    one.page.get_by_text(label.upper(), exact=True).wait_for()
    assert one.page.url.endswith(f"#/bike/{bikeid}")
