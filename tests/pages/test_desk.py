"""The operator's desk, in a real browser: every act says what it did, leaves its page true, and is on record."""

import itertools
import os
import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page

from gbike.kit.storage.sqlite.store import open_file
from gbike.run.folder.data_folder import DataFolder
from tests.pages.browser import Demo, Rider, eventually
from tests.pages.conftest import NewOperator
from tests.pages.desk_words import EN, KO
from tests.pages.words import Words

pytestmark = pytest.mark.timeout(300)
FULL = pytest.mark.skipif(not os.environ.get("GBIKE_FULL"), reason="only at full size: GBIKE_FULL=1")
BOTH = pytest.mark.parametrize("words", [pytest.param(KO, id="ko"), pytest.param(EN, id="en", marks=FULL)])
WHY = "the lock stood open"
"""The reason of every act here."""
SEOUL = "Asia/Seoul"
"""Where the operator's browser is."""
_riders = itertools.count(8_001)
_people = itertools.count(1)


def won(amount: int, words: Words) -> str:
    """An amount as it is written there."""
    return f"{amount:,}원" if words is KO else f"₩{amount:,}"


def new_rider(demo: Demo, deposit: int = 10_000) -> int:
    """Somebody with a deposit."""
    userid = next(_riders)
    demo.ask("POST", "/userDeposits", {"userid": userid, "deposit": deposit})
    return userid


def new_account(demo: Demo, name: str) -> int:
    """Somebody who signed up; as the address says whose it is, it is the newest."""
    contact = f"rider{next(_people)}@example.org"
    demo.ask("POST", "/accounts", {"name": name, "contact": contact, "password": "a bicycle at dawn"})
    found = demo.ask("GET", "/accounts?size=1000")["_embedded"]["accounts"]
    return int(next(one["userid"] for one in found if one["contact"] == contact))


def ridden(demo: Demo) -> tuple[int, dict[str, Any]]:
    """A rider who rode, and the bill, which is closed."""
    userid = new_rider(demo)
    rent = demo.ask("POST", "/rents", {"userid": userid, "bikeid": demo.new_bike()})
    demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "여기"})
    return userid, eventually(lambda: closed(demo, rent["rentid"]))


def closed(demo: Demo, rentid: int) -> dict[str, Any] | None:
    """The bill of a ride, once it is closed."""
    (bill,) = demo.ask("GET", f"/billings?rentid={rentid}")["_embedded"]["billings"] or [None]
    return bill if bill and bill["status"] == "CLOSEBILL" else None


def began_before(demo: Demo, rentid: int, minutes: int) -> None:
    """A ride that has lasted so long."""
    with closing(open_file(DataFolder(demo.folder).store_path("rent"))) as store:
        sql = "UPDATE rents SET started_ms = started_ms - ?, start_boot_ms = start_boot_ms - ? WHERE rentid = ?"
        store.execute(sql, (minutes * 60_000, minutes * 60_000, rentid))


def deeds(demo: Demo, service: str, action: str, subject: str) -> list[dict[str, Any]]:
    """What is on record of something, newest first."""
    rows = demo.ask("GET", f"/audit/{service}?action={action.replace(' ', '%20')}&subject={subject}")["_embedded"]
    (found,) = rows.values()
    return list(found)


