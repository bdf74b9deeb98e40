"""An answer that goes on, through Envoy: each piece comes when it is said, for as long as somebody listens."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.gateway.conftest import Stubs, Town
from tests.gateway.servers import Loop

CHANGES = "/rentAndBillingViews/changes"


@contextmanager
def listening(port: int, path: str = CHANGES, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """The answer of a gateway, while it goes on."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"accept": "text/event-stream", **headers})
    answer = connection.getresponse()
    yield answer
    answer.close()
    connection.close()


def block(answer: http.client.HTTPResponse) -> str:
    """The next event."""
    found = b""
    while not found.endswith(b"\n\n"):
        line = answer.readline()
        assert line, "the stream is over"
        found += line
    return found.decode()


@pytest.mark.parametrize("path", [CHANGES, "/rentandbillingviews/changes"])
def test_a_change_is_told_as_soon_as_it_is_kept(town: Town, loop: Loop, path: str) -> None:
    view = town.whole.parts["rent_and_billing_view"].running
    tell = next(worker.step for worker in view.workers if worker.name == "changes")
    for port in (town.envoy.place.port, town.embedded_port):
        with listening(port, path) as answer:
            assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
            assert "event: anew" in block(answer)  # though nothing follows it
            rent = town.envoy.ask("POST", "/rents", {"userid": 77, "bikeid": 1}).json["rentid"]
            town.envoy.ask("PATCH", f"/rents/{rent}", {"endlocation": "정자"})
            loop.run(town.whole.settle())
            loop.run(tell())
            seen = [block(answer) for _ in range(3)]
            assert any('"type":"Rented"' in one and f'"rentid":{rent}' in one for one in seen)


def test_it_may_take_longer_than_any_other_answer(stubs: Stubs) -> None:
    with listening(stubs.envoy.place.port) as answer:  # where a service must answer within 400 ms
        assert answer.read() == b": a: b"


def test_streams_that_end_or_are_left_make_no_process_an_outlier(town: Town, loop: Loop) -> None:
    for _ in range(8):
        with listening(town.envoy.place.port) as answer:
            block(answer)
    flags = [line for line in town.envoy.operators("/clusters").splitlines() if "rent_and_billing_view" in line]
    assert any("health_flags::healthy" in line for line in flags)
    assert not any("failed_outlier_check" in line for line in flags)


def test_no_stream_is_answered_to_who_does_not_expect_one(town: Town) -> None:
    answer = town.envoy.ask("GET", CHANGES)
    assert (answer.status, answer.json["type"]) == (406, "/docs/status-codes#stream-only")
