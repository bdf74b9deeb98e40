"""What every service answers beside its resources: health of its own store only, metrics, and its description."""

import pytest

from gbike.run.embedded import Embedded
from tests.observability.pages import read
from tests.support import Client

NAMES = sorted(Embedded(None, {}).parts)


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_is_ready_as_long_as_its_own_store_is(name: str) -> None:
    """Flaw 44: readiness that asked the bus restarted all services when it was down, and they forgot everything."""
    town = Embedded(None, {})
    client = Client(town.parts[name].running.app)
    for other in NAMES:
        if other != name:
            await town.parts[other].store.close()
    await town.bus.store.close()
    assert (await client.get("/health/ready")).json["status"] == "UP"
    await town.parts[name].store.close()
    assert (await client.get("/health/ready")).status == 503
    assert (await client.get("/health/live")).status == 200


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_whose_store_can_t_be_written_is_not_ready(name: str) -> None:
    town = Embedded(None, {})
    client, store = Client(town.parts[name].running.app), town.parts[name].store
    for failing, status in ((True, 503), (False, 200)):
        store.failing = failing
        for whole in (client, Client(town.app)):
            assert (await whole.get("/health/ready")).status == status
            assert (await whole.get("/actuator/health")).status == status
            assert (await whole.get("/health/live")).status == 200
        page = read((await client.get("/metrics")).content)
        assert page.value("gbike_store_failing", service=name) == failing
        assert page.value("gbike_store_failing") == failing, "the other stores can be written"


async def test_without_room_for_the_log_nothing_is_ready() -> None:
    town = Embedded(None, {})
    town.bus.store.failing = True
    assert (await Client(town.app).get("/health/ready")).status == 503
    page = read((await Client(town.app).get("/metrics")).content)
    assert page.value("gbike_store_failing", service="bus") == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_service_describes_itself(name: str) -> None:
    client = Client(Embedded(None, {}).parts[name].running.app)
    document = (await client.get("/openapi.json")).json
    assert document["openapi"].startswith("3.1")
    assert document["paths"]
    for path in ("/docs", "/docs/status-codes"):
        page = await client.get(path)
        assert page.status == 200
        assert b"http://" not in page.content.replace(b"http://www.w3.org", b"")
        assert b"https://" not in page.content
    assert b"gbike_requests_total" in (await client.get("/metrics")).content


async def test_an_answer_is_counted_under_its_operation_and_status() -> None:
    town = Embedded(None, {})
    client = Client(town.app)
    await client.get("/bikes/1")
    await client.get("/bikes")
    metrics = (await client.get("/metrics")).content.decode()
    assert 'gbike_requests_total{operation="GET /bikes/{bikeid}",service="bike",status="404"} 1.0' in metrics
    assert 'gbike_requests_total{operation="GET /bikes",service="bike",status="200"} 1.0' in metrics
    assert 'gbike_refusals_total{reason="bike-unknown",service="bike"} 1.0' in metrics


async def test_one_ride_has_one_correlation_id_through_every_service() -> None:
    town = Embedded(None, {}, run_twice=True)
    client = Client(town.app)
    await client.post("/bikes", {"bikeid": 1})
    await town.settle()
    before = await town.bus.end()
    rented = await client.post("/rents", {"userid": 3, "bikeid": 1}, x_request_id="ride-77")
    await client.patch(f"/rents/{rented.json['rentid']}", {"status": "returned"}, x_request_id="ride-77")
    await town.settle()
    entries = await town.bus.after(before, 100)
    assert len(entries) == 8
    assert all(b'"correlationid":"ride-77"' in message.headers for _, message in entries)
