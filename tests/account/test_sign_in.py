"""Attacks on the sign-in of a real `gbike up`, behind a proxy that says who asks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.account.house import BOSS, PASSWORD, House, admin_file, up
from tests.cluster.running import Reply, ask

HOME = "192.0.2.7"
NOBODY_WAITS = {"GBIKE_LIMIT_ANONYMOUS_PER_MIN": "0", "GBIKE_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with up(folder / "data", "--admin-file", str(admin_file(folder)), env=NOBODY_WAITS) as running:
        yield running


def post(house: House, path: str, body: object, at: str = HOME) -> Reply:
    """As somebody at that address asks."""
    answer = ask("POST", house.address + path, body, {"x-forwarded-for": at})
    assert answer is not None
    return answer


def sign_in(house: House, contact: str, password: str = PASSWORD, at: str = HOME) -> Reply:
    return post(house, "/sessions", {"contact": contact, "password": password}, at)


def slug(reply: Reply) -> str:
    return str(reply.json["type"].partition("#")[2])


def test_58_people_behind_one_address_sign_up_and_in_at_once_and_none_is_locked(house: House) -> None:
    people = [f"{n}@campus.example" for n in range(58)]
    for one in people:
        assert post(house, "/accounts", {"name": "A", "contact": one, "password": PASSWORD}).status == 202
    with ThreadPoolExecutor(58) as at_once:
        answers = [*at_once.map(lambda one: sign_in(house, one), people)]
    assert {slug(answer) for answer in answers if answer.status != 200} <= {"sign-in-busy"}
    assert {sign_in(house, one).status for one in people} == {200}


def test_strangers_with_wrong_passwords_do_not_keep_the_admin_out(house: House) -> None:
    assert sign_in(house, BOSS).status == 200
    found = [slug(sign_in(house, BOSS, f"guess {n} guess", f"203.0.113.{n}")) for n in range(60)]
    assert found.count("sign-in-refused") <= 31, "all strangers together are slow"
    assert sign_in(house, BOSS).status == 200
    assert slug(sign_in(house, BOSS, at="203.0.113.99")) == "too-many-tries"


def test_a_stranger_who_asks_for_resets_takes_no_letter_from_the_owner(house: House) -> None:
    kim = {"name": "Kim", "contact": "kim@example.com", "password": PASSWORD}
    assert post(house, "/accounts", kim).status == 202
    session = sign_in(house, kim["contact"])
    assert post(house, "/accounts/passwordResets", {"contact": kim["contact"]}).status == 202
    for n in range(10):
        post(house, "/accounts/passwordResets", {"contact": kim["contact"]}, f"203.0.113.{n}")
    letters = [line for line in _letters(house.data) if f'"account {session.json["userid"]}"' in line]
    assert len(letters) == 3
    new = {"token": letters[0].partition("#")[2].partition('"')[0], "password": "another bicycle at dawn"}
    assert post(house, "/accounts/passwordResets/use", new).status == 200
    assert slug(post(house, "/sessions/refresh", {"refresh_token": session.json["refresh_token"]})) == "session-over"


def test_a_lost_refresh_is_asked_again_and_a_stolen_one_ends_the_session(house: House) -> None:
    assert post(house, "/accounts", {"name": "A", "contact": "lee@example.com", "password": PASSWORD}).status == 202
    first = sign_in(house, "lee@example.com").json["refresh_token"]
    lost, again = (post(house, "/sessions/refresh", {"refresh_token": first}).json["refresh_token"] for _ in range(2))
    assert lost == again
    assert post(house, "/sessions/refresh", {"refresh_token": again}).status == 200
    assert slug(post(house, "/sessions/refresh", {"refresh_token": first})) == "session-over"


def _letters(data: Path) -> list[str]:
    return (data / "resets.jsonl").read_text("utf-8").splitlines()
