"""The jobs of an operator's day (docs/operate/day.md), done with the console's buttons alone, in both languages; each
leaves what it has to in the audit log."""

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser

from tests.pages.browser import eventually
from tests.pages.day import WHY, Day, started, won
from tests.pages.day_words import EN, KO

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
OUT = {"held": True, "status": "사용중"}
IN = {"held": False, "status": "사용가능"}
ROOT = Path(__file__).parents[2]
Old = dict[str, dict[str, Any]]
"""The rides that began long ago."""


@pytest.fixture(scope="module", params=[pytest.param(KO, id="ko"), pytest.param(EN, id="en", marks=FULL)])
def begun(
    browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Day, Old]]:
    """One town for all jobs of a language."""
    with started(browser, request.param, tmp_path_factory.mktemp("letters") / "letters.jsonl") as found:
        yield found


@pytest.fixture
def day(begun: tuple[Day, Old]) -> Day:
    return begun[0]


@pytest.fixture
def old(begun: tuple[Day, Old]) -> Old:
    return begun[1]


def test_01_see_in_the_morning_what_waits(day: Day) -> None:
    owing = day.rider(0)
    day.town.admin("POST", f"/userDeposits/{owing}/corrections", {"amount": -500, "reason": "a cheque that bounced"})
    for figure, path, title in (
        ("overdue figure", "#/rides?overdue=true", "rides page"),
        ("past due", "#/bikes?due=past", "bikes page"),
        ("owing", "#/debts", "owing"),
    ):
        page = day.go("#/")
        page.locator(".figure").filter(has_text=day.words[figure]).get_by_role("link").click()
        page.wait_for_function("(hash) => location.hash === hash", arg=path)
        page.get_by_role("heading", level=1, name=day.words[title]).wait_for()
    page.locator(".rows").get_by_role("link", name=day.words["rider"].format(owing), exact=True).wait_for()


def test_02_find_a_bike_by_number_label_and_place(day: Day) -> None:
    bikeid = day.bike(label="FIND-7", location="찾는_구역")
    page = day.go("#/bikes")
    for asked in (str(bikeid), "find-7", "찾는"):
        page.get_by_label(day.words["search"], exact=True).fill(asked)
        page.locator(".rows").get_by_role("row").filter(has_text="FIND-7").wait_for()
    page.locator(".rows").get_by_role("link", name=str(bikeid), exact=True).click()
    page.get_by_role("heading", name=day.words["bike"].format(bikeid)).wait_for()


def test_03_take_a_bike_out_of_service_with_a_due_day(day: Day) -> None:
    bikeid = day.bike()
    page = day.go(f"#/bike/{bikeid}")
    day.press("hold")
    day.confirm(day.asks("hold it?", bikeid), due_day="2099-01-31")
    page.locator(".holds li").get_by_text(WHY).wait_for()
    day.on_record("bike", "bike held", f"bike:{bikeid}", IN, {**OUT, "holder": "staff"})
    assert day.deeds("bike", "bike held", f"bike:{bikeid}")[0]["after"]["due"].startswith("2099-01-31")


def test_04_put_it_back(day: Day) -> None:
    bikeid = day.bike()
    day.town.admin("PUT", f"/bikes/{bikeid}/holds/staff", {"reason": "a flat tyre"})
    page = day.go(f"#/bike/{bikeid}")
    day.press("back in service")
    day.confirm(day.asks("back?", bikeid))
    page.locator(".holds").wait_for(state="detached")
    day.on_record("bike", "bike released", f"bike:{bikeid}", OUT, {**IN, "holder": "staff"})


def test_05_do_it_to_many_at_once(day: Day) -> None:
    bikes = [day.bike(location="여럿_구역") for _ in range(3)]
    page = day.go("#/bikes?place=여럿_구역")
    page.locator(".head .check input").check()
    day.press("hold", within=page.locator(".chosen-bikes"))
    named = ", ".join(map(str, bikes))
    day.confirm(day.asks("hold many?", named, len(bikes)))
    page.locator(".bulk").get_by_text(day.words["all done"].format(len(bikes))).wait_for()
    for bikeid in bikes:
        day.on_record("bike", "bike held", f"bike:{bikeid}", IN, OUT)
    day.press("close", within=page.locator(".bulk"))


