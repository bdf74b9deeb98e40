"""What Envoy does when a service is slow, gone, broken or refusing: who is asked again, what the client is told."""

import pytest

from gbike.kit.http.problems import MEDIA_TYPE
from tests.gateway.conftest import Stubs
from tests.gateway.servers import Loop, Stub
from tests.support import Reply


def problem(reply: Reply, status: int, slug: str) -> None:
    """It is this problem, with everything that a problem has."""
    assert (reply.status, reply.headers["content-type"]) == (status, MEDIA_TYPE)
    found = reply.json
    assert found["type"] == f"/docs/status-codes#{slug}"
    assert found["status"] == status
    assert found["correlation_id"] == reply.headers["x-request-id"]
    assert {"title", "detail", "instance"} <= found.keys()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reading_that_broke_off_is_tried_again(stubs: Stubs, method: str) -> None:
    path = f"/rents/{method}/flaky"
    assert stubs.envoy.ask(method, path).status == 200
    assert stubs.there.times(method, path) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_command_that_broke_off_is_never_sent_twice(stubs: Stubs, method: str) -> None:
    path = f"/rents/{method}/broken"
    insists = {"x-envoy-retry-on": "reset,5xx", "x-envoy-max-retries": "5", "x-envoy-hedge-on-per-try-timeout": "true"}
    answer = stubs.envoy.ask(method, path, {}, insists)
    problem(answer, 503, "answer-lost")
    assert answer.headers["retry-after"] == "2"
    assert answer.json["service"] == "rent"
    assert stubs.there.times(method, path) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_is_too_slow_is_not_waited_for(stubs: Stubs, method: str) -> None:
    path = f"/rents/{method}/late"
    answer = stubs.envoy.ask(method, path, headers={"x-envoy-upstream-rq-timeout-ms": "60000", "x-request-id": path})
    problem(answer, 503, "answer-lost")
    assert answer.headers["retry-after"] == "2"
    assert stubs.there.times(method, path) == 1
    line = stubs.envoy.log_line(path)
    assert line["flags"] == "UT"
    assert 350 <= line["duration_ms"] < 2_000


@pytest.mark.parametrize(("resource", "service"), [("/rents", "rent"), ("/userDeposits", "user_deposit")])
def test_a_refusal_passes_as_it_is_is_never_multiplied_and_puts_nobody_out(
    stubs: Stubs, resource: str, service: str
) -> None:
    for number in range(30):
        path = f"{resource}/{number}/busy"
        answer = stubs.envoy.ask("GET", path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "7")
        assert answer.content == b'{"type":"/docs/status-codes#circuit-open"}'
        assert stubs.there.times("GET", path) + stubs.second.times("GET", path) == 1
    assert stubs.envoy.ask("POST", f"{resource}/echo", {}).status == 200
    assert "failed_outlier_check" not in health(stubs, service)


def test_a_service_that_is_away_is_refused_at_once_and_found_when_it_is_back(stubs: Stubs, loop: Loop) -> None:
    for method in ["POST"] * 12 + ["GET"] * 3:
        answer = stubs.envoy.ask(method, "/bikes/echo")
        problem(answer, 503, "service-stopped")
        assert (answer.json["service"], answer.headers["retry-after"]) == ("bike", "5")
    loop.run(Stub().start(stubs.bike_port))
    assert stubs.envoy.ask("POST", "/bikes/echo").status == 200


def test_one_of_two_processes_that_is_away_is_left_out(stubs: Stubs) -> None:
    assert [stubs.envoy.ask("GET", "/billings/echo").status for _ in range(10)] == [200] * 10
    in_a_row = 0
    for _ in range(300):
        in_a_row = in_a_row + 1 if stubs.envoy.ask("POST", "/billings/echo").status == 200 else 0
        if in_a_row == 20:
            break
    assert in_a_row == 20
    assert "failed_outlier_check" in health(stubs, "billing")


def test_words_are_korean_for_who_asks_for_them(stubs: Stubs) -> None:
    answer = stubs.envoy.ask("POST", "/rents/broken", headers={"accept-language": "ko-KR,ko;q=0.9,en;q=0.8"})
    problem(answer, 503, "answer-lost")
    assert answer.headers["content-language"] == "ko"
    assert answer.json["title"] == "응답을 받지 못함"


def health(stubs: Stubs, service: str) -> str:
    """What Envoy thinks of the processes of a service."""
    lines = stubs.envoy.operators("/clusters").splitlines()
    return "\n".join(line for line in lines if line.startswith(f"{service}::") and "health_flags" in line)
