"""A look at somebody else's things is kept before it is answered, behind every engine."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gbike.kit.audit.chain import breaks, rows
from gbike.kit.auth.limits import Pace
from gbike.kit.auth.principal import DEMO, OwnerScope, Principal
from gbike.kit.auth.rules import PEOPLE, Rule
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.http import looks
from gbike.kit.http.app import HttpApp, NoAuth, Operation
from gbike.kit.http.looks import Looks
from gbike.kit.http.request import Request, Response
from gbike.kit.store import Store, StoreUnavailable
from gbike.kit.telemetry import Metrics
from tests.kit.floor import a_store
from tests.kit.test_postgres import postgres_store

OFFICER = Principal("7", frozenset({"admin"}), userid=7)
PEER = Principal("service:rent", service="rent")


class LetIn(NoAuth):
    """Lets a principal see everybody's."""

    def __init__(self, who: Principal) -> None:
        self.who = who

    async def admit(self, request: Request, rule: Rule, pace: Pace) -> None:
        request.principal, request.owner = self.who, OwnerScope.ALL


async def show(request: Request) -> Response:
    return Response(200, {"userid": request.id("userid")})


def app_of(store: Store, who: Principal) -> HttpApp:
    """One person's page, over a store."""
    page = Operation("GET", "/people/{userid}", show, "A person", PEOPLE, looks="page")
    return HttpApp("test", [page], {}, Metrics(), LetIn(who), looks=Looks(store))


async def ask(app: HttpApp, numbers: Sequence[int]) -> list[int]:
    """The statuses of looking at each."""
    return [(await call_asgi(app, "GET", f"/people/{number}", b"", {})).status for number in numbers]


async def seen(store: Store) -> list[tuple[str, str, str]]:
    """What is on record."""
    assert await store.read(lambda read: list(breaks(read))) == []
    found = await store.read(lambda read: list(rows(read)))
    return [(row.who, f"{row.action} {row.subject}", row.after) for row in found]


class LooksSuite:
    """What every store promises."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    async def test_one_row_for_each_person_that_is_looked_at(self, store: Store) -> None:
        assert await ask(app_of(store, OFFICER), [5, 6, 5, 7, 5]) == [200] * 5  # 7 is the officer
        assert await ask(app_of(store, DEMO), [5]) == [200]
        assert await ask(app_of(store, PEER), [5]) == [200]
        told = '{"what":"page"}'
        assert await seen(store) == [
            ("7", "looked at user:5", told),
            ("7", "looked at user:6", told),
            ("demo", "looked at user:5", told),
        ]

    async def test_another_process_and_a_look_ten_minutes_later_leave_another(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert await ask(app_of(store, OFFICER), [5]) == [200]
        monkeypatch.setattr(looks, "AGAIN_S", 0)
        app = app_of(store, OFFICER)
        assert await ask(app, [5, 5]) == [200, 200]
        assert len(await seen(store)) == 3

    async def test_what_can_not_be_kept_is_not_shown(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_args: Any, **_more: Any) -> Any:
            raise StoreUnavailable("no room")

        app = app_of(store, OFFICER)
        with monkeypatch.context() as broken:
            broken.setattr(store, "write", full)
            assert await ask(app, [5, 5]) == [503, 503]
        assert await seen(store) == []
        assert await ask(app, [5]) == [200]
        assert len(await seen(store)) == 1


class TestSqlite(LooksSuite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = a_store()
        yield store
        await store.close()


class TestPostgres(LooksSuite):
    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        store = postgres_store(url)
        yield store
        await store.close()
