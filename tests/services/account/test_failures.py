"""What counts as a failure, what it costs, and whom: nobody is locked out by somebody else."""

import asyncio
from pathlib import Path

import pytest

from gbike.services.account.domain import LockoutPolicy, Pace
from gbike.services.account.storage.sign_in_attempts import UNDER_WAY_MS
from tests.services.account.people import AWAY, HOME, KIM, LEE, PASSWORD, Town, kind
from tests.services.lone import Reply

WRONG = "wrong password"


def kinds(answers: list[Reply]) -> list[str]:
    """What each came to."""
    return [kind(answer) if answer.status >= 400 else "in" for answer in answers]


async def test_right_sign_ins_at_once_of_one_address_lock_nobody() -> None:
    """58 people behind one address: whoever finds no room is told that nothing was done, and gets in a moment later."""
    town = Town()
    people = [f"{n}@example.com" for n in range(58)]
    for one in people:
        await town.sign_up(one)
    found = kinds(await asyncio.gather(*(town.sign_in(one) for one in people)))
    assert set(found) <= {"in", "sign-in-busy"}
    assert {(await town.sign_in(one)).status for one in people} == {200}
    assert await town.lone.rows("SELECT * FROM tries WHERE whose NOT IN (SELECT whose FROM attempts)") == [
        row for row in await town.lone.rows("SELECT * FROM tries") if row[1] == 0
    ], "no failure"


async def test_right_sign_ins_at_once_of_one_person_lock_nobody() -> None:
    town = Town()
    await town.sign_up()
    found = kinds(await asyncio.gather(*(town.sign_in() for _ in range(58))))
    assert set(found) == {"in", "sign-in-busy"}
    assert (await town.sign_in()).status == 200


async def test_what_was_too_busy_to_be_judged_is_no_failure() -> None:
    town = Town(GBIKE_HASHING_AT_ONCE="1", GBIKE_HASHING_WAITING="0")
    await town.sign_up()
    for _ in range(10):
        busy = await asyncio.gather(*(town.sign_in(KIM) for _ in range(4)))
        assert {answer.status for answer in busy} <= {200, 503}
    assert (await town.sign_in()).status == 200
    assert await town.lone.rows("SELECT * FROM attempts") == [], "none is left under way"


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other() -> None:
    town = Town()
    await town.sign_up()
    found = kinds(await asyncio.gather(*(town.sign_in(KIM, f"{WRONG} {n}") for n in range(30))))
    assert sorted(found) == ["sign-in-busy"] * 25 + ["sign-in-refused"] * 5
    later = kinds(await asyncio.gather(*(town.sign_in(KIM, f"{WRONG} {n}") for n in range(30))))
    assert set(later) == {"too-many-tries"}


async def test_guesses_that_are_given_up_are_no_way_around() -> None:
    """Who hangs up before the answer learns nothing by it, and has no more guesses under way than anybody."""
    town = Town()
    await town.sign_up()
    guesses = [asyncio.ensure_future(town.sign_in(KIM, f"{WRONG} {n}")) for n in range(20)]
    await asyncio.sleep(0)
    for guess in guesses:
        guess.cancel()
    await asyncio.gather(*guesses, return_exceptions=True)
    assert (await town.sign_in(at=AWAY)).status == 200
    town.later(UNDER_WAY_MS / 60_000 + 0.1)
    assert (await town.sign_in()).status == 200


async def test_a_try_whose_process_was_killed_stops_counting_after_a_minute() -> None:
    town = Town()
    await town.sign_up()
    for _ in range(5):
        await town.sign_in(KIM, WRONG)
    town.later(0.1)
    (whose,) = await town.lone.rows("SELECT whose FROM tries WHERE failures = 5")
    put = "INSERT INTO attempts (id, whose, at_ms) VALUES ('killed', ?, ?)"
    await town.lone.store.write(lambda tx: tx.execute(put, (whose[0], tx.now_ms)))
    assert kind(await town.sign_in()) == "sign-in-busy", "after the wait one try at a time"
    town.later(1)
    assert (await town.sign_in()).status == 200