def test_06_say_where_a_bike_stands(day: Day) -> None:
    bikeid = day.bike(lat=37.36, lon=127.11)
    day.go(f"#/bike/{bikeid}")
    day.press("edit")
    dialog = day.asks("edit?", bikeid)
    dialog.locator(".pick-map .here").wait_for()
    dialog.locator(".pick-map").click(position={"x": 200, "y": 60})
    day.confirm(dialog, place="탄천_다리")
    now = day.get(f"/bikes/{bikeid}")
    assert now["location"] == "탄천_다리"
    assert 0 < abs(now["lat"] - 37.36) < 0.1
    day.on_record("bike", "bike changed", f"bike:{bikeid}", IN, {**IN, "moved": True})


def test_07_change_label_and_charge(day: Day) -> None:
    bikeid = day.bike(label="OLD-7")
    day.go(f"#/bike/{bikeid}")
    day.press("edit")
    day.confirm(day.asks("edit?", bikeid), label="NEW-7", percent="100")
    before, after = {"label": "OLD-7", "batterylevel": 80}, {"label": "NEW-7", "batterylevel": 100}
    day.on_record("bike", "bike changed", f"bike:{bikeid}", before, after)


def test_08_retire_a_bike_and_take_it_back(day: Day) -> None:
    bikeid = day.bike()
    page = day.go(f"#/bike/{bikeid}")
    day.press("retire")
    day.confirm(day.asks("retire it?", bikeid))
    page.get_by_role("button", name=day.words["unretire"], exact=True).wait_for()
    day.on_record("bike", "bike retired", f"bike:{bikeid}", {"retired": None}, {"retired": True})
    day.press("unretire")
    day.confirm(day.asks("unretire?", bikeid))
    page.get_by_role("button", name=day.words["retire"], exact=True).wait_for()
    day.on_record("bike", "bike unretired", f"bike:{bikeid}", {"retired": True}, {"retired": None})


def test_09_print_signs(day: Day) -> None:
    page = day.go("#/")
    page.get_by_label(day.words["search"], exact=True).fill("표지")
    page.get_by_role("link", name=day.words["print signs"]).click()
    page.get_by_text(day.words["signs on sheets"].format(len(day.to_print), 1).replace("sheets", "sheet")).wait_for()
    page.evaluate("() => { window.print = () => { document.title = 'printed'; }; }")
    day.press("print")
    eventually(lambda: page.title() == "printed")


def test_10_read_the_story_of_a_bike(day: Day) -> None:
    bill = day.ridden()
    bikeid = day.get(f"/rents/{bill['rentid']}")["bikeid"]
    day.town.admin("PUT", f"/bikes/{bikeid}/holds/staff", {"reason": "a bent wheel"})
    page = day.go(f"#/bike/{bikeid}")
    ride = page.locator(".story").get_by_role("link", name=day.words["ride"].format(bill["rentid"])).first
    ride.wait_for()
    day.press("deeds")
    line = page.locator(".story li").filter(has_text=day.words["story hold"])
    line.get_by_text(day.words["because"].format("a bent wheel").removeprefix("Because: ")).wait_for()
    day.press("all")
    ride.click()
    page.get_by_role("heading", level=1, name=day.words["ride"].format(bill["rentid"])).wait_for()
    day.looked("rent", f"user:{bill['userid']}", "rides")


def test_11_find_overdue_rides_and_reach_the_rider(day: Day, old: Old) -> None:
    ride = old["late"]
    page = day.go("#/rides")
    late = page.get_by_role("region", name=day.words["overdue"])
    late.get_by_role("link", name=day.words["ride"].format(ride["rentid"]), exact=True).click()
    day.press("show contact")
    page.get_by_text("rider.late@example.org").wait_for()
    day.looked("account", f"user:{ride['userid']}", "account")


