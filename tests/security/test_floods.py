"""A real `gbike up`, and one stranger whose connections would take all of it: riders go on riding."""

import http.client
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from gbike.kit.http.connections import most_connections
from gbike.kit.open_files import raise_limit
from tests.account.house import House, admin_file, gbike, up
from tests.security.flooding import endless_header, one_megabyte, problem_in, sent, too_many_lines

FILES = 1024
SILENT = 1_100


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One with the usual limit of open files."""
    folder = tmp_path_factory.mktemp("flooded")
    env = {"GBIKE_LIMIT_ANONYMOUS_PER_MIN": "0"}
    with up(folder / "data", "--admin-file", str(admin_file(folder)), env=env, files=FILES) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _as_many_files_as_the_flood_takes() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_limit()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < SILENT + 200:
        pytest.skip(f"{SILENT} connections need a higher `ulimit -n`")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def silent(address: str, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing."""
    to = urlsplit(address)
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection((to.hostname, to.port), 10)) for _ in range(count)]


def test_a_head_that_is_too_large_is_refused(house: House) -> None:
    for head in (one_megabyte(), too_many_lines()):
        assert problem_in(sent(house.address, head)) == (431, "headers-too-large")


def test_a_header_without_end_is_cut_off_and_costs_riders_nothing(house: House) -> None:
    token = house.sign_in()
    assert endless_header(house.address) < 16_000_000
    began = time.perf_counter()
    assert house.ask("GET", "/bikes", token=token).status == 200
    assert time.perf_counter() - began < 2, "the worst of a busy machine; it was 5 s of a quiet one"


def test_what_is_no_http_and_two_authorizations_are_problem_documents(house: House) -> None:
    assert problem_in(sent(house.address, "GET /bikes?q=따릉이 HTTP/1.1\r\nhost: x\r\n\r\n".encode())) == (
        400,
        "bad-request",
    )
    twice = "GET /bikes HTTP/1.1\r\nhost: x\r\n" + 2 * f"authorization: Bearer {house.sign_in()}\r\n"
    assert problem_in(sent(house.address, f"{twice}connection: close\r\n\r\n".encode())) == (400, "header-sent-twice")


def test_silent_connections_leave_riders_and_stores_what_they_need(house: House) -> None:
    token = house.sign_in()
    with silent(house.address, SILENT) as strangers:
        assert house.ask("POST", "/bikes", {"bikeid": 1, "location": "here"}, token).status == 201
        rider = http.client.HTTPConnection(urlsplit(house.address).netloc, timeout=10)
        for _ in range(5):  # over one connection, which is not closed between two requests
            rider.request("GET", "/bikes/1", headers={"authorization": f"Bearer {token}"})
            answer = rider.getresponse()
            assert (answer.status, len(answer.read()) > 0) == (200, True)
        kept = house.data.parent / "copy"
        backup = gbike("backup", str(kept), "--data", str(house.data))
        assert backup.returncode == 0, backup
        assert _open(strangers) <= most_connections(FILES)
        rider.close()


def _open(connections: list[socket.socket]) -> int:
    """How many of them the server has not closed."""
    count = 0
    for one in connections:
        one.setblocking(False)
        try:
            count += one.recv(1) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count
