"""Whoever may see everybody's things and looks at one person's is on record, and nobody else."""

from collections.abc import AsyncIterator

import pytest

from gbike.kit.audit.chain import rows
from gbike.kit.http.app import Operation
from gbike.kit.http.looks import LOOKED
from gbike.run.event_map import build_all
from tests.security.asking import ADMIN, MANAGER, Things, request
from tests.security.test_matrix import InMemory

UNSEEN = {
    "GET /rentAndBillingViews/changes": "what changed, of everybody, by numbers: whoever reads on leaves a look",
    "GET /bikeManageApps": "the work of staff, by their number",
    "GET /bikeManageApps/{reportid}": "the work of staff, by their number",
    "GET /bikeManagers": "all of the staff with their points, by number",
    "GET /bikes": "bikes; who rides one is not shown",
    "GET /bikes/{bikeid}": "a bike; who rides it is not shown",
    "GET /bikes/{bikeid}/holds": "why a bike stands still, and which of the staff said so",
    "GET /bikes/{bikeid}/events": "the story of one bike, by numbers",
    "GET /bikes/imports": "bikes that staff added",
    "GET /bikes/imports/{importid}": "bikes that staff added",
    "GET /bikes/imports/{importid}/rows": "bikes that staff added",
    "GET /bikes/search/findByBikeid": "a bike; who rides it is not shown",
    "GET /bikes/search/findByLabel": "a bike; who rides it is not shown",
    "GET /places": "places that staff named",
    "GET /places/{name:path}": "places that staff named",
}
"""What shows nobody, or many by number only, and why that is no look at a person."""
OF_NO_PERSON = ("/audit/", "/internal/")
"""Deeds by number, with nothing that a person is known by; and what services ask each other."""
ONE_OF = {"/rents": "?userid={userid}", "/billings": "?userid={userid}", "/userDeposits": "?userid={userid}"}
ONE_OF |= {"/rentAndBillingViews": "?userid={userid}", "/complaints": "?userid={userid}"}
"""Lists, narrowed to one person."""


def reads() -> list[Operation]:
    """What can be asked with a token and only reads."""
    return [
        one
        for service in build_all()
        for one in service.service.operations
        if one.method == "GET"
        and not one.rule.public
        and not one.path.endswith("/search")
        and not one.path.startswith(OF_NO_PERSON)
    ]


def test_what_shows_a_person_says_that_it_is_a_look() -> None:
    silent = {f"GET {one.path}" for one in reads() if not one.looks}
    assert silent == set(UNSEEN)


@pytest.fixture
async def stage() -> AsyncIterator[InMemory]:
    made = InMemory()
    await made.prepare()
    yield made
    await made.locked.whole.stop()


async def looks(stage: InMemory) -> list[tuple[str, str, str]]:
    """All that are on record: who, whom, at what."""
    parts = stage.locked.whole.parts.values()
    found = [row for part in parts for row in await part.store.read(lambda read: list(rows(read)))]
    return [(row.who, row.subject, row.after) for row in found if row.action == LOOKED]


async def target_of(stage: InMemory, one: Operation, of: Things) -> str:
    """Where it is asked about one person."""
    if one.path in ONE_OF and "userid" in one.filters:
        return one.path + ONE_OF[one.path].format(userid=of.userid)
    target, _ = await request(stage, f"GET {one.path}", of)
    return target


async def test_each_look_of_an_admin_is_on_record_once_and_no_look_at_what_is_ones_own(stage: InMemory) -> None:
    known = len(await looks(stage))
    for one in reads():
        if not one.looks or (one.path in ONE_OF and "userid" not in one.filters):
            continue
        of = stage.managers if one.path.startswith("/bikeManagers") else stage.riders
        target = await target_of(stage, one, of)
        roles = ("rider", "bikeManager") if of is stage.managers else ("rider",)
        own = stage.gateway(stage.issuer.token(of.userid, *roles, managerid=of.managerid))
        if not one.looks_at:
            assert (await own.get(target)).status == 200, target
            assert len(await looks(stage)) == known, f"{target}: one's own"
        another = stage.gateway(stage.issuer.token(ADMIN + known, "admin"))  # who has not looked yet
        for _ in range(3):
            assert (await another.get(target)).status == 200, target
        found = await looks(stage)
        subject = one.looks_at or f"user:{of.userid}"
        assert len(found) == known + 1, f"{target}: one look"
        assert (str(ADMIN + known), subject, f'{{"what":"{one.looks}"}}') in found, target
        known += 1


async def test_a_file_with_what_is_one_persons_is_a_look_as_the_list_is(stage: InMemory) -> None:
    """Also where a number of something else narrows it to one person's."""
    known = len(await looks(stage))
    lists = [one for one in reads() if one.looks and one.paged]
    asked = [(one, name) for one in lists for name in one.one_by or ("",)]
    asked += [(one, "userid") for one in lists if one.one_by]
    assert ("/billings", "rentid") in [(one.path, name) for one, name in asked]
    assert any(one.finder == "rentid" for one, _ in asked)
    for one, name in asked:
        of = stage.managers if one.path.startswith("/bikeManagers") else stage.riders
        target = f"{one.path}?{name}={getattr(of, name)}" if name else await target_of(stage, one, of)
        another = stage.gateway(stage.issuer.token(ADMIN + known, "admin"))
        target += ("&" if "?" in target else "?") + "format=csv"
        reply = await another.get(target)
        assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (200, "text/csv"), target
        subject = one.looks_at or f"user:{of.userid}"
        found = await looks(stage)
        assert len(found) == known + 1, target
        assert (str(ADMIN + known), subject, f'{{"what":"{one.looks}"}}') in found, target
        known += 1


async def test_lists_of_many_what_is_not_there_and_an_admins_own_are_no_looks(stage: InMemory) -> None:
    before = await looks(stage)
    for path in ("/rents", "/rents?status=rented", "/billings", "/userDeposits", "/rentAndBillingViews?bikeid=1"):
        assert (await stage.admin.get(path)).status == 200
    for path in ("/rents/999999", "/accounts/999999", "/userDeposits/999999", "/rents/x", "/bikeManagers/999"):
        assert (await stage.admin.get(path)).status in (404, 422)
    await stage.admin.post("/userDeposits", {"userid": ADMIN, "deposit": 1})
    assert (await stage.admin.get(f"/userDeposits/{ADMIN}")).status == 200
    assert (await stage.admin.get(f"/rentAndBillingViews/search/findByUserid?userid={ADMIN}")).status == 200
    assert await looks(stage) == before


async def test_a_change_that_changes_nothing_is_a_look(stage: InMemory) -> None:
    riders = stage.riders
    for path, body, what, whose in (
        (f"/rents/{riders.rentid}", {}, "rides", riders.userid),
        (f"/userDeposits/{riders.userid}", {"expected": 1}, "deposit", riders.userid),
        (f"/bikeManagers/{MANAGER}", {}, "points", stage.managers.userid),
    ):
        peeping = stage.gateway(stage.issuer.token(ADMIN + 1, "admin"))
        assert (await peeping.patch(path, body)).status == 200
        assert (str(ADMIN + 1), f"user:{whose}", f'{{"what":"{what}"}}') in await looks(stage)
