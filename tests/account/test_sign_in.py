"""Attacks on who signs in, at a real `gbike up` and at a secure cluster, behind a proxy that says who asks."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.account.house import BOSS, PASSWORD, House, admin_file, up
from tests.cluster.running import Reply, ask, gbike, started, why_no_cluster
from tests.services.account.people import CHEAP

HOME = "192.0.2.7"
NOBODY_WAITS = {
    **{f"GBIKE_LIMIT_{pace}_PER_MIN": "0" for pace in ("ANONYMOUS", "SIGN_INS")},
    "GBIKE_TRUSTED_PROXIES": "127.0.0.1",
}
KIM = "kim@example.com"
LEE = "lee@example.com"
PARK = "010-1234-5678"


@pytest.fixture(scope="module", params=["up", "cluster"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    boss = str(admin_file(folder))
    if request.param == "up":
        with up(folder / "data", "--admin-file", boss, env=NOBODY_WAITS) as running:
            yield running
        return
    if not (os.environ.get("GBIKE_FULL") or os.environ.get("GBIKE_REQUIRE")):
        pytest.skip("a cluster of its own: GBIKE_FULL=1")
    if (missing := why_no_cluster()) is not None:
        pytest.skip(missing)
    with started("--empty", secure={**CHEAP, **NOBODY_WAITS, "GBIKE_ADMIN_FILE": boss}) as cluster:
        yield House(cluster.url, cluster.data)


def post(house: House, path: str, body: object, at: str = HOME) -> Reply:
    """As somebody at that address asks."""
    answer = ask("POST", house.address + path, body, {"x-forwarded-for": at})
    assert answer is not None
    return answer


def sign_in(house: House, contact: str, password: str = PASSWORD, at: str = HOME) -> Reply:
    return post(house, "/sessions", {"contact": contact, "password": password}, at)


def joins(house: House, contact: str, password: str = PASSWORD) -> Reply:
    """Somebody signs up and in."""
    assert post(house, "/accounts", {"name": "A", "contact": contact, "password": password}).status == 202
    session = sign_in(house, contact, password)
    assert session.status == 200, session
    return session


def letters(house: House, session: Reply, about: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (house.data / "resets.jsonl").read_text("utf-8").splitlines()]
    return [line for line in lines if (line["to"], line["about"]) == (f"account {session.json['userid']}", about)]


def prove(house: House, session: Reply) -> None:
    """Show the code that came."""
    code = letters(house, session, "contact code")[-1]["code"]
    path = f"/accounts/{session.json['userid']}/contact/proof"
    assert house.ask("POST", path, {"code": code}, session.json["access_token"]).status == 200


def slug(reply: Reply) -> str:
    return str(reply.json["type"].partition("#")[2])


def test_the_first_admin_is_the_file_s_and_a_backup_has_no_keys(house: House, tmp_path: Path) -> None:
    assert sign_in(house, BOSS).json["roles"] == ["admin"]
    done = gbike("backup", str(tmp_path / "backup"), "--data", str(house.data))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "backup" / "keys").exists()


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
    session = joins(house, KIM)
    prove(house, session)
    assert post(house, "/accounts/passwordResets", {"contact": KIM}).status == 202
    for n in range(10):
        post(house, "/accounts/passwordResets", {"contact": KIM}, f"203.0.113.{n}")
    sent = letters(house, session, "password reset")
    assert len(sent) == 3
    new = {"token": sent[0]["link"].rpartition("/")[2], "password": "another bicycle at dawn"}
    assert post(house, "/accounts/passwordResets/use", new).status == 200
    assert slug(post(house, "/sessions/refresh", {"refresh_token": session.json["refresh_token"]})) == "session-over"


def test_a_squatter_keeps_nobody_out_and_what_only_looks_like_a_contact_is_none(house: House) -> None:
    joins(house, PARK, "the squatter's own words")
    owner = joins(house, "+82 10 1234 5678")
    prove(house, owner)
    assert slug(sign_in(house, PARK, "the squatter's own words")) == "sign-in-refused"
    assert sign_in(house, "01012345678").json["userid"] == owner.json["userid"]
    for contact in ("l\u0435e@example.com", "lee\u200b@example.com", "le\u202ee@example.com"):
        wanted = {"name": "Lee", "contact": contact, "password": PASSWORD}
        assert slug(post(house, "/accounts", wanted)) == "contact-refused", contact


def test_a_lost_refresh_is_asked_again_and_a_stolen_one_ends_the_session(house: House) -> None:
    first = joins(house, LEE).json["refresh_token"]
    lost, again = (post(house, "/sessions/refresh", {"refresh_token": first}).json["refresh_token"] for _ in range(2))
    assert lost == again
    assert post(house, "/sessions/refresh", {"refresh_token": again}).status == 200
    assert slug(post(house, "/sessions/refresh", {"refresh_token": first})) == "session-over"
