"""`gbike up` on a fresh folder: nobody changes anything without a token, and there is no password by default."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from gbike.cli.account import NotDone, do, rotate, wanted
from gbike.kit.auth.keyring import BadKeys
from gbike.run.event_map import build_all
from gbike.run.open_stores import StoreLocation
from tests.account.house import BOSS, House, admin_file, gbike, up
from tests.cluster.running import Reply, until
from tests.services.account.people import CHEAP


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    env = {"GBIKE_LIMIT_ANONYMOUS_PER_MIN": "0", "GBIKE_LIMIT_SIGN_INS_PER_MIN": "0"}  # all tests ask from one address
    with up(folder / "data", "--admin-file", str(admin_file(folder)), env=env) as running:
        yield running


def test_nothing_is_changed_without_a_token_anywhere(house: House) -> None:
    """Every operation of every service, as somebody nobody knows."""
    tried = 0
    for one in build_all():
        for operation in one.public:
            if operation.rule.public or operation.rule.visitors:
                continue
            path = operation.path.replace("{userid}", "1").replace("{bikeid}", "1")
            path = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
            answer = house.ask(operation.method, path, {} if operation.method != "GET" else None)
            assert answer.status == 401, (operation.method, path, answer)
            tried += 1
    assert tried > 50


def test_what_may_be_asked_by_strangers_is_what_the_doors_are(house: House) -> None:
    public = {(o.method, o.path) for one in build_all() for o in one.public if o.rule.public or o.rule.visitors}
    assert public == {
        ("GET", "/.well-known/jwks.json"),
        ("POST", "/accounts"),
        ("GET", "/accounts/terms"),
        ("POST", "/accounts/invitations/look"),
        ("POST", "/accounts/invitations/use"),
        ("POST", "/accounts/passwordResets"),
        ("POST", "/accounts/passwordResets/use"),
        ("POST", "/sessions"),
        ("POST", "/sessions/refresh"),
        ("POST", "/sessions/end"),
        ("GET", "/bikes"),
        ("GET", "/bikes/search/findByLabel"),
        ("GET", "/bikes/{bikeid}"),
        ("GET", "/places"),
        ("GET", "/billings/tariff"),
        ("POST", "/userDeposits/payments/confirmations"),  # the provider's signature is looked at instead
    }


def test_the_start_says_where_the_pages_are_and_a_letters_link_leads_there(house: House) -> None:
    printed = (house.data.parent / "up.log").read_text("utf-8")
    for path in ("", "#/staff", "console"):
        assert f"{house.address}/app/{path} " in printed
    assert "--admin-file" in printed
    assert "처음 시작할 때" in printed
    assert house.ask("POST", "/accounts/passwordResets", {"contact": BOSS}).status == 202
    [letter] = [json.loads(line) for line in (house.data / "resets.jsonl").read_text().splitlines()]
    token = letter["link"].removeprefix(f"{house.address}/app/#/reset/")
    assert re.fullmatch(r"[\w-]{43}", token)
    assert house.ask("GET", "/app/").status == 200


def test_no_answer_says_that_it_is_a_demo(house: House) -> None:
    assert "x-gbike-mode" not in house.ask("GET", "/").headers


def test_a_ride_with_tokens(house: House) -> None:
    boss = house.sign_in()
    kim = {"name": "Kim", "contact": "kim@example.com", "password": "two wheels and a bell"}
    assert house.ask("POST", "/accounts", kim).status == 202
    token = house.sign_in(kim["contact"], kim["password"])
    userid = int(jwt.decode(token, options={"verify_signature": False})["sub"])
    assert house.ask("POST", "/bikes", {"bikeid": 1, "location": "here"}, boss).status == 201
    assert house.ask("POST", "/bikes", {"bikeid": 2, "location": "here"}, token).status == 403
    assert house.ask("POST", "/userDeposits", {"userid": userid, "deposit": 5000}, boss).status == 201
    rent = until(lambda: _unless_blocked(house.ask("POST", "/rents", {"userid": userid, "bikeid": 1}, token)))
    assert rent.status == 201, rent
    assert house.ask("PATCH", f"/rents/{rent.json['_links']['self']['href'].rpartition('/')[2]}",
                     {"endlocation": "there"}, token).status == 200  # fmt: skip
    assert house.ask("POST", "/rents", {"userid": userid + 1, "bikeid": 1}, token).status == 403
    assert house.ask("GET", f"/accounts/{userid}", token=token).json["name"] == "Kim"
    assert house.ask("GET", "/accounts/1", token=token).status == 404, "another's is not found"
    assert house.ask("GET", "/accounts", token=token).status == 403


def _unless_blocked(rent: Reply) -> Reply | None:
    """The answer, once rent has heard of the deposit."""
    return None if rent.status == 403 else rent


def test_what_it_keeps_is_for_its_user_only(house: House) -> None:
    assert stat.S_IMODE(house.data.stat().st_mode) == 0o700
    keys = sorted((house.data / "keys").iterdir())
    assert [(key.name, stat.S_IMODE(key.stat().st_mode)) for key in keys] == [
        ("current.pem", 0o600),
        ("seal.key", 0o600),
    ]


def test_an_operator_makes_admins_beside_it(house: House, tmp_path: Path) -> None:
    deputy = admin_file(tmp_path, "deputy")
    done = gbike("account", "create-admin", "--data", str(house.data), "--admin-file", str(deputy))
    assert done.returncode == 0, done.stderr
    assert house.ask("GET", "/accounts", token=house.sign_in("deputy")).status == 200
    where, number = StoreLocation(house.data), int(done.stdout.split()[1])
    with pytest.raises(NotDone, match="already"):
        do(where, CHEAP, "create-admin", *wanted(deputy))
    assert "rider" in do(where, {}, "roles", str(number), "rider")
    assert house.ask("GET", "/accounts", token=house.sign_in("deputy")).status == 403
    assert "authenticator" in do(where, {}, "remove-authenticator", str(number))
    for wrong, roles, why in ((999_999, "rider", "no account"), (number, "king", "roles are"), (1, "rider", "last")):
        with pytest.raises(NotDone, match=why):
            do(where, {}, "roles", str(wrong), roles)


def test_keys_are_changed_while_it_runs_and_nobody_is_signed_out(house: House) -> None:
    before = house.sign_in()
    kids = [key["kid"] for key in house.ask("GET", "/.well-known/jwks.json").json["keys"]]
    rotate(house.data, None, now=False)
    after = [key["kid"] for key in house.ask("GET", "/.well-known/jwks.json").json["keys"]]
    assert (len(after), after[1]) == (2, kids[0])
    fresh = house.sign_in()
    assert jwt.get_unverified_header(fresh)["kid"] == kids[0], "published first, used later"
    assert [house.ask("GET", "/bikes", token=token).status for token in (before, fresh)] == [200, 200]
    with pytest.raises(BadKeys, match="wait"):
        rotate(house.data, None, now=False)


@pytest.mark.parametrize(
    ("name", "content", "mode", "why"),
    [
        ("none", None, 0, "No such file"),
        ("weak", f"{BOSS}\npassword1234\n", 0o600, "guessed"),
        ("open", f"{BOSS}\na bicycle at dawn\n", 0o644, "chmod 600"),
        ("short", f"{BOSS}\n", 0o600, "a line each"),
    ],
)
def test_what_names_no_good_admin_is_refused(
    name: str, content: str | None, mode: int, why: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    with pytest.raises(NotDone, match=why):
        wanted(file)


def test_a_file_of_an_admin_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "admin"
    file.write_text(f"{BOSS}\r\na bicycle at dawn\r\n", "utf-8-sig")
    file.chmod(0o600)
    assert wanted(file) == (BOSS, "a bicycle at dawn")


def test_with_no_terminal_and_no_file_it_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    done = gbike("up", "--port", "0", "--data", str(tmp_path / "data"), given="boss\nsecret secret\nsecret secret\n")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--admin-file" in done.stderr
    assert "GBIKE_ADMIN_FILE" in done.stderr


def test_a_test_payment_provider_is_said_at_the_start_and_by_the_doctor(tmp_path: Path, house: House) -> None:
    """Also by a doctor that does not have the settings of what runs."""
    data = tmp_path / "data"
    with up(data, "--admin-file", str(admin_file(tmp_path)), env={"GBIKE_PAYMENT_PROVIDER": "test"}) as trying:
        [told] = [line for line in gbike("doctor", "--data", str(data)).stdout.splitlines() if "test-payments" in line]
        assert trying.address in told
    printed = (tmp_path / "up.log").read_text("utf-8")
    assert "GBIKE_PAYMENT_PROVIDER=test: riders top up with a tap, no money moves" in printed
    assert "테스트 결제가 켜져 있어서" in printed
    named = gbike("doctor", "--data", str(house.data), env={"GBIKE_PAYMENT_PROVIDER": "test"})
    assert (named.returncode, named.stdout.count("test-payments")) == (1, 1), "by the settings it will start with"
    assert "test-payments" not in gbike("doctor", "--data", str(house.data)).stdout
    assert house.ask("POST", "/userDeposits/1/payments/any/testPayment", {}, house.sign_in()).status == 404
