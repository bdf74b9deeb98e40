"""How the recorded exchanges are replayed, and where our answers differ on purpose.

A group is a stretch of the recording that starts from a state of its own; `before` are requests that bring about what
the recording had at that moment and that are not in it. A deviation names its row of docs/guide/compatibility.md.
"""

from dataclasses import dataclass
from typing import Any

from tests.journeys.golden import exchanges

Request = tuple[str, str, Any]
"""Method, path and body."""


@dataclass(frozen=True)
class Deviation:
    """Why an answer differs: `status` is ours when it is another one; else only values differ."""

    rule: str
    status: int | None = None


@dataclass(frozen=True)
class Group:
    """Exchanges `first` to `last`, from what `again` (recorded ones, not judged) and `before` make."""

    title: str
    first: int
    last: int
    before: tuple[Request, ...] = ()
    again: tuple[int, ...] = ()


def post(path: str, **body: Any) -> Request:
    return ("POST", path, body)


BIKE_10 = post("/bikes", bikeid=10, status="사용가능", location="강남역", batterylevel=90)
START = (101, 102, 103, 105, 106, 107, 110, 112)
BY_ANOTHER = tuple(
    post("/bikeManageApps", managerid=55, bikeid=10, batterylevel=battery, usableyn=True)
    for battery in (33, 21, 22, 23)
)
REPORTED = (
    BIKE_10,
    post("/bikeManageApps", managerid=1, bikeid=1, batterylevel=50, usableyn=True),
    post("/bikeManageApps", managerid=1, bikeid=1, batterylevel=40, usableyn=True),
    *BY_ANOTHER,
)
CONVERTED = (
    *REPORTED,
    ("PUT", "/bikeManagers/1", {"userid": "1", "point": "2000", "adjustpoint": "1000"}),
    post("/bikeManageApps", managerid=1, bikeid=10, batterylevel=24, usableyn=True),
    ("PATCH", "/bikes/10", {"status": "불량"}),
)
RETURNED = (("PATCH", "/rents/1", {"endlocation": "분당_정자역_5구역"}),)
PAID_TWICE = post("/userDeposits/1/topUps", amount=1000)  # the original converted the same points again with a report
CHARGED_TWICE = post("/userDeposits/1/topUps", amount=900)  # and took the fee of a second return


def fleet() -> tuple[Request, ...]:
    """The forty bikes of the recording; its bike -1 is bike 4 here, for numbers begin at 1."""
    [listed] = [exchange for exchange in exchanges() if exchange.number == 299]
    made = []
    for bike in listed.answer["_embedded"]["bikes"]:
        number = int(bike["_links"]["self"]["href"].rsplit("/", 1)[1])
        facts = {name: bike[name] for name in ("location", "batterylevel")}
        if bike["status"] in ("사용가능", "불량"):
            facts["status"] = bike["status"]
        made.append(("POST", "/bikes", {"bikeid": number if number > 0 else 4, **facts}))
    return tuple(made)


def rode(userid: int, bikeid: int, rentid: int) -> tuple[Request, ...]:
    return post("/rents", userid=userid, bikeid=bikeid), ("PATCH", f"/rents/{rentid}", {"endlocation": "B"})


