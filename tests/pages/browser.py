"""A demo as its own process, and riders with a real browser in front of it."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, TimeoutError

from dev.tcp_ports import free_port
from tests.support import EVERY_RIDE_COSTS
from tests.waiting import until

WITHIN_S = 90
LOADS, AGAIN_MS = 3, 15_000
"""Chromium breaks off what it loads when an interface of the machine comes or goes: a cluster that starts."""
PHONE = {"width": 390, "height": 844}


def chromium(*, windows: bool = False) -> str | None:
    """Where the system's Chromium is: the one without windows, if there is one, which takes three quarters of the time;
    it can't ask whether a page may have the camera."""
    names = "chromium", "chromium-browser", "google-chrome"
    return next(filter(None, map(shutil.which, names if windows else ("chromium-headless-shell", *names))), None)


CONSOLE: dict[str, Any] = {"path": "/app/console", "first": ".side"}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "is_mobile": False, "has_touch": False}
SCANS = """() => {
  navigator.mediaDevices.getUserMedia = async () => new MediaStream();
  HTMLMediaElement.prototype.play = async () => {};
  globalThis.BarcodeDetector = class {
    async detect() { return [{ rawValue: '%s' }]; }
  };
}"""
"""A camera that sees a code with a text."""


class Address(Protocol):
    """Where a gbike is."""

    @property
    def url(self) -> str:
        """Without a path."""


class Demo:
    """`gbike demo` with its small fleet; it can be killed and started again on the same address."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self._port = folder, free_port()
        self._bikes = itertools.count(6001)
        self._env = {**os.environ, **EVERY_RIDE_COSTS, **settings}
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.program = ["-m", "gbike"]
        self.start()

    def start(self) -> None:
        """Return when it is ready."""
        words = ["demo", "--port", str(self._port), "--data", str(self.folder)]
        self._process = subprocess.Popen(
            [sys.executable, *self.program, *words],
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._fleet)

    def fault(self, *words: str) -> None:
        """What `gbike demo-fault` does: `stop bike`, `heal`."""
        command = [sys.executable, "-m", "gbike", "demo-fault", *words, "--data", str(self.folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """As a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In order."""
        self._end(signal.SIGTERM)

    def _end(self, how: int) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(WITHIN_S)

    def _fleet(self) -> bool:
        with suppress(OSError):
            return bool(self.ask("GET", "/bikeManagers/1001")["managerid"])  # the last of the small fleet
        return False

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the public interface answers. Raises HTTPError."""
        raw = None if body is None else json.dumps(body).encode()
        request = HttpRequest(self.url + path, raw, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=WITHIN_S) as answer:
            return json.loads(answer.read())

    def rents(self, userid: int) -> list[dict[str, Any]]:
        """Every rent of a rider, as the service keeps them."""
        found = self.ask("GET", "/rents?size=1000")["_embedded"]["rents"]
        return [rent for rent in found if rent["userid"] == userid]

    def new_bike(self, location: str = "시험_구역") -> int:
        """One for one test."""
        return self.register(next(self._bikes), location)

    def register(self, bikeid: int, location: str = "시험_구역") -> int:
        """This bike, which may be there already."""
        try:
            self.ask("POST", "/bikes", {"bikeid": bikeid, "location": location, "batterylevel": 80})
        except HTTPError as refused:
            if refused.code != 409:
                raise
        return bikeid


class Rider:
    """Somebody with a phone. What a page must never do is written down while it is used: see `clean`."""

    def __init__(
        self,
        browser: Browser,
        at: Address,
        userid: int,
        locale: str = "ko-KR",
        *,
        first: str = "nav",
        path: str = "/app/",
        **options: Any,
    ) -> None:
        """`first`: what the first page shows when it is there. `path`: whose pages."""
        self.url = at.url
        self.userid = userid
        self._first = first
        self._path = path
        self._wrong: list[str] = []
        options = {"viewport": PHONE, "is_mobile": True, "has_touch": True, **options}
        self.context: BrowserContext = browser.new_context(locale=locale, reduced_motion="reduce", **options)
        self.context.on("request", self._watch)
        self.context.add_init_script(
            f"if (!localStorage.getItem('gbike.rider')) localStorage.setItem('gbike.rider', '{userid}');"
            "addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective));"
        )
        self.page = self.open()

    def open(self, hash: str = "") -> Page:
        """Another tab. Who waits for a form wants to sign in: the first page needs no account."""
        hash = hash or ("#/signin" if self._first == "form" and self._path == "/app/" else "#/")
        page = self.context.new_page()
        page.set_default_timeout(WITHIN_S * 1000)
        page.on("pageerror", lambda error: self._wrong.append(f"error: {error}"))
        page.on("console", lambda printed: self._wrong.append(printed.text) if "policy: " in printed.text else None)
        page.goto(f"{self.url}{self._path}{hash}")
        _loaded(page, page.locator(self._first))
        return page

    def reload(self, first: Locator) -> None:
        """As a person does it; return when `first` is there."""
        self.page.reload()
        _loaded(self.page, first)

    def see(self, text: str) -> None:
        """Return when the page shows it."""
        self.page.get_by_text(text).first.wait_for()

    def go(self, hash: str) -> None:
        """To another page of the app."""
        self.page.evaluate("(hash) => { location.hash = hash }", hash)

    def tap(self, name: str) -> None:
        """Tap a button, link or choice by its name."""
        wanted = self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name))
        wanted.or_(self.page.locator("label", has_text=name)).first.tap()

    def leave_at(self, place: str) -> None:
        """Find a place on the page of the return, and choose it."""
        self.page.locator("#other").fill(place)
        self.page.locator(".options label.on", has_text=place).wait_for()

    @property
    def clean(self) -> list[str]:
        """What went wrong: scripts that failed, policies that were hurt, requests to another host."""
        return self._wrong

    def close(self) -> None:
        """Put the phone away."""
        self.context.close()

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.url + "/", "data:", "blob:")):
            self._wrong.append(f"another host: {request.url}")


def _loaded(page: Page, first: Locator) -> None:
    """Return when `first` is there. Chromium drops what it loads when a cluster that starts changes the network."""
    for _ in range(LOADS - 1):
        with suppress(TimeoutError):
            first.wait_for(timeout=AGAIN_MS)
            return
        page.reload()
    first.wait_for()


def eventually(fact: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """What a fact answers once it is true."""
    return until(fact, within_s)
