"""What the bench writes in bulk is a past that the services could have had."""

from pathlib import Path

import pytest

from dev.bench.fill import fill
from dev.bench.http import Connection, Reply
from dev.bench.process import product
from dev.bench.rides import Ride, WrongEffect, check
from gbike.cli import verify
from gbike.run.folder.data_folder import DataFolder


async def test_a_past_made_in_bulk_has_no_violation_and_its_view_is_what_its_events_say(tmp_path: Path) -> None:
    folder = tmp_path / "filled"
    fill(folder, bikes=50, rides=600)
    told: list[str] = []

    assert await verify.verify(DataFolder(folder), {}, told.append) == 0, told
    assert await verify.verify_view(DataFolder(folder), told.append) == 0, told
    async with product(folder) as server:
        assert server.ready_s > 0  # `gbike demo` takes the folder for its own


class Answers(Connection):
    """A connection to a billing that answers one bill."""

    def __init__(self, bill: str) -> None:
        super().__init__()
        self._bill = bill

    async def ask(self, method: str, path: str, body: bytes = b"") -> Reply:
        """One bill, in a collection of one."""
        return Reply(200, b'{"page":{"totalElements":1},"_embedded":{"billings":[%b]}}' % self._bill.encode())


@pytest.mark.parametrize(
    ("status", "fee", "rides"),
    [("APPLYFEE", 200, 1), ("CLOSEBILL", 100, 1), ("CLOSEBILL", 200, 2)],
    ids=["not closed", "wrong fee", "a ride without a bill"],
)
async def test_the_bench_refuses_to_report_the_speed_of_wrong_bills(status: str, fee: int, rides: int) -> None:
    times = '"starttime":"2026-11-22T10:00:00.000Z","endtime":"2026-11-22T10:00:01.500Z"'
    bill = f'{{"rentid":7,"userid":2,"status":"{status}","fee":{fee},{times}}}'

    with pytest.raises(WrongEffect):
        await check(Answers(bill), [Ride(7 + n, 2, 3) for n in range(rides)], 0, None)


async def test_the_bench_accepts_a_closed_bill_over_each_begun_second() -> None:
    times = '"starttime":"2026-11-22T10:00:00.000Z","endtime":"2026-11-22T10:00:01.500Z"'
    bill = f'{{"rentid":7,"userid":2,"status":"CLOSEBILL","fee":200,{times}}}'

    await check(Answers(bill), [Ride(7, 2, 3)], 0, None)
