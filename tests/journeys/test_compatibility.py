"""Rules of docs/guide/compatibility.md that the recording alone does not show: what the better answers look like."""

import pytest

from gbike.run.embedded import Embedded
from tests.support import Client


async def made(client: Client, path: str, **body: object) -> None:
    assert (await client.post(path, body)).status == 201


async def test_links_name_the_address_that_the_client_used(client: Client) -> None:
    await made(client, "/bikes", bikeid=1)
    forwarded = {"x-forwarded-host": "bikes.example", "x-forwarded-proto": "https"}
    through = await client.send("GET", "/bikes/1", headers=forwarded)
    direct = await client.send("GET", "/bikes/1", headers={"host": "10.0.0.7:8082"})
    assert through.json["_links"]["self"]["href"] == "https://bikes.example/bikes/1"
    assert direct.json["_links"]["bike"]["href"] == "http://10.0.0.7:8082/bikes/1"


@pytest.mark.parametrize(
    "collection", ["bikes", "billings", "userDeposits", "bikeManagers", "rentAndBillingViews", "rents"]
)
async def test_a_collection_with_searches_links_to_them(client: Client, collection: str) -> None:
    links = (await client.get(f"/{collection}")).json["_links"]
    searches = await client.get(f"/{collection}/search")
    assert searches.status == (404 if collection == "rents" else 200)
    assert ("search" in links) is (searches.status == 200)
    if "search" in links:
        assert links["search"]["href"] == searches.json["_links"]["self"]["href"]


@pytest.mark.parametrize("word", ["rented", "RENTED"])
async def test_both_spellings_of_a_rents_status_filter(client: Client, word: str) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/rents", userid=1, bikeid=1)
    found = (await client.get(f"/rents?status={word}")).json["_embedded"]["rents"]
    assert [rent["status"] for rent in found] == ["rented"]


@pytest.mark.parametrize("body", [{}, {"userid": 9}, {"starttime": "2020-01-01"}, {"status": "rented"}, {"fee": 1}])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_only_a_return_returns(embedded: Embedded, client: Client, method: str, body: dict[str, object]) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/rents", userid=1, bikeid=1)
    reply = await client.send(method, "/rents/1", body)
    await embedded.settle()
    assert (reply.status, reply.json["status"], reply.json["userid"], reply.json["endtime"]) == (200, "rented", 1, None)
    assert (await client.get("/bikes/1")).json["status"] == "사용중"


@pytest.mark.parametrize("body", [{"endlocation": "B"}, {"status": "returned"}, {"status": "RETURNED"}])
async def test_a_place_or_the_word_is_a_return(embedded: Embedded, client: Client, body: dict[str, str]) -> None:
    await made(client, "/bikes", bikeid=1, location="A")
    await made(client, "/rents", userid=1, bikeid=1)
    assert (await client.patch("/rents/1", body)).json["status"] == "returned"
    await embedded.settle()
    bike = (await client.get("/bikes/1")).json
    assert (bike["status"], bike["location"]) == ("사용가능", body.get("endlocation", "A"))


async def test_a_posted_report_number_makes_a_repeated_report_one(embedded: Embedded, client: Client) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/bikeManagers", userid=1)
    report = {"reportid": 4, "managerid": 1, "bikeid": 1, "batterylevel": 40}
    first, again = [await client.post("/bikeManageApps", report) for _ in range(2)]
    other = await client.post("/bikeManageApps", {**report, "batterylevel": 41})
    await embedded.settle()
    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert again.json["reportid"] == first.json["reportid"]
    assert (await client.get("/bikeManagers/1")).json["point"] == 1000


@pytest.mark.parametrize(
    "query", ["chkAndUpdateStatus?bikeid=1", "getReportAndUpdate?bikeid=1&batterylevel=5&usableyn=false"]
)
async def test_a_get_that_changed_bikes_says_what_replaces_it(client: Client, query: str) -> None:
    await made(client, "/bikes", bikeid=1)
    reply = await client.get(f"/bikes/{query}")
    bike = (await client.get("/bikes/1")).json
    assert (reply.status, reply.json["instead"].split()[0]) == (410, "POST")
    assert (bike["status"], bike["batterylevel"]) == ("사용가능", None)


@pytest.mark.parametrize("alias", ["/rentandbillingviews", "/rentAndBillingView"])
async def test_the_view_answers_by_its_other_names(embedded: Embedded, client: Client, alias: str) -> None:
    for bike in (1, 2):
        await made(client, "/bikes", bikeid=bike)
        await made(client, "/rents", userid=1, bikeid=bike)
    await embedded.settle()
    for path in (alias, f"{alias}/search/findByUserid?userid=1"):
        rows = (await client.get(path)).json
        assert [row["rentid"] for row in rows["_embedded"]["rentAndBillingViews"]] == [2, 1], "newest first"
        assert rows["page"]["totalElements"] == 2
    assert (await client.get(f"{alias}/2")).json["bikeid"] == 2


