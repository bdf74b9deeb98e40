"""A rider who tries everything: to write points, deposits, statuses, and others' rides. Nothing comes of it."""

import itertools
import os
import random
from typing import Any

from gbike.run.embedded import Embedded
from tests.security.people import As, Locked
from tests.support import EVERY_RIDE_COSTS, digest

ATTEMPTS = 10_000 if os.environ.get("GBIKE_FULL") else 2_000
SEED = 5
ME = 7
OTHER = 9
MANAGER = 3
FIELDS: dict[str, tuple[Any, ...]] = {
    "userid": (ME, OTHER), "rentid": (1, 2, 99), "billid": (1, 2, 99), "managerid": (MANAGER, 4),
    "reportid": (1, 5), "point": (0, 9_999_999), "adjustpoint": (1, 1_000, -5), "deposit": (0, 1_000_000),
    "amount": (1, 500_000), "fee": (0,), "status": ("returned", "CLOSEBILL", "사용가능", "불량", "rented"),
    "starttime": ("2001-01-01T00:00:00Z",), "endlocation": ("mine",), "usableyn": (True, False),
    "bikeid": (1, 2, 50), "batterylevel": (1, 100), "roles": (["admin"],), "registered": (True,), "version": (0,),
}  # fmt: skip
SERVER_OWNED = {"fee": 0, "billid": 99, "starttime": "2001-01-01T00:00:00Z", "registered": True, "version": 99}
TARGETS = (
    "/rents/1", "/rents/99", "/bikes", "/bikes/1", "/bikes/2", "/bikes/1/retirement", "/billings", "/billings/1",
    "/billings/2", "/userDeposits", f"/userDeposits/{ME}", f"/userDeposits/{OTHER}", f"/userDeposits/{ME}/topUps",
    f"/userDeposits/{OTHER}/topUps", "/rentAndBillingViews", "/rentAndBillingViews/1", "/bikeManageApps",
    "/bikeManageApps/1", "/bikeManagers", f"/bikeManagers/{MANAGER}", "/bikeManagers/4", f"/accounts/{OTHER}/roles",
    "/complaints", "/complaints/1", f"/accounts/{ME}/roles", f"/accounts/{OTHER}", f"/accounts/{OTHER}/erasure", "/internal/bikes/1/reservations/5",
    "/internal/bikes/2/reports/9",
)  # fmt: skip


async def _town() -> Locked:
    """Two riders, each on a ride, deposits, and one of the field staff with points and a report."""
    locked = Locked(EVERY_RIDE_COSTS)
    admin, manager = locked.admin, locked.person(8, "rider", "bikeManager", managerid=MANAGER)
    for bikeid in (1, 2, 3):
        assert (await admin.post("/bikes", {"bikeid": bikeid, "batterylevel": 80})).status == 201
    for userid in (ME, OTHER):
        assert (await admin.post("/userDeposits", {"userid": userid, "deposit": 5_000})).status == 201
    assert (await admin.post("/bikeManagers", {"managerid": MANAGER, "userid": 8, "point": 5_000})).status == 201
    report = {"managerid": MANAGER, "bikeid": 3, "batterylevel": 70}
    assert (await manager.post("/bikeManageApps", report)).status == 201
    for bikeid, userid in ((1, OTHER), (2, ME)):
        made = await locked.person(userid, "rider").post("/rents", {"userid": userid, "bikeid": bikeid})
        assert made.status == 201
    await locked.whole.settle()
    return locked


