"""Lists are narrowed by what their rows have; nobody sees more of others' by a filter."""

import csv
import io

import pytest

from gbike.run.embedded import Embedded
from tests.support import Client

COLLECTIONS = (
    "rents", "billings", "rentAndBillingViews", "userDeposits", "bikeManagers", "bikeManageApps", "bikes", "places",
    "rentAndBillingViews/search/findByUserid?userid=1", "billings/search/findByRentid?rentid=1",
    "bikes/search/findByLabel?label=A1", "userDeposits/1/entries",
)  # fmt: skip


@pytest.fixture
async def past(embedded: Embedded, client: Client) -> Client:
    """Three rides of two riders on two bikes, of which one goes on."""
    for bikeid in (1, 2):
        assert (await client.post("/bikes", {"bikeid": bikeid})).status == 201
    for userid, deposit in ((1, 10_000), (2, 0)):
        assert (await client.post("/userDeposits", {"userid": userid, "deposit": deposit})).status == 201
    for userid, bikeid, over in ((1, 1, True), (2, 2, True), (1, 2, False)):
        rentid = (await client.post("/rents", {"userid": userid, "bikeid": bikeid})).json["rentid"]
        await embedded.settle()
        if over:
            assert (await client.patch(f"/rents/{rentid}", {"endlocation": "A"})).status == 200
            await embedded.settle()
    return client


@pytest.mark.parametrize("query", ["%=%&&&=", "=1", "Page=1", "pages=2", "status[]=rented", "userid%00=1"])
async def test_names_that_are_almost_right_are_unknown_too(past: Client, query: str) -> None:
    assert (await past.get(f"/rents?{query}")).status == 422


@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_a_parameter_that_a_list_has_not_is_refused_by_its_name(past: Client, collection: str) -> None:
    reply = await past.get(f"/{collection}{'&' if '?' in collection else '?'}paeg=1")
    assert reply.status == 422
    assert reply.json["errors"][0]["field"] == "paeg"


@pytest.mark.parametrize(
    ("target", "key", "numbers"),
    [
        ("/rents?userid=1", "rentid", [1, 3]),
        ("/rents?bikeid=2", "rentid", [2, 3]),
        ("/rents?bikeid=2&status=returned", "rentid", [2]),
        ("/rents?status=RETURNED&userid=1", "rentid", [1]),
        ("/rents?userid=9", "rentid", []),
        ("/rents?from=2000-01-01&to=2000-01-02", "rentid", []),
        ("/rents?from=2000-01-01T00:00:00Z&userid=1", "rentid", [1, 3]),
        ("/rents?to=2000-01-01", "rentid", []),
        ("/billings?userid=1", "rentid", [1, 3]),
        ("/billings?rentid=2", "rentid", [2]),
        ("/billings?status=OPENBILL", "rentid", [3]),
        ("/billings?from=2000-01-01&status=CLOSEBILL", "rentid", [1, 2]),
        ("/billings?to=2000-01-01", "rentid", []),
        ("/rentAndBillingViews?userid=1", "rentid", [3, 1]),
        ("/rentAndBillingViews?bikeid=2&status=rented", "rentid", [3]),
        ("/rentAndBillingViews?from=2000-01-01", "rentid", [3, 2, 1]),
        ("/rentAndBillingViews?to=2000-01-01", "rentid", []),
        ("/userDeposits?userid=2", "userid", [2]),
        ("/userDeposits?debt=false", "userid", [1]),
        ("/userDeposits?debt=true&sort=deposit", "userid", [2]),
        ("/bikeManageApps?bikeid=1", "reportid", []),
        ("/complaints?bikeid=1", "complaintid", []),
        ("/userDeposits/1/entries?from=2000-01-01", "amount", [-100, 10_000]),
        ("/userDeposits/1/entries?to=2000-01-01", "amount", []),
    ],
)
async def test_a_list_is_narrowed_and_its_total_is_of_what_is_left(
    past: Client, target: str, key: str, numbers: list[int]
) -> None:
    reply = await past.get(target)
    assert reply.status == 200
    (found,) = reply.json["_embedded"].values()
    assert [one[key] for one in found] == numbers
    assert reply.json["page"] == {"size": 20, "totalElements": len(numbers), "totalPages": bool(numbers), "number": 0}


@pytest.mark.parametrize(
    "target",
    [
        "/rents?userid=0", "/rents?status=lost", "/rents?from=yesterday", "/billings?status=closebill",
        "/billings?rentid=", "/rentAndBillingViews?bikeid=x", "/userDeposits?debt=1", "/userDeposits/1/entries?to=x",
    ],
)  # fmt: skip
async def test_a_filter_that_means_nothing_is_refused(past: Client, target: str) -> None:
    assert (await past.get(target)).status == 422


async def test_the_pages_of_a_narrowed_list_lead_to_each_other(past: Client) -> None:
    page = (await past.get("/rents?userid=1&size=1")).json
    following = page["_links"]["next"]["href"]
    assert following.endswith("/rents?page=1&size=1&userid=1")
    assert [one["rentid"] for one in (await past.get(following.partition("8088")[2])).json["_embedded"]["rents"]] == [3]


@pytest.mark.parametrize(
    "target",
    [
        "/rents", "/billings", "/rentAndBillingViews", "/userDeposits", "/userDeposits/1/entries", "/bikeManagers",
        "/bikeManageApps", "/complaints", "/bikes", "/bikes?near=37.3,127.1", "/places", "/places?near=37.3,127.1&q=A", "/accounts",
        "/bikes/imports", "/bikes/1/events", "/rentAndBillingViews/search/findByUserid?userid=1",
        "/rentAndBillingViews/search/findByRentid?rentid=1",
    ],
)  # fmt: skip
async def test_every_list_is_to_be_had_as_a_file_with_the_same_rows_and_fields(past: Client, target: str) -> None:
    and_ = "&" if "?" in target else "?"
    page, file = (await past.get(target)).json, await past.get(f"{target}{and_}format=csv")
    (found,) = page["_embedded"].values()
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(found) == page["page"]["totalElements"]
    assert [set(row) for row in rows] == [set(one) - {"_links"} for one in found]


async def test_a_file_is_of_the_narrowed_list_in_the_order_of_its_number(past: Client) -> None:
    file = (await past.get("/rentAndBillingViews?userid=1&from=2000-01-01&format=csv")).content.decode("utf-8-sig")
    assert [row["rentid"] for row in csv.DictReader(io.StringIO(file, newline=""))] == ["1", "3"]


async def test_every_list_of_the_description_takes_what_a_list_takes(client: Client) -> None:
    paths = (await client.get("/openapi.json")).json["paths"]
    lists = {
        path: one["get"] for path, one in paths.items() if "A HAL page" in one.get("get", {}).get("description", "")
    }
    assert len(lists) > 12
    for one in lists.values():
        assert {"page", "size", "sort", "format", "encoding"} <= {given["name"] for given in one["parameters"]}
        assert {"application/hal+json", "text/csv"} <= one["responses"]["200"]["content"].keys()
    for path in (path for path, one in lists.items() if not any(given.get("required") for given in one["parameters"])):
        assert (await client.get(f"{path}?format=csv")).headers["content-type"].startswith("text/csv"), path
