"""What may be asked of lostProperty."""

import msgspec
from gbike.services.lost_property.storage import hand_in

from gbike.kit.auth.rules import PEOPLE
from gbike.kit.http.app import Operation, Refusals
from gbike.kit.http.fields import Id
from gbike.kit.http.request import Request, ResourceKind, Response, item
from gbike.kit.store import Store

FOUND = ResourceKind("lostProperties", "lostProperty", "foundid")
REFUSALS: Refusals = {}


class NewFound(msgspec.Struct, frozen=True):
    """What a rider hands in."""

    userid: Id
    bikeid: Id
    location: str


class Found(msgspec.Struct, frozen=True):
    """The same with its number."""

    foundid: int
    bikeid: int


def operations(store: Store) -> list[Operation]:
    """The operations of lostProperty."""

    async def create(request: Request) -> Response:
        new = await request.body(NewFound)
        request.must_cover(new.userid)
        number = await store.write(hand_in, new.userid, new.bikeid, new.location)
        return Response(201, item(FOUND, request.base, Found(number, new.bikeid)))

    return [
        Operation(
            "POST", "/lostProperties", create, "Hand in what was found", PEOPLE, takes=NewFound, answers={201: Found}
        )
    ]