async def test_each_failure_after_the_fifth_costs_twice_the_wait_up_to_a_quarter_of_an_hour() -> None:
    town = Town()
    await town.sign_up()
    for _ in range(4):
        assert kind(await town.sign_in(KIM, WRONG)) == "sign-in-refused"
    for wait_s in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900):
        assert kind(await town.sign_in(KIM, WRONG)) == "sign-in-refused"
        town.clock.at_ms += wait_s * 1000 - 1
        assert kind(await town.sign_in(KIM, WRONG)) == "too-many-tries", wait_s
        town.clock.at_ms += 1
    town.clock.at_ms += 899_999
    assert kind(await town.sign_in(KIM, WRONG)) == "sign-in-refused"
    assert kind(await town.sign_in(KIM, WRONG)) == "too-many-tries"
    town.clock.at_ms += 1_800_000
    for _ in range(5):
        assert kind(await town.sign_in(KIM, WRONG)) == "sign-in-refused", "after a while they are forgotten"


async def test_a_strangers_wrong_passwords_never_keep_the_admin_out() -> None:
    """One stranger, then a thousand of them: who got in from home before gets in."""
    town = Town()
    await town.signed_in()
    await town.client.put("/accounts/1/roles", {"roles": ["admin"]})
    for n in range(1_000):
        await town.sign_in(KIM, WRONG, at=f"10.{n // 250}.{n % 250}.1")
        assert n % 100 or (await town.sign_in()).status == 200
    assert kind(await town.sign_in(at="10.99.0.1")) == "too-many-tries", "for whom it does not know"
    assert (await town.sign_in()).status == 200


async def test_one_stranger_keeps_nobody_out_who_was_never_here() -> None:
    town = Town()
    await town.sign_up()
    for _ in range(100):
        await town.sign_in(KIM, WRONG, at=AWAY)
        town.clock.at_ms += 5_000
    assert (await town.sign_in()).status == 200


async def test_strangers_at_many_addresses_guess_at_one_contact_no_faster_than_its_pace() -> None:
    town = Town()
    await town.sign_up()
    judged = 0
    for n in range(600):
        judged += kind(await town.sign_in(KIM, WRONG, at=f"10.0.{n // 250}.{n % 250}")) == "sign-in-refused"
        town.clock.at_ms += 3_000
    assert 30 + 58 <= judged <= 30 + 61, "30 at once, and 30 in each quarter of an hour"


async def test_who_tries_many_accounts_from_one_address_must_wait_too_and_no_one_else() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES_PER_IP="7")
    await town.sign_up()
    assert (await town.sign_in()).status == 200
    found = kinds([await town.sign_in(f"{n}@example.com") for n in range(9)])
    assert found == ["sign-in-refused"] * 7 + ["too-many-tries"] * 2
    assert (await town.sign_in()).status == 200, "who is known there gets in"
    assert kind(await town.sign_in("new@example.com", at=AWAY)) == "sign-in-refused"


async def test_an_address_of_ipv6_counts_as_its_64() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES_PER_IP="7")
    found = [await town.sign_in(f"{n}@example.com", at=f"2001:db8:1:2::{n:x}") for n in range(8)]
    assert kinds(found) == ["sign-in-refused"] * 7 + ["too-many-tries"]


async def test_after_a_reset_only_its_household_is_known(tmp_path: Path) -> None:
    town = Town(GBIKE_RESET_FILE=str(tmp_path / "resets.jsonl"), GBIKE_SIGN_IN_FAILURES_PER_CONTACT="1")
    await town.sign_up()
    await town.sign_in(at=AWAY)
    await town.client.post("/accounts/passwordResets", {"contact": KIM})
    token = (tmp_path / "resets.jsonl").read_text().partition("#/reset/")[2].partition('"')[0]
    new = {"token": token, "password": "a new bicycle"}
    assert (await town.client.post("/accounts/passwordResets/use", new, at=HOME)).status == 200
    await town.sign_in(KIM, WRONG, at="203.0.113.1")
    assert kind(await town.sign_in(KIM, "a new bicycle", at=AWAY)) == "too-many-tries"
    assert (await town.sign_in(KIM, "a new bicycle")).status == 200


async def test_a_campus_signs_up_behind_one_address_and_a_flood_is_told_so_in_its_own_words() -> None:
    town = Town(GBIKE_SIGN_UPS_PER_IP="60")
    answers = [await town.sign_up(f"{n}@example.com") for n in range(61)]
    assert [answer.status for answer in answers] == [202] * 60 + [429]
    assert kind(answers[-1]) == "too-many-sign-ups"
    assert "fail" not in str(answers[-1].json).lower(), "none has failed"
    town.later(1)
    assert (await town.sign_up("later@example.com")).status == 202
    assert (await town.sign_in("1@example.com")).status == 200


