"""Whether a ride ended where it began: rent knows from bike's answer where that was, says so once, and forgets it."""

from typing import Any

import msgspec
import pytest

from gbike.contracts.account import AccountErased
from gbike.contracts.bike import Reservation, Stand
from gbike.contracts.rent import Returned
from gbike.kit.calls.peers import PeerAnswer
from gbike.services.rent.wiring import SPEC
from tests.services.lone import Lone

STATION, SQUARE = (37.3670, 127.1083), (37.3680, 127.1083)
"""111 m apart."""
AT_THE_STATION = {"location": "정자역 3번", "lat": STATION[0], "lon": STATION[1]}
KEPT = "SELECT began_at, began_lat, began_lon FROM rents"


async def riding(where: dict[str, Any]) -> Lone:
    """Rent 1 of a bike that bike says is there."""
    lone = Lone(SPEC)
    lone.peer.answer = PeerAnswer(200, msgspec.json.encode({"bikeid": 1, "rentid": 1, **where}))
    assert (await lone.client.post("/rents", {"userid": 3, "bikeid": 1})).status == 201
    return lone


async def said(lone: Lone, **told: Any) -> Any:
    """What its return says of it."""
    assert (await lone.client.patch("/rents/1", {"status": "returned", **told})).status == 200
    return (await lone.published())[-1].get("stayed")


@pytest.mark.parametrize(
    ("told", "stayed"),
    [
        ({}, True),
        ({"endlocation": "정자역_3번"}, True),
        ({"endlocation": "정자역 4번"}, None),
        ({"lat": STATION[0] + 0.00089, "lon": STATION[1]}, True),  # 99 m
        ({"lat": STATION[0] + 0.00091, "lon": STATION[1]}, None),  # 101 m
        ({"lat": STATION[0], "lon": STATION[1] + 0.00112}, True),  # a degree is shorter to the east
        ({"endlocation": "편의점 앞", "lat": STATION[0], "lon": STATION[1]}, True),
        ({"endlocation": "정자역 3번", "lat": SQUARE[0], "lon": SQUARE[1]}, True),
        ({"lat": 0, "lon": 0}, True),  # no position: nothing is told
    ],
)
async def test_a_ride_stayed_where_its_end_has_the_name_or_is_near_or_is_not_told(
    told: dict[str, Any], stayed: bool | None
) -> None:
    assert await said(await riding(AT_THE_STATION), **told) is stayed


@pytest.mark.parametrize(
    ("where", "told", "stayed"),
    [
        ({"location": None, "lat": None, "lon": None}, {}, True),
        ({"location": None, "lat": None, "lon": None}, {"endlocation": "정자역"}, None),
        ({"location": "정자역", "lat": None, "lon": None}, {"lat": STATION[0], "lon": STATION[1]}, None),
        ({}, {}, None),  # an older bike does not say where it stands
        ({}, {"endlocation": "정자역"}, None),
    ],
)
async def test_of_a_bike_that_is_nowhere_on_record_little_can_be_said_and_of_an_old_one_nothing(
    where: dict[str, Any], told: dict[str, Any], stayed: bool | None
) -> None:
    assert await said(await riding(where), **told) is stayed


async def test_an_operator_who_ends_a_ride_tells_no_place() -> None:
    lone = await riding(AT_THE_STATION)
    await lone.client.post("/rents/1/end", {"reason": "it stood at the station"})
    assert (await lone.published())[-1]["stayed"] is True


async def test_where_a_ride_began_is_kept_while_it_lasts_and_gone_afterwards() -> None:
    lone = await riding(AT_THE_STATION)
    assert await lone.rows(KEPT) == [("정자역 3번", *STATION)]
    await said(lone)
    assert await lone.rows(KEPT) == [(None, None, None)]


async def test_an_erasure_forgets_where_a_ride_that_goes_on_began() -> None:
    lone = await riding(AT_THE_STATION)
    await lone.tell(AccountErased(userid=3))
    assert await lone.rows(KEPT) == [(None, None, None)]
    assert await said(lone) is None


def test_each_side_of_an_upgrade_reads_the_other() -> None:
    old_answer, new_answer = b'{"bikeid":1,"rentid":7}', msgspec.json.encode(Reservation(bikeid=1, rentid=7, lat=1.0))
    assert msgspec.json.decode(old_answer, type=Stand) == Stand()
    assert b"location" not in new_answer
    old_return = b'{"eventType":"Returned","rentid":7,"userid":3,"bikeid":1,"status":"returned","endtime":9}'
    assert msgspec.json.decode(old_return, type=Returned).stayed is msgspec.UNSET
