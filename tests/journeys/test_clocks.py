"""The wall clock is set by hours while somebody rides: the fee, the books, and what `gbike verify` says of it."""

import pytest

from gbike.run.embedded import Embedded
from gbike.run.invariants import notes, violations
from tests.services.lone import SetClock
from tests.support import EVERY_RIDE_COSTS, Client


@pytest.mark.parametrize("step_ms", [-3 * 3_600_000, 0, 3 * 3_600_000])
async def test_a_ride_of_3_6_s_costs_what_3_6_s_cost_and_verify_notes_the_clock(step_ms: int) -> None:
    clock = SetClock()
    whole = Embedded(None, EVERY_RIDE_COSTS, clock=clock, run_twice=True)
    client = Client(whole.app)
    assert (await client.post("/bikes", {"bikeid": 1})).status == 201
    assert (await client.post("/rents", {"userid": 3, "bikeid": 1})).status == 201
    clock.at_ms += 3_600
    clock.wall_step_ms = step_ms
    assert (await client.patch("/rents/1", {"endlocation": "서현역"})).status == 200
    await whole.settle()
    bill = await client.get("/billings/search/findByRentid?rentid=1")
    assert (bill.json["fee"], bill.json["status"]) == (400, "CLOSEBILL")
    stores = {name: await part.store.read(lambda read: read) for name, part in whole.parts.items()}
    assert list(violations(stores)) == []
    assert [note.partition(";")[2] for note in notes(stores)] == ([" it is billed for 3.6 s"] if step_ms else [])
    await whole.stop()
