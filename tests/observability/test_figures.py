"""The business figures of /metrics: each is moved by real requests, and read where Prometheus reads it."""

import os
import resource
from contextlib import suppress
from pathlib import Path

import pytest

from gbike.kit.auth.certificates import certificates
from gbike.kit.clock import SystemClock
from gbike.kit.envelope import Message
from gbike.kit.messaging.bus import BusUnavailable
from gbike.kit.open_files import OpenFiles
from gbike.kit.store import Tx
from gbike.kit.telemetry import Metrics as KitMetrics
from gbike.run.cluster.secrets import make, told
from gbike.run.embedded import Embedded
from gbike.run.folder.backup import copy_running, copy_stopped
from gbike.run.folder.data_folder import DataFolder
from gbike.run.registry import specs
from gbike.services.billing.storage import IN_FLIGHT, not_closed
from gbike.services.user_deposit.wiring import DRIFT_BATCH, Drift
from tests.journeys.fleet import open_deposits, register_bikes
from tests.observability.pages import Metrics, read
from tests.services.lone import SetClock
from tests.support import EVERY_RIDE_COSTS, Client

STATES = ("closed", "half_open", "open")


class Town:
    """Everything in memory, at a time that the test sets, and its page of metrics."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.embedded = Embedded(None, EVERY_RIDE_COSTS, clock=self.clock, run_twice=True)
        self.client = Client(self.embedded.app)

    async def open(self) -> "Town":
        await register_bikes(self.client, range(1, 4))
        await open_deposits(self.client, range(1, 4))
        await self.embedded.settle()
        return self

    async def look(self) -> Metrics:
        """The page, after whatever only counts has counted."""
        for part in self.embedded.parts.values():
            for worker in part.running.workers:
                if not worker.drains:
                    await worker.step()
        answer = await self.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        return read(answer.content)

    async def change(self, service: str, sql: str) -> None:
        """Change a store behind everybody's back."""
        await self.embedded.part(service).store.write(_execute, sql)

    async def rent(self, number: int) -> int:
        return (await self.client.post("/rents", {"userid": number, "bikeid": number})).status


def _execute(tx: Tx, sql: str) -> None:
    tx.execute(sql)


@pytest.fixture
async def town() -> Town:
    return await Town().open()


async def test_requests_are_counted_by_route_and_status_and_refusals_by_reason(town: Town) -> None:
    assert [await town.rent(1), await town.rent(1)] == [201, 409]
    page = await town.look()
    asked = {"service": "rent", "operation": "POST /rents"}
    assert page.value("gbike_requests_total", **asked, status="201") == 1
    assert page.value("gbike_requests_total", **asked, status="409") == 1
    assert page.value("gbike_request_seconds_count", **asked) == 2
    assert page.value("gbike_refusals_total", service="rent", reason="bike-unavailable") == 1


async def test_rents_and_bikes_are_there_by_status(town: Town) -> None:
    await town.rent(1)
    await town.rent(2)
    await town.client.patch("/rents/2", {"endlocation": "there"})
    await town.rent(2)
    await town.rent(2)  # the bike is not free yet: refused
    page = await town.look()
    assert [page.value("gbike_rents", status=status) for status in ("rented", "returned", "cancelled")] == [1, 1, 2]
    assert page.value("gbike_bikes", status="reserved") == 2
    await town.embedded.settle()
    page = await town.look()
    assert [page.value("gbike_bikes", status=status) for status in ("reserved", "available")] == [1, 2]
    report = {"managerid": 1, "bikeid": 3, "batterylevel": 9, "usableyn": False}
    assert (await town.client.post("/bikeManageApps", report)).status == 201
    page = await town.look()
    assert [page.value("gbike_bikes", status=status) for status in ("available", "broken")] == [1, 1]


async def test_rides_that_are_under_way_for_too_long_are_counted(town: Town) -> None:
    for number in (1, 2):
        await town.rent(number)
    assert (await town.look()).value("gbike_rides_overdue", service="rent") == 0
    town.clock.at_ms += 2 * 3_600_000
    await town.rent(3)
    assert (await town.look()).value("gbike_rides_overdue") == 2
    await town.client.patch("/rents/2", {"endlocation": "there"})
    assert (await town.look()).value("gbike_rides_overdue") == 1


async def test_settlement_is_timed_from_the_return_to_the_closed_bill_once(town: Town) -> None:
    await town.rent(1)
    await town.client.patch("/rents/1", {"endlocation": "there"})
    page = await town.look()
    assert page.value("gbike_settlement_seconds_count") == 0
    town.clock.at_ms += 4_000
    await town.embedded.settle()
    page = await town.look()
    assert page.value("gbike_settlement_seconds_count", service="billing") == 1  # each write was run twice
    assert page.value("gbike_settlement_seconds_sum", service="billing") == 4
    assert page.value("gbike_settlement_seconds_bucket", le="2.5") == 0
    assert page.value("gbike_settlement_seconds_bucket", le="5.0") == 1


