"""Every page of the operator's console, as a screenshot or an examiner wants to see it."""

import itertools

from tests.pages.browser import Demo, Rider, eventually
from tests.pages.views import View, at

STORIED = 6601
_free = itertools.count(700_001)
"""Numbers that no bike has yet."""
FILE = """번호,위치,배터리,위도,경도
{free},"분당 정자역, 1구역",100,37.3671,127.1080
{free},분당_정자역_2구역,90,37.3655,127.1071
1001,분당_정자역_1구역,80,37.3670,127.1083
{next},분당_미금역_1구역,180,37.3500,127.1089
{last},분당_미금역_1구역,50,137.35,127.1089
"""


def _storied(rider: Rider, demo: Demo) -> None:
    """A bike that was registered, reported and ridden, and is ridden again."""
    demo.register(STORIED, "분당_정자역_2구역")
    if demo.ask("GET", f"/bikes/{STORIED}")["status"] == "사용가능":
        demo.ask(
            "POST", "/bikeManageApps", {"managerid": 1001, "bikeid": STORIED, "batterylevel": 64, "usableyn": True}
        )
        rent = demo.ask("POST", "/rents", {"userid": 1001, "bikeid": STORIED})
        demo.ask("PATCH", f"/rents/{rent['rentid']}", {"endlocation": "분당_미금역_1구역"})
        eventually(lambda: demo.ask("GET", f"/bikes/{STORIED}")["status"] == "사용가능")
        demo.ask("POST", "/rents", {"userid": 1002, "bikeid": STORIED})
    at(f"#/bike/{STORIED}", ".story .bills")(rider, demo)


def _dry_run(rider: Rider, demo: Demo) -> None:
    choose(rider, FILE.format(free=next(_free), next=next(_free), last=next(_free)).encode("cp949"))
    rider.page.locator(".verdict.bad").first.wait_for()
    rider.page.locator("button.big.primary").wait_for()


def _asked(rider: Rider, demo: Demo) -> None:
    choose(rider, f"bikeid,lat,lat,lon\n{next(_free)},37.1,37.2,127\n".encode())
    rider.page.locator(".imports .notice").first.wait_for()


def _imported(rider: Rider, demo: Demo) -> None:
    _dry_run(rider, demo)
    rider.page.locator("button.big.primary").click()
    rider.page.locator("a.big").first.wait_for()


def choose(rider: Rider, data: bytes, name: str = "bikes.csv") -> None:
    """A file on the page that adds bikes."""
    rider.go("#/add")
    file = rider.page.locator("input[type=file]")
    file.set_input_files([{"name": name, "mimeType": "text/csv", "buffer": data}])
    rider.page.locator(".imports .table").wait_for()


def _charts(rider: Rider, demo: Demo) -> None:
    at("#/charts", ".bars")(rider, demo)
    rider.page.locator(".plot").first.wait_for()


def _map(rider: Rider, demo: Demo) -> None:
    at("#/?view=map", "canvas.signs[data-signs]")(rider, demo)
    rider.page.locator(".big-map").scroll_into_view_if_needed()


def _fleet(rider: Rider, demo: Demo) -> None:
    at("#/", ".rows .battery .charge")(rider, demo)
    if rider.page.locator(".big-map").count():
        rider.page.locator("canvas.signs").wait_for()


def _asks(hash: str, number: int, within: str = ".acts") -> View:
    """A dialog of an act; of the last ride where the address lacks one."""

    def view(rider: Rider, demo: Demo) -> None:
        while rider.page.locator("dialog[open]").count():  # the last view's, on the same page
            rider.page.keyboard.press("Escape")
            rider.page.locator("dialog[open]").wait_for(state="detached")
        rides = demo.ask("GET", "/rents?status=rented")["_embedded"]["rents"]
        rider.go(hash + str(rides[-1]["rentid"]) if hash.endswith("/") else hash)
        rider.page.locator(f"{within} button").nth(number).click()
        rider.page.locator("dialog[open] textarea").wait_for()

    return view


def _chosen(rider: Rider, demo: Demo) -> None:
    at("#/bikes", ".rows .check input")(rider, demo)
    rider.page.locator(".head .check input").check()
    rider.page.locator(".chosen-bikes").wait_for()


CONSOLE_VIEWS: dict[str, View] = {
    "fleet": _fleet,
    "none-found": at("#/?q=nowhere", ".empty"),
    "signs": at("#/signs", ".plate"),
    "bikes": at("#/bikes", ".rows .charge"),
    "chosen-bikes": _chosen,
    "no-bikes": at("#/bikes?q=nowhere", ".empty"),
    "bike": _storied,
    "events": at(f"#/bike/{STORIED}?show=events", ".story .events"),
    "edit-bike": _asks(f"#/bike/{STORIED}", 0),
    "unknown": at("#/bike/404404", ".notice"),
    "hold-bike": _asks(f"#/bike/{STORIED}", 1),
    "rides": at("#/rides", ".rows .ride"),
    "ride": at("#/ride/1", ".acts, .card .facts"),
    "unknown-ride": at("#/ride/404404", ".notice"),
    "end-ride": _asks("#/ride/", 0),
    "void-ride": _asks("#/ride/", 1),
    "riders": at("#/riders", ".rows .sum"),
    "rider": at("#/rider/1001", ".rows .sum"),
    "rider-rides": at("#/rider/1001?show=rides", ".server-list"),
    "block": _asks("#/rider/1001", 0),
    "no-deposit": at("#/rider/404404", ".notice"),
    "debts": at("#/debts", ".server-list"),
    "add": at("#/add", "#given-bikeid"),
    "dry-run": _dry_run,
    "questions": _asked,
    "imported": _imported,
    "bills": at("#/money", ".rows .sum"),
    "bill": at("#/bill/1", ".card .facts"),
    "people": at("#/people", ".server-list"),
    "invite": _asks("#/people", 0, ".top"),
    "invitations": at("#/people?show=invitations", ".server-list"),
    "managers": at("#/people?show=managers", ".rows .sum"),
    "points": at("#/manager/1001", ".rows .sum"),
    "audit": at("#/audit", ".trail li"),
    "charts": _charts,
    "system": at("#/system", ".breakers"),
    "map": _map,
    "nowhere": at("#/nowhere", ".big.quiet"),
}
