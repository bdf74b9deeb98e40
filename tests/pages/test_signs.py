"""Signs for bikes, printed from the fleet's page: what riders scan leads to the bike."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.pages import qr
from tests.pages.browser import PHONE, SCANS, Demo, Rider, eventually
from tests.pages.conftest import NewOperator, NewRider
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
ON_A_SHEET = 21
SHEET_MM = 297 - 2 * 14
A4 = (595, 842)
MANY = 510
PIXELS = """async (png) => {
  const picture = Object.assign(new Image(), { src: `data:image/png;base64,${png}` });
  await picture.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height });
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const row = (y) => Array.from({ length: canvas.width }, (_, x) => {
    const grey = data[(y * canvas.width + x) * 4];
    return grey < 64 ? '#' : grey > 192 ? '.' : '?';
  });
  return Array.from({ length: canvas.height }, (_, y) => row(y).join(''));
}"""
LINES = """(numbers) => numbers.map((number) =>
  Math.round(number.getBoundingClientRect().height / parseFloat(getComputedStyle(number).lineHeight)))"""
CUT = """(plates) => plates.filter((plate) => {
  const frame = plate.getBoundingClientRect();
  const parts = [...plate.querySelectorAll('svg, strong, span')].map((part) => part.getBoundingClientRect());
  return parts.some(({ top, left, right, bottom }) =>
    top < frame.top || left < frame.left || right > frame.right || bottom > frame.bottom);
}).map((plate) => plate.innerText)"""


def code(page: Page, plate: Locator) -> str:
    """What a sign's code says, from its picture."""
    picture = base64.b64encode(plate.locator("svg").screenshot()).decode()
    return qr.read(page.evaluate(PIXELS, picture))


def pages(page: Page) -> int:
    """Of the sheets that are printed, each of them A4."""
    printed = page.pdf(prefer_css_page_size=True)
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert {(round(float(wide)), round(float(high))) for wide, high in sizes} == {A4}
    return len(re.findall(rb"/Type /Page\b(?!s)", printed))


def made(one: Rider, count: int) -> Locator:
    """The signs, when there are so many and they can be printed."""
    plates = one.page.locator(".plate")
    eventually(lambda: plates.count() == count)
    one.page.locator(".top button:not([disabled])").wait_for()
    return plates


@pytest.mark.parametrize(
    ("words", "look"), [(KO, {"color_scheme": "dark"}), (EN, {"color_scheme": "light"})], ids=["ko-dark", "en"]
)
def test_the_bikes_that_are_shown_get_signs_that_riders_scan(
    operator: NewOperator, rider: NewRider, demo: Demo, words: Words, look: dict[str, Any]
) -> None:
    place = f"표지 {words['locale']}"
    bikes = [demo.new_bike(place) for _ in range(ON_A_SHEET + 2)]
    label = f"SGN-{words['locale'][:2].upper()}001"
    demo.ask("PATCH", f"/bikes/{bikes[0]}", {"label": label})
    one = operator(words["locale"], **look)
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url))
    one.page.get_by_label(words["search"]).fill(place)
    one.see(words["shown"].format(len(bikes)))
    assert not [url for url in asked if "qrcode" in url]
    one.page.get_by_role("link", name=words["print signs"]).click()
    plates = made(one, len(bikes))
    assert [url for url in asked if "qrcode" in url]
    assert one.page.locator("h1").inner_text() == words["signs"]
    one.see(words["signs on sheets"].format(len(bikes), 2))
    assert plates.first.locator("strong").inner_text() == str(bikes[0])
    assert plates.first.locator("span").inner_text() == label

    one.page.emulate_media(media="print")
    shown = one.page.locator("body").inner_text().split()
    assert shown == [str(bikes[0]), label, *map(str, bikes[1:])], "nothing but the signs is printed"
    texts = [code(one.page, plates.nth(at)) for at in (0, len(bikes) - 1)]
    assert texts == [f"{demo.url}/app/#/bike/{bikeid}" for bikeid in (bikes[0], bikes[-1])]
    sheets = one.page.locator(".plates")
    assert [sheet.locator(".plate").count() for sheet in sheets.all()] == [ON_A_SHEET, 2]
    high = sheets.first.evaluate("(sheet) => sheet.getBoundingClientRect().height / 96 * 25.4")
    assert SHEET_MM - 38 < high <= SHEET_MM
    assert pages(one.page) == 2

    phone = rider(words["locale"], viewport=PHONE)
    phone.page.evaluate(SCANS % texts[0])
    phone.go("#/number")
    phone.page.get_by_role("button", name=words["scan"]).click()
    phone.page.locator("dd", has_text=label).wait_for()
    assert phone.page.url.endswith(f"#/bike/{bikes[0]}")
    opened = phone.open()
    opened.goto(texts[1])  # the phone's own camera
    opened.get_by_role("heading", name=str(bikes[-1])).wait_for()


def test_the_button_prints(operator: NewOperator, demo: Demo) -> None:
    demo.new_bike("표지 하나")
    one = operator("en-US")
    one.page.evaluate("window.print = () => { window.printed = true }")
    one.go("#/signs?q=표지 하나")
    made(one, 1)
    one.page.get_by_role("button", name="Print").click()
    assert one.page.evaluate("window.printed")
    one.see("1 sign on 1 sheet of A4")


def test_long_numbers_and_labels_stay_on_their_signs(operator: NewOperator, demo: Demo) -> None:
    for number, label in [(9_007_199_254_740_991, "W" * 36), (88_888_888, "W" * 9), (99_999, "SPB-03001")]:
        demo.register(number, "긴 표지")
        demo.ask("PATCH", f"/bikes/{number}", {"label": label})
    one = operator()
    one.go("#/signs?q=긴 표지")
    plates = made(one, 3)
    one.page.emulate_media(media="print")
    assert plates.locator("strong").evaluate_all(LINES) == [1, 1, 2]
    assert plates.evaluate_all(CUT) == []


def test_of_more_than_500_the_others_are_told_and_come_next(operator: NewOperator, demo: Demo) -> None:
    rows = "".join(f"{43_000 + at},많은 표지\n" for at in range(MANY))
    one = operator("en-US")
    sent = one.page.request.post(
        f"{demo.url}/bikes/imports", data=f"번호,위치\n{rows}".encode(), headers={"content-type": "text/csv"}
    )
    assert sent.status == 202
    eventually(lambda: demo.ask("GET", f"/bikes/imports/{sent.json()['importid']}")["state"] == "done")
    one.go("#/signs?q=많은 표지&sort=number&down=1")
    plates = made(one, 500)
    one.see("At most 500 signs at once. These are 1 to 500 of 510.")
    assert plates.first.inner_text() == str(43_000 + MANY - 1)
    assert pages(one.page) == 24
    one.page.get_by_role("link", name="Those after").click()
    assert made(one, MANY - 500).last.inner_text() == "43000"
    one.page.get_by_role("link", name="Back").click()
    one.see("510 of")


def test_where_no_bike_is_shown_there_is_nothing_to_print(operator: NewOperator) -> None:
    one = operator("en-US")
    one.go("#/signs?q=nowhere")
    one.page.locator(".empty").wait_for()
    assert one.page.locator(".top button[disabled]").count() == 1
