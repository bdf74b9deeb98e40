"""Every route, asked by everybody: in one process, and nothing but the table decides what must come of it."""

from collections.abc import AsyncIterator

import pytest

from gbike.kit.auth.rules import Rule
from gbike.kit.http.app import NO_AUTH, HttpApp, Operation
from gbike.kit.http.request import Request, Response
from gbike.kit.telemetry import Metrics
from gbike.run.embedded import Embedded
from gbike.run.event_map import build_all
from tests.security.asking import AS_MANY_RENTS, CHEAP, Stage, mismatches
from tests.security.people import EVERYWHERE, As, Locked
from tests.security.table import COLUMNS, expected
from tests.support import EVERY_RIDE_COSTS, Client


class InMemory(Stage):
    """Everything in this process."""

    def __init__(self) -> None:
        self.locked = Locked({**EVERY_RIDE_COSTS, **CHEAP, **AS_MANY_RENTS})
        super().__init__(self.locked.issuer)

    def gateway(self, token: str | None) -> Client:
        """See Stage.gateway."""
        return As(self.locked.whole.app, token)

    def alone(self, service: str, token: str | None) -> Client:
        """See Stage.alone."""
        return self.locked.alone(service, token)

    def service(self, name: str, peer: str) -> str:
        """See Stage.service."""
        return self.locked.service(name, peer)

    async def settle(self) -> None:
        """See Stage.settle."""
        await self.locked.whole.settle()


@pytest.fixture
async def stage() -> AsyncIterator[InMemory]:
    """Everybody, and everything that is theirs."""
    made = InMemory()
    await made.prepare()
    yield made
    await made.locked.whole.stop()


async def test_every_route_lets_in_just_those_whom_the_table_names(stage: InMemory) -> None:
    wrong = [line for service in EVERYWHERE for line in await mismatches(stage, service)]
    assert wrong == []


def test_the_table_has_every_route_and_no_other() -> None:
    for service, part in Embedded(None, {}).parts.items():
        routed = {f"{operation.method} {operation.path}" for operation in part.running.app.operations}
        assert routed == set(expected(service)), service


def test_every_row_of_the_table_has_a_cell_for_everybody() -> None:
    rows = {row for service in EVERYWHERE for row in expected(service).values()}
    assert {len(row.split()) for row in rows} == {len(COLUMNS)}


async def _answer(_ask: Request) -> Response:
    return Response(200)


def test_a_route_without_a_rule_can_not_be_written_down() -> None:
    with pytest.raises(TypeError, match="rule"):
        Operation("GET", "/things", _answer, "List")  # type: ignore[call-arg]
    for one in build_all():
        for operation in one.service.operations:
            assert isinstance(operation.rule, Rule), f"{operation.method} {operation.path}"


async def test_a_rule_that_grants_nothing_lets_nobody_in() -> None:
    locked = Locked()
    guard = locked.whole.auth_mode.guard("rent")
    app = HttpApp("rent", [Operation("GET", "/things", _answer, "List", Rule())], {}, Metrics(), guard)
    everybody = locked.issuer.token(1, "rider", "bikeManager", "admin", managerid=1)
    assert (await As(app, everybody).get("/things")).status == 403
    assert (await As(app, None).get("/things")).status == 401
    open_one = HttpApp("rent", [Operation("GET", "/things", _answer, "List", Rule())], {}, Metrics(), NO_AUTH)
    assert (await As(open_one, None).get("/things")).status == 200
    await locked.whole.stop()