def test_12_end_a_ride_at_an_earlier_moment(day: Day, old: Old) -> None:
    ride = old["over"]
    rentid, subject = ride["rentid"], f"user:{ride['userid']}"
    page = day.go(f"#/ride/{rentid}")
    wanted = (datetime.fromisoformat(ride["starttime"]) + timedelta(minutes=30)).replace(microsecond=0)
    here = ZoneInfo(page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone"))
    day.press("end")
    local = wanted.astimezone(here).strftime("%Y-%m-%dT%H:%M:%S")
    day.confirm(day.asks("end of", rentid, ride["bikeid"]), ended_at=local)
    page.locator("main .status").first.get_by_text(day.words["returned"]).wait_for()
    after = {"status": "returned", "rentid": rentid}
    day.on_record("rent", "ride ended", subject, {"status": "rented", "rentid": rentid}, after)
    assert datetime.fromisoformat(day.deeds("rent", "ride ended", subject)[0]["after"]["endtime"]) == wanted
    assert datetime.fromisoformat(day.get(f"/rents/{rentid}")["endtime"]) == wanted


def test_13_void_a_ride(day: Day, old: Old) -> None:
    ride = old["void"]
    rentid = ride["rentid"]
    page = day.go(f"#/ride/{rentid}")
    day.press("void")
    dialog = page.get_by_role("dialog", name=day.words["void of"].split("{}")[0] + str(rentid))
    day.confirm(dialog)
    page.locator("main .status").first.get_by_text(day.words["is void"]).wait_for()
    after = {"status": "returned", "rentid": rentid}
    day.on_record("rent", "ride voided", f"user:{ride['userid']}", {"status": "rented", "rentid": rentid}, after)
    assert day.bill(rentid)["fee"] == 0


def test_14_find_a_rider_by_name_contact_and_number(day: Day) -> None:
    userid = day.account("Zebulon Pike")
    page = day.go("#/riders")
    for searches, asked in enumerate(("Zebu", day.contact("Zebulon Pike"), str(userid)), start=1):
        page.get_by_role("searchbox", name=day.words["find"]).fill(asked)
        day.press("look up")
        eventually(partial(day.searched, searches, found=1))
        page.locator("section").get_by_text("Zebulon Pike").wait_for()
    page.get_by_role("link", name=day.words["rider"].format(userid)).first.click()
    page.get_by_role("heading", name=day.words["rider"].format(userid)).wait_for()


def test_15_block_a_rider_and_unblock(day: Day) -> None:
    userid = day.rider()
    page, subject = day.go(f"#/rider/{userid}"), f"user:{userid}"
    standing = page.locator(".card .status").first
    day.press("block")
    day.confirm(day.asks("block of", userid))
    standing.get_by_text(day.words["is blocked"]).wait_for()
    day.on_record("user_deposit", "rider blocked", subject, {"blocked": False}, {"blocked": True})
    day.press("unblock")
    day.confirm(day.asks("unblock of", userid))
    standing.get_by_text(day.words["may rent"]).wait_for()
    day.on_record("user_deposit", "block ended", subject, {"blocked": True}, {"blocked": False})


def test_16_see_who_owes_and_top_up_by_hand(day: Day) -> None:
    userid = day.rider(0)
    day.town.admin("POST", f"/userDeposits/{userid}/corrections", {"amount": -700, "reason": "a cheque that bounced"})
    page = day.go("#/debts")
    page.locator(".rows").get_by_role("link", name=day.words["rider"].format(userid), exact=True).click()
    page.locator(".facts").get_by_text(f"−{won(700, day.words)}").wait_for()
    day.press("top up")
    day.confirm(day.asks("top up of", userid), amount="5,000")
    page.locator(".facts").get_by_text(won(4_300, day.words)).wait_for()
    day.on_record("user_deposit", "deposit topped up", f"user:{userid}", {"deposit": -700}, {"deposit": 4_300})


def test_17_give_back_a_part_of_a_fee(day: Day) -> None:
    bill = day.ridden()
    billid, userid = bill["billid"], bill["userid"]
    fee = bill["fee"]
    page = day.go(f"#/bill/{billid}")
    day.press("give back")
    day.confirm(day.asks("give back of", billid, userid), won_back=str(fee // 2))
    page.locator(".rows").get_by_text(WHY).wait_for()
    after = {"refunded": fee // 2, "billid": billid}
    day.on_record("billing", "bill corrected", f"user:{userid}", {"refunded": 0}, after)
    eventually(lambda: day.get(f"/userDeposits/{userid}")["deposit"] == 10_000 - fee + fee // 2)


def test_18_take_the_bills_of_a_month_to_the_accountant(day: Day) -> None:
    bill = day.ridden()
    day_of_it = datetime.fromisoformat(bill["starttime"]).astimezone(ZoneInfo("Asia/Seoul")).date()
    page = day.go("#/money")
    page.get_by_label(day.words["from"]).fill(day_of_it.replace(day=1).isoformat())
    page.get_by_label(day.words["to"]).fill(day_of_it.isoformat())
    page.wait_for_function("location.hash.includes('to=')")
    page.locator(".rows").get_by_text(day.words["bill"].format(bill["billid"]), exact=True).wait_for()
    page.get_by_text(day.words["csv"]).click()
    with page.expect_download() as coming:
        day.press("excel")
    head, *rows = coming.value.path().read_text("cp949").splitlines()
    assert head.startswith("billid,")
    assert str(bill["billid"]) in [row.split(",")[0] for row in rows]
    (row,) = day.deeds("billing", "list exported", "list:/billings")
    assert (row["who"], row["after"]) == (str(day.operator), {"filters": ["from", "to"]})


def test_19_invite_staff_change_roles_and_reset_a_second_factor(day: Day) -> None:
    contact = "new.staff@example.org"
    page = day.go("#/people")
    day.press("invite")
    day.confirm(day.asks("whom"), contact=contact)
    link = page.get_by_role("region", name=day.words["link"])
    assert "#/invited/" in link.locator(".code").inner_text()
    (made,) = day.get("/accounts/invitations")["_embedded"]["invitations"]
    roles = ["rider", "bikeManager"]
    day.on_record("account", "invited", f"invitation:{made['invitationid']}", {}, {"roles": roles})
    userid = day.account("Lee Staff")
    day.with_codes(userid)
    page = day.go(f"#/rider/{userid}")
    day.press("show contact")
    page.get_by_role("link", name=day.words["account"].format(userid)).click()
    for chosen, before, after in ((roles, ["rider"], roles), (["rider"], roles, ["rider"])):
        day.press("grant")
        day.confirm(day.asks("grant of", userid), roles=",".join(chosen))
        day.on_record("account", "roles granted", f"user:{userid}", {"roles": before}, {"roles": after})
    day.press("reset")
    day.confirm(day.asks("reset?", userid))
    page.locator(".facts").get_by_text(day.words["no codes"], exact=True).wait_for()
    wanted = {"codes_wanted": True}, {"codes_wanted": False}
    day.on_record("account", "authenticator removed", f"user:{userid}", *wanted)
    day.looked("account", f"user:{userid}", "account")


def test_20_correct_points_and_read_who_did_what(day: Day) -> None:
    userid = day.account("Han Staff", "bikeManager")
    managerid = day.get(f"/accounts/{userid}")["managerid"]
    day.town.admin("POST", "/bikeManagers", {"managerid": managerid, "userid": userid, "point": 500})
    page = day.go(f"#/manager/{managerid}")
    day.press("points")
    day.confirm(day.asks("points of", managerid, 500), difference="-200")
    page.get_by_text(day.words["points now"].format(300)).first.wait_for()
    day.on_record("bike_manager", "points corrected", f"manager:{managerid}", {"points": 500}, {"points": 300})
    page = day.go(f"#/audit?subject=manager:{managerid}")
    page.get_by_text(day.words["whole"]).wait_for()
    row = page.locator(".trail li").filter(has_text=day.words["because"].format(WHY))
    row.get_by_text("500 → 300").wait_for()
    assert str(day.operator) in row.inner_text()
    page.get_by_label(day.words["deed"]).select_option("bike held")
    row.wait_for(state="detached")


def test_the_page_of_the_day_has_these_jobs_and_buttons_that_are_there() -> None:
    page = (ROOT / "docs/operate/day.md").read_text("utf-8")
    tested = {int(name[5:7]) for name in globals() if re.match(r"test_[0-9]{2}_", name)}
    assert [int(number) for number in re.findall(r"^([0-9]+)\. ", page, re.MULTILINE)] == sorted(tested)
    texts = "".join(file.read_text("utf-8") for file in (ROOT / "src/gbike/web").rglob("*.js"))
    named = re.findall(r"\*\*([^*]+)\*\* \(((?:[^()]|\([^()]*\))+)\)", page)
    assert len(named) > 25
    assert [name for pair in named for name in pair if f"'{name}'" not in texts] == []
    known = "\n".join(
        (ROOT / "src/gbike/web/console" / file).read_text("utf-8") for file in ("main.js", "desk/routes.js")
    )
    addresses = set(re.findall(r"`#/([a-z]+)", page))
    assert [part for part in addresses if rf"^\/{part}" not in known] == []


def test_the_log_is_narrowed_to_any_act_that_a_service_puts_on_record() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "src/gbike").rglob("*.py"))
    written = set(re.findall(r'audit\(\s*"([^"{]+)"', sources))
    offered = (ROOT / "src/gbike/web/console/desk/deeds.js").read_text("utf-8")
    assert len(written) > 20
    assert [act for act in written if f"'{act}'" not in offered and f'"{act}"' not in offered] == []