def act(page: Page, button: str, title: str, words: Words, **fields: str) -> Locator:
    """Open the dialog that a button asks with, fill it, and send it."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog", name=title)
    for label, value in fields.items():
        field = dialog.get_by_label(words[label.replace("_", " ")])
        if field.evaluate("(one) => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    dialog.get_by_label(words["reason"]).fill(WHY)
    dialog.locator("[type=submit]").click()
    return dialog


def do(page: Page, button: str, title: str, words: Words, **fields: str) -> None:
    """The same, and it is done: the dialog is gone."""
    dialog = act(page, button, title, words, **fields)
    eventually(lambda: not dialog.count() or dialog.locator(".notice, .wrong").count())
    assert dialog.count() == 0, dialog.inner_text()


def at(operator: NewOperator, words: Words, hash: str) -> Rider:
    """The console at one of its pages."""
    one = operator(words["locale"], timezone_id=SEOUL)
    one.go(hash)
    return one


@BOTH
def test_a_ride_is_followed_and_ended_at_the_moment_when_it_was_over(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    userid, bikeid = new_rider(demo), demo.new_bike()
    rent = demo.ask("POST", "/rents", {"userid": userid, "bikeid": bikeid})
    began_before(demo, rent["rentid"], 90)
    one = at(operator, words, f"#/ride/{rent['rentid']}")
    page = one.page
    page.get_by_role("link", name=words["rider"].format(userid)).wait_for()
    began = datetime.fromisoformat(demo.ask("GET", f"/rents/{rent['rentid']}")["starttime"])
    wanted = (began + timedelta(minutes=30)).replace(microsecond=0)
    local = wanted.astimezone(ZoneInfo(SEOUL)).strftime("%Y-%m-%dT%H:%M:%S")
    title = words["end of"].format(rent["rentid"], bikeid)
    do(page, words["end"], title, words, ended_at=local)
    one.see(words["ended"])
    page.locator("main .status").first.get_by_text(words["returned"]).wait_for()
    over = demo.ask("GET", f"/rents/{rent['rentid']}")
    assert datetime.fromisoformat(over["endtime"]) == wanted
    (deed,) = deeds(demo, "rent", "ride ended", f"user:{userid}")
    assert deed["after"]["reason"] == WHY
    page.get_by_role(
        "link", name=words["bill"].format(eventually(lambda: closed(demo, rent["rentid"]))["billid"])
    ).wait_for()


@BOTH
def test_a_ride_is_voided_after_a_question_that_names_it(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid, bikeid = new_rider(demo), demo.new_bike()
    rentid = demo.ask("POST", "/rents", {"userid": userid, "bikeid": bikeid})["rentid"]
    began_before(demo, rentid, 30)
    one = at(operator, words, f"#/ride/{rentid}")
    title = words["void of"].format(rentid, bikeid, 30)
    do(one.page, words["void"], title, words)
    one.see(words["voided"])
    one.page.locator("main .status").first.get_by_text(words["is void"]).wait_for()
    assert eventually(lambda: closed(demo, rentid))["fee"] == 0
    (deed,) = deeds(demo, "rent", "ride voided", f"user:{userid}")
    assert deed["after"]["reason"] == WHY


@BOTH
def test_overdue_rides_stand_on_top(operator: NewOperator, demo: Demo, words: Words) -> None:
    rents = [demo.ask("POST", "/rents", {"userid": new_rider(demo), "bikeid": demo.new_bike()}) for _ in (0, 1)]
    began_before(demo, rents[0]["rentid"], 180)
    one = at(operator, words, "#/rides")
    late = one.page.get_by_role("region", name=words["overdue"])
    late.get_by_role("link", name=words["ride"].format(rents[0]["rentid"]), exact=True).wait_for()
    assert late.get_by_text(words["ride"].format(rents[1]["rentid"]), exact=True).count() == 0
    assert late.locator(".status.late").count() >= 1


@BOTH
def test_a_contact_is_shown_behind_a_click_that_is_on_record(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_account(demo, "Kim Minji")
    one = at(operator, words, f"#/rider/{userid}")
    one.see(words["look is kept"])
    assert one.page.get_by_text("Kim Minji").count() == 0
    one.page.get_by_role("button", name=words["show contact"]).click()
    one.see("Kim Minji")
    assert deeds(demo, "account", "looked at", f"user:{userid}")[0]["after"]["what"] == "account"


@BOTH
def test_riders_are_found_by_name_contact_and_number(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_account(demo, "Zebulon Pike")
    one = at(operator, words, "#/riders")
    field = one.page.get_by_role("searchbox", name=words["find"])
    for asked in ("Zebu", str(userid)):
        field.fill(asked)
        one.page.get_by_role("button", name=words["look up"]).click()
        one.see("Zebulon Pike")
        assert "Zebu" not in one.page.url
    one.page.get_by_role("link", name=words["rider"].format(userid)).first.click()
    one.page.get_by_role("heading", name=words["rider"].format(userid)).wait_for()


@BOTH
def test_a_rider_is_blocked_and_it_can_be_undone(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_rider(demo)
    one = at(operator, words, f"#/rider/{userid}")
    page, standing = one.page, one.page.locator(".card .status").first
    standing.get_by_text(words["may rent"]).wait_for()
    do(page, words["block"], words["block of"].format(userid), words)
    standing.get_by_text(words["is blocked"]).wait_for()
    assert demo.ask("GET", f"/userDeposits/{userid}")["blocked"]["reason"] == WHY
    page.get_by_role("button", name=words["undo"]).click()
    one.see(words["undone"])
    standing.get_by_text(words["may rent"]).wait_for()
    do(page, words["block"], words["block of"].format(userid), words)
    do(page, words["unblock"], words["unblock of"].format(userid), words)
    standing.get_by_text(words["may rent"]).wait_for()
    assert demo.ask("GET", f"/userDeposits/{userid}")["blocked"] is None


@BOTH
def test_money_is_paid_in_and_corrected_by_hand(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_rider(demo)
    one = at(operator, words, f"#/rider/{userid}")
    page = one.page
    do(page, words["top up"], words["top up of"].format(userid), words, amount="5,000")
    page.locator(".facts").get_by_text(won(15_000, words)).wait_for()
    title = words["correct of"].format(userid, won(15_000, words))
    do(page, words["correct"], title, words, difference="-20,000")
    page.locator(".facts").get_by_text(f"−{won(5_000, words)}").wait_for()
    page.locator(".rows").get_by_text(words["by hand"]).first.wait_for()
    one.go("#/debts")
    page.locator(".rows").get_by_role("link", name=words["rider"].format(userid), exact=True).wait_for()


@BOTH
def test_the_first_money_of_a_rider_is_paid_in_by_hand_too(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_account(demo, "Han Newcomer")
    one = at(operator, words, f"#/rider/{userid}")
    one.see(words["no deposit"])
    assert one.page.get_by_role("button", name=words["correct"], exact=True).count() == 0  # of nothing
    do(one.page, words["top up"], words["top up of"].format(userid), words, amount="5,000")
    one.page.locator(".facts").get_by_text(won(5_000, words)).wait_for()
    assert demo.ask("GET", f"/userDeposits/{userid}")["deposit"] == 5_000
    (opened,) = deeds(demo, "user_deposit", "deposit opened", f"user:{userid}")
    assert opened["after"]["reason"] == WHY


@BOTH
def test_a_part_of_a_fee_is_given_back_and_never_more_than_is_left(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    userid, bill = ridden(demo)
    billid, fee = bill["billid"], bill["fee"]
    one = at(operator, words, f"#/bill/{billid}")
    page = one.page
    title = words["give back of"].format(billid, userid)
    page.get_by_role("button", name=words["give back"], exact=True).wait_for()
    demo.ask("POST", f"/billings/{billid}/corrections", {"amount": fee // 2, "reason": "somebody else was faster"})
    dialog = act(page, words["give back"], title, words, won_back=str(fee))
    dialog.get_by_text(words["too much"]).wait_for()
    dialog.get_by_label(words["won back"]).fill(str(fee - fee // 2))
    dialog.locator("[type=submit]").click()
    dialog.wait_for(state="detached")
    one.see(words["given back"])
    one.see(words["all given back"])
    page.locator(".rows").get_by_text(WHY).wait_for()
    after = demo.ask("GET", f"/billings/{billid}")
    assert (after["fee"], after["refunded"]) == (fee, fee)
    eventually(lambda: demo.ask("GET", f"/userDeposits/{userid}")["deposit"] == 10_000)


@BOTH
def test_somebody_is_invited_and_the_invitation_revoked(operator: NewOperator, demo: Demo, words: Words) -> None:
    contact = f"staff{next(_people)}@example.org"
    one = at(operator, words, "#/people")
    page = one.page
    do(page, words["invite"], words["whom"], words, contact=contact)
    link = page.get_by_role("region", name=words["link"])
    assert link.locator(".code").inner_text().startswith(f"{demo.url}/app/#/invited/")  # whole: to be passed on
    page.get_by_role("button", name=words["open invitations"], exact=True).click()
    row = page.get_by_role("row").filter(has_text=contact)
    row.get_by_role("button", name=words["revoke"]).click()
    dialog = page.get_by_role("dialog", name=words["revoke of"].format(contact))
    dialog.get_by_label(words["reason"]).fill(WHY)
    dialog.locator("[type=submit]").click()
    dialog.wait_for(state="detached")
    row.wait_for(state="detached")


@BOTH
def test_roles_are_changed(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_account(demo, "Lee Staff")
    one = at(operator, words, f"#/people/{userid}")
    title = words["grant of"].format(userid)
    do(one.page, words["grant"], title, words, roles="rider,bikeManager")
    one.page.locator(".facts").get_by_text(words["granted"]).wait_for()
    assert set(demo.ask("GET", f"/accounts/{userid}")["roles"]) == {"rider", "bikeManager"}
    assert deeds(demo, "account", "roles granted", f"user:{userid}")[0]["after"]["reason"] == WHY


@BOTH
def test_a_second_factor_that_was_lost_is_reset(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_account(demo, "Park Locked")
    with closing(open_file(DataFolder(demo.folder).store_path("account"))) as store:
        store.execute("UPDATE accounts SET codes_wanted = 1 WHERE userid = ?", (userid,))
    one = at(operator, words, f"#/people/{userid}")
    do(one.page, words["reset"], words["reset of"].format(userid), words)
    one.page.get_by_role("button", name=words["reset"]).wait_for(state="detached")
    assert demo.ask("GET", f"/accounts/{userid}")["codes"] is False
    assert deeds(demo, "account", "authenticator removed", f"user:{userid}")[0]["after"]["reason"] == WHY


@BOTH
def test_points_are_corrected_by_hand(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_rider(demo)
    managerid = demo.ask("POST", "/bikeManagers", {"userid": userid, "point": 500})["managerid"]
    one = at(operator, words, f"#/manager/{managerid}")
    title = words["points of"].format(managerid, 500)
    do(one.page, words["points"], title, words, difference="-200")
    one.see(words["points now"].format(300))
    one.page.locator(".rows").get_by_text(words["by hand"]).wait_for()
    assert demo.ask("GET", f"/bikeManagers/{managerid}")["point"] == 300


@BOTH
def test_the_log_tells_who_did_what_and_why_and_that_it_is_whole(
    operator: NewOperator, demo: Demo, words: Words
) -> None:
    userid = new_rider(demo)
    demo.ask("POST", f"/userDeposits/{userid}/corrections", {"amount": 700, "reason": WHY})
    one = at(operator, words, f"#/audit?subject=user:{userid}")
    one.see(words["whole"])
    row = one.page.locator(".trail li").filter(has_text=words["because"].format(WHY))
    row.get_by_text(f"{won(10_000, words)} → {won(10_700, words)}").wait_for()
    assert row.get_by_role("link", name=words["rider"].format(userid).lower()).count() == 1
    one.reload(row)
    assert one.page.get_by_label(words["about"]).input_value() == f"user:{userid}"


@BOTH
def test_the_log_tells_a_report_in_words(operator: NewOperator, demo: Demo, words: Words) -> None:
    bikeid = demo.new_bike()
    report = {"managerid": 1001, "bikeid": bikeid, "batterylevel": 30, "usableyn": False, "fault": "brake"}
    demo.ask("POST", "/bikeManageApps", report)
    one = at(operator, words, f"#/audit?subject=bike:{bikeid}")
    told = one.page.locator(".trail .changes", has_text=words["broken brake"])
    told.wait_for()
    assert "사용가능" not in one.page.locator(".trail").inner_text()


@BOTH
def test_a_movement_of_nothing_has_no_sign(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid, bikeid = new_rider(demo), demo.new_bike()
    rentid = demo.ask("POST", "/rents", {"userid": userid, "bikeid": bikeid})["rentid"]
    demo.ask("POST", f"/rents/{rentid}/void", {"reason": WHY})
    one = at(operator, words, f"#/rider/{userid}")
    one.page.locator(".rows .sum", has_text=re.compile(f"^{re.escape(won(0, words))}$")).wait_for()


@BOTH
def test_the_log_is_narrowed_in_the_words_in_which_it_tells(operator: NewOperator, demo: Demo, words: Words) -> None:
    userid = new_rider(demo)
    demo.ask("POST", f"/userDeposits/{userid}/corrections", {"amount": 700, "reason": WHY})
    one = at(operator, words, "#/audit")
    one.page.get_by_label(words["about"]).fill(words["rider"].format(userid))
    one.page.get_by_label(words["what was done"]).select_option(label=words["deposit corrected"])
    rows = one.page.locator(".trail li")
    rows.get_by_text(words["because"].format(WHY)).first.wait_for()
    eventually(lambda: rows.count() == 1)


def test_addresses_of_before_lead_on(operator: NewOperator) -> None:
    one = operator("en-US")
    one.go("#/money?rider=1001")
    one.page.get_by_role("heading", name="Rider 1001").wait_for()
    one.go("#/managers?manager=1001")
    one.page.get_by_role("heading", name="Manager 1001").wait_for()
    one.go("#/managers")
    one.page.get_by_role("heading", name="People").wait_for()


def test_the_bills_are_had_as_a_file(operator: NewOperator, demo: Demo) -> None:
    userid, bill = ridden(demo)
    one = operator("en-US")
    one.go(f"#/money?userid={userid}")
    one.page.locator(".rows").get_by_text(f"Bill {bill['billid']}").wait_for()
    one.page.get_by_text("As a file (CSV)").click()
    with one.page.expect_download() as coming:
        one.page.get_by_role("button", name="UTF-8").click()
    head, row = coming.value.path().read_text("utf-8-sig").split()[:2]
    assert head.startswith("billid,")
    assert row.startswith(f"{bill['billid']},")
