"""What the forms set where the environment says nothing."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from gbike.cli import app
from gbike.cli.settings import setting_rows
from gbike.contracts.events import EVENTS
from gbike.kit.envelope import Message
from gbike.kit.messaging.dead_letters import set_aside
from gbike.kit.settings import describe, load
from gbike.run.cluster.plan import FILE, Plan
from gbike.run.control import Done, Verb
from gbike.run.defaults import DEMO_DEFAULTS, SECURE_DEFAULTS, with_defaults
from gbike.run.embedded import Embedded
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import Mode, claim, settings_of
from gbike.run.open_stores import StoreLocation
from gbike.run.orders import give
from gbike.run.registry import specs
from gbike.run.serve import settings_for
from tests.security.people import Locked
from tests.support import Client

LIMIT = "GBIKE_MAX_OPEN_RENTS_PER_RIDER"


@pytest.mark.parametrize("name", [*DEMO_DEFAULTS, *SECURE_DEFAULTS])
def test_every_name_of_the_table_is_a_setting_of_a_service(name: str) -> None:
    assert name in {setting.name for spec in specs() for setting in describe(spec.settings, {})}


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: str(spec.name))
def test_every_default_of_a_form_fits_its_setting(spec: object) -> None:
    kind: type[msgspec.Struct] = spec.settings  # type: ignore[attr-defined]
    for defaults in (DEMO_DEFAULTS, SECURE_DEFAULTS):
        load(kind, defaults)


@pytest.mark.parametrize("secure", [True, False])
def test_the_environment_wins_over_the_defaults_of_a_form(secure: bool) -> None:
    for name in (*DEMO_DEFAULTS, *SECURE_DEFAULTS):
        assert with_defaults({name: "mine"}, secure=secure)[name] == "mine"


async def ride_two(client: Client) -> int:
    """The status of a rider's second rent beside the first."""
    for bikeid in (1, 2):
        answer = await client.post("/rents", {"userid": 1, "bikeid": bikeid})
    return answer.status


async def test_a_rider_has_one_open_rent_in_a_secure_form_unless_the_environment_says_more() -> None:
    for env, status in (({}, 409), ({LIMIT: "0"}, 201)):
        locked = Locked(env)
        await locked.admin.post("/userDeposits", {"userid": 1, "deposit": 10_000})
        for bikeid in (1, 2):
            await locked.admin.post("/bikes", {"bikeid": bikeid, "location": "here"})
        await locked.whole.settle()
        assert await ride_two(locked.person(1, "rider")) == status
        await locked.whole.stop()


@pytest.mark.parametrize(("env", "statuses"), [({}, [409, 201]), ({"GBIKE_OFFER_FROM_BATTERY": "0"}, [201, 409])])
async def test_a_secure_form_rents_no_bike_below_ten_percent_unless_the_environment_says_otherwise(
    env: dict[str, str], statuses: list[int]
) -> None:
    locked = Locked(env)
    await locked.admin.post("/userDeposits", {"userid": 1, "deposit": 10_000})
    for bikeid, charge in ((1, 9), (2, 10)):
        await locked.admin.post("/bikes", {"bikeid": bikeid, "batterylevel": charge})
    await locked.whole.settle()
    rider = locked.person(1, "rider")
    assert [(await rider.post("/rents", {"userid": 1, "bikeid": bikeid})).status for bikeid in (1, 2)] == statuses
    await locked.whole.stop()


async def test_in_the_demo_a_rider_has_as_many_as_the_original_allows() -> None:
    embedded = Embedded(None, {"GBIKE_RENT_DEADLINE_MS": "60000"})
    client = Client(embedded.app)
    for bikeid in (1, 2):
        await client.post("/bikes", {"bikeid": bikeid, "location": "here"})
    assert await ride_two(client) == 201
    await embedded.stop()


def test_a_service_that_requires_tokens_is_served_with_the_secure_defaults(tmp_path: Path) -> None:
    (tmp_path / "GBIKE_RENT_MINIMUM_KRW").write_text("500")
    served = settings_for({"GBIKE_SETTINGS_DIR": str(tmp_path), "GBIKE_POINTS_PER_DAY": "0"})
    assert served == {
        **SECURE_DEFAULTS,
        "GBIKE_SETTINGS_DIR": str(tmp_path),
        "GBIKE_RENT_MINIMUM_KRW": "500",
        "GBIKE_POINTS_PER_DAY": "0",
    }
    assert LIMIT not in settings_for({"GBIKE_SETTINGS_DIR": str(tmp_path), "GBIKE_DEMO": "1"})


