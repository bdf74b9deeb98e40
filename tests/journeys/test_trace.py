"""`gbike trace ID`: the path of a ride, from the stores alone, beside a running gbike and after it."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gbike.cli import app, trace
from gbike.cli.trace import page
from gbike.contracts.rent import Rented
from gbike.kit.store import Tx
from gbike.run.cluster.plan import Plan, keep_plan
from gbike.run.embedded import Embedded
from gbike.run.event_map import handled_types
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import open_readings
from tests.journeys.fleet import open_deposits, register_bikes
from tests.support import EVERY_RIDE_COSTS, Client

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
RETURN = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01", "x-request-id": "the-return"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Embedded]:
    """gbike on a data folder, with a bike and a rider, stepped by `settle`."""
    whole = Embedded(DataFolder(tmp_path / "data"), EVERY_RIDE_COSTS)
    client = Client(whole.app)
    await register_bikes(client, range(1, 3))
    await open_deposits(client, range(1, 2))
    await whole.settle()
    yield whole
    await whole.stop()


async def ride(running: Embedded) -> None:
    """Rent 1 begins and ends."""
    client = Client(running.app)
    await client.send("POST", "/rents", {"userid": 1, "bikeid": 1}, headers={"x-request-id": "the-rent"})
    await client.send("PATCH", "/rents/1", {"endlocation": "there"}, headers=RETURN)


def path_of(running: Embedded, name: str) -> trace.Path:
    """What is found while the stores are written to."""
    assert running.folder is not None
    with open_readings(running.folder) as stores:
        return trace.find(stores, handled_types(), name)


def tree_of(running: Embedded, name: str) -> list[str]:
    """The lines of a page below its heading, without times and ids."""
    lines = list(page(path_of(running, name)))[3:]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +\+[\d,]+ ms  ", line) for line in lines)
    plain = [line.partition(" ms  ")[2] for line in lines]
    return [re.sub(r" \+\d+ ms| \(trace \w+\)", "", line) for line in plain]


RENTED = [
    "request · 요청 the-rent",
    "├─ bike ChkAndUpdatedStatus bike:1 → nobody listens · 듣는 곳 없음",
    "└─ rent Rented rent:1 → billing, rentAndBillingView, account",
    "   └─ billing RegisteredBill rent:1 → rentAndBillingView",
]
RETURNED = [
    "request · 요청 the-return",
    "└─ rent Returned rent:1 → bike, billing, rentAndBillingView, account",
    "   ├─ bike UpdatedBike bike:1 → nobody listens · 듣는 곳 없음",
    "   └─ billing CalculatedFee rent:1 → userDeposit, rentAndBillingView",
    "      └─ userDeposit UpdatedDeposit user:1 → billing, rentAndBillingView, account",
    "         └─ billing ClosedBill rent:1 → rentAndBillingView",
]


def in_any_order(lines: Sequence[str]) -> list[str]:
    """Brothers said in one millisecond may stand in either order, and so may their branches."""
    return sorted(re.sub("^[│├└─ ]+", "", line) for line in lines)


def rented_of(running: Embedded) -> str:
    """The line of the rent's beginning, without its branch."""
    [line] = [line for line in tree_of(running, "the-rent") if " Rented " in line]
    return line[3:]


async def test_a_ride_is_a_tree_of_requests_and_what_they_caused(running: Embedded) -> None:
    await ride(running)
    await running.settle()
    for name in ("1", "rent:1"):
        assert in_any_order(tree_of(running, name)) == in_any_order(RENTED + RETURNED)
    assert in_any_order(tree_of(running, "the-rent")) == in_any_order(RENTED)
    assert in_any_order(tree_of(running, "the-return")) == in_any_order(RETURNED)
    assert tree_of(running, TRACE_ID) == tree_of(running, "the-return")
    [fee] = [event for event in path_of(running, "rent:1").events if event.type == "CalculatedFee"]
    assert tree_of(running, fee.id) == tree_of(running, "the-return")
    heading = next(page(path_of(running, "1")))
    assert heading == (
        "rent:1: requests · 요청 2, events · 이벤트 8, handled · 처리 14, waiting · 대기 0, set aside · 실패 0"
    )


async def test_what_waits_is_said_to_wait_and_where(running: Embedded) -> None:
    running.part("billing").answer(stopped=True)
    await ride(running)
    assert rented_of(running) == (
        "rent Rented rent:1 → billing WAITING · 대기, rentAndBillingView WAITING · 대기, account WAITING · 대기"
        " (not on the bus yet · 발행 전)"
    )
    await running.settle()
    assert rented_of(running) == "rent Rented rent:1 → billing WAITING · 대기, rentAndBillingView, account"
    assert "waiting · 대기 2," in next(page(path_of(running, "1")))