async def test_a_rider_without_an_account_gets_one_that_can_be_registered_once(
    embedded: Embedded, client: Client
) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/rents", userid=98, bikeid=1)
    await client.patch("/rents/1", {"endlocation": "B"})
    await embedded.settle()
    bill = (await client.get("/billings/search/findByRentid?rentid=1")).json
    account = (await client.get("/userDeposits/98")).json
    assert (bill["status"], account["registered"], account["deposit"]) == ("CLOSEBILL", False, -bill["fee"])
    opened = [await client.post("/userDeposits", {"userid": 98, "deposit": 1000}) for _ in range(2)]
    assert [reply.status for reply in opened] == [201, 409]
    assert opened[0].json["deposit"] == 1000 - bill["fee"]


@pytest.mark.parametrize(
    ("usable", "while_ridden", "afterwards"),
    [(False, "사용중", "불량"), (True, "사용중", "사용가능"), (None, "사용중", "사용가능")],
)
async def test_a_report_on_a_ridden_bike_shows_when_it_is_returned(
    embedded: Embedded, client: Client, usable: bool | None, while_ridden: str, afterwards: str
) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/rents", userid=1, bikeid=1)
    await made(client, "/bikeManageApps", managerid=1, bikeid=1, batterylevel=5, usableyn=usable)
    assert (await client.get("/bikes/1")).json["status"] == while_ridden
    await client.patch("/rents/1", {"endlocation": "B"})
    await embedded.settle()
    assert (await client.get("/bikes/1")).json["status"] == afterwards


async def test_a_report_that_a_bike_is_fine_never_frees_one_that_staff_hold(client: Client) -> None:
    await made(client, "/bikes", bikeid=1, status="사용중")
    await made(client, "/bikes", bikeid=2, status="불량")
    for bike in (1, 2):
        await made(client, "/bikeManageApps", managerid=1, bikeid=bike, batterylevel=90, usableyn=True)
    assert [(await client.get(f"/bikes/{bike}")).json["status"] for bike in (1, 2)] == ["사용중", "사용가능"]


@pytest.mark.parametrize("path", ["/rents", "/bikes", "/userDeposits", "/bikeManagers", "/bikeManageApps", "/billings"])
async def test_a_collection_pages_with_links_that_lead_on(client: Client, path: str) -> None:
    for number in (1, 2, 3):
        await made(client, "/bikes", bikeid=number)
        await made(client, "/userDeposits", userid=number, deposit=0)
        await made(client, "/rents", userid=number, bikeid=number)
        await made(client, "/bikeManagers", userid=number)
        await made(client, "/bikeManageApps", managerid=1, bikeid=number, batterylevel=5)
    seen, target = 0, f"{path}?size=2"
    while target:
        page = (await client.get(target)).json
        seen += len(page["_embedded"][path[1:]])
        target = page["_links"].get("next", {}).get("href", "").removeprefix("http://localhost:8088")
    assert seen == page["page"]["totalElements"] == (0 if path == "/billings" else 3)


FOUND_IN = ["/bikes", "/userDeposits", "/bikeManagers", "/billings", "/rentAndBillingViews"]


@pytest.mark.parametrize("path", FOUND_IN)
async def test_a_collection_with_finders_says_where_they_are(client: Client, path: str) -> None:
    search = {"href": f"http://localhost:8088{path}/search"}
    for asked in (path, f"{path}?size=2&page=1"):
        assert (await client.get(asked)).json["_links"]["search"] == search
    found = await client.get("/rentAndBillingViews/search/findByUserid?userid=1")
    assert "search" not in found.json["_links"]


@pytest.mark.parametrize("path", ["/bikes/1/events", "/userDeposits/1/entries", "/bikeManagers/1/entries"])
async def test_a_list_of_one_thing_links_to_itself_however_the_number_was_written(client: Client, path: str) -> None:
    await made(client, "/bikes", bikeid=1)
    await made(client, "/userDeposits", userid=1, deposit=0)
    await made(client, "/bikeManagers", userid=1)
    for asked in (path, path.replace("/1/", "/01/")):
        link = (await client.get(asked)).json["_links"]["self"]
        assert link == {"href": f"http://localhost:8088{path}{{?page,size,sort}}", "templated": True}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/actuator/health"])
async def test_health_is_one_word(client: Client, path: str) -> None:
    reply = await client.get(path)
    assert (reply.status, reply.json) == (200, {"status": "UP"})


async def test_any_origin_may_ask_in_demo_mode(client: Client) -> None:
    wish = {"origin": "http://example.com", "access-control-request-method": "POST"}
    preflight = await client.send("OPTIONS", "/bikes", headers={**wish, "access-control-request-headers": "x-foo"})
    asked = await client.send("GET", "/bikes", headers=wish)
    for reply in (preflight, asked):
        assert reply.status == 200
        assert reply.headers["access-control-allow-origin"] == "http://example.com"
        assert reply.headers["access-control-allow-credentials"] == "true"
    assert "x-foo" in preflight.headers["access-control-allow-headers"]
