"""Fixtures that tests of many kinds share."""

import gc
import json
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
import structlog

from gbike.kit.http.app import HttpApp, Operation
from gbike.kit.http.request import Response
from gbike.run.embedded import Embedded
from tests.cluster import running
from tests.cluster.running import cluster as cluster
from tests.cluster.running import common_folder as common_folder
from tests.cluster.running import one_cluster as one_cluster
from tests.described import undescribed
from tests.postgres import Server
from tests.support import EVERY_RIDE_COSTS, Client

LONG_S = 1_000
"""Whose time limit is no shorter is long."""


@pytest.fixture(autouse=True)
def every_answer_is_described() -> Iterator[None]:
    """A test fails in which an operation of ours answers what its OpenAPI description does not have."""
    found: set[str] = set()

    def judge(operation: Operation, answer: Response) -> None:
        if operation.handler.__module__.startswith("gbike."):
            found.update(undescribed(operation, answer))

    HttpApp.watching.append(judge)
    yield
    HttpApp.watching.remove(judge)
    assert found == set()


@pytest.fixture(autouse=True)
def logs_are_as_before() -> Iterator[None]:
    """A verb that a test runs in this process writes its logs to a standard error that ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of `embedded`; `@pytest.mark.parametrize("env", [...], indirect=True)` or override to change."""
    return dict(getattr(request, "param", EVERY_RIDE_COSTS))


@pytest.fixture
async def embedded(env: dict[str, str]) -> AsyncIterator[Embedded]:
    """All services in memory, every write rehearsed (run twice), stepped by `await embedded.settle()`."""
    whole = Embedded(None, env, run_twice=True)
    yield whole
    await whole.stop()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server that does not wait for the disk, the one of this process; each test has databases of its
    own in it."""
    running = Server(durable=False)
    yield running
    running.remove()


@pytest.fixture
def client(embedded: Embedded) -> Client:
    """A client of `embedded` through its gateway."""
    return Client(embedded.app)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the cluster comes first: one process of the run has it for itself. The original's scenarios, which
    have fixed numbers, find it as it was started; what sends anything that is allowed, blocks of riders too, comes
    last of these. What takes minutes is next, so that at the end nobody waits for it."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[bool, bool, bool]:
    if _on_cluster(item):
        return False, "test_original_scenarios" not in item.nodeid, "test_api_fuzz" in item.nodeid
    limit = item.get_closest_marker("timeout")
    return True, limit is None or limit.args[0] < LONG_S, False


def _on_cluster(item: pytest.Item) -> bool:
    chosen = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return "cluster" in chosen or "one_cluster" in getattr(item, "fixturenames", ())


def pytest_sessionstart() -> None:
    """What is collected stays: nobody need look through it for what may go."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From here on it is not looked through again."""
    gc.enable()
    _set_apart()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """After the last test that needs it, the cluster ends; after each module, what is left of it is set apart."""
    yield
    if nextitem is None or not _on_cluster(nextitem):
        running.leave()
    if nextitem is None or nextitem.path != item.path:
        _set_apart()


def _set_apart() -> None:
    """The objects of a whole run are many, and Python stands still while it looks through all of them: for six seconds
    in all while the tests are collected."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With GBIKE_REQUIRE=all nothing may be left out: a skipped test is a failed one. GBIKE_REQUIRE=tools: the same,
    but for what runs at full size only."""
    report = yield
    wanted = os.environ.get("GBIKE_REQUIRE")
    if report.skipped and (wanted == "all" or (wanted == "tools" and "GBIKE_FULL" not in str(report.longrepr))):
        report.outcome = "failed"
        report.longrepr = f"skipped although GBIKE_REQUIRE={wanted}: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests/concurrency explored, wherever it ran: per service pairs, orders, pruned, violations, seconds."""
    sums: dict[str, list[float]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "concurrency" and report.when == "call":
                    service, *numbers = json.loads(value)
                    sums[service] = [a + b for a, b in zip(sums.get(service, [0] * 5), numbers, strict=True)]
    for service, (pairs, orders, pruned, wrong, seconds) in sorted(sums.items()):
        terminalreporter.write_line(
            f"{service}: {pairs} pairs, {orders} orders, {pruned} pruned, {wrong} violations, {seconds:.0f} s"
        )