PAGES = (
    *(request for request in fleet() if request[2]["bikeid"] not in (1, 2, 3, 400)),
    post("/bikeManageApps", managerid=1, bikeid=1, batterylevel=50, usableyn=True),
    post("/bikeManageApps", managerid=55, bikeid=1, batterylevel=40, usableyn=True),
    post("/bikeManageApps", managerid=1, bikeid=10, batterylevel=33),
    *(request for request in CONVERTED if request not in REPORTED[:4]),
    *RETURNED,
    ("PATCH", "/bikes/1", {"location": "PUT", "batterylevel": None}),
    *rode(2, 11, 2),
    *rode(98, 12, 3),
    post("/rents", userid=2, bikeid=14),
    post("/bikeManagers", userid=1, point=10),
    post("/bikeManagers", userid=2),
    post("/bikeManagers", userid=2, point=3),
)
GROUPS = (
    Group("an empty house and what stands where", 1, 99),
    Group("scenarios 1, 2, 4 and 5", 101, 151),
    Group("scenarios 6 and 7", 153, 161, REPORTED, START),
    Group("scenario 3: the return, and a second one", 162, 177, (*CONVERTED, PAID_TWICE), START),
    Group("returns, searches, riders without an account", 178, 206, (*CONVERTED, CHARGED_TWICE, *RETURNED), START),
    Group("changing, replacing and deleting", 207, 290, (*CONVERTED, *RETURNED), START),
    Group("paging, sorting and CORS", 291, 331, PAGES, START),
    Group("failures", 901, 949, (post("/bikes", bikeid=1), post("/rents", userid=1, bikeid=1))),
)

MISSING: dict[int, tuple[Request, ...]] = {
    138: (BIKE_10, ("PATCH", "/bikes/10", {"status": "사용중"})),
    180: (post("/rents", userid=2, bikeid=11),),
    251: (("PATCH", "/bikes/16", {"location": None}),),
    258: (post("/bikeManagers", userid=1, point=10),),
    261: (post("/rents", userid=2, bikeid=14),),
    272: (("PATCH", "/bikes/1", {"location": "PUT", "batterylevel": None}),),
    905: (post("/bikes", bikeid=880001), post("/rents", userid=1, bikeid=880000)),
    912: (post("/bikes", bikeid=880005),),
    918: (post("/bikes", bikeid=880006),),
}
"""Requests that the recording made just before this exchange and that are not in it."""

BIKE_STOPS = 920
"""From here on the original's bike service was down."""


def _same(rule: str, *numbers: int, status: int | None = None) -> dict[int, Deviation]:
    return dict.fromkeys(numbers, Deviation(rule, status))


EVERYWHERE = ("numbers-in-body", "dates", "rent-words", "hrefs", "problems", "no-profile", "self-link", "view-pages")
"""Rules that the comparison itself applies to every answer."""

DEVIATIONS: dict[int, Deviation] = {
    **_same("more-paths", 15, 26, 37, 48, 59, 70, 81, status=200),
    **_same("more-paths", 92, status=200),
    **_same("aliases", 97, 98, status=200),
    **_same("no-profile", 16, 27, 28, 38, 49, 50, 61, 71, 72, 82, 83, status=404),
    **_same("no-profile", 18, 29, 40, 51, 62, 73, 84, status=406),
    **_same("health", 20, 22, 31, 33, 42, 44, 53, 55, 64, 66, 75, 77, 86, 88, status=404),
    **_same("health", 21, 32, 43, 54, 65, 76, 87, 949, status=200),
    **_same("view-deposit", 116),
    **_same("refused-rent", 119, 120, 122, status=409),
    **_same("unknown-bike", 121, 144, status=404),
    **_same("strict-values", 123, 124, 125, 145, 196, 211, 219, 220, 221, 222, 224, 225, status=422),
    **_same("no-change-by-get", 126, 128, 129, 130, 131, 134, 136, 918, status=410),
    **_same("report-on-a-ride", 141),
    **_same("misspelt-battery", 147, status=422),
    **_same("misspelt-battery", 150),
    **_same("numbers-grow", 146),
    **_same("place-is-kept", 184),
    **_same("conversion-once", 161),
    **_same("report-repairs", 151),
    **_same("second-return", 172, 173, 175, 176, 177),
    **_same("implicit-account", 205, 206, 311, 312, 331),
    **_same("no-overwriting", 207, 209, status=409),
    **_same("no-overwriting", 208, 210, 286),
    **_same("answers-have-a-body", 214, status=201),
    **_same("answers-have-a-body", 253, 254, status=200),
    **_same("status-is-known", 223, 240, 301, 323),
    **_same("status-is-known", 919, status=201),
    **_same("numbers-from-1", 232, 234, 291, 292, 293, 295, 296, 297, 298, 299, 302, 329),
    **_same("json-only", 231, status=406),
    **_same("json-only", 239, 243, 256, status=415),
    **_same("put-makes-nothing", 247, 257, 259, status=404),
    **_same("server-fields", 261),
    **_same("manager-numbers", 262, 263, 317, 318),
    **_same("no-delete", 266, 282, 283, 289, status=405),
    **_same("methods", 268, 270, status=405),
    **_same("head-as-get", 274, 275, status=200),
    **_same("read-only", 279, 280, 281, 284, 913, status=405),
    **_same("read-only", 914, status=200),
    **_same("read-only", 310, 330),
    **_same("view-pages", 313),
    **_same("cors", 320, status=200),
    **_same("bike-down", *(e.number for e in exchanges() if BIKE_STOPS <= e.number < 949), status=503),
}

