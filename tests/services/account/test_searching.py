"""People are found by number, by the beginning of a contact and by a part of their name; and staff by their role."""

import pytest

from gbike.kit.contacts import beginnings
from gbike.services.account.storage.names import MOST_FOUND
from tests.services.account.people import Town
from tests.services.lone import Reply

PEOPLE = (
    ("김민지", "minji@example.com"),
    ("Kim  Minji", "010-1234-5678"),
    ("이민호", "minho@example.com"),
    ("A name as long as it gets, of somebody", "long@example.com"),
)


async def furnished() -> Town:
    town = Town()
    for name, contact in PEOPLE:
        assert (await town.sign_up(contact, name=name)).status == 202
    await town.sign_up("yet@example.com", name="Park", proved=False)
    return town


async def searched(town: Town, text: str) -> list[int]:
    reply: Reply = await town.client.post("/accounts/searches", {"q": text})
    assert reply.status == 200, reply
    return sorted(one["userid"] for one in reply.json["_embedded"]["accounts"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3", [3]),
        ("99", []),
        ("민지", [1]),
        ("김민", [1]),
        ("이민호", [3]),
        ("민", []),
        ("KIM MI", [2]),
        (" im m ", [2]),
        ("as it gets, of somebody", [4]),
        ("minj", [1, 2]),
        ("Minji@Example.com", [1]),
        ("min", [2]),
        ("010-1234-5678", [2]),
        ("010-12", [2]),
        ("+82 10 1234", [2]),
        ("01099", []),
        ("yet@", [5]),
        ("%%%%", []),
        ("____", []),
    ],
)
async def test_somebody_is_found_by_what_an_operator_knows(text: str, found: list[int]) -> None:
    assert await searched(await furnished(), text) == found


async def test_a_search_is_on_record_without_its_words() -> None:
    town = await furnished()
    await searched(town, "minji@example.com")
    await searched(town, "nobody at all")
    rows = await town.lone.rows("SELECT action, subject, before, after FROM audit WHERE number > 0 ORDER BY number")
    assert [row for row in rows if row[0] == "accounts searched"] == [
        ("accounts searched", "accounts", "{}", '{"found":1}'),
        ("accounts searched", "accounts", "{}", '{"found":0}'),
    ]


async def test_a_search_that_finds_one_is_a_look_at_this_one() -> None:
    """What of an account is shown by GET is not to be had by a search unseen."""
    town = await furnished()
    assert [len(await searched(town, text)) for text in ("minj", "nobody at all", "3", "minho@example.com")] == [
        2,
        0,
        1,
        1,
    ]
    rows = await town.lone.rows("SELECT subject, after FROM audit WHERE action = 'looked at'")
    assert rows == [("user:3", '{"what":"account"}')], "the same look again within ten minutes is one with the first"


async def test_a_name_is_found_as_it_is_now_and_an_erased_one_never() -> None:
    town = await furnished()
    await town.client.patch("/accounts/1", {"name": "박서연"})
    assert (await searched(town, "민지"), await searched(town, "서연")) == ([], [1])
    await town.client.post("/accounts/1/erasure")
    assert (await searched(town, "서연"), await searched(town, "minji@example.com"), await searched(town, "1")) == (
        [],
        [],
        [],
    )
    assert await town.lone.rows("SELECT 1 FROM name_parts WHERE userid = 1") == []


async def test_fifty_are_found_at_most_and_a_search_needs_a_word() -> None:
    town = Town()
    for number in range(MOST_FOUND + 1):
        await town.lone.store.write(
            lambda tx, number=number: tx.execute(
                "INSERT INTO accounts (name, contact, normal, roles, created_ms) VALUES ('a', ?, ?, 'rider', 0)",
                (f"same{number}", f"same{number}"),
            )
        )
    assert len(await searched(town, "same")) == MOST_FOUND
    for body in ({"q": ""}, {}, {"q": None}, {"q": 5}):
        assert (await town.client.post("/accounts/searches", body)).status == 422


async def test_searches_and_lists_of_staff_go_by_an_index() -> None:
    """As cheap among 100,000 people as among five."""
    town = await furnished()
    for sql in (
        "SELECT DISTINCT userid FROM name_parts WHERE part >= 'a' AND part < 'b' LIMIT 50",
        "SELECT userid FROM accounts WHERE normal >= 'a' AND normal < 'b' LIMIT 50",
        "SELECT userid FROM contact_proofs WHERE normal >= 'a' AND normal < 'b' LIMIT 50",
        "SELECT userid FROM accounts WHERE roles <> 'rider' AND roles <> '' AND roles LIKE '%admin%' ORDER BY userid",
    ):
        plan = str(await town.lone.rows(f"EXPLAIN QUERY PLAN {sql}"))
        assert "USING" in plan, plan
        assert "TEMP B-TREE FOR ORDER" not in plan


async def test_accounts_are_listed_by_their_role() -> None:
    town = await furnished()
    await town.client.put("/accounts/1/roles", {"roles": ["admin"]})
    await town.client.put("/accounts/2/roles", {"roles": ["rider", "bikeManager"]})
    for role, wanted in (("admin", [1]), ("bikeManager", [2]), ("rider", [2, 3, 4, 5])):
        listed = (await town.client.get(f"/accounts?role={role}")).json
        assert [one["userid"] for one in listed["_embedded"]["accounts"]] == wanted
        assert listed["page"]["totalElements"] == len(wanted)
    for query in ("role=king", "role=", "name=Kim"):
        assert (await town.client.get(f"/accounts?{query}")).status == 422, query


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("010", []),
        ("0101", ["+82101"]),
        ("010-1234-5678", ["+821012345678"]),
        ("+1 415", ["+1415"]),
        ("Kim@", ["kim@"]),
        ("...-", ["...-"]),
    ],
)
def test_the_beginning_of_a_contact_is_that_of_its_normal_form(text: str, found: list[str]) -> None:
    assert beginnings(text) == found
