"""What the console's lists are narrowed and sorted by has an index: nothing is sorted to show a page, however much is
stored."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gbike.kit.clock import SystemIds
from gbike.kit.storage.listing import Listing, Page, list_page, narrowed
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore
from gbike.kit.store import Row
from gbike.run.registry import spec
from gbike.services.bike import storage as bike
from gbike.services.bike_manage_app.storage import complaints
from gbike.services.billing import storage as billing
from gbike.services.rent import storage as rent
from gbike.services.rent_and_billing_view import storage as view
from gbike.services.user_deposit import storage as deposits
from tests.services.lone import SetClock

DAY = {"from": 1, "to": 2}
NEWEST = (("starttime", True),)
FLEET = bike.listing(None, retired=False, whole=True, by_seen=True)
ASKED: list[tuple[str, Listing, Mapping[str, Any], Sequence[tuple[str, bool]], str]] = [
    ("rent", rent.BY_STATUS["rented"], {}, (("rentid", True),), "rents_riding_now"),
    ("rent", rent.RIDES, DAY, NEWEST, "rents_begun"),
    ("rent", rent.RIDES, {"userid": 7, **DAY}, NEWEST, "rents_of_begun"),
    ("rent", rent.RIDES, {"bikeid": 7}, (("rentid", True),), "rents_on"),
    ("billing", billing.LISTED, {}, (("fee", True),), "bills_fee"),
    ("billing", billing.LISTED, DAY, NEWEST, "bills_begun"),
    ("billing", billing.LISTED, {"userid": 7, **DAY}, NEWEST, "bills_of_begun"),
    ("billing", billing.LISTED, {"status": "OPENBILL"}, (("billid", True),), "bills_open"),
    ("user_deposit", deposits.LISTED, {}, (("deposit", True),), "deposits_owed"),
    ("user_deposit", deposits.LISTED, {"debt": True}, (("deposit", False),), "deposits_owed"),
    ("user_deposit", deposits.entries(7), {}, (), "entries_of"),
    ("user_deposit", deposits.entries(7), DAY, (), "entries_of_moment"),
    ("rent_and_billing_view", view.LISTED, {"userid": 7}, (), "rides_of"),
    ("rent_and_billing_view", view.LISTED, {"userid": 7, **DAY}, (), "rides_of_begun"),
    ("bike_manage_app", complaints.LISTED, {"bikeid": 7}, (), "complaints_about"),
    ("bike_manage_app", complaints.LISTED, {"userid": 7}, (), "complaints_of"),
    ("bike_manage_app", complaints.LISTED, DAY, (), "complaints_when"),
    ("bike", FLEET, {}, (("batterylevel", False),), "bikes_charged"),
    ("bike", FLEET, {"held": True}, (("bikeid", False),), "bikes_held"),
]


class Explained(SqliteReading):
    """Reads that keep how the database would find the rows of a page."""

    plans: list[str]

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """No rows."""
        self.plans += [row[3] for row in super().all(f"EXPLAIN QUERY PLAN {sql}", params)]
        return []


@pytest.mark.parametrize(("service", "listing", "wanted", "sort", "index"), ASKED)
async def test_a_page_is_in_the_order_of_an_index(
    service: str, listing: Listing, wanted: Mapping[str, Any], sort: Sequence[tuple[str, bool]], index: str
) -> None:
    memory = in_memory(spec(service).versions)
    store = SqliteStore(None, clock=SetClock(), ids=SystemIds(), source=service, memory=memory)
    reading = Explained(memory)
    reading.plans = []

    async def look(fn: Any, *args: Any) -> Any:
        return fn(reading, *args)

    store.read = look  # type: ignore[assignment,method-assign]
    store.scan = look  # type: ignore[assignment,method-assign]
    await list_page(store, narrowed(listing, wanted), Page(sort=tuple(sort)), 0)
    await store.close()
    assert f"INDEX {index} " in f"{reading.plans[0]} ", reading.plans
    assert not [step for step in reading.plans if "TEMP B-TREE FOR ORDER BY" in step], reading.plans
