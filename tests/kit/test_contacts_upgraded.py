"""Contacts of before get their normal form in the upgrade, on both engines, and everybody gets in as they did."""

from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.contacts import known_as
from gbike.run.single import open_store
from gbike.services.account.storage import VERSIONS
from gbike.services.account.storage.contacts import candidates
from tests.upgrade.before import Before, Step, store_at

CONTACTS = ["kim@example.com", "010-1234-5678", "01012345678", "the boss", "+82 2-1234-5678", "kim\u200b@example.com"]


before = store_at(Step(VERSIONS, "0004"))


async def test_everybody_is_found_by_what_they_typed_and_nobody_claims_what_two_have(before: Before) -> None:
    for contact in CONTACTS:
        before.run(
            "INSERT INTO accounts (name, contact, password_hash, roles, created_ms) VALUES ('a', ?, 'h', 'rider', 1)",
            (contact,),
        )
    before.upgrade()
    rows = before.run("SELECT contact, normal, shared FROM accounts ORDER BY userid")
    assert rows == [
        ("kim@example.com", "kim@example.com", 0),
        ("010-1234-5678", "+821012345678", 1),
        ("01012345678", "+821012345678", 1),
        ("the boss", "the boss", 0),
        ("+82 2-1234-5678", "+82212345678", 0),
        ("kim\u200b@example.com", "kim\u200b@example.com", 0),
    ]
    store = open_store(before.url, "account", SystemClock(), SystemIds())
    try:
        for userid, contact in enumerate(CONTACTS, 1):
            [known] = await store.read(candidates, known_as(contact))
            assert (known.account.userid, known.account.proved) == (userid, True)
        both = await store.read(candidates, known_as("+82 10 1234 5678"))
        assert [known.account.userid for known in both] == [3, 2], "by the password"
        [office] = await store.read(candidates, known_as("02-1234-5678"))
        assert office.account.userid == 5
    finally:
        await store.close()


def test_many_accounts_are_filled_a_batch_at_a_time(before: Before) -> None:
    before.run(
        "INSERT INTO accounts (contact, roles, created_ms) WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT 'k' || i || '@example.com', '', 1 FROM n"
    )
    before.run("UPDATE accounts SET contact = NULL, erased_ms = 1 WHERE userid = 7")
    before.upgrade()
    assert before.run("SELECT count(*), count(normal) FROM accounts WHERE shared = 0") == [(2500, 2499)]
    assert before.run("SELECT count(*) FROM accounts WHERE normal <> contact") == [(0,)]
