"""Who has no account looks at bikes, places, prices and terms, and at nothing else."""

from collections.abc import Mapping

from tests.security.people import Locked
from tests.security.test_limits import USUAL
from tests.security.test_owasp import rider, town
from tests.services.lone import SetClock

__all__ = ["town"]


async def test_who_has_no_account_sees_what_riders_see_of_bikes_and_places_and_nothing_else(town: Locked) -> None:
    """What stands in the street: no ride, no day of a repair, no file, small pages; what is no good token lets in
    nobody."""
    anybody, known = town.anonymous, rider(town, 9)
    assert (await town.admin.patch("/bikes/2", {"label": "SPB-1", "location": "dock"})).status == 200
    await town.admin.put("/bikes/2/holds/staff", {"reason": "a flat tyre", "due": "2099-01-01T00:00:00.000Z"})
    for path in (
        "/bikes",
        "/bikes/1",
        "/bikes/2",
        "/bikes/search/findByLabel?label=spb-1",
        "/places",
        "/billings/tariff",
    ):
        seen = await anybody.get(path)
        assert (seen.status, seen.json) == (200, (await known.get(path)).json), path
    assert (await anybody.get("/bikes/1")).headers["cache-control"] == "no-store", "staff see more at that address"
    assert (await anybody.get("/bikes?due=past")).status == 403
    for path in ("/bikes/search", "/bikes/search/findByBikeid?bikeid=1", "/bikes/2/events", "/bikes/2/holds", "/rents"):
        assert (await anybody.get(path)).status == 401, path
    assert [(await anybody.get(f"{path}?format=csv")).status for path in ("/bikes", "/places")] == [401, 401]
    for one in (anybody, known):
        pages = [(await one.get(f"{path}?size=1000")).json["page"]["size"] for path in ("/bikes", "/places")]
        assert pages == [100 if one is anybody else 1_000] * 2
    for wrong in ("Basic eDp5", "Bearer", "Bearer x.y.z", f"Bearer {town.issuer.token(7, 'rider', aud='elsewhere')}"):
        refused = await anybody.send("GET", "/bikes", headers={"authorization": wrong})
        assert refused.status == 401, "so that a page whose token has ended gets a new one"


async def test_who_looks_without_an_account_has_a_pace_of_the_address_beside_other_strangers() -> None:
    clock = SetClock()
    locked = Locked(USUAL | {"GBIKE_TRUSTED_PROXIES": "127.0.0.1"}, clock)
    here = {"x-forwarded-for": "2001:db8::1"}

    async def asked(target: str, headers: Mapping[str, str]) -> int:
        return (await locked.anonymous.send("GET", target, headers=headers)).status

    seen = ("/bikes", "/places", "/billings/tariff", "/accounts/terms")
    looked = [await asked(seen[number % 4], here) for number in range(300)]
    assert set(looked) == {200}
    assert await asked("/bikes/1", {"x-forwarded-for": "2001:db8::2"}) == 429, "one household"
    assert await asked("/bikes", {"x-forwarded-for": "2001:db8:0:1::1"}) == 200, "another"
    assert (await locked.person(7, "rider").send("GET", "/bikes", headers=here)).status == 200
    assert await asked("/docs", here) == 200
    assert [await asked("/rents", here) for _ in range(60)] == [401] * 59 + [429]
    clock.waited_ms += 200
    assert [await asked("/bikes", here) for _ in range(2)] == [200, 429], "other strangers take nothing of it"
    await locked.whole.stop()
