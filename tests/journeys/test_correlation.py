"""One trace from the door through peers, outbox, log and inbox to the last handler, and who caused what."""

from typing import Any, NamedTuple

import msgspec

from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from tests.journeys.fleet import open_deposits, register_bikes
from tests.support import Client

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01", "x-request-id": "a-ride"}


class Published(NamedTuple):
    """One message in an outbox."""

    service: str
    type: str
    id: str
    headers: dict[str, Any]


async def said_so_far(embedded: Embedded) -> list[Published]:
    """Every message in every outbox."""
    found = []
    for name, part in embedded.parts.items():
        for id, kind, headers in await part.store.read(_outbox):
            found.append(Published(name, kind, id, msgspec.json.decode(headers)))
    return found


def _outbox(read: Reading) -> list[tuple[str, str, bytes]]:
    return read.all("SELECT message_id, type, headers FROM outbox ORDER BY id")


async def test_one_ride_is_one_trace_and_each_event_names_its_cause(embedded: Embedded, client: Client) -> None:
    await register_bikes(client, range(1, 2))
    await open_deposits(client, range(1, 2))
    await embedded.settle()
    before = {printed.id for printed in await said_so_far(embedded)}
    rented = await client.send("POST", "/rents", {"userid": 1, "bikeid": 1}, headers=SENT)
    await client.send("PATCH", "/rents/1", {"endlocation": "there"}, headers=SENT)
    await embedded.settle()
    printed = [one for one in await said_so_far(embedded) if one.id not in before]
    assert rented.headers["x-request-id"] == "a-ride"
    assert {one.headers["correlationid"] for one in printed} == {"a-ride"}
    assert {one.headers["traceparent"][3:35] for one in printed} == {TRACE_ID}
    types = {one.id: one.type for one in printed}
    assert sorted((types.get(one.headers.get("causationid", ""), "a request"), one.type) for one in printed) == [
        ("CalculatedFee", "UpdatedDeposit"),
        ("Rented", "RegisteredBill"),
        ("Returned", "CalculatedFee"),
        ("Returned", "UpdatedBike"),
        ("UpdatedDeposit", "ClosedBill"),
        ("a request", "ChkAndUpdatedStatus"),
        ("a request", "Rented"),
        ("a request", "Returned"),
    ]


async def test_a_peer_answers_under_the_same_trace_with_a_span_of_its_own(embedded: Embedded, client: Client) -> None:
    await register_bikes(client, range(1, 2))
    answer = await client.send("POST", "/rents", {"userid": 1, "bikeid": 1}, headers=SENT)
    spans = {one.type: one.headers["traceparent"] for one in await said_so_far(embedded)}
    assert spans["Rented"] == answer.headers["traceparent"]
    assert spans["ChkAndUpdatedStatus"][:36] == answer.headers["traceparent"][:36] == f"00-{TRACE_ID}-"
    assert len({spans["Rented"], spans["ChkAndUpdatedStatus"], SENT["traceparent"]}) == 3