async def test_a_clock_that_steps_back_makes_no_negative_time(town: Town) -> None:
    await town.rent(1)
    await town.client.patch("/rents/1", {"endlocation": "there"})
    town.clock.at_ms -= 4_000
    await town.embedded.settle()
    assert (await town.look()).value("gbike_settlement_seconds_sum") == 0


async def test_what_the_bus_does_not_have_yet_waits_in_the_outbox(town: Town) -> None:
    await town.rent(1)
    assert (await town.look()).value("gbike_outbox_waiting", service="rent") == 1
    await town.embedded.settle()
    page = await town.look()
    assert page.value("gbike_outbox_waiting", service="rent") == 0
    assert page.value("gbike_events_published_total", service="rent", type="Rented") == 1
    assert page.value("gbike_events_handled_total", service="billing") == 1


async def test_what_nobody_has_heard_yet_is_lag(town: Town) -> None:
    await town.embedded.part("billing").stop()
    await town.rent(1)
    await town.embedded.settle()
    assert (await town.look()).value("gbike_consumer_lag", service="billing") == 2  # bike's event came with rent's


async def test_what_is_set_aside_is_a_dead_letter(town: Town) -> None:
    await town.change("billing", "CREATE TRIGGER closed BEFORE INSERT ON bills BEGIN SELECT RAISE(ABORT, 'no'); END")
    await town.rent(1)
    await town.embedded.settle()
    page = await town.look()
    assert page.value("gbike_dead_letters_waiting", service="billing") == 1
    assert page.value("gbike_dead_letters_total", service="billing") == 1


@pytest.mark.parametrize(
    ("service", "table", "columns"),
    [
        ("rent", "rents", "userid, bikeid, status, deadline_ms) VALUES (1, 1"),
        ("bike_manage_app", "reports", "managerid, bikeid, batterylevel, status, deadline_ms) VALUES (1, 1, 9"),
    ],
)
async def test_pending_work_past_its_deadline_is_seen_until_it_is_swept(
    town: Town, service: str, table: str, columns: str
) -> None:
    await town.change(service, f"INSERT INTO {table} ({columns}, 'pending', {town.clock.at_ms - 1})")
    assert (await town.look()).value("gbike_pending_overdue", service=service) == 1
    await town.embedded.settle()
    page = await town.look()
    assert page.value("gbike_pending_overdue", service=service) == 0
    assert page.value("gbike_swept_total", service=service) == 1


async def test_a_breaker_that_opens_shows_it(town: Town) -> None:
    assert (await town.look()).value("gbike_breaker_state", call="reserve") == 0
    await town.embedded.part("bike").stop()
    for _ in range(5):
        assert await town.rent(1) == 503
    page = await town.look()
    assert page.value("gbike_breaker_state", service="rent", call="reserve") == 2
    assert page.value("gbike_breaker_transitions_total", call="reserve", to="open") == 1
    assert await town.rent(1) == 503
    assert (await town.look()).value("gbike_refusals_total", reason="circuit-open") == 1


async def test_a_ledger_that_is_right_drifts_by_nothing(town: Town) -> None:
    for number in range(1, 4):
        await town.rent(number)
        await town.client.patch(f"/rents/{number}", {"endlocation": "there"})
    await town.embedded.settle()
    assert (await town.look()).value("gbike_ledger_drift_krw") == 0


MORE = "UPDATE deposits SET balance = balance + {won} WHERE userid = {rider}"
ENTRY = "INSERT INTO entries (cause, account, amount, at_ms) VALUES ('bill:77', '{account}', {won}, 1)"


async def test_a_balance_that_is_not_its_entries_drifts_until_it_is_right(town: Town) -> None:
    await town.change("user_deposit", MORE.format(won=70, rider=2))
    assert (await town.look()).value("gbike_ledger_drift_krw", service="user_deposit") == 70
    await town.change("user_deposit", MORE.format(won=-70, rider=2))
    assert (await town.look()).value("gbike_ledger_drift_krw") == 0


async def test_an_entry_without_its_other_side_drifts(town: Town) -> None:
    await town.change("user_deposit", ENTRY.format(account="user:2", won=-35))
    await town.change("user_deposit", MORE.format(won=-35, rider=2))
    assert (await town.look()).value("gbike_ledger_drift_krw") == 35
    await town.change("user_deposit", ENTRY.format(account="house:fees", won=35))
    assert (await town.look()).value("gbike_ledger_drift_krw") == 0


async def test_a_large_ledger_is_looked_at_in_turn_and_who_moved_money_at_once(town: Town) -> None:
    last = 2 * DRIFT_BATCH + 1
    await open_deposits(town.client, range(4, last + 1))
    drift = Drift(town.embedded.part("user_deposit").store)
    assert await drift.look() == 0
    await town.change("user_deposit", MORE.format(won=1, rider=1))
    await town.change("user_deposit", MORE.format(won=10, rider=last))
    assert [await drift.look() for _ in range(4)] == [0, 10, 11, 11]
    await town.change("user_deposit", MORE.format(won=100, rider=last - 1))
    assert await drift.look() == 11
    await town.client.post(f"/userDeposits/{last - 1}/topUps", {"amount": 5})
    assert await drift.look() == 111


