"""Holds of a bike, and its retirement: what keeps it from being rented, each with who and why."""

import re
from functools import partial

import msgspec

from gbike.contracts import PROBLEM_TEXTS
from gbike.kit.auth.rules import ADMINS
from gbike.kit.http.app import Operation
from gbike.kit.http.fields import Instant, Reason, invalid, ms_of
from gbike.kit.http.lists import listed
from gbike.kit.http.problems import catalogue
from gbike.kit.http.request import Request, Response
from gbike.kit.store import Store
from gbike.services.bike import domain, storage
from gbike.services.bike.commands import NOTHING_TOLD, change_a_bike
from gbike.services.bike.domain import Bike, Hold
from gbike.services.bike.http.resources import BIKE_HOLDS, BikeResource, HoldResource, Respond, hold_of
from gbike.services.bike.storage import holds

TEXTS = catalogue(PROBLEM_TEXTS)


class NewHold(msgspec.Struct, frozen=True):
    """Why a bike is kept out of service; until when, if that is known."""

    reason: Reason
    due: Instant | None = None


class BikeReason(msgspec.Struct, frozen=True):
    """Why something is done; it need not be said."""

    reason: Reason | None = None


class HoldHttp:
    """The handlers: parse, one command."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, request: Request) -> Response:
        bikeid = request.id("bikeid")
        await self._store.read(storage.load, bikeid)
        kept, shown = holds.listing(bikeid), hold_of(bikeid)
        return await listed(request, self._store, kept, BIKE_HOLDS, shown, of=f"/bikes/{bikeid}")

    async def hold(self, request: Request) -> Bike:
        """PUT: once more with the same holder, reason and due day changes nothing."""
        sent = await request.body(NewHold)
        bikeid, holder = request.id("bikeid"), _holder(request)
        hold = Hold(holder, sent.reason, None if sent.due is None else ms_of(sent.due))
        change = partial(domain.held, hold=hold)
        return await self._store.write(change_a_bike, bikeid, change, NOTHING_TOLD, sent.reason, key=f"bike:{bikeid}")

    async def release(self, request: Request) -> Bike:
        sent = await request.body_if_any(BikeReason)
        bikeid, holder = request.id("bikeid"), _holder(request)
        change = partial(domain.released, holder=holder)
        return await self._store.write(change_a_bike, bikeid, change, NOTHING_TOLD, sent.reason, key=f"bike:{bikeid}")

    async def retire(self, request: Request) -> Bike:
        """POST /bikes/{bikeid}/retirement: it is never deleted, so that its rides keep their bike (flaw 24)."""
        sent, bikeid = await request.body_if_any(BikeReason), request.id("bikeid")
        return await self._store.write(
            change_a_bike, bikeid, domain.retired, NOTHING_TOLD, sent.reason, key=f"bike:{bikeid}"
        )

    async def unretire(self, request: Request) -> Bike:
        sent, bikeid = await request.body_if_any(BikeReason), request.id("bikeid")
        return await self._store.write(
            change_a_bike, bikeid, domain.unretired, NOTHING_TOLD, sent.reason, key=f"bike:{bikeid}"
        )


def _holder(request: Request) -> str:
    holder: str = request.path_params["holder"]
    if not re.fullmatch(domain.HOLDER, holder):
        raise invalid(
            "holder",
            f"{holder[:40]!r} is not 1 to 40 small letters, digits and hyphens",
            f"{holder[:40]!r}: 영문 소문자, 숫자, 하이픈 1~40자여야 해요",
        )
    return holder


def hold_operations(store: Store, found: Respond) -> list[Operation]:
    """`found`: what answers with a bike."""
    http, at = HoldHttp(store), "/bikes/{bikeid}"
    one, many = at + "/holds/{holder:str}", {200: [HoldResource]}
    unknown = TEXTS.of("bike-unknown")
    changed = partial(Operation, answers={200: BikeResource}, refusals=unknown, respond=found)
    maybe = partial(changed, takes=BikeReason, may_be_empty=True)
    named = {"holder": f"^{domain.HOLDER}$"}
    repair = {"reason": "the rear brake does not hold", "due": "2026-08-31T15:00:00Z"}
    known, end = "Who holds a bike, and why", "Let go of a bike"
    away, back = "Take a bike out for good", "Take a retired bike back into the fleet"
    gone, ridden = TEXTS.of("bike-unknown", "hold-unknown"), TEXTS.of("bike-unknown", "bike-is-ridden")
    sold, mended = {"reason": "sold"}, {"reason": "mended"}
    return [
        Operation("GET", at + "/holds", http.list, known, ADMINS, answers=many, paged=True, refusals=unknown),
        changed(
            "PUT", one, http.hold, "Keep a bike out of service", ADMINS, takes=NewHold, example=repair, patterns=named
        ),
        maybe("DELETE", one, http.release, end, ADMINS, refusals=gone, example=mended, patterns=named),
        maybe("POST", at + "/retirement", http.retire, away, ADMINS, refusals=ridden, example=sold),
        maybe("DELETE", at + "/retirement", http.unretire, back, ADMINS, example={"reason": "found again"}),
    ]
