"""A small fleet to try things on. Its numbers start at 1001: the original's own scenario uses 1, 2, 3 beside it."""

import msgspec
from starlette.types import ASGIApp

from gbike.kit.inprocess.peer import call_asgi

ZONES = (
    ("분당_정자역_1구역", 37.3670, 127.1083),
    ("분당_정자역_2구역", 37.3655, 127.1071),
    ("분당_미금역_1구역", 37.3500, 127.1089),
)
BIKES_PER_ZONE = 4
RIDERS = 3
FIRST = 1001


async def seed(app: ASGIApp) -> None:
    """Register bikes in three zones, riders with deposits, and one of the field staff, through the public interface."""
    number = FIRST
    for location, lat, lon in ZONES:
        for step in range(BIKES_PER_ZONE):
            bike = {
                "bikeid": number,
                "location": location,
                "lat": lat + step * 0.0002,
                "lon": lon,
                "batterylevel": 90 - step,
            }
            await _post(app, "/bikes", bike)
            number += 1
    for userid in range(FIRST, FIRST + RIDERS):
        await _post(app, "/userDeposits", {"userid": userid, "deposit": 10_000})
    await _post(app, "/bikeManagers", {"managerid": FIRST, "userid": FIRST, "point": 0})


async def _post(app: ASGIApp, path: str, body: dict[str, object]) -> None:
    answer = await call_asgi(app, "POST", path, msgspec.json.encode(body), {})
    if answer.status != 201:
        raise RuntimeError(f"the small fleet could not be made: {path} answered {answer.status}")
