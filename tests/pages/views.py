"""Every page a rider may meet, as a screenshot or an examiner wants to see it."""

from collections.abc import Callable

from tests.pages.browser import Demo, Rider

View = Callable[[Rider, Demo], None]


def at(hash: str, wait: str) -> View:
    """The page of an address, when it shows what is waited for."""

    def view(rider: Rider, _demo: Demo) -> None:
        rider.go(hash)
        rider.page.locator(wait).first.wait_for()

    return view


def _taken(rider: Rider, demo: Demo) -> None:
    demo.register(6502, "분당_정자역_1구역")
    if demo.ask("GET", "/bikes/6502")["status"] == "사용가능":
        demo.ask("POST", "/rents", {"userid": 998, "bikeid": 6502})
    at("#/bike/6502", ".status.taken")(rider, demo)


def _riding(rider: Rider, demo: Demo) -> None:
    if not any(rent["status"] == "rented" for rent in demo.rents(rider.userid)):
        demo.ask("POST", "/rents", {"userid": rider.userid, "bikeid": demo.register(rider.userid, "분당_정자역_2구역")})
    rider.reload(rider.page.locator("nav"))
    at("#/ride", ".clock")(rider, demo)


def _returning(rider: Rider, demo: Demo) -> None:
    _riding(rider, demo)
    rider.page.get_by_role("link", name="반납하기").or_(rider.page.get_by_role("link", name="Return bike")).click()
    rider.leave_at("분당 미금역 1구역")


def _returned(rider: Rider, demo: Demo) -> None:
    _returning(rider, demo)
    rider.page.locator("button.big").click()
    rider.page.locator(".bill .status.free").wait_for()


def _no_camera(rider: Rider, demo: Demo) -> None:
    at("#/number", "#number")(rider, demo)
    rider.page.locator("button.quiet").click()
    rider.page.locator(".notice").wait_for()


def _complained(rider: Rider, demo: Demo) -> None:
    at(f"#/complain/{demo.new_bike()}", ".kinds")(rider, demo)
    rider.page.locator(".kinds label").first.click()
    rider.page.locator("button.big").click()
    rider.page.locator(".empty").wait_for()


def _map(rider: Rider, demo: Demo) -> None:
    rider.go("#/")
    rider.page.locator(".tabs button").nth(1).click()
    rider.page.locator(".pin:not(.cluster)").first.click()
    rider.page.locator(".place").first.wait_for()


def _offline(rider: Rider, demo: Demo) -> None:
    rider.go("#/rides")
    rider.page.locator(".money").wait_for()
    rider.context.set_offline(True)
    rider.page.locator(".offline").wait_for()


def _reporting(rider: Rider, demo: Demo) -> None:
    demo.register(6503, "분당_정자역_1구역")
    at("#/staff/bike/6503", ".pair")(rider, demo)
    rider.page.locator("#battery").fill("82")


def _reported(rider: Rider, demo: Demo) -> None:
    _reporting(rider, demo)
    rider.page.locator(".pair .primary").click()
    rider.page.locator(".came .empty").wait_for()


def _converted(rider: Rider, demo: Demo) -> None:
    at("#/staff/points", ".amounts")(rider, demo)
    rider.page.locator("button.big").click()
    rider.page.locator(".notice.good").wait_for()


def _waiting(rider: Rider, demo: Demo) -> None:
    _offline(rider, demo)
    _reporting(rider, demo)
    rider.page.locator(".pair .fault").click()
    rider.page.locator(".faults button").first.click()
    rider.go("#/staff")
    rider.page.locator(".queue li").wait_for()


def _pay(rider: Rider, demo: Demo) -> None:
    begun = demo.ask("POST", f"/userDeposits/{rider.userid}/payments", {"amount": 30_000})
    at(f"#/pay/{begun['paymentid']}", ".total")(rider, demo)


VIEWS: dict[str, View] = {
    "list": at("#/", ".place"),
    "map": _map,
    "number": at("#/number", "#number"),
    "no-camera": _no_camera,
    "complain": at("#/complain/1001", ".kinds"),
    "complained": _complained,
    "bike": at("#/bike/1002", ".status.free"),
    "taken": _taken,
    "unknown": at("#/bike/404404", ".notice"),
    "no-rides": at("#/rides", ".empty"),
    "no-ride": at("#/ride", ".empty"),
    "ride": _riding,
    "return": _returning,
    "bill": _returned,
    "rides": at("#/rides", ".lines"),
    "statement": at("#/statement", "[data-won]"),
    "top-up": at("#/topup", ".amounts"),
    "pay": _pay,
    "me": at("#/me", "#rider"),
    "nowhere": at("#/nowhere", ".big.quiet"),
    "staff-bike": _reporting,
    "staff-reported": _reported,
    "staff": at("#/staff", ".lines"),
    "staff-points": at("#/staff/points", ".lines li"),
    "staff-converted": _converted,
    "staff-unknown": at("#/staff/bike/404404", ".notice.bad"),
    "offline": _offline,
    "staff-waiting": _waiting,
}
SIGN_IN: dict[str, View] = {"sign-in": at("#/signin", "#contact")}
"""What operators see who are not signed in."""
DOORS: dict[str, View] = {
    **SIGN_IN,
    "sign-up": at("#/signup", "#name"),
    "forgot": at("#/forgot", "#contact"),
    "reset": at("#/reset/of-no-use", "#password"),
    "terms": at("#/terms", "ul"),
    "list-for-anybody": at("#/", ".place"),
    "bike-for-anybody": at("#/bike/1", ".status.free"),
}
"""What riders see who are not signed in."""
