"""What the console's pages ask for, each request in turn with a bare read of one bike in the same process, and a list
of all rides as a file."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec

from dev.bench.fill import KEEN_RIDER
from dev.bench.http import Connection, Reply, connect
from dev.bench.machine import exact_cpu_ms
from dev.bench.office import RARE
from dev.bench.process import Server
from dev.bench.report import Line
from dev.bench.rides import WrongEffect
from dev.bench.settlement import percentile

MOST = 5.0
"""So many times as long as one bike may a request of a page take, p95 of both."""
MOST_MB = 32.0
"""So much may memory grow while all rides are had as a file."""
BEGAN_AGO, WENT_ON = 60, 23
"""Days ago when the past began, and how many it has (dev/bench/past.py)."""
SIZE = 50
"""Rows that a list of the console shows."""
BARE = "/bikes/{bike}"
PAGES: dict[str, tuple[str, ...]] = {
    "map": ("/rents?status=rented&size=1000&page=0", "/bikes?size=1000&page=0"),
    "bikes": (
        "/bikes?sort=bikeid,asc&{page}",
        "/bikes?sort=batterylevel,asc&{page}",
        "/bikes?sort=location,asc&{page}",
        "/bikes?sort=status,asc&{page}",
        "/bikes?sort=lastseen,desc&{page}",
        "/bikes?q=정자&sort=bikeid,asc&{page}",
        "/bikes?q=gb-77&sort=bikeid,asc&{page}",
        "/bikes?status=사용중&sort=bikeid,asc&{page}",
        "/bikes?status=불량&sort=bikeid,asc&{page}",
        "/bikes?place=정자역_7번_대여소&sort=bikeid,asc&{page}",
        "/bikes?batterybelow=20&sort=batterylevel,asc&{page}",
        "/bikes?held=true&sort=bikeid,asc&{page}",
        "/bikes?due=past&sort=bikeid,asc&{page}",
        "/bikes?retired=true&sort=bikeid,asc&{page}",
    ),
    "bike": (
        "/bikes/{bike}",
        "/bikes/{bike}/holds",
        "/bikes/{bike}/events?size=200",
        "/rents?bikeid={bike}&status=rented",
        "/rentAndBillingViews?bikeid={bike}&size=200",
        "/bikeManageApps?bikeid={bike}&size=200&sort=reportid,desc",
        "/audit/bike?subject=bike:{bike}&size=200",
    ),
    "rides": (
        "/rents?sort=rentid,desc&{page}",
        "/rents?status=rented&size=1&page=0",
        "/rents?overdue=true&sort=rentid,asc&size=100&page=0",
        "/rents?status=rented&sort=rentid,desc&{page}",
        "/rents?status=returned&sort=rentid,desc&{page}",
        "/rents?status=cancelled&sort=rentid,desc&{page}",
        "/rents?{day}&sort=rentid,desc&{page}",
        "/rents?{weeks}&sort=rentid,desc&{page}",
        "/rents?{weeks}&sort=rentid,desc&size={size}&page=100",
        "/rents?status=returned&{weeks}&sort=rentid,desc&{page}",
        "/rents?userid={keen}&sort=rentid,desc&{page}",
        "/rents?userid={keen}&{day}&sort=rentid,desc&{page}",
        "/rents?userid={keen}&{weeks}&sort=rentid,desc&{page}",
        "/rents?userid={rider}&sort=rentid,desc&{page}",
        "/rents?userid={rider}&{weeks}&sort=rentid,desc&{page}",
        "/rents?bikeid={bike}&sort=rentid,desc&{page}",
        "/rents?bikeid={bike}&{weeks}&sort=rentid,desc&{page}",
    ),
    "ride": ("/rents/{ride}", "/billings?rentid={ride}"),
    "riders": (
        "/userDeposits?sort=userid,desc&{page}",
        "/userDeposits?sort=deposit,desc&{page}",
        "/userDeposits?blocked=true&sort=userid,desc&{page}",
        "/userDeposits?debt=true&sort=userid,desc&{page}",
        "POST /accounts/searches rider777",
        "POST /accounts/searches 서연",
        "POST /accounts/searches 777",
    ),
    "debts": ("/userDeposits?debt=true&sort=deposit,asc&{page}",),
    "rider": (
        "/userDeposits/{rider}",
        "/accounts/{rider}",
        "/userDeposits/{rider}/entries?{page}",
        "/userDeposits/{keen}/entries?{page}",
        "/userDeposits/{keen}/entries?{day}&{page}",
        "/userDeposits/{keen}/entries?{weeks}&{page}",
        "/rentAndBillingViews?userid={rider}&{page}",
        "/rentAndBillingViews?userid={rider}&{weeks}&{page}",
        "/rentAndBillingViews?userid={keen}&{page}",
        "/rentAndBillingViews?userid={keen}&{day}&{page}",
        "/rentAndBillingViews?userid={keen}&{weeks}&{page}",
    ),
    "money": (
        "/billings?sort=billid,desc&{page}",
        "/billings?sort=fee,desc&{page}",
        "/billings?sort=starttime,desc&{page}",
        "/billings?status=OPENBILL&sort=billid,desc&{page}",
        "/billings?status=APPLYFEE&sort=billid,desc&{page}",
        "/billings?status=CLOSEBILL&sort=billid,desc&{page}",
        "/billings?{day}&sort=billid,desc&{page}",
        "/billings?{weeks}&sort=billid,desc&{page}",
        "/billings?{weeks}&sort=fee,desc&{page}",
        "/billings?status=CLOSEBILL&{weeks}&sort=billid,desc&{page}",
        "/billings?userid={rider}&sort=billid,desc&{page}",
        "/billings?userid={keen}&sort=billid,desc&{page}",
        "/billings?userid={keen}&{weeks}&sort=billid,desc&{page}",
    ),
    "bill": ("/billings/{ride}", "/billings/{ride}/corrections?size=1000"),
    "people": (
        "/accounts?sort=userid,asc&{page}",
        "/accounts?role=rider&sort=userid,asc&{page}",
        "/accounts?role=admin&sort=userid,asc&{page}",
        "/accounts/invitations?{page}",
        "/bikeManagers?sort=point,desc&{page}",
        "/bikeManagers/7",
        "/bikeManagers/7/entries?{page}",
        "/bikeManagers/7/entries?{weeks}&{page}",
    ),
    "audit": (
        "/audit/rent?{page}",
        "/audit/account?{page}",
        "/audit/rent?{weeks}&{page}",
        "/audit/rent?subject=user:{rider}&{page}",
        "/audit/rent?who=1&{page}",
        "/audit/rent?who=1&{weeks}&{page}",
        "/audit/rent?action=looked at&{page}",
        "/audit/rent?action={rare}&{page}",
        "/audit/rent?who=1&action=looked at&{page}",
        "/audit/rent?who=1&action={rare}&{page}",
        "/audit/rent?who=2&action={rare}&{page}",
        "/audit/rent?who=1&action={rare}&{weeks}&{page}",
        "/audit/rent?who=1&subject=user:{rider}&{page}",
    ),
    "palette": ("/bikes/search/findByLabel?label=GB-{bike}", "/places?q=정자&size=5"),
}
"""Their requests, as src/gbike/web/console sends them; {bike}, {ride} and {rider} are others at each turn."""


class Figure(msgspec.Struct):
    """One request: the rows of its answer, how long it and the bike beside it took, and the CPU of both, ms each."""

    rows: int = 0
    took: list[tuple[float, float]] = msgspec.field(default_factory=list)
    bare: list[tuple[float, float]] = msgspec.field(default_factory=list)


class Console:
    """The requests of one server that has so much stored."""

    def __init__(self, server: Server, bikes: int, rides: int, riders: int) -> None:
        self._server = server
        self._bikes, self._rides, self._riders = bikes, rides, riders

    async def pages(self, turns: int) -> list[Line]:
        """Every request so many times, after one to warm up. Raises WrongEffect."""
        connection = await connect(self._server.port)
        found = {(page, path): Figure() for page, paths in PAGES.items() for path in paths}
        for turn in range(turns + 1):
            for (_, path), figure in found.items():
                bare, _ = await self._ask(connection, BARE, turn)
                took, reply = await self._ask(connection, path, turn)
                if turn:
                    figure.bare.append(bare)
                    figure.took.append(took)
                figure.rows = max(figure.rows, _rows(reply))
        connection.close()
        return [_line(page, path, figure) for (page, path), figure in found.items()]

    async def _ask(self, connection: Connection, path: str, turn: int) -> tuple[tuple[float, float], Reply]:
        """Raises WrongEffect."""
        method, where, body = "GET", path, b""
        if path.startswith("POST "):
            method, where, words = path.split(" ", 2)
            body = msgspec.json.encode({"q": words})
        where = quote(where.format(**self._values(turn)), safe="/?&=,:%")
        used, began = exact_cpu_ms(self._server.pid), time.perf_counter()
        reply = await connection.ask(method, where, body)
        took = (time.perf_counter() - began) * 1000, exact_cpu_ms(self._server.pid) - used
        if reply.status not in (200, 201):
            raise WrongEffect(f"{method} {where}: {reply.status} {reply.body[:300]!r}")
        return took, reply

    def _values(self, turn: int) -> dict[str, object]:
        n = turn * 7919
        whole = (_day(BEGAN_AGO - 1), _day(BEGAN_AGO - WENT_ON + 2))
        return {
            "bike": 1 + n % self._bikes,
            "ride": 1 + n % self._rides,
            "rider": 2 + turn % 10,  # few: the first look at each is put on record, which is a write
            "keen": KEEN_RIDER,
            "day": f"from={_day(50)}&to={_day(49)}",
            "weeks": f"from={whole[0]}&to={whole[1]}",
            "rare": RARE,
            "size": SIZE,
            "page": f"size={SIZE}&page=0",
        }


def _day(ago: int) -> str:
    return (datetime.now(UTC).date() - timedelta(days=ago)).isoformat()


def _rows(reply: Reply) -> int:
    """How many things it lists; 1: it is one thing."""
    told = reply.json()
    listed = told.get("_embedded", {}) if isinstance(told, dict) else {}
    return sum(map(len, listed.values())) if listed or "page" in told else 1


def _line(page: str, path: str, figure: Figure) -> Line:
    (ours, ours_ms), (bike, bike_ms) = (list(map(sorted, zip(*of, strict=True))) for of in (figure.took, figure.bare))
    p95, most = percentile(ours, 95), percentile(bike, 95)
    cpu = f"CPU {percentile(ours_ms, 50):.2f} of {percentile(bike_ms, 50):.2f}"
    beside = f"{p95:.2f} of {most:.2f} ms, p50 {percentile(ours, 50):.2f} of {percentile(bike, 50):.2f}, {cpu}"
    measured = f"x {p95 / most:.1f}"
    return Line(f"{page}: {path}", measured, f"{beside}, rows {figure.rows}", f"<= x {MOST:.0f}", p95 <= MOST * most)
