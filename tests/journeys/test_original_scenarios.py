"""The original's scenarios 1-7, typed with httpie as its document shows them, against a real `gbike demo` process, and
against a real cluster through Envoy.

The commands are the document's, with our address for the document's.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from httpie.context import Environment
from httpie.core import main as httpie

from tests.cluster.running import started
from tests.support import EVERY_RIDE_COSTS
from tests.waiting import until

START_S, SETTLE_S = 20, 10
KIM = "kim@example.com"
LEE = "lee@example.com"
ADMIN = "boss@example.com"
"""Who types: Kim is the document's user 1 and manager 1, Lee its user 2, and an admin puts the town up."""


class Typist:
    """A hand that types at a gbike."""

    def __init__(self, data: Path, address: str) -> None:
        self.data, self.address = data, address

    def type(self, command: str, by: str) -> tuple[int, dict[str, str], Any]:
        """What the document's command answers: status, headers, JSON. In the demo it is all the same who types."""
        return http(re.sub(r"http://52\.231\.34\.10:8080", self.address, command.removeprefix("http ")))

    def until(self, command: str, by: str, right: Callable[[Any], bool]) -> Any:
        """The answer to a look-up once it is right; the services settle a moment after each other."""
        until = time.monotonic() + SETTLE_S
        while True:
            status, _, answer = self.type(command, by)
            assert status == 200, answer
            if right(answer):
                return answer
            assert time.monotonic() < until, f"{command} still answers {answer}"

    def fault(self, *words: str) -> None:
        """`gbike demo-fault`, as typed in another terminal."""
        subprocess.run(
            [sys.executable, "-m", "gbike", "demo-fault", *words, "--data", str(self.data)],
            check=True,
            capture_output=True,
            timeout=30,
        )


@contextmanager
def running_demo(data: Path, *options: str) -> Iterator[Typist]:
    """`gbike demo`, which ends well at Ctrl-C."""
    command = [sys.executable, "-m", "gbike", "demo", "--port", "0", "--data", str(data), *options]
    env = {**os.environ, **EVERY_RIDE_COSTS, "COLUMNS": "200"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    yield Typist(data, address_of(process, data))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
    assert process.returncode == 0


def address_of(demo: subprocess.Popen[str], data: Path) -> str:
    """Where the demo answers, once it is ready."""
    lock = data / "lock"

    def ready() -> str | None:
        assert demo.poll() is None, demo.communicate()[0]
        found = re.search(r'"address":"(http://[^"]*:[1-9][0-9]*)"', lock.read_text() if lock.exists() else "")
        return found[1] if found and http(f"GET {found[1]}/health/ready")[0] == 200 else None

    return str(until(ready, START_S, "the demo did not start"))


def http(command: str) -> tuple[int, dict[str, str], Any]:
    """httpie itself (the program `http`, its start-up paid once): status, headers by lower-case name, and the JSON."""
    typed = ["http", "--ignore-stdin", "--print=hb", "--pretty=none", "--timeout=10", *shlex.split(command)]
    out, errors = TextIOWrapper(BytesIO(), "utf-8"), StringIO()
    httpie(typed, Environment(stdin=None, stdin_isatty=False, stdout=out, stdout_isatty=False, stderr=errors))
    out.flush()
    answered = out.buffer.getvalue().decode()
    if not answered.startswith("HTTP/"):
        return 0, {}, errors.getvalue()
    head, _, body = answered.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body) if body.strip() else None


def listed(answer: Any, collection: str, **numbers: int) -> dict[str, Any]:
    """The one item of a collection whose number is the given one."""
    [found] = [one for one in answer["_embedded"][collection] if numbers.items() <= one.items()]
    return dict(found)


full = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="the same with more beside it: GBIKE_FULL=1")


