"""What journeys share: a fleet, whole collections, and the rule that holds between bikes and rents."""

from collections import Counter
from typing import Any

from gbike.kit.store import Reading
from gbike.run.embedded import Embedded
from gbike.run.invariants import violations
from tests.support import Client


async def register_bikes(client: Client, numbers: range) -> None:
    for bikeid in numbers:
        assert (await client.post("/bikes", {"bikeid": bikeid, "status": "사용가능", "location": "here"})).status == 201


async def open_deposits(client: Client, riders: range) -> None:
    for userid in riders:
        assert (await client.post("/userDeposits", {"userid": userid, "deposit": 100_000})).status == 201


async def every(client: Client, path: str) -> list[dict[str, Any]]:
    """All items of a collection."""
    found: list[dict[str, Any]] = []
    number, pages = 0, 1
    while number < pages:
        answer = (await client.get(f"{path}?page={number}&size=1000")).json
        found += next(iter(answer["_embedded"].values()))
        number, pages = number + 1, answer["page"]["totalPages"]
    return found


async def violated(embedded: Embedded) -> list[str]:
    """What `gbike verify` finds, once every event is handled."""
    return list(violations({name: await part.store.read(_itself) for name, part in embedded.parts.items()}))


async def assert_nothing_is_violated(embedded: Embedded, client: Client | None = None) -> None:
    """Every invariant of `gbike verify`, once every event is handled. `client`: who may see everything."""
    assert await violated(embedded) == []
    await assert_bikes_and_rents_agree(client or Client(embedded.app))


def _itself(read: Reading) -> Reading:
    return read


async def assert_bikes_and_rents_agree(client: Client) -> None:
    """I1, I2: a bike is 사용중 exactly when one open rent names it, or somebody keeps it out of service."""
    riding = Counter(rent["bikeid"] for rent in await every(client, "/rents") if rent["status"] == "rented")
    bikes = await every(client, "/bikes")
    in_use = {bike["bikeid"] for bike in bikes if bike["status"] == "사용중"}
    held = {bike["bikeid"] for bike in bikes if bike["held"]}
    assert all(times == 1 for times in riding.values())
    assert set(riding) | held == in_use
