"""A PostgreSQL server for the harness, a workbench for each service, and the sums at the end of a run."""

from collections.abc import Callable, Iterator

import pytest

from tests.concurrency.bench import Workbench
from tests.concurrency.house import House
from tests.postgres import Server


@pytest.fixture(scope="session")
def workbench(server: Server) -> Iterator[Callable[[House], Workbench]]:
    """A service's database with two processes at it."""
    benches = dict[str, Workbench]()

    def of(house: House) -> Workbench:
        if house.name not in benches:
            benches[house.name] = Workbench(server, house)
        return benches[house.name]

    yield of
    for bench in benches.values():
        bench.close()