@pytest.fixture(params=["empty", pytest.param("beside the small fleet", marks=full), "cluster"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Typist]:
    """Where the document's numbers are free."""
    if request.param != "cluster":
        options = ["--empty"] if request.param == "empty" else []
        with running_demo(tmp_path / "data", *options) as demo:
            yield demo
    elif (cluster := request.getfixturevalue("cluster")).ask("GET", "/rents/1").status == 404:
        yield Typist(cluster.data, cluster.url)
    else:  # somebody was here before us
        with started("--empty") as cluster:
            yield Typist(cluster.data, cluster.url)


@pytest.mark.timeout(180)
def test_the_original_scenarios_give_the_states_that_its_document_shows(demo: Typist) -> None:
    scenarios(demo, no_rent)


def scenarios(hand: Typist, refused: Callable[[Typist], None]) -> None:
    """All seven; `refused`: how no bike can be had."""
    initial_data(hand)
    a_rent(hand)
    a_return(hand)
    refused(hand)
    reports_earn_points(hand)
    points_become_deposit(hand)
    the_view_shows_the_deposit(hand)


def initial_data(hand: Typist) -> None:
    """1. 초기데이터 구축."""
    assert hand.type("http POST http://52.231.34.10:8080/userDeposits userid=1 deposit=100000", ADMIN)[0] == 201
    assert hand.type("http POST http://52.231.34.10:8080/userDeposits userid=2 deposit=200000", ADMIN)[0] == 201
    assert hand.type("http POST http://52.231.34.10:8080/userDeposits userid=3 deposit=200000", ADMIN)[0] == 201
    _, _, deposits = hand.type("http GET http://52.231.34.10:8080/userDeposits", ADMIN)
    assert [listed(deposits, "userDeposits", userid=n)["deposit"] for n in (1, 2, 3)] == [100000, 200000, 200000]
    bikes = ("bikeid=1 status=사용가능", "bikeid=2 status=사용중", "bikeid=3 status=불량")
    for bike in bikes:
        assert hand.type(f"http POST http://52.231.34.10:8080/bikes {bike} location=분당_정자역_1구역", ADMIN)[0] == 201
    _, _, shown = hand.type("http GET http://52.231.34.10:8080/bikes", ADMIN)
    assert [listed(shown, "bikes", bikeid=n)["status"] for n in (1, 2, 3)] == ["사용가능", "사용중", "불량"]
    assert hand.type("http POST http://52.231.34.10:8080/bikeManagers managerid=1 userid=1 point=1000", ADMIN)[0] == 201
    _, _, managers = hand.type("http GET http://52.231.34.10:8080/bikeManagers", ADMIN)
    assert listed(managers, "bikeManagers", managerid=1)["point"] == 1000


def a_rent(hand: Typist) -> None:
    """2. 자전거 대여."""
    status, headers, rent = hand.type("http POST http://52.231.34.10:8080/rents userid=1 bikeid=1", KIM)
    assert (status, headers["location"], rent["status"]) == (201, f"{hand.address}/rents/1", "rented")
    _, _, bikes = hand.type("http GET http://52.231.34.10:8080/bikes", KIM)
    assert listed(bikes, "bikes", bikeid=1)["status"] == "사용중"
    bills = hand.until(
        "http GET http://52.231.34.10:8080/billings", KIM, lambda found: found["page"]["totalElements"] == 1
    )
    bill = listed(bills, "billings", rentid=1)
    assert (bill["status"], bill["starttime"], bill["endtime"], bill["fee"]) == (
        "OPENBILL",
        rent["starttime"],
        None,
        None,
    )
    views = hand.until(
        "http GET http://52.231.34.10:8080/rentAndBillingViews",
        KIM,
        lambda found: [row["billid"] for row in found["_embedded"]["rentAndBillingViews"]] == [bill["billid"]],
    )
    row = listed(views, "rentAndBillingViews", rentid=1)
    assert (row["userid"], row["bikeid"], row["rentStatus"], row["billingStatus"]) == (1, 1, "rented", "OPENBILL")


def a_return(hand: Typist) -> None:
    """3. 반납."""
    status, _, rent = hand.type("http PATCH http://52.231.34.10:8080/rents/1 endlocation=분당_정자역_3구역", KIM)
    assert (status, rent["status"], rent["endlocation"]) == (200, "returned", "분당_정자역_3구역")
    bikes = hand.until(
        "http GET http://52.231.34.10:8080/bikes",
        KIM,
        lambda found: listed(found, "bikes", bikeid=1)["status"] == "사용가능",
    )
    assert listed(bikes, "bikes", bikeid=1)["location"] == "분당_정자역_3구역"
    bills = hand.until(
        "http GET http://52.231.34.10:8080/billings",
        KIM,
        lambda found: listed(found, "billings", rentid=1)["status"] == "CLOSEBILL",
    )
    bill = listed(bills, "billings", rentid=1)
    assert (bill["endtime"], bill["fee"] > 0, bill["fee"] % 100) == (rent["endtime"], True, 0)
    _, _, deposits = hand.type("http GET http://52.231.34.10:8080/userDeposits", KIM)
    assert listed(deposits, "userDeposits", userid=1)["deposit"] == 100000 - bill["fee"]
    views = hand.until(
        "http GET http://52.231.34.10:8080/rentAndBillingViews",
        KIM,
        lambda found: listed(found, "rentAndBillingViews", rentid=1)["billingStatus"] == "CLOSEBILL",
    )
    row = listed(views, "rentAndBillingViews", rentid=1)
    assert (row["rentStatus"], row["fee"]) == ("returned", bill["fee"])


def no_rent(hand: Typist) -> None:
    """4. 자전거 대여 불가."""
    the_bike_is_in_use(hand)
    the_bike_service_is_down(hand)


def the_bike_is_in_use(hand: Typist) -> None:
    """4.1."""
    status, headers, refusal = hand.type("http POST http://52.231.34.10:8080/rents bikeid=2 userid=2", LEE)
    assert (status, headers["content-type"], refusal["bikestatus"]) == (409, "application/problem+json", "사용중")


def the_bike_service_is_down(hand: Typist) -> None:
    """4.2."""
    hand.fault("stop", "bike")
    status, headers, refusal = hand.type("http POST http://52.231.34.10:8080/rents bikeid=1 userid=2", LEE)
    assert (status, int(headers["retry-after"]) > 0, refusal["status"]) == (503, True, 503)
    hand.fault("heal")
    _, _, bikes = hand.type("http GET http://52.231.34.10:8080/bikes", LEE)
    assert listed(bikes, "bikes", bikeid=1)["status"] == "사용가능"


def reports_earn_points(hand: Typist) -> None:
    """5. Bike 상태 Report 후 BikeManager 포인트 적립."""
    report = "http POST http://52.231.34.10:8080/bikeManageApps"
    status, _, answer = hand.type(f"{report} reportid=1 managerid=1 bikeid=1 batterylevel=50 usableyn=true", KIM)
    assert status == 201, answer
    _, _, bikes = hand.type("http GET http://52.231.34.10:8080/bikes", KIM)
    bike = listed(bikes, "bikes", bikeid=1)
    assert (bike["batterylevel"], bike["status"]) == (50, "사용가능")
    managers = "http GET http://52.231.34.10:8080/bikeManagers"
    hand.until(managers, KIM, lambda found: listed(found, "bikeManagers", managerid=1)["point"] == 2000)
    status, _, answer = hand.type(f"{report} reportid=4 managerid=1 bikeid=1 batterylevel=40 usableyn=false  ", KIM)
    assert status == 201, answer
    _, _, bikes = hand.type("http GET http://52.231.34.10:8080/bikes", KIM)
    bike = listed(bikes, "bikes", bikeid=1)
    assert (bike["batterylevel"], bike["status"]) == (40, "불량")
    hand.until(managers, KIM, lambda found: listed(found, "bikeManagers", managerid=1)["point"] == 3000)


def points_become_deposit(hand: Typist) -> None:
    """6. 적립한 point Deposit으로 전환."""
    _, _, before = hand.type("http GET http://52.231.34.10:8080/userDeposits", KIM)
    held = listed(before, "userDeposits", userid=1)["deposit"]
    put = "http PUT http://52.231.34.10:8080/bikeManagers/1 userid=1 point=2000 adjustpoint=1000"
    assert [hand.type(put, KIM)[0] for _ in range(2)] == [200, 200]
    _, _, managers = hand.type("http GET http://52.231.34.10:8080/bikeManagers", KIM)
    manager = listed(managers, "bikeManagers", managerid=1)
    assert (manager["point"], manager["adjustpoint"]) == (2000, 1000)
    hand.until(
        "http GET http://52.231.34.10:8080/userDeposits",
        KIM,
        lambda found: listed(found, "userDeposits", userid=1)["deposit"] == held + 1000,
    )


def the_view_shows_the_deposit(hand: Typist) -> None:
    """7. userDeposit 전환 후 rentAndBillingView에서 deposit 반영 확인."""
    _, _, deposits = hand.type("http GET http://52.231.34.10:8080/userDeposits", KIM)
    held = listed(deposits, "userDeposits", userid=1)["deposit"]
    hand.until(
        "http GET http://52.231.34.10:8080/rentandbillingviews",
        KIM,
        lambda found: listed(found, "rentAndBillingViews", rentid=1)["deposit"] == held,
    )
