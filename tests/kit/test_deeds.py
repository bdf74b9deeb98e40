"""The record of a store as an admin asks for it, behind every engine: however long it is, in bounded pieces."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from gbike.kit.audit.chain import append, head
from gbike.kit.clock import SystemIds
from gbike.kit.http import deeds
from gbike.kit.http.app import NO_AUTH, HttpApp
from gbike.kit.http.deeds import LISTED, deed_operations
from gbike.kit.storage.listing import narrowed
from gbike.kit.storage.sqlite.store import SqliteStore, connect
from gbike.kit.store import Store
from gbike.kit.telemetry import Metrics
from tests.audit.chains import TRIGGERS, a_deed, make_chain
from tests.kit.floor import SetClock, a_store
from tests.kit.test_postgres import postgres_store
from tests.support import Client

LENGTH = 25


def asking(store: Store) -> Client:
    """A client of what a store has on record."""
    return Client(HttpApp("rent", deed_operations("rent", store), {}, Metrics(), NO_AUTH))


async def walked(store: Store) -> list[dict[str, object]]:
    """What is told of the whole chain, request after request."""
    client, target = asking(store), "/audit/rent/chain"
    found = list[dict[str, object]]()
    while target:
        reply = await client.get(target)
        assert reply.status == 200, reply
        found.append({name: told for name, told in reply.json.items() if name != "_links"})
        target = reply.json["_links"].get("next", {}).get("href", "").removeprefix("http://localhost:8088")
    return found


class DeedsSuite:
    """What every store promises."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    async def test_a_long_chain_is_looked_at_a_piece_after_the_other(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deeds, "PIECE", 3)
        monkeypatch.setattr(deeds, "MOST_WALKED", 12)
        await store.write(lambda tx: append(tx, [a_deed(number) for number in range(1, LENGTH + 1)]))
        number, digest = await store.read(head)
        same = {"number": number, "hash": digest, "whole": True, "breaks": []}
        assert await walked(store) == [{**same, "checked": checked} for checked in (12, 24, LENGTH)]

    async def test_an_empty_record_is_whole(self, store: Store) -> None:
        [told] = await walked(store)
        assert (told["number"], told["whole"], told["checked"]) == (0, True, 0)
        assert (await asking(store).get("/audit/rent")).json["page"]["totalElements"] == 0

    async def test_pages_and_filters_go_on_where_the_page_before_ended(self, store: Store) -> None:
        await store.write(lambda tx: append(tx, [a_deed(number) for number in range(1, LENGTH + 1)]))
        for query in ("", "who=7&", "action=deposit+topped+up&from=2026-01-01&to=2030-01-01&"):
            pages = [await asking(store).get(f"/audit/rent?{query}size=10&page={page}") for page in range(3)]
            assert {page.status for page in pages} == {200}, pages
            rows = [deed["number"] for page in pages for deed in page.json["_embedded"]["deeds"]]
            assert rows == list(range(LENGTH, 0, -1)), query
            assert {page.json["page"]["totalElements"] for page in pages} == {LENGTH}


class TestSqlite(DeedsSuite):
    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        store = a_store()
        yield store
        await store.close()


class TestPostgres(DeedsSuite):
    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        store = postgres_store(url)
        yield store
        await store.close()


@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        ("UPDATE audit SET who = 'nobody' WHERE number = 9", ["row 9 was changed"]),
        ("DELETE FROM audit WHERE number BETWEEN 9 AND 12", ["row 9 to 12 is missing"]),
        ("DELETE FROM audit WHERE number > 19", ["the head is row 25 and the rows end with 19"]),
        ("DELETE FROM audit", ["the head is row 25 and the rows end with 0"]),
    ],
)
async def test_a_forged_row_is_told_wherever_a_piece_ends(
    forgery: str, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deeds, "PIECE", 3)
    monkeypatch.setattr(deeds, "MOST_WALKED", 12)
    path = tmp_path / "user_deposit.sqlite"
    await make_chain(path, LENGTH)
    with closing(connect(path)) as hand:
        for trigger in TRIGGERS:
            hand.execute(f"DROP TRIGGER {trigger}")
        hand.execute(forgery)
    store = SqliteStore(path, clock=SetClock(), ids=SystemIds(), source="user_deposit")
    found = await walked(store)
    await store.close()
    assert [line for one in found for line in one["breaks"]] == told  # type: ignore[attr-defined]
    assert [one["whole"] for one in found].count(False) == 1
    assert found[-1]["checked"] == LENGTH


@pytest.mark.parametrize(
    "wanted",
    [
        {"who": "7"},
        {"action": "looked at"},
        {"subject": "user:5"},
        {"from": 1},
        {"to": 1},
        {"who": "7", "to": 1},
        {"who": "7", "action": "looked at"},
    ],
)
async def test_an_index_finds_what_is_asked_for(wanted: dict[str, object]) -> None:
    """Without one each page would read every row of years."""
    listing = narrowed(LISTED, wanted)
    store = a_store()
    page = f"{listing.select} {listing.where} ORDER BY {listing.order} LIMIT 20"
    plan = await store.read(lambda read: read.all(f"EXPLAIN QUERY PLAN {page}", listing.params))
    await store.close()
    assert f"USING INDEX {'audit_by_what' if {'who', 'action'} <= wanted.keys() else 'audit_'}" in str(plan), plan
    assert "TEMP B-TREE" not in str(plan), plan