async def test_the_figures_go_on_while_the_bus_is_away(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_messages: list[Message]) -> None:
        raise BusUnavailable("away")

    monkeypatch.setattr(town.embedded.bus, "append", refuse)
    await town.rent(1)
    with pytest.raises(BusUnavailable):
        await town.embedded.settle()
    page = await town.look()
    assert page.value("gbike_outbox_waiting", service="rent") == 1
    assert page.value("gbike_events_published_total", service="rent") is None


async def test_the_process_tells_of_itself(town: Town) -> None:
    page = await town.look()
    assert all((page.value(f"process_{name}") or 0) > 0 for name in ("resident_memory_bytes", "start_time_seconds"))


async def test_a_breaker_that_never_moved_is_there_with_all_its_moves_at_0(town: Town) -> None:
    page = await town.look()
    for service, call in (("rent", "reserve"), ("bike_manage_app", "report")):
        moves = [page.value("gbike_breaker_transitions_total", service=service, call=call, to=to) for to in STATES]
        assert moves == [0, 0, 0]


async def test_bills_are_there_by_whether_they_are_closed(town: Town) -> None:
    for number in (1, 2):
        await town.rent(number)
    town.clock.at_ms += 600_000
    await town.client.patch("/rents/1", {"endlocation": "there"})
    await town.embedded.settle()
    page = await town.look()
    assert [page.value("gbike_bills", status=status) for status in ("waiting", "closed")] == [1, 1]
    assert page.value("gbike_rents", status="returned") - page.value("gbike_bills", status="closed") == 0
    await town.client.patch("/rents/2", {"endlocation": "there"})
    page = await town.look()
    assert page.value("gbike_rents", status="returned") - page.value("gbike_bills", status="closed") == 1
    await town.embedded.settle()
    page = await town.look()
    assert [page.value("gbike_bills", status=status) for status in ("waiting", "closed")] == [0, 2]


async def test_a_bill_whose_number_was_taken_before_others_were_counted_is_not_overlooked(town: Town) -> None:
    billing = town.embedded.part("billing").store
    bill = "INSERT INTO bills (billid, rentid, userid, started_ms, status) VALUES (?, ?, 1, 0, ?)"
    await billing.write(lambda tx: tx.execute_many(bill, [(n, n, "CLOSEBILL") for n in range(2, 20_000)]))
    assert await billing.read(not_closed, 0) == (0, 0, 19_999 - IN_FLIGHT)
    await billing.write(lambda tx: tx.execute_many(bill, [(n, n, "OPENBILL") for n in range(20_000, 20_003)]))
    assert (await billing.read(not_closed, 19_999 - IN_FLIGHT))[1] == 3


async def test_reaching_the_limit_of_open_files_is_counted_once_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = KitMetrics()
    files = OpenFiles(metrics, "rent")
    counted = metrics.open_files_reached.labels("rent")._value
    await files.step()
    assert counted.get() == 0
    limits, held = resource.getrlimit(resource.RLIMIT_NOFILE), list[int]()
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 50, limits[1]))
    try:
        for _ in range(2):
            with suppress(OSError):
                while True:
                    held.append(os.dup(0))
            await files.step()
            await files.step()
            while held:
                os.close(held.pop())
            await files.step()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert counted.get() == 2
    assert "".join(capsys.readouterr()).count("the limit of open files is reached") == 2


async def test_the_age_of_the_last_backup_is_told(tmp_path: Path) -> None:
    embedded = Embedded(DataFolder(tmp_path / "data"), EVERY_RIDE_COSTS)
    backup = embedded.metrics.backup.labels("gbike")._value
    await embedded._look_at_backup()
    assert backup.get() == 0
    await copy_running(embedded, tmp_path / "one")
    await embedded._look_at_backup()
    assert abs(backup.get() - SystemClock().now_ms() / 1000) < 60
    await embedded.stop()
    copy_stopped(DataFolder(tmp_path / "data"), tmp_path / "two")
    assert DataFolder(tmp_path / "data").backup_ms() / 1000 > backup.get()


def test_when_certificates_expire_is_told(tmp_path: Path) -> None:
    now_ms = SystemClock().now_ms()
    make(tmp_path, specs(), now_ms)
    told_to = told(tmp_path, "rent")
    found = certificates(told_to)
    assert found is not None
    in_a_year = (now_ms / 1000) + 365 * 86_400
    assert {name: abs(at_s - in_a_year) < 60 for name, at_s in found[0].expire().items()} == {
        "certificate": True,
        "authority": True,
    }
    Path(told_to["GBIKE_TLS_CERT_FILE"]).unlink()
    assert list(found[0].expire()) == ["authority"]
