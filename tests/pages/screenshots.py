"""`make screenshots`: every page a rider or an operator meets, in both languages, phone and desktop, light and dark."""

import os
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.pages.browser import CONSOLE, DESKTOP, PHONE, Demo, Rider, chromium
from tests.pages.console_views import CONSOLE_VIEWS
from tests.pages.views import VIEWS

FORMS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "device_scale_factor": 2},
    "desktop": DESKTOP,
}
LOCALES = {"ko": "ko-KR", "en": "en-US"}


def take(browser: Browser, demo: Demo, folder: Path) -> int:
    """Every picture; answers how many. Each set has a rider of its own."""
    taken, riders = 0, iter(range(7001, 8000))
    for language, form, look in product(LOCALES, FORMS, ("light", "dark")):
        userid = next(riders)
        demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": 12_000})
        rider = Rider(browser, demo, userid, LOCALES[language], color_scheme=look, **FORMS[form])
        for number, (name, view) in enumerate(VIEWS.items(), 1):
            view(rider, demo)
            rider.page.mouse.move(0, 0)
            rider.page.screenshot(path=folder / f"{form}-{language}-{look}-{number:02}-{name}.png")
            taken += 1
        rider.close()
        operator = Rider(browser, demo, userid, LOCALES[language], color_scheme=look, **CONSOLE, **FORMS[form])
        for number, (name, view) in enumerate(CONSOLE_VIEWS.items(), 1):
            view(operator, demo)
            operator.page.mouse.move(0, 0)
            operator.page.screenshot(path=folder / f"console-{form}-{language}-{look}-{number:02}-{name}.png")
            taken += 1
        operator.close()
    return taken


def main() -> None:
    """The folder is the first argument."""
    folder, where = Path(sys.argv[1]), chromium()
    if where is None:
        sys.exit("Chromium is missing: apt-get install chromium fonts-noto-cjk")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=where, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        demo = Demo(Path(data), GBIKE_TARIFF_PER_S="60", GBIKE_TARIFF_ROUNDING="ceil")
        try:
            print(f"{take(browser, demo, folder)} screenshots in {folder}")
        finally:
            demo.stop()
            browser.close()


if __name__ == "__main__":
    main()
