"""A list says where it is, and how it is searched."""

import pytest

from gbike.run.embedded import Embedded
from tests.support import EVERY_RIDE_COSTS, Client


@pytest.mark.parametrize("collection", ["bikes", "billings", "rentAndBillingViews", "userDeposits"])
async def test_a_collection_leads_to_its_searches(collection: str) -> None:
    client = Client(Embedded(None, EVERY_RIDE_COSTS).app)
    links = (await client.get(f"/{collection}")).json["_links"]
    assert links["search"]["href"].endswith(f"/{collection}/search")
    assert (await client.get(f"/{collection}/search")).status == 200


@pytest.mark.parametrize(
    ("of", "body", "moved"),
    [
        ("bikes", {"bikeid": 7, "status": "사용가능"}, "events"),
        ("userDeposits", {"userid": 7, "deposit": 1_000}, "entries"),
        ("bikeManagers", {"managerid": 7, "userid": 7}, "entries"),
    ],
)
async def test_what_belongs_to_a_number_has_one_address_however_it_is_written(
    of: str, body: dict[str, object], moved: str
) -> None:
    client = Client(Embedded(None, EVERY_RIDE_COSTS).app)
    assert (await client.post(f"/{of}", body)).status == 201
    links = (await client.get(f"/{of}/007/{moved}?page=0")).json["_links"]
    assert links == {"self": {"href": f"http://localhost:8088/{of}/7/{moved}?page=0"}}
