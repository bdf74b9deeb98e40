"""`make smoke`: one ride through the gateway, as a rider would take it: rent, bill, return, fee, view.

    python -m deploy.pipeline.smoke ADDRESS

Where everybody may do everything (demo) it registers a rider and a bike of its own first. Elsewhere it signs in as the
rider of SMOKE_CONTACT and SMOKE_PASSWORD, who has GBIKE_RENT_MINIMUM_KRW or more on deposit, and takes the bike 990001;
an admin made both once.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deploy.pipeline.tools import Failed, guarded

OURS = 990_001
"""The number of the rider (in a demo) and of the bike (everywhere) that the smoke journey takes."""
PLACE = "smoke"
ANSWER_S = 5
SETTLE_S = 30
"""How long bill and view may take: they follow by events, and a new version's first consumers join a group."""
READY_S = 60
"""How long the gateway and the services may refuse at first: 502, 503 and no answer at all."""


class Gateway:
    """The platform as a client sees it."""

    def __init__(self, address: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.address, self._pause = address.rstrip("/"), pause
        self._token = ""
        self.demo = False

    def sign_in(self, contact: str, password: str) -> int:
        """Be a rider; answers who that is. Raises Failed."""
        session = self.must("POST", "/sessions", 200, {"contact": contact, "password": password})
        self._token = session["access_token"]
        return int(session["userid"])

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """The status and JSON of an answer; status 0 when there is none."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)  # noqa: S310 - operator's
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310  # nosec B310 - operator's
                self.demo = answer.headers.get("X-Gbike-Mode") == "demo"
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as refused:
            self.demo = refused.headers.get("X-Gbike-Mode") == "demo"
            return refused.code, _json(refused.read())
        except OSError as silent:
            return 0, {"title": str(silent)}

    def must(self, method: str, path: str, wanted: int, body: Mapping[str, object] | None = None) -> Any:
        """The answer, which has the wanted status. Raises Failed."""
        status, answer = self.ask(method, path, body)
        if status != wanted:
            why = answer.get("detail") or answer.get("title") if isinstance(answer, dict) else ""
            raise Failed(f"smoke: {method} {path} answered {status or 'nothing'}, not {wanted}: {why}")
        return answer

    def until(self, what: str, within_s: float, right: Callable[[], Any]) -> Any:
        """What `right` answers once it does. Raises Failed after the time."""
        deadline = time.monotonic() + within_s
        while True:
            if found := right():
                return found
            if time.monotonic() > deadline:
                raise Failed(f"smoke: {what}: not within {within_s:.0f} s")
            self._pause(0.2)


def journey(gateway: Gateway) -> None:
    """Take the ride. Raises Failed, saying which step did not do what it should."""
    contact, password = os.environ.get("SMOKE_CONTACT"), os.environ.get("SMOKE_PASSWORD")
    gateway.until("the gateway lists bikes", READY_S, lambda: gateway.ask("GET", "/bikes")[0] in (200, 401))
    rider = gateway.sign_in(contact, password) if contact and password else OURS
    if gateway.demo:
        _prepare(gateway, rider)
    rent = _rent(gateway, rider)
    number = rent["rentid"]
    gateway.until("the bill is open", SETTLE_S, lambda: _bill(gateway, number, "OPENBILL"))
    returned = gateway.must("PATCH", f"/rents/{number}", 200, {"endlocation": PLACE})
    if returned["status"] != "returned":
        raise Failed(f"smoke: rent {number} is {returned['status']} after its return")
    gateway.until("the bill is closed", SETTLE_S, lambda: _bill(gateway, number, "CLOSEBILL"))
    gateway.until("the view shows it", SETTLE_S, lambda: _shown(gateway, number))
    print(f"smoke: rent {number} was rented, billed, returned, paid and shown")


def _prepare(gateway: Gateway, rider: int) -> None:
    """A rider with a deposit and a bike; there already after the first time."""
    for path, body in (
        ("/userDeposits", {"userid": rider, "deposit": 100_000}),
        ("/bikes", {"bikeid": OURS, "status": "사용가능", "location": PLACE}),
    ):
        status, _ = gateway.ask("POST", path, body)
        if status not in (201, 409):
            raise Failed(f"smoke: POST {path} answered {status or 'nothing'}, not 201 or 409")


def _rent(gateway: Gateway, rider: int) -> Any:
    """A ride that has begun. One that an earlier journey left open is returned first."""
    body = {"userid": rider, "bikeid": OURS}
    status, answer = gateway.ask("POST", "/rents", body)
    if status == 201:
        return answer
    if status != 409:
        return gateway.must("POST", "/rents", 201, body)
    for row in gateway.must("GET", "/rents?size=1000&sort=rentid,desc", 200)["_embedded"]["rents"]:
        if (row["userid"], row["status"]) == (rider, "rented"):
            gateway.ask("PATCH", f"/rents/{row['rentid']}", {"endlocation": PLACE})

    def begun() -> Any:
        again, rent = gateway.ask("POST", "/rents", body)
        return rent if again == 201 else None

    return gateway.until("the bike can be rented", SETTLE_S, begun)


def _bill(gateway: Gateway, number: int, wanted: str) -> bool:
    """Whether the bill of that rent has that status."""
    status, bill = gateway.ask("GET", f"/billings/search/findByRentid?rentid={number}")
    return status == 200 and bill["status"] == wanted


def _shown(gateway: Gateway, number: int) -> bool:
    """Whether the view has the ride with its closed bill."""
    status, found = gateway.ask("GET", f"/rentAndBillingViews/search/findByRentid?rentid={number}")
    rows = found["_embedded"]["rentAndBillingViews"] if status == 200 else []
    return [row["billingStatus"] for row in rows] == ["CLOSEBILL"]


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {}


def main(args: Sequence[str]) -> int:
    """Take one ride at an address."""
    [address] = args
    journey(Gateway(address))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main))