@pytest.mark.parametrize("mode", list(Mode))
def test_a_verb_that_runs_services_on_a_folder_takes_the_defaults_of_its_mode(mode: Mode, tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    claim(folder, mode)
    assert settings_of(folder, {}) == dict(SECURE_DEFAULTS if mode is Mode.SECURE else DEMO_DEFAULTS)


VERBS = [
    ("verify",),
    ("repair", "--yes"),
    ("events", "republish", "--since", "2020-01-01"),
    ("events", "dead", "replay", "m1"),
    ("privacy", "erase", "7", "--yes"),
    ("view", "rebuild"),
]


@pytest.fixture
async def secure_folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    claim(folder, Mode.SECURE)
    whole = Embedded(folder, {}, secure=True)
    letter = Message("m1", "Returned", "rent:1", b"{}", b"{}")
    await whole.part("billing").store.write(set_aside, letter, "unreadable", EVENTS)
    await whole.stop()
    return folder


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_verb_runs_the_services_of_a_secure_folder_with_the_defaults_of_the_demo(
    words: tuple[str, ...], secure_folder: DataFolder
) -> None:
    """In production the demo's test provider is refused, so that one would show."""
    done = CliRunner().invoke(app, [*words, "--data", str(secure_folder.path)], env={"GBIKE_ENV": "production"})
    assert "GBIKE_PAYMENT_PROVIDER" not in done.output
    assert done.exit_code in (0, 1), done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("cluster", [True, False])
def test_an_order_takes_the_settings_that_hold_where_it_is_done(cluster: bool, secure_folder: DataFolder) -> None:
    if cluster:
        plan = Plan("", "", {"rent": "sqlite:////never-opened"}, (), {}, demo=False)
        (secure_folder.path / FILE).write_bytes(msgspec.json.encode(plan))

    def verbs(services: Any) -> dict[str, Verb]:
        async def look() -> str:
            return str(services._env.get(LIMIT, "none"))

        return {"look": look}

    assert [*give(StoreLocation(secure_folder.path), {}, verbs, [("look",)], command="gbike look")] == [Done(True, "1")]


def test_a_stopped_folder_is_held_by_the_name_of_the_verb(secure_folder: DataFolder) -> None:
    """`gbike events dead replay` is what somebody who waits for the folder is told of, not the order `replay`."""

    def verbs(_services: Any) -> dict[str, Verb]:
        async def look() -> str:
            holder = secure_folder.holder()
            return holder.command if holder else "nobody"

        return {"look": look}

    done = give(StoreLocation(secure_folder.path), {}, verbs, [("look",)], command="gbike events dead replay")
    assert [*done] == [Done(True, "gbike events dead replay")]


def test_a_verb_beside_one_store_takes_the_defaults_of_its_process(tmp_path: Path) -> None:
    nothing, store = DataFolder(tmp_path), {"GBIKE_STORE_URL": "postgresql://x/rent"}
    assert settings_of(nothing, store)[LIMIT] == "1"
    assert LIMIT not in settings_of(nothing, {**store, "GBIKE_DEMO": "1"})
    assert LIMIT not in settings_of(nothing, {})


def test_settings_are_shown_with_the_defaults_of_both_forms() -> None:
    [row] = [row for spec in specs() for row in setting_rows(spec.settings, {}) if row.name == LIMIT]
    assert (row.value, row.demo, row.secure) == ("", "0", "1")
    done = CliRunner().invoke(app, ["settings", "rent"], env={LIMIT: "2"})
    assert f"{LIMIT}=2  (demo 0, secure 1) {row.meaning}" in done.output


def test_a_url_is_shown_without_its_password() -> None:
    [account] = [spec for spec in specs() if spec.name == "account"]
    set_to = {"GBIKE_SMTP_URL": "smtp://gbike:s3cret%40@mail.example:587", "GBIKE_PUBLIC_URL": "https://bikes.example"}
    shown = {row.name: row.value for row in setting_rows(account.settings, set_to)}
    assert shown["GBIKE_SMTP_URL"] == "smtp://…@mail.example:587"
    assert shown["GBIKE_PUBLIC_URL"] == "https://bikes.example"