def _attempt(rng: random.Random) -> tuple[str, str, dict[str, Any], dict[str, str]]:
    """A request that a rider may not have an effect with."""
    names = rng.sample(sorted(FIELDS), rng.randint(0, 6))
    body = {name: rng.choice(FIELDS[name]) for name in names}
    headers = rng.choice(
        [{}, {"x-forwarded-for": "127.0.0.1"}, {"x-gbike-mode": "demo"}, {"x-gbike-deadline-ms": "0"},
         {"x-user-id": str(OTHER)}, {"x-http-method-override": "DELETE"}, {"idempotency-key": rng.choice("abc")}]
    )  # fmt: skip
    method = rng.choice(["POST", "PUT", "PATCH", "DELETE"])
    if rng.random() < 0.2:
        return method if method != "POST" else "PATCH", "/rents/1", {**body, "userid": ME, "endlocation": "x"}, headers
    if rng.random() < 0.2:
        return "POST", "/rents", {**body, "userid": OTHER, "bikeid": 3}, headers
    if rng.random() < 0.1:
        wish = rng.choice([{"userid": ME}, {"adjustpoint": 1_000, "point": 4_000}, {"point": 9_999_999}])
        return rng.choice(["PUT", "PATCH"]), f"/bikeManagers/{MANAGER}", {**wish}, headers
    return method, rng.choice(TARGETS), body, headers


async def test_no_attempt_of_a_rider_to_write_what_is_not_theirs_has_an_effect() -> None:
    locked = await _town()
    rng, rider = random.Random(SEED), locked.person(ME, "rider")
    before = await digest(locked.whole)
    statuses: dict[int, int] = {}
    for _ in range(ATTEMPTS):
        method, target, body, headers = _attempt(rng)
        reply = await rider.send(method, target, body, headers)
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
    await locked.whole.settle()
    assert await digest(locked.whole) == before
    assert set(statuses) <= {403, 404, 405, 422}, statuses
    assert all(statuses[one] > ATTEMPTS // 20 for one in (403, 404, 405)), statuses
    await locked.whole.stop()


async def test_the_same_attempts_of_an_admin_would_have_had_effects() -> None:
    """So the attempts are real ones: it is who asks that makes the difference."""
    locked = await _town()
    rng, before = random.Random(SEED), await digest(locked.whole)
    for _ in range(400):
        method, target, body, headers = _attempt(rng)
        await locked.admin.send(method, target, body, headers)
    await locked.whole.settle()
    after = await digest(locked.whole)
    changed = {name for name in before if before[name] != after[name]}
    assert {"rent.rents", "bike.bikes", "user_deposit.deposits", "bike_manager.managers"} <= changed
    await locked.whole.stop()


async def test_fields_of_the_server_that_a_rider_sends_with_an_own_ride_change_nothing() -> None:
    shown = []
    for more in ({}, SERVER_OWNED, {**SERVER_OWNED, "rentid": 1, "status": "rented"}):
        locked = await _town()
        rider = locked.person(ME, "rider")
        assert (await rider.patch("/rents/2", {"endlocation": "dock"})).status == 200  # one open rent at a time
        made = await rider.post("/rents", {"userid": ME, "bikeid": 3, **more})
        mine = made.json["rentid"]
        await rider.patch(f"/rents/{mine}", {"endlocation": "dock", "userid": OTHER, **more})
        await locked.whole.settle()
        shown.append(await _seen(locked.whole, locked.admin, mine))
        await locked.whole.stop()
    assert shown[0] == shown[1] == shown[2]
    assert shown[0]["rent"]["userid"] == ME


async def _seen(whole: Embedded, admin: As, rentid: int) -> dict[str, Any]:
    """What is known of a ride, but its times and what depends on them."""
    paths = {
        "rent": f"/rents/{rentid}",
        "bill": f"/billings/search/findByRentid?rentid={rentid}",
        "other": "/rents/1",
    }
    times = ("starttime", "endtime", "fee", "_links")
    found = {name: (await admin.get(path)).json for name, path in paths.items()}
    return {name: {k: v for k, v in one.items() if k not in times} for name, one in found.items()}


def test_each_target_and_each_field_is_tried() -> None:
    rng = random.Random(SEED)
    tried = [_attempt(rng) for _ in range(ATTEMPTS)]
    assert {target for _, target, _, _ in tried} >= set(TARGETS)
    assert set(itertools.chain.from_iterable(body for _, _, body, _ in tried)) == set(FIELDS)
