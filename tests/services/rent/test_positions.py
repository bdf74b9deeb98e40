"""Where a ride ends: a return is never refused because of its position, and one that is none is left out and said."""

from typing import Any
from unicodedata import normalize

import pytest

from gbike.contracts.account import AccountErased
from gbike.kit.clock import rfc3339
from gbike.services.rent.wiring import SPEC
from tests.services.lone import NOON, Lone, Reply

HERE = {"lat": 37.36, "lon": 127.1}
ENDED = NOON + 600_000


async def riding() -> Lone:
    """Rent 1, which began ten minutes ago."""
    lone = Lone(SPEC)
    await lone.client.post("/rents", {"userid": 3, "bikeid": 1})
    lone.clock.at_ms = ENDED
    return lone


async def back(lone: Lone, **told: Any) -> Reply:
    """What its return is answered."""
    reply = await lone.client.patch("/rents/1", {"status": "returned", **told})
    assert (reply.status, reply.json["status"]) == (200, "returned")
    return reply


async def test_a_position_goes_on_with_how_exactly_and_when_it_was_measured() -> None:
    lone = await riding()
    reply = await back(lone, **HERE, accuracy="12.5", measuredat=rfc3339(ENDED - 20_000))
    assert (reply.json["lat"], reply.json["lon"], reply.json["noposition"]) == (37.36, 127.1, None)
    published = (await lone.published())[-1]
    assert (published["accuracy"], published["measuredat"]) == (12.5, ENDED - 20_000)
    assert "noposition" not in published


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"lat": 0, "lon": 0}, "zero"),
        ({"lat": 37.36}, "half"),
        ({"lon": 127.1}, "half"),
        ({"lat": 127.1, "lon": 37.36}, "swapped"),
        ({"lat": "127.1083", "lon": "37.3670"}, "swapped"),
        ({"lat": 37_360_000, "lon": 127_100_000}, "far"),
        ({**HERE, "measuredat": rfc3339(ENDED - 60_001)}, "old"),
        ({**HERE, "measuredat": rfc3339(ENDED + 60_001)}, "old"),
        ({**HERE, "accuracy": 1_001}, "coarse"),
        ({**HERE, "accuracy": -1}, "coarse"),
    ],
    ids=str,
)
async def test_what_is_no_position_ends_the_ride_without_one_and_says_why(told: dict[str, Any], why: str) -> None:
    lone = await riding()
    reply = await back(lone, endlocation="서현역", **told)
    assert [reply.json[name] for name in ("endlocation", "lat", "lon", "noposition")] == ["서현역", None, None, why]
    published = (await lone.published())[-1]
    assert [published.get(name) for name in ("lat", "lon", "accuracy", "measuredat")] == [None] * 4
    assert published["noposition"] == why
    assert await back(lone, **HERE) == reply, "again, it is answered the same"


async def test_a_return_without_a_line_is_measured_at_its_tap() -> None:
    lone = await riding()
    tapped, measured = rfc3339(ENDED - 200_000), rfc3339(ENDED - 220_000)
    reply = await back(lone, **HERE, tappedat=tapped, measuredat=measured)
    assert (reply.json["endedby"], reply.json["lat"], reply.json["noposition"]) == ("offline", 37.36, None)


@pytest.mark.parametrize("told", [{"lat": "east"}, {"lon": "1e1"}, {"accuracy": []}, {"measuredat": "now"}], ids=str)
async def test_what_is_no_number_or_no_moment_is_refused(told: dict[str, Any]) -> None:
    lone = await riding()
    reply = await lone.client.patch("/rents/1", {"status": "returned", **told})
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, next(iter(told)))


@pytest.mark.parametrize(
    ("sent", "kept"), [(normalize("NFD", "도착역 "), "도착역"), ("\u00a0B  C", "B  C"), ("", None), ("  ", None)]
)
async def test_a_place_is_kept_composed_and_trimmed_and_an_empty_one_ends_the_ride(sent: str, kept: str | None) -> None:
    lone = await riding()
    reply = await lone.client.patch("/rents/1", {"endlocation": sent})
    assert (reply.json["status"], reply.json["endlocation"]) == ("returned", kept)
    assert (await lone.published())[-1]["endlocation"] == kept


async def test_of_an_erased_rider_nothing_tells_how_a_position_was_measured() -> None:
    lone = await riding()
    await lone.tell(AccountErased(userid=3))
    told = {**HERE, "accuracy": 12.5, "measuredat": rfc3339(ENDED - 20_000)}
    assert (await back(lone, endlocation="집", **told)).json["lat"] is None
    published = (await lone.published())[-1]
    assert [published.get(name) for name in ("endlocation", "lat", "accuracy", "measuredat")] == [None] * 4


async def test_an_erasure_takes_out_how_a_position_was_measured() -> None:
    lone = await riding()
    await back(lone, **HERE, accuracy=12.5, measuredat=rfc3339(ENDED - 20_000))
    await lone.tell(AccountErased(userid=3))
    published = (await lone.published())[-1]
    assert [published.get(name) for name in ("lat", "accuracy", "measuredat")] == [None] * 3
