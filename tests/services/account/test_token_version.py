"""What an access token says of its account is of one look at it, and the token says of which."""

import asyncio

from gbike.services.account.commands.accounts import remove_authenticator
from tests.services.account.people import KIM, LEE, PASSWORD, Town, claims

NEW = "a new bicycle"


async def published(town: Town) -> list[tuple[str, int, int]]:
    """What was said that refuses tokens: of whom, and from which version on they are good."""
    told = [one for one in await town.lone.published() if "tokenversion" in one]
    return [(one["eventType"], one["userid"], one["tokenversion"]) for one in told]


async def test_each_change_makes_a_new_version_of_that_account_alone() -> None:
    town = Town()
    session = await town.signed_in()
    await town.sign_up(LEE)
    assert claims(session)["tokenversion"] == 0
    for roles, version in ((["rider", "bikeManager"], 1), (["rider", "bikeManager"], 1), (["rider"], 2)):
        assert (await town.client.put("/accounts/1/roles", {"roles": roles})).status == 200
        session = await town.refresh(session)
        assert claims(session)["tokenversion"] == version, "the same roles again are no change"
    given = {"current": PASSWORD, "new": NEW}
    assert (await town.client.post("/accounts/1/password", given)).status == 200
    assert claims(await town.sign_in(password=NEW))["tokenversion"] == 3
    assert claims(await town.sign_in(LEE))["tokenversion"] == 0
    assert await published(town) == [("ChangedRoles", 1, 1), ("ChangedRoles", 1, 2), ("EndedSessions", 1, 3)]


async def test_a_token_with_the_roles_of_before_is_of_the_version_of_before_whoever_is_faster() -> None:
    """A sign-in takes as long as its hash; roles may be given and taken meanwhile."""
    town = Town()
    await town.sign_up()
    for roles in (["rider", "bikeManager"], ["rider"]) * 3:
        sign_ins = [town.sign_in() for _ in range(3)]
        sessions = await asyncio.gather(*sign_ins, town.client.put("/accounts/1/roles", {"roles": roles}))
        for session in sessions[:-1]:
            token = claims(session)
            assert ("bikeManager" in token["roles"]) is (token["tokenversion"] % 2 == 1)
        assert claims(await town.sign_in())["roles"] == roles


async def test_an_authenticator_that_is_removed_may_take_roles_with_it() -> None:
    town = Town(GBIKE_STAFF_CODES="required")
    await town.sign_up()
    await town.client.put("/accounts/1/roles", {"roles": ["bikeManager"]})
    await town.lone.store.write(remove_authenticator, 1)
    assert await published(town) == [("ChangedRoles", 1, 1)], "there was none"
    codes = await town.enrolled()
    town.later(1)
    staff = await town.sign_in(code=town.code(codes))
    assert claims(staff)["roles"] == ["bikeManager"]
    await town.client.post("/accounts/1/authenticator/removal")
    assert await published(town) == [("ChangedRoles", 1, 1), ("ChangedRoles", 1, 2)]
    assert claims(staff)["tokenversion"] == 1
    after = claims(await town.sign_in(KIM))
    assert (after["roles"], after["tokenversion"]) == (["rider"], 2)
