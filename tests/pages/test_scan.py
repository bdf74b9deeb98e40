"""A bike's code is read with the phone's camera or of a photo, in a browser that has no reader of its own; and where
there is no picture, why."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.pages import pictures, qr
from tests.pages.browser import DESKTOP, PHONE, SCANS, Demo, Rider, chromium
from tests.pages.conftest import NewRider
from tests.pages.words import EN, KO, Words

pytestmark = pytest.mark.timeout(300)
BOTH = pytest.mark.parametrize("words", [KO, EN], ids=["ko", "en"])
BIKE = 6901
SIZE = 640, 480
ELSEWHERE = "bikes.example"


def scan(one: Rider, words: Words) -> None:
    """Open the page of the number and turn the camera on."""
    one.go("#/number")
    one.page.get_by_role("button", name=words["scan"]).click()


def at_the_bike(one: Rider, bikeid: int = BIKE) -> None:
    """Return when its page is there."""
    one.page.get_by_role("heading", name=str(bikeid)).wait_for()
    assert one.page.url.endswith(f"#/bike/{bikeid}")


def choose(one: Rider, picture: bytes, type: str = "image/png") -> None:
    """A photo, as the phone hands it over."""
    file: Any = {"name": "photo", "mimeType": type, "buffer": picture}
    one.page.locator("input[type=file][capture=environment]").set_input_files(file)


Filming = Callable[..., Rider]


@pytest.fixture
def filming(browser: Browser, demo: Demo, tmp_path: Path) -> Iterator[Filming]:
    """Riders whose camera sees the code, or a wall."""
    opened: list[tuple[Browser, Rider]] = []

    def new(locale: str, *, code: bool = True, **options: Any) -> Rider:
        clip = tmp_path / "clip.y4m"
        pictures.film(clip, *SIZE, code=code)
        camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"]
        args = [*camera, "--use-fake-ui-for-media-stream", "--no-sandbox"]
        own = browser.browser_type.launch(executable_path=chromium(), args=args)
        opened.append((own, Rider(own, demo, 5900, locale, **options)))
        return opened[-1][1]

    yield new
    wrong = [one.clean for _, one in opened]
    for own, one in opened:
        one.close()
        own.close()
    assert wrong == [[] for _ in opened]


def test_the_picture_is_a_code_of_a_bike() -> None:
    edge = ["." * (len(pictures.CODE) + 2 * qr.QUIET)] * qr.QUIET
    assert qr.read([*edge, *(f"....{row}...." for row in pictures.CODE), *edge]) == pictures.CODED


@pytest.mark.parametrize(("words", "form"), [(KO, {"viewport": PHONE}), (EN, DESKTOP)], ids=["ko-phone", "en-desktop"])
def test_a_code_before_the_camera_leads_to_its_bike(
    filming: Filming, demo: Demo, words: Words, form: dict[str, Any]
) -> None:
    demo.register(BIKE)
    one = filming(words["locale"], **form)
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url))
    assert one.page.evaluate("'BarcodeDetector' in globalThis") is False
    one.go("#/number")
    one.page.get_by_label(words["number"]).wait_for()
    assert not [url for url in asked if "/qr/" in url], "our reader is loaded when it is needed"
    one.page.get_by_role("button", name=words["scan"]).click()
    at_the_bike(one)
    assert [url for url in asked if url.endswith("/qr/decode.js")]


def test_a_reader_of_the_browser_s_own_is_used_where_there_is_one(filming: Filming, demo: Demo) -> None:
    demo.register(BIKE)
    one = filming("ko-KR")
    asked: list[str] = []
    one.page.on("request", lambda request: asked.append(request.url))
    one.page.evaluate(SCANS % f"https://{ELSEWHERE}/{BIKE}/?src=x")
    scan(one, KO)
    at_the_bike(one)
    assert not [url for url in asked if "/qr/" in url]


@BOTH
def test_nothing_in_sight_is_said_after_a_while_and_a_photo_may_be_chosen(
    filming: Filming, demo: Demo, words: Words
) -> None:
    demo.register(BIKE)
    one = filming(words["locale"], code=False)
    one.page.clock.install()
    scan(one, words)
    one.see(words["aim"])
    assert one.page.locator("input[type=file]").count() == 0
    one.page.clock.fast_forward(13_000)
    one.see(words["nothing read"])
    choose(one, pictures.png(*SIZE))
    at_the_bike(one)


@BOTH
def test_without_a_camera_it_is_said_and_a_photo_of_the_code_is_read(rider: NewRider, demo: Demo, words: Words) -> None:
    demo.register(BIKE)
    one = rider(words["locale"])
    one.context.grant_permissions(["camera"])
    scan(one, words)
    one.see(words["no camera"])
    choose(one, pictures.png(*SIZE, code=False))
    one.see(words["not in photo"])
    choose(one, b"no picture", "image/heic")
    one.see(words["not in photo"])
    choose(one, pictures.png(1600, 1200))
    at_the_bike(one)


@BOTH
def test_a_camera_that_is_refused_is_said(browser: Browser, demo: Demo, words: Words) -> None:
    args = ["--use-fake-device-for-media-stream", "--no-sandbox"]
    own = browser.browser_type.launch(executable_path=chromium(windows=True), args=args)
    one = Rider(own, demo, 5901, words["locale"])
    scan(one, words)  # nobody allows it
    one.see(words["refused camera"])
    one.page.get_by_text(words["photo"]).wait_for()
    assert one.clean == []
    own.close()


@dataclass(frozen=True)
class Unencrypted:
    """An address that browsers don't trust."""

    url: str


@BOTH
def test_an_address_without_encryption_gives_no_camera_and_says_so(browser: Browser, demo: Demo, words: Words) -> None:
    args = [f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1", "--no-sandbox"]
    own = browser.browser_type.launch(executable_path=chromium(), args=args)
    one = Rider(own, Unencrypted(demo.url.replace("127.0.0.1", ELSEWHERE)), 5902, words["locale"])
    assert one.page.evaluate("isSecureContext") is False
    scan(one, words)
    one.see(words["insecure"])
    demo.register(BIKE)
    choose(one, pictures.png(*SIZE))
    at_the_bike(one)
    own.close()


@BOTH
def test_what_is_typed_is_understood(rider: NewRider, demo: Demo, words: Words) -> None:
    demo.register(80)
    demo.register(BIKE)
    one = rider(words["locale"])
    for typed, bikeid in (("00080", 80), (pictures.CODED, BIKE), (f"{ELSEWHERE}/{BIKE}/", BIKE)):
        one.go("#/number")
        one.page.get_by_label(words["number"]).fill(typed)
        one.tap(words["next"])
        at_the_bike(one, bikeid)
    one.go("#/number")
    one.page.get_by_label(words["number"]).fill("https://shop.example/menu")
    one.tap(words["next"])
    one.see(words["digits"])


def test_an_address_with_more_behind_the_bike_opens_the_bike(rider: NewRider, demo: Demo) -> None:
    demo.register(BIKE)
    demo.ask("PATCH", f"/bikes/{BIKE}", {"label": "SPB-6901"})
    one = rider()
    for way in (f"#/bike/{BIKE}/", f"#/bike/0{BIKE}", f"#/bike/{BIKE}?src=x", "#/bike/spb-6901"):
        one.go("#/")
        one.page.get_by_role("link", name=KO["start"]).wait_for()
        one.go(way)
        one.page.get_by_role("heading", name=str(BIKE)).wait_for()
        one.page.get_by_role("button", name=KO["rent"]).wait_for()