ROWS: dict[str, tuple[str, ...]] = {
    "§1 paths and ports": ("aliases", "more-paths"),
    "§1 `_embedded` keys and link rels": (),
    "§1 fields and JSON types": ("status-is-known", "manager-numbers"),
    "§1 the primary key": ("numbers-in-body",),
    "§1 dates": ("dates",),
    "§1 nulls are written": (),
    "§1 layout of the JSON": ("compact",),
    "§1 item links": ("hrefs",),
    "§1 collection links and page": ("no-profile", "self-link"),
    "§1 the view's collection": ("view-pages",),
    "§1 Content-Type of an answer": ("health",),
    "§1 status line and transfer": ("status-line",),
    "§2 initial data": ("manager-numbers",),
    "§2 a rent, its bike, its bill, its view": ("rent-words", "view-deposit"),
    "§2 a bike that is 사용중 or 불량, unknown, or not named": ("refused-rent", "unknown-bike", "strict-values"),
    "§2 reports and points": ("report-on-a-ride", "report-repairs", "misspelt-battery"),
    "§2 points to deposit": ("conversion-once",),
    "§2 the return, its fee, bill, deposit and view": ("place-is-kept",),
    "§3 a missing item, an unknown path": ("problems", "aliases", "more-paths"),
    "§3 trailing slash, text for a number": ("strict-values",),
    "§3 without Accept": ("answers-have-a-body",),
    "§3 POST with an existing id, or none": ("no-overwriting", "strict-values"),
    "§3 POST and unknown or generated fields": ("server-fields", "numbers-grow", "manager-numbers"),
    "§3 PUT": ("put-makes-nothing", "server-fields"),
    "§3 PATCH": ("json-only", "problems"),
    "§3 PATCH and PUT of a rent": ("only-a-return-returns", "second-return"),
    "§3 DELETE": ("no-delete",),
    "§3 wrong methods, HEAD, OPTIONS": ("methods", "head-as-get"),
    "§3 coercions and bounds": ("strict-values", "numbers-from-1"),
    "§3 malformed bodies and content types": ("problems", "json-only"),
    "§3 Accept": ("json-only",),
    "§3 paging": ("self-link",),
    "§3 sort": ("self-link",),
    "§3 search": ("strict-values",),
    "§3 profile": ("no-profile",),
    "§3 actuator": ("health",),
    "§3 GET with effects": ("no-change-by-get",),
    "§3 CORS": ("cors",),
    "§3 clients write bills and views": ("read-only",),
    "§3 riders without an account": ("implicit-account",),
    "§3 bike is down": ("bike-down",),
    "§4 keys and headers of a message": ("message-keys",),
    "§4 values and fields": ("event-words",),
    "§4 who says what, when": ("event-words",),
}
"""The rows of the original's recorded behaviour, and the rules under which we differ; none: it is kept."""
