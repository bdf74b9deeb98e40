"""A small fleet to try things on. Its numbers start at 1001: the original's own scenario uses 1, 2, 3 beside it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from starlette.types import ASGIApp

from gbike.kit.calls.in_process import call_asgi
from gbike.run import CannotDo

Post = Callable[[str, dict[str, object]], Awaitable[int]]
"""Sends a body to a path of the public interface; answers the status."""

ZONES = (
    ("분당_정자역_1구역", 37.3670, 127.1083),
    ("분당_정자역_2구역", 37.3655, 127.1071),
    ("분당_미금역_1구역", 37.3500, 127.1089),
)
BIKES_PER_ZONE = 4
RIDERS = 3
FIRST = 1001


class NotMade(CannotDo):
    """A request for a part of the small fleet was refused."""


class SmallFleet:
    """The small fleet of a data folder: once it is wanted it is made, also when gbike is killed meanwhile; whatever
    becomes of it then, it is not made again."""

    def __init__(self, folder: Path) -> None:
        self._unfinished = folder / "seeding"

    def want(self) -> None:
        """From now on it is to be made: call it before there is anything that tells a folder in use from a new one."""
        self._unfinished.touch()

    def forget(self) -> None:
        """It is not to be made, nor what is missing of it."""
        self._unfinished.unlink(missing_ok=True)

    async def finish(self, post: Post) -> None:
        """Make what is missing of it, if it is wanted and was not whole yet. Raises NotMade."""
        if self._unfinished.exists():
            await seed(post)
            self.forget()


def to_try(address: str, *, empty: bool) -> str:
    """A ride, as lines for a terminal, on the small fleet or where there is nothing yet."""
    number = 1 if empty else FIRST
    lines = [f"POST {address}/bikes bikeid=1 status=사용가능 location=분당_정자역_1구역"] if empty else []
    lines += [
        f"POST {address}/rents userid={number} bikeid={number}",
        f"PATCH {address}/rents/1 endlocation=분당_정자역_2구역",
        f"{address}/rentAndBillingViews",
    ]
    return "".join(f"  http {line}\n" for line in lines)


async def seed(post: Post) -> None:
    """Register bikes in three zones, riders with deposits, and one of the field staff, through the public interface;
    what is there already stays as it is. Raises NotMade."""
    number = FIRST
    for location, lat, lon in ZONES:
        for step in range(BIKES_PER_ZONE):
            bike: dict[str, object] = {
                "bikeid": number,
                "location": location,
                "lat": lat + step * 0.0002,
                "lon": lon,
                "batterylevel": 90 - step,
            }
            await _made(post, "/bikes", bike)
            number += 1
    for userid in range(FIRST, FIRST + RIDERS):
        await _made(post, "/userDeposits", {"userid": userid, "deposit": 10_000})
    await _made(post, "/bikeManagers", {"managerid": FIRST, "userid": FIRST, "point": 0})


def posted_to(app: ASGIApp) -> Post:

    async def post(path: str, body: dict[str, object]) -> int:
        return (await call_asgi(app, "POST", path, msgspec.json.encode(body), {})).status

    return post


async def _made(post: Post, path: str, body: dict[str, object]) -> None:
    status = await post(path, body)
    if status not in (201, 409):
        raise NotMade(f"the small fleet could not be made: {path} answered {status}")
