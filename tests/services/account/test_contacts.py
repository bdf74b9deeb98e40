"""A contact counts once it is proved, whoever gave it first, and is the same however it is written."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from gbike.kit.auth.passwords import Passwords
from gbike.services.account.domain import CODE_MS, MOST_CODES, MOST_TRIES, MOST_UNPROVED
from tests.services.account.people import KIM, LEE, PASSWORD, Town, kind
from tests.services.lone import Reply

PHONE = "010-1234-5678"
CONTACT = "/accounts/{}/contact"
PROOF = "/accounts/{}/contact/proof"
CODE = "/accounts/{}/contact/code"


class Post:
    """A town with a letter file, and what lies in it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "resets.jsonl"
        self.town = Town(GBIKE_RESET_FILE=str(self.file), GBIKE_SIGN_IN_FAILURES="100")

    def letters(self, about: str = "contact code", to: int | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []
        return [one for one in lines if one["about"] == about and to in (None, int(one["to"].split()[1]))]

    def code(self, userid: int) -> str:
        """The newest code that was sent for an account."""
        code: str = self.letters(to=userid)[-1]["code"]
        return code

    async def prove(self, userid: int, code: str | None = None) -> Reply:
        return await self.town.client.post(PROOF.format(userid), {"code": code or self.code(userid)})

    async def account(self, userid: int) -> Any:
        return (await self.town.client.get(f"/accounts/{userid}")).json

    async def change(self, userid: int, contact: str, password: str = PASSWORD) -> Reply:
        return await self.town.client.post(CONTACT.format(userid), {"contact": contact, "password": password})


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


async def test_a_phone_number_signs_in_however_it_is_typed(post: Post) -> None:
    await post.town.sign_up(PHONE)
    for typed in ("01012345678", "+82 10 1234 5678", "\uff10\uff11\uff10 1234 5678", PHONE):
        assert (await post.town.sign_in(typed)).status == 200, typed
    await post.town.sign_up("+821012345678")
    assert len(await post.town.lone.rows("SELECT * FROM accounts")) == 1, "it is the same contact"
    await post.town.client.post("/accounts/passwordResets", {"contact": "+82 1012345678"})
    assert len(post.letters("password reset")) == 1


@pytest.mark.parametrize(
    "contact", ["kim", "the boss", "kim@ex\u0430mple.com", "kim\u200b@example.com", "   ", "12345678"]
)
async def test_who_signs_up_gives_a_phone_number_or_an_address(contact: str, post: Post) -> None:
    refused = await post.town.sign_up(contact)
    assert (refused.status, kind(refused)) == (409, "contact-refused")


async def test_a_code_is_sent_to_who_signs_up_and_proves_the_contact(post: Post) -> None:
    await post.town.sign_up(proved=False)
    (letter,) = post.letters()
    assert (letter["to"], len(letter["code"])) == ("account 1", 8)
    assert KIM not in post.file.read_text(), "the operator looks it up"
    assert stat.S_IMODE(post.file.stat().st_mode) == 0o600
    before = await post.account(1)
    assert (before["contact"], before["contact_proved"], before["contact_wanted"]) == (KIM, False, KIM)
    assert letter["code"] not in str(await post.town.lone.rows("SELECT * FROM contact_proofs")), "kept as a hash"
    wrong = await post.prove(1, f"{(int(letter['code']) + 1) % 10**8:08}")
    assert (wrong.status, kind(wrong)) == (409, "proof-refused")
    proved = await post.prove(1)
    assert (proved.json["contact"], proved.json["contact_proved"], proved.json["contact_wanted"]) == (KIM, True, None)
    assert kind(await post.prove(1)) == "nothing-to-prove"


async def test_a_code_is_good_for_minutes_and_a_few_tries(post: Post) -> None:
    await post.town.sign_up(proved=False)
    code = post.code(1)
    post.town.clock.at_ms += CODE_MS
    assert kind(await post.prove(1, code)) == "proof-refused"
    await post.town.client.post(CODE.format(1))
    assert kind(await post.prove(1, code)) == "proof-refused", "the one before"
    code = post.code(1)
    for _ in range(MOST_TRIES):
        await post.prove(1, "00000000" if code != "00000000" else "11111111")
    assert kind(await post.prove(1, code)) == "proof-refused", "tried too often"
    await post.town.client.post(CODE.format(1))
    assert (await post.prove(1)).status == 200


async def test_nobody_is_flooded_with_codes(post: Post) -> None:
    await post.town.sign_up(proved=False)
    asked = [(await post.town.client.post(CODE.format(1))).status for _ in range(MOST_CODES + 2)]
    assert asked == [202] * MOST_CODES + [429] * 2
    assert len(post.letters()) == MOST_CODES
    for number in range(2, 5):  # nor by many who sign up with it
        assert (await post.town.sign_up(proved=False)).status == 202
        assert (await post.town.client.post(CODE.format(number))).status == 202
    assert len(post.letters()) == MOST_CODES
    post.town.later(61)
    await post.town.client.post(CODE.format(4))
    assert len(post.letters()) == MOST_CODES + 1


async def test_a_squatter_keeps_nobody_out_and_loses_the_contact_to_who_proves_it(post: Post) -> None:
    """The one who had it first and did not prove it keeps account and sessions, and takes another contact."""
    await post.town.sign_up(KIM, "the squatter's own words", proved=False)
    squatter = await post.town.sign_in(KIM, "the squatter's own words")
    assert squatter.status == 200
    await post.town.sign_up(proved=False)
    mine = await post.town.sign_in()
    assert mine.json["userid"] == 2
    assert (await post.prove(2)).status == 200
    assert (await post.town.sign_in(KIM, "the squatter's own words")).status == 401
    assert (await post.town.sign_in()).json["userid"] == 2
    assert (await post.town.refresh(squatter)).status == 200
    lost = await post.account(1)
    assert (lost["contact"], lost["contact_proved"], lost["contact_wanted"]) == (None, False, None)
    assert kind(await post.prove(1)) == "nothing-to-prove"
    assert (await post.change(1, LEE, "the squatter's own words")).status == 202
    assert (await post.prove(1)).json["contact"] == LEE


async def test_of_two_who_prove_one_contact_at_once_one_has_it(post: Post) -> None:
    passwords = ("words of the first", "words of the second")
    for words in passwords:
        await post.town.sign_up(KIM, words, proved=False)
    answers = await asyncio.gather(post.prove(1), post.prove(2))
    assert sorted(answer.status for answer in answers) == [200, 409]
    assert sorted([(await post.town.sign_in(KIM, words)).status for words in passwords]) == [200, 401]


async def test_a_few_wait_for_one_contact_and_who_never_came_gives_way(post: Post) -> None:
    await post.town.sign_up(proved=False)
    await post.town.sign_in()
    for number in range(MOST_UNPROVED + 1):
        await post.town.sign_up(KIM, f"words of number {number}", proved=False)
    assert (await post.town.sign_in()).json["userid"] == 1
    assert (await post.town.sign_in(KIM, "words of number 0")).status == 401
    assert (await post.town.sign_in(KIM, f"words of number {MOST_UNPROVED}")).status == 200


async def test_who_has_proved_a_contact_hears_of_others_who_give_it_and_they_get_nothing(post: Post) -> None:
    await post.town.sign_up()
    first, again = await post.town.sign_up(LEE, proved=False), await post.town.sign_up(KIM, "another's words")
    assert (first.status, first.json) == (again.status, again.json)
    assert len(await post.town.lone.rows("SELECT * FROM accounts")) == 2
    (letter,) = post.letters("signed up with your contact")
    assert letter["to"] == "account 1"
    assert "gbike" in letter["text"]
    assert "gbike" in letter["text_ko"]
    assert len(post.letters(to=1)) == 1, "no code but the one of their own sign-up"


async def test_a_second_factor_and_resets_are_for_those_whose_contact_is_proved(post: Post) -> None:
    """A letter to a contact that is not proved would hand an account over that a squatter made."""
    await post.town.sign_up(proved=False)
    refused = await post.town.client.post("/accounts/1/authenticator")
    assert (refused.status, kind(refused)) == (409, "contact-unproved")
    assert (await post.town.client.post("/accounts/passwordResets", {"contact": KIM})).status == 202
    assert post.letters("password reset") == []
    await post.prove(1)
    assert (await post.town.client.post("/accounts/1/authenticator")).status == 200
    await post.town.client.post("/accounts/passwordResets", {"contact": KIM})
    assert len(post.letters("password reset")) == 1


async def test_another_contact_counts_once_it_is_proved_and_the_one_before_hears_of_it(post: Post) -> None:
    await post.town.sign_up()
    assert kind(await post.change(1, "kim")) == "contact-refused"
    assert (await post.change(1, PHONE)).status == 202
    assert len(post.letters("another contact asked for")) == 1
    account = await post.account(1)
    assert (account["contact"], account["contact_proved"], account["contact_wanted"]) == (KIM, True, PHONE)
    assert (await post.town.sign_in(PHONE)).status == 401, "not yet"
    await post.town.client.post("/accounts/passwordResets", {"contact": KIM})
    assert (await post.prove(1)).json["contact"] == PHONE
    assert len(post.letters("contact changed")) == 1
    assert await post.town.lone.rows("SELECT * FROM resets") == [], "a letter to the contact before opens nothing"
    assert [(await post.town.sign_in(contact)).status for contact in (KIM, PHONE)] == [401, 200]
    await post.town.sign_up(KIM, "words of another")
    assert (await post.town.sign_in(KIM, "words of another")).json["userid"] == 2, "it is free again"


async def test_a_new_password_gives_up_another_contact_that_was_asked_for_and_no_first_one(post: Post) -> None:
    """Who is told of another contact that they did not ask for sets a new password."""
    await post.town.sign_up()
    await post.change(1, PHONE)
    await post.town.sign_up(LEE, proved=False)
    for number in (1, 2):
        given = {"current": PASSWORD, "new": "another bicycle"}
        assert (await post.town.client.post(f"/accounts/{number}/password", given)).status == 200
    assert (await post.account(1))["contact_wanted"] is None
    assert kind(await post.prove(1)) == "nothing-to-prove"
    assert (await post.prove(2)).json["contact"] == LEE


async def test_a_contact_that_somebody_has_proved_is_not_taken_by_a_change(post: Post) -> None:
    await post.town.sign_up()
    await post.town.sign_up(LEE)
    sent = len(post.letters())
    free, taken = await post.change(2, PHONE), await post.change(2, KIM)
    assert free == taken, "nobody is told"
    assert len(post.letters()) == sent + 1
    assert kind(await post.prove(2, "12345678")) == "proof-refused"
    assert (await post.account(2))["contact"] == LEE


async def test_a_failing_sign_in_costs_as_many_hashes_of_one_cost_whoever_has_the_contact(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post.town.sign_up(LEE)
    for number in range(MOST_UNPROVED):
        await post.town.sign_up(KIM, f"words of number {number}", proved=False)
    checked: list[str] = []
    fits = Passwords._fits
    monkeypatch.setattr(Passwords, "_fits", lambda self, kept, way: checked.append(kept) or fits(self, kept, way))
    for contact in (KIM, LEE, "nobody@example.com"):
        checked.clear()
        assert kind(await post.town.sign_in(contact, "wrong password")) == "sign-in-refused"
        assert len(checked) == MOST_UNPROVED, contact
        assert {kept.split("$")[3] for kept in checked} == {"m=8192,t=1,p=1"}, contact


async def test_a_sign_up_costs_and_answers_the_same_whoever_has_the_contact(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash and one letter: nobody learns by waiting, or by the answer, who has an account."""
    await post.town.sign_up(LEE)
    await post.town.sign_up(PHONE, proved=False)
    made: list[str] = []
    hash_of = Passwords.hash

    async def counted(self: Passwords, password: str) -> str:
        made.append(password)
        return await hash_of(self, password)

    monkeypatch.setattr(Passwords, "hash", counted)
    answers = set()
    for contact in (LEE, "Lee@Example.com", PHONE, "+82 10 1234 5678", KIM):
        before = len(post.file.read_text().splitlines())
        reply = await post.town.sign_up(contact, "a stranger's bicycle", proved=False)
        answers.add((reply.status, str(reply.json)))
        assert (len(made), len(post.file.read_text().splitlines()) - before) == (1, 1), contact
        made.clear()
    assert answers == {(202, "{'status': 'received'}")}
    assert [len(post.letters(about)) for about in ("signed up with your contact", "contact code")] == [2, 5]
    assert {one["to"] for one in post.letters("signed up with your contact")} == {"account 1"}
    weak = [await post.town.sign_up(contact, "password1234", proved=False) for contact in (LEE, KIM)]
    assert {(kind(reply), reply.json["why"]) for reply in weak} == {("weak-password", weak[0].json["why"])}


async def test_notices_tell_of_what_was_changed_and_their_failure_changes_nothing(tmp_path: Path) -> None:
    post = Post(tmp_path)
    await post.town.sign_up()
    await post.town.client.post("/accounts/1/password", {"current": PASSWORD, "new": "another bicycle"})
    await post.town.enrolled()
    await post.town.client.post("/accounts/1/authenticator/removal")
    await post.town.client.put("/accounts/1/roles", {"roles": ["admin"]})
    for about in ("password changed", "second factor added", "second factor removed", "roles changed"):
        assert len(post.letters(about)) == 1, about
    post.file.unlink()
    post.file.mkdir()
    changed = await post.town.client.post("/accounts/1/password", {"current": "another bicycle", "new": PASSWORD})
    assert changed.status == 200


async def test_who_is_not_proved_gets_no_notice(post: Post) -> None:
    await post.town.sign_up(proved=False)
    await post.town.client.post("/accounts/1/password", {"current": PASSWORD, "new": "another bicycle"})
    assert post.letters("password changed") == [], "the contact may be a stranger's"


async def test_who_is_erased_leaves_no_contact_and_no_code(post: Post) -> None:
    await post.town.sign_up(PHONE)
    await post.change(1, KIM)
    await post.town.sign_up(LEE, proved=False)
    for number in (1, 2):
        assert (await post.town.client.post(f"/accounts/{number}/erasure")).status == 200
    tables = ("accounts", "contact_proofs", "contact_codes", "tries", "recovery_codes")
    everything = str([await post.town.lone.rows(f"SELECT * FROM {table}") for table in tables])
    assert post.file.read_text() == "", "nor a letter"
    assert stat.S_IMODE(post.file.stat().st_mode) == 0o600
    for trace in ("1012345678", "1234-5678", KIM, LEE):
        assert trace not in everything
    assert await post.town.lone.rows("SELECT * FROM contact_proofs") == []
    counted = await post.town.lone.rows("SELECT whose FROM contact_codes")
    assert len(counted) == 2, "only of the contacts that nobody had proved, for a day"
    assert all(len(whose) == 64 for (whose,) in counted), "hashes"


async def test_erasures_send_nobody_more_codes(post: Post) -> None:
    """Signing up with a stranger's contact and being erased, over and over, is no way around the bound."""
    for number in range(1, MOST_CODES + 3):
        assert (await post.town.sign_up(proved=False)).status == 202
        await post.town.sign_in()
        assert (await post.town.client.post(f"/accounts/{number}/erasure")).status == 200
    sent = await post.town.lone.rows("SELECT sent FROM contact_codes")
    assert sent == [(MOST_CODES,)]
