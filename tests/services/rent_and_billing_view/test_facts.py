"""What is kept for good of what was heard: a row per ride and speaker. What older versions kept becomes the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gbike.contracts.events import EVENTS
from gbike.contracts.rent import Rented
from gbike.contracts.user_deposit import AddedDeposit
from gbike.kit.envelope import Message
from gbike.kit.privacy.erasure import impersonal
from gbike.kit.store import Tx
from gbike.services.rent_and_billing_view import commands as folding
from gbike.services.rent_and_billing_view import wiring
from gbike.services.rent_and_billing_view.commands import fold_kept
from gbike.services.rent_and_billing_view.storage import kept
from gbike.services.rent_and_billing_view.wiring import SPEC, Folding, rebuild
from tests.services.lone import NOON, Lone, examples
from tests.services.rent_and_billing_view.test_view import a_ride, view_of

SAID = st.lists(st.sampled_from(a_ride(1) + a_ride(2, userid=4)), max_size=20)


def keep_as_before(tx: Tx, messages: list[Message]) -> None:
    """As gbike kept events before there were facts."""
    tx.execute_many(
        "INSERT INTO kept (message_id, type, key, headers, value) VALUES (?, ?, ?, ?, ?)",
        [(m.id, m.type, m.key, m.headers, impersonal(m.value, EVENTS[m.type])) for m in messages],
    )


class Older(Lone):
    """A view of before there were facts, that becomes one of today."""

    def __init__(self) -> None:
        super().__init__(SPEC)
        self._consumer = self.running.consumer

    async def heard(self, *events: Any) -> None:
        """What it hears as it was then."""
        assert self._consumer is not None
        today, self._consumer._on_messages = self._consumer._on_messages, keep_as_before
        await self.tell(*events)
        self._consumer._on_messages = today


async def anew(lone: Lone) -> list[Any]:
    """The view folded anew, beside it."""
    other = Lone(SPEC)
    await rebuild(lone.store, other.store)
    seen = await view_of(other)
    await other.stop()
    return seen


async def fold_all(lone: Lone) -> None:
    while await lone.worker("folding").step():
        pass


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bites and news of a few rows."""
    monkeypatch.setattr(folding, "BATCH", 3)
    monkeypatch.setattr(kept, "BATCH", 3)
    monkeypatch.setattr(wiring, "BATCH", 3)
    monkeypatch.setattr(wiring, "WINDOW", 4)


async def test_a_ride_leaves_one_row_for_each_who_spoke_of_it(small: None) -> None:
    lone = Lone(SPEC)
    for n in range(1, 6):
        await lone.tell(*a_ride(n))
    await fold_all(lone)
    assert await lone.rows("SELECT rentid, status FROM rent_facts") == [(n, "returned") for n in range(1, 6)]
    assert await lone.rows("SELECT rentid, status, fee FROM bill_facts") == [
        (n, "CLOSEBILL", n * 100) for n in range(1, 6)
    ]
    assert await lone.rows("SELECT count(*) FROM deposit_facts") == [(1,)]
    assert await lone.rows("SELECT count(*) FROM kept") == [(4,)]
    assert await anew(lone) == await view_of(lone)


@examples(30)
@given(SAID, SAID, SAID)
async def test_the_view_folded_anew_is_the_same_before_while_and_after_old_events_become_facts(
    before: list[Any], meanwhile: list[Any], later: list[Any]
) -> None:
    lone = Older()
    await lone.heard(*before)
    assert await anew(lone) == await view_of(lone)
    await lone.tell(*meanwhile)
    await lone.heard(*later)  # a process of the older version, while the new one is rolled out
    shown = await view_of(lone)
    assert await anew(lone) == shown
    place = 0
    while place < len(before + meanwhile + later):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(folding, "BATCH", 3)
            place, _, _ = await lone.store.write(fold_kept, place, 4)
        assert await anew(lone) == shown
    assert await lone.rows("SELECT 1 FROM kept WHERE length(headers) > 0") == []
    await rebuild(lone.store, lone.store)
    assert await view_of(lone) == shown
    await lone.stop()


async def test_a_process_that_begins_again_folds_what_the_one_before_left(small: None) -> None:
    lone = Older()
    for n in range(1, 4):
        await lone.heard(*a_ride(n))
    shown = await view_of(lone)
    await lone.worker("folding").step()
    assert 0 < len(await lone.rows("SELECT 1 FROM kept WHERE length(headers) > 0")) < 3 * len(a_ride(1))
    again = Folding(lone.store)
    while await again.step():
        pass
    assert await lone.rows("SELECT count(*), max(length(headers)) FROM kept") == [(4, 0)]
    assert await anew(lone) == shown


async def test_an_old_event_that_can_not_be_read_any_more_is_set_aside_and_holds_nobody_up() -> None:
    lone = Older()
    await lone.heard(*a_ride(1))
    bad = (b'"starttime":%d' % NOON, b'"starttime":%d' % (9 * 10**18))
    await lone.store.write(
        lambda tx: tx.execute("UPDATE kept SET value = CAST(replace(value, ?, ?) AS BLOB) WHERE type = 'Rented'", bad)
    )
    await anew(lone)
    await fold_all(lone)
    assert await lone.rows("SELECT type FROM dead_letters") == [("Rented",)]
    assert await lone.rows("SELECT status FROM bill_facts") == [("CLOSEBILL",)]
    assert await lone.rows("SELECT 1 FROM kept WHERE length(headers) > 0") == []


async def test_what_is_handled_again_is_among_the_facts() -> None:
    lone = Lone(SPEC)
    assert lone.running.consumer is not None
    for published in a_ride(1):
        await lone.running.consumer.handle_again(lone.message(published))
    assert await anew(lone) == await view_of(lone) != []


async def test_a_deposit_that_counts_no_version_is_shown_whatever_came_first() -> None:
    published = [
        Rented(rentid=1, userid=3, bikeid=1, status="rented", starttime=NOON),
        AddedDeposit(userid=3, deposit=70),
    ]
    for order in (published, published[::-1]):
        lone = Lone(SPEC)
        await lone.tell(*order)
        assert (await lone.client.get("/rentAndBillingViews/1")).json["deposit"] == 70
        assert await anew(lone) == await view_of(lone)


async def test_places_are_in_no_fact_and_in_no_news() -> None:
    lone = Lone(SPEC)
    (back,) = [published for published in a_ride(1) if type(published).__name__ == "Returned"]
    await lone.tell(msgspec.structs.replace(back, endlocation="정자역", lat=37.1234, lon=127.1234))
    assert "37.1234" not in repr(await lone.rows("SELECT * FROM kept") + await lone.rows("SELECT * FROM rent_facts"))
    assert "정자역".encode() not in b"".join(bytes(row[0]) for row in await lone.rows("SELECT value FROM kept"))


async def test_what_is_told_to_a_person_of_themselves_has_the_facts() -> None:
    lone = Lone(SPEC)
    await lone.tell(*a_ride(1))
    names = {holding.name for holding in SPEC.personal_data}
    tables = await lone.rows(
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        " AND c.name = 'userid' AND m.name <> 'erased'"
    )
    assert {row[0] for row in tables} <= names
