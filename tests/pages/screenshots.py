"""`make screenshots`: every page a rider or an operator meets, in both languages, phone and desktop, light and dark."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.pages.account_views import ACCOUNT_VIEWS, NEWCOMER_VIEWS, OPERATOR_VIEWS
from tests.pages.browser import CONSOLE, DESKTOP, PHONE, Demo, Rider, chromium
from tests.pages.console_views import CONSOLE_VIEWS
from tests.pages.test_profile import SIGN_IN as SIGNED_IN
from tests.pages.test_profile import newcomer
from tests.pages.town import Town, secure_town
from tests.pages.views import DOORS, SIGN_IN, VIEWS, View

FORMS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "device_scale_factor": 2},
    "desktop": DESKTOP,
}
LOCALES = {"ko": "ko-KR", "en": "en-US"}


def take(browser: Browser, folder: Path) -> int:
    """Every picture; answers how many. Each set has a town of its own, where nobody was before."""
    userid, taken = 7001, 0
    for language, form, look in product(LOCALES, FORMS, ("light", "dark")):
        seen = partial(Rider, browser, locale=LOCALES[language], color_scheme=look, **FORMS[form])
        name = f"{form}-{language}-{look}"
        with tempfile.TemporaryDirectory() as data:
            demo = Demo(Path(data), GBIKE_TARIFF_PER_S="60", GBIKE_TARIFF_ROUNDING="ceil")
            try:
                demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 12_000})
                taken += _photograph(seen(demo, userid), VIEWS, demo, folder / name)
                taken += _photograph(seen(demo, userid, **CONSOLE), CONSOLE_VIEWS, demo, folder / f"console-{name}")
            finally:
                demo.stop()
        with tempfile.TemporaryDirectory() as post, secure_town(letters=Path(post) / "letters.jsonl") as town:
            for whose, at, doors in (("rider", "/app/", DOORS), ("console", "/app/console", SIGN_IN)):
                one = seen(town, userid, first="form", path=at)
                taken += _photograph(one, doors, None, folder / f"{whose}-door-{name}")
            taken += _accounts(seen, town, Path(post) / "letters.jsonl", folder, name)
    return taken


def _accounts(seen: Callable[..., Rider], town: Town, letters: Path, folder: Path, name: str) -> int:
    """Of who just came, of somebody with money, and of an operator."""
    taken = 0
    new, known = newcomer(town, letters), newcomer(town, letters)
    known.admin("POST", "/contact/proof", {"code": known.code()})
    town.admin("POST", "/userDeposits", {"userid": known.userid, "deposit": 5_000})
    operator = newcomer(town, letters)
    operator.admin("PUT", "/roles", {"roles": ["rider", "admin"]})
    for whose, person, views, how in (
        ("newcomer", new, NEWCOMER_VIEWS, {}),
        ("account", known, ACCOUNT_VIEWS, {}),
        ("operator", operator, OPERATOR_VIEWS, CONSOLE),
    ):
        one = seen(town, person.userid, **{**how, "first": "main"})
        one.page.evaluate(SIGNED_IN, person.sign_in())
        one.reload(one.page.locator(".side, .nav").first)
        taken += _photograph(one, views, None, folder / f"{whose}-{name}")
    return taken


def _photograph(one: Rider, views: Mapping[str, View], demo: Any, at: Path) -> int:
    for number, (name, view) in enumerate(views.items(), 1):
        view(one, demo)
        one.page.mouse.move(0, 0)
        one.page.screenshot(path=f"{at}-{number:02}-{name}.png")
    one.close()
    return len(views)


def main() -> None:
    """The folder is the first argument."""
    folder, where = Path(sys.argv[1]), chromium()
    if where is None:
        sys.exit("Chromium is missing: apt-get install chromium fonts-noto-cjk")
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=where, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        try:
            print(f"{take(browser, folder)} screenshots in {folder}")
        finally:
            browser.close()


if __name__ == "__main__":
    main()