async def test_a_sign_up_of_which_nothing_came_does_not_count() -> None:
    town = Town(GBIKE_SIGN_UPS_PER_IP="4", GBIKE_HASHING_AT_ONCE="1", GBIKE_HASHING_WAITING="0")
    for _ in range(6):
        answers = await asyncio.gather(*(town.sign_up("kim@example.com") for _ in range(2)))
        assert {answer.status for answer in answers} <= {202, 429, 503}
        town.later(15)
        await town.lone.store.write(lambda tx: None)
    assert (await town.sign_up("lee@example.com")).status == 202


@pytest.mark.parametrize(
    ("failures", "wait_ms"), [(0, 0), (4, 0), (5, 1_000), (6, 2_000), (15, 900_000), (99, 900_000)]
)
def test_the_wait_grows(failures: int, wait_ms: int) -> None:
    assert LockoutPolicy(5, 900_000, Pace(1, 1), Pace(1, 1)).delay_ms(failures) == wait_ms


async def test_who_only_waits_for_a_contact_forgets_no_guesses_at_its_owner() -> None:
    """A right password of one's own, shown while one waits for somebody else's contact, is no success there."""
    town = Town()
    await town.signed_in()
    await town.sign_up(LEE, proved=False)
    await town.client.post("/accounts/2/contact", {"contact": KIM, "password": PASSWORD})
    words = [PASSWORD, "another bicycle"]
    found = []
    for n in range(3):
        found += kinds([await town.sign_in(KIM, WRONG, at=AWAY) for _ in range(4)])
        own = {"current": words[n % 2], "new": words[(n + 1) % 2]}
        await town.client.post("/accounts/2/password", own, at=AWAY)
    assert found.count("sign-in-refused") == 5, found


async def test_who_waits_beside_others_forgets_no_guesses_at_them() -> None:
    town = Town()
    await town.sign_up(proved=False)
    await town.sign_up(KIM, "words of another", proved=False)
    found = []
    for _ in range(3):
        found += kinds([await town.sign_in(KIM, WRONG, at=AWAY) for _ in range(4)])
        await town.sign_in(KIM, "words of another", at=AWAY)
    assert found.count("sign-in-refused") == 5, found


async def test_a_client_is_not_known_to_a_contact_by_who_only_waits_for_it() -> None:
    """Else strangers at many addresses would guess past the pace of the contact."""
    town = Town(GBIKE_SIGN_IN_FAILURES_PER_CONTACT="3")
    await town.sign_up()
    await town.sign_up(LEE)
    await town.client.post("/accounts/2/contact", {"contact": KIM, "password": PASSWORD})
    found = []
    for n in range(6):
        assert (await town.sign_in(LEE, at=f"10.0.0.{n}")).status == 200
        found += kinds([await town.sign_in(KIM, WRONG, at=f"10.0.0.{n}")])
    assert found == ["sign-in-refused"] * 3 + ["too-many-tries"] * 3


async def test_who_only_waits_for_a_contact_and_is_erased_frees_no_pace_of_its_owner() -> None:
    town = Town(GBIKE_SIGN_IN_FAILURES_PER_CONTACT="3")
    await town.sign_up()
    await town.sign_up(LEE)
    await town.client.post("/accounts/2/contact", {"contact": KIM, "password": PASSWORD})
    for n in range(3):
        await town.sign_in(KIM, WRONG, at=f"10.0.0.{n}")
    assert (await town.client.post("/accounts/2/erasure")).status == 200
    assert kind(await town.sign_in(KIM, WRONG, at="10.0.0.9")) == "too-many-tries"


async def test_the_password_of_a_step_counts_like_a_sign_in() -> None:
    town = Town()
    await town.sign_up()
    wrong = {"current": WRONG, "new": "another bicycle"}
    for _ in range(5):
        await town.client.post("/accounts/1/password", wrong, at=HOME)
    assert kind(await town.sign_in(KIM, PASSWORD)) == "too-many-tries"
    assert (await town.sign_in(KIM, PASSWORD, at=AWAY)).status == 200