async def test_a_message_that_was_set_aside_is_shown_with_its_reason(running: Embedded) -> None:
    await ride(running)
    rent = running.part("rent").store
    await rent.write(_spoil)
    await running.settle()
    assert re.fullmatch(
        r"rent Rented rent:1 → billing SET ASIDE · 실패 \[[\w-]{36}\]: Undecodable\(.*\),"
        r" rentAndBillingView SET ASIDE · 실패 \[.*, account SET ASIDE · 실패 \[.*",
        rented_of(running),
    )
    assert "set aside · 실패 3" in next(page(path_of(running, "1")))


def _spoil(tx: Tx) -> None:
    tx.execute("UPDATE outbox SET value = ? WHERE type = 'Rented'", (b"{",))


async def test_messages_from_before_causes_were_named_hang_below_their_request(running: Embedded) -> None:
    await ride(running)
    await running.settle()
    for part in running.parts.values():
        await part.store.write(_forget_causes)
    flat = tree_of(running, "the-rent")
    assert in_any_order(flat) == in_any_order(RENTED)
    assert [line[:2] for line in flat] == ["re", "├─", "├─", "└─"]


def _forget_causes(tx: Tx) -> None:
    for id, headers in tx.all("SELECT id, headers FROM outbox"):
        known = msgspec.json.decode(headers)
        known.pop("causationid", None)
        tx.execute("UPDATE outbox SET headers = ? WHERE id = ?", (msgspec.json.encode(known), id))


async def test_a_cause_that_is_no_longer_kept_is_named(running: Embedded) -> None:
    await ride(running)
    await running.settle()
    [rented] = [event for event in path_of(running, "1").events if event.type == "Rented"]
    await running.part("rent").store.write(_delete_rented)
    assert tree_of(running, "the-rent") == [
        *RENTED[:1],
        RENTED[1].replace("├", "└"),
        f"message · 메시지 {rented.id} (no longer kept · 보관 기간 지남)",
        "└─ billing RegisteredBill rent:1 → rentAndBillingView",
    ]


def _delete_rented(tx: Tx) -> None:
    tx.execute("DELETE FROM outbox WHERE type = 'Rented'")


async def test_what_no_request_asked_for_is_followed_by_its_causes_and_mixed_with_nothing_else(
    running: Embedded,
) -> None:
    for rentid in (71, 72):
        await running.part("rent").store.write(_say_rented, rentid)
    await running.settle()
    assert tree_of(running, "71") == [
        "no request: a sweeper or timer · 요청 없음",
        "└─ rent Rented rent:71 → billing, rentAndBillingView, account",
        "   └─ billing RegisteredBill rent:71 → rentAndBillingView",
    ]


def _say_rented(tx: Tx, rentid: int) -> None:
    tx.publish(Rented(rentid=rentid, userid=1, bikeid=1, status="rented", starttime=tx.now_ms))


async def test_what_is_older_than_the_newest_is_not_looked_at_and_a_long_path_is_cut(
    running: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ride(running)
    await running.settle()
    monkeypatch.setattr(trace, "MOST", 3)
    cut = path_of(running, "1")
    assert (len(cut.events), cut.more) == (3, True)
    assert list(page(cut))[1].startswith("there are more events than the 3 shown")
    monkeypatch.setattr(trace, "MOST", 500)
    monkeypatch.setattr(trace, "NEWEST", 1)  # of bike it is UpdatedBike, of billing ClosedBill
    assert path_of(running, "the-rent").events == []
    assert {event.type for event in path_of(running, "the-return").events} == {
        *("Returned", "UpdatedBike", "ClosedBill", "UpdatedDeposit")
    }


async def test_the_verb_prints_the_path_and_exits_with_what_it_found(running: Embedded) -> None:
    await ride(running)
    await running.settle()
    assert running.folder is not None
    data = str(running.folder.path)
    found = CliRunner().invoke(app, ["trace", "1", "--data", data])
    assert (found.exit_code, len(found.stdout.splitlines())) == (0, 3 + 2 + 8)
    missed = CliRunner().invoke(app, ["trace", "2", "--data", data])
    assert missed.exit_code == 1
    assert "nothing is known of rent:2" in missed.stderr
    nowhere = CliRunner().invoke(app, ["trace", "1", "--data", data + "/nowhere"])
    assert nowhere.exit_code == 2
    assert "no gbike data" in nowhere.stderr


async def test_a_clusters_folder_names_its_stores(running: Embedded, tmp_path: Path) -> None:
    await ride(running)
    await running.settle()
    stores = {name: f"sqlite:///{part.store.path}" for name, part in running.parts.items()}
    keep_plan(Plan("http://127.0.0.1:8088", "127.0.0.1:9092", stores, [], {}), tmp_path)
    with open_readings(DataFolder(tmp_path)) as readings:
        assert len(trace.find(readings, handled_types(), "1").events) == 8
