"""What people agree to: which version, when, and that they may take it back."""

from tests.services.account.people import KIM, LEE, PASSWORD, Town, kind
from tests.services.lone import NOON, Reply

AT = "/accounts/{}/consents"
MOMENT = "2026-09-21T14:13:20.000Z"
VERSION = "2026-7"
ASKED = {"name": "Kim", "contact": KIM, "password": PASSWORD}


def a_town() -> Town:
    return Town(GBIKE_TERMS_VERSION=VERSION, GBIKE_TERMS_URL="https://bikes.example/terms")


async def given(town: Town, userid: int = 1) -> list[tuple[str, str, str]]:
    """What an account agrees to."""
    reply = await town.client.get(AT.format(userid))
    return [(one["kind"], one["version"], one["at"]) for one in reply.json["consents"]]


async def agree(town: Town, what: str, version: str = VERSION, userid: int = 1) -> Reply:
    return await town.client.put(f"{AT.format(userid)}/{what}", {"version": version})


async def test_who_signs_up_agrees_to_the_terms_that_hold_and_the_version_and_moment_are_kept() -> None:
    town = a_town()
    terms = (await town.client.get("/accounts/terms")).json
    assert terms == {"version": VERSION, "terms": "https://bikes.example/terms", "location": None}
    agreed = {"terms": terms["version"], "location": terms["version"]}
    assert (await town.client.post("/accounts", {**ASKED, "consents": agreed})).status == 202
    assert town.clock.at_ms == NOON
    assert await given(town) == [("location", VERSION, MOMENT), ("terms", VERSION, MOMENT)]
    await town.sign_up(LEE)
    assert await given(town, 2) == [], "programs that know of no terms sign people up as before"


async def test_nobody_agrees_to_terms_that_do_not_hold() -> None:
    town = a_town()
    for agreed in ({"terms": "2026-6"}, {"terms": VERSION, "location": "2026-8"}):
        refused = await town.client.post("/accounts", {**ASKED, "consents": agreed})
        assert (refused.status, kind(refused), refused.json["version"]) == (409, "terms-changed", VERSION)
    assert await town.lone.rows("SELECT * FROM accounts") == []
    await town.sign_up()
    assert kind(await agree(town, "terms", "2026-6")) == "terms-changed"
    assert (await agree(town, "cookies")).status == 422
    assert (await agree(town, "terms", "")).status == 422
    assert kind(await agree(town, "terms", userid=9)) == "account-unknown"
    assert await given(town) == []


async def test_a_consent_to_a_new_version_is_of_now_and_the_same_again_stays_as_it_was() -> None:
    town = a_town()
    await town.client.post("/accounts", {**ASKED, "consents": {"terms": VERSION}})
    town.later(60)
    assert (await agree(town, "terms")).status == 200
    assert await given(town) == [("terms", VERSION, MOMENT)]
    await town.lone.store.write(lambda tx: tx.execute("UPDATE consents SET version = '2026-6'"))
    reply = await agree(town, "terms")
    assert [(one["version"], one["at"]) for one in reply.json["consents"]] == [(VERSION, "2026-09-21T15:13:20.000Z")]


async def test_the_consent_to_location_is_taken_back_by_itself_and_that_to_the_terms_with_the_account() -> None:
    town = a_town()
    await town.sign_up()
    for what in ("terms", "location"):
        await agree(town, what)
    for _ in range(2):
        reply = await town.client.send("DELETE", f"{AT.format(1)}/location")
        assert (reply.status, [one["kind"] for one in reply.json["consents"]]) == (200, ["terms"])
    refused = await town.client.send("DELETE", f"{AT.format(1)}/terms")
    assert (refused.status, kind(refused)) == (409, "terms-hold")
    told = await town.lone.rows("SELECT action FROM audit WHERE subject = 'user:1' ORDER BY number")
    assert told == [("consent given",), ("consent given",), ("consent withdrawn",)]
    assert (await town.client.post("/accounts/1/erasure")).status == 200
    assert await town.lone.rows("SELECT * FROM consents") == []
    assert kind(await agree(town, "terms")) == "account-unknown", "who is erased agrees to nothing"


async def test_a_strangers_consent_is_none_of_whose_contact_they_give() -> None:
    """Nor is the stranger told by it that the contact is known."""
    town = a_town()
    await town.sign_up()
    wish = {**ASKED, "consents": {"terms": VERSION, "location": VERSION}}
    known, new = (
        await town.client.post("/accounts", wish),
        await town.client.post("/accounts", {**wish, "contact": LEE}),
    )
    assert (known.status, known.json) == (new.status, new.json)
    assert [await given(town, number) == [] for number in (1, 2)] == [True, False]
