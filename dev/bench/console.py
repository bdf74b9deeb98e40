"""What the console's pages ask for, each request in turn with a bare read of one bike in the same process, and a list
of all rides as a file."""

import asyncio
import time
from urllib.parse import quote

import msgspec

from dev.bench.fill import KEEN_RIDER
from dev.bench.http import HOST, Connection, Reply, connect
from dev.bench.machine import exact_cpu_ms, memory_mb
from dev.bench.office import RARE
from dev.bench.process import Server
from dev.bench.report import Line
from dev.bench.rides import WrongEffect
from dev.bench.settlement import percentile

MOST = 5.0
"""So many times as long as one bike may a request of a page take, p95 of both."""
MANY = 100
"""Of a page of more rows than that nothing is asked: the map reads the fleet by the thousand, and each row costs."""
MOST_MB = 32.0
"""So much may memory grow while all rides are had as a file."""
SLOWLY_S, LITTLE = 10.0, 16_384
"""How long a slow client reads twenty times a second, and how many bytes each time."""
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
        "/complaints?bikeid={bike}&size=200",
        "/audit/bike?subject=bike:{bike}&size=200",
    ),
    "rides": (
        "/rents?sort=rentid,desc&{page}",
        "/rents?status=rented&size=1&page=0",
        "/rents?overdue=true&sort=rentid,asc&size=100&page=0",
        "/rents?status=rented&sort=rentid,desc&{page}",
        "/rents?status=returned&sort=rentid,desc&{page}",
        "/rents?status=cancelled&sort=rentid,desc&{page}",
        "/rents?{day}&sort=starttime,desc&{page}",
        "/rents?{weeks}&sort=starttime,desc&{page}",
        "/rents?{weeks}&sort=starttime,desc&size={size}&page=100",
        "/rents?status=returned&{weeks}&sort=starttime,desc&{page}",
        "/rents?userid={keen}&sort=rentid,desc&{page}",
        "/rents?userid={keen}&{day}&sort=starttime,desc&{page}",
        "/rents?userid={keen}&{weeks}&sort=starttime,desc&{page}",
        "/rents?userid={rider}&sort=rentid,desc&{page}",
        "/rents?userid={rider}&{weeks}&sort=starttime,desc&{page}",
        "/rents?bikeid={bike}&sort=rentid,desc&{page}",
        "/rents?bikeid={bike}&{weeks}&sort=starttime,desc&{page}",
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
        "/billings?{day}&sort=starttime,desc&{page}",
        "/billings?{weeks}&sort=starttime,desc&{page}",
        "/billings?status=CLOSEBILL&{weeks}&sort=starttime,desc&{page}",
        "/billings?userid={rider}&sort=billid,desc&{page}",
        "/billings?userid={keen}&sort=billid,desc&{page}",
        "/billings?userid={keen}&{weeks}&sort=starttime,desc&{page}",
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
    """One request: the rows of its answer, how long these take to be encoded alone, how long it and the bike beside it
    took, and the CPU of both, ms each."""

    rows: int = 0
    encoded_ms: float = 0.0
    took: list[tuple[float, float]] = msgspec.field(default_factory=list)
    bare: list[tuple[float, float]] = msgspec.field(default_factory=list)


class Console:
    """The requests of one server that has so much stored."""

    def __init__(self, server: Server, bikes: int, rides: int, riders: int) -> None:
        self._server = server
        self._bikes, self._rides = bikes, rides
        self._riders = riders

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
                figure.encoded_ms = _encoding_ms(reply)
        connection.close()
        return [_line(page, path, figure) for (page, path), figure in found.items()]

    async def file(self) -> list[Line]:
        """All rides as CSV, by one who reads as fast as it comes, and by one who reads little for a while. Raises
        WrongEffect unless every ride is in it."""
        began = time.perf_counter()
        rows, grown = await self._had(None)
        took = time.perf_counter() - began
        if rows < self._rides:
            raise WrongEffect(f"of {self._rides} rides {rows} were in the file")
        _, slowly = await self._had(SLOWLY_S)
        beside = f"{rows:,} rows in {took:.0f} s; for a client that reads slowly + {slowly:.1f} MB"
        passed = max(grown, slowly) <= MOST_MB
        return [Line("memory for all rides as a file", f"+ {grown:.1f} MB", beside, f"<= {MOST_MB:.0f} MB", passed)]

    async def _had(self, seconds: float | None) -> tuple[int, float]:
        """Rows that came, and how much the server's memory grew at most, MB. `seconds`: read slowly for so long, then
        hang up."""
        reader, writer = await asyncio.open_connection(HOST, self._server.port, limit=LITTLE)
        resident, _ = memory_mb(self._server.pid)
        writer.write(f"GET /rents?format=csv HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
        rows, read = -1, 0  # the first row is the names of the columns
        grown, began = 0.0, time.perf_counter()
        await reader.readuntil(b"\r\n\r\n")
        while piece := await reader.read(LITTLE):
            rows, read = rows + piece.count(b"\n"), read + 1
            if seconds is not None or read % 64 == 0:
                grown = max(grown, memory_mb(self._server.pid)[0] - resident)
            if seconds is not None:
                await asyncio.sleep(0.05)
                if time.perf_counter() - began > seconds:
                    break
        writer.close()
        return rows, grown

    async def _ask(self, connection: Connection, path: str, turn: int) -> tuple[tuple[float, float], Reply]:
        """Raises WrongEffect."""
        method, where = "GET", path
        body = b""
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
    return time.strftime("%Y-%m-%d", time.gmtime(time.time_ns() // 10**9 - ago * 86_400))


def _rows(reply: Reply) -> int:
    """How many things it lists; 1: it is one thing."""
    told = reply.json()
    listed = told.get("_embedded", {}) if isinstance(told, dict) else {}
    return sum(map(len, listed.values())) if listed or "page" in told else 1


def _encoding_ms(reply: Reply) -> float:
    told, began = reply.json(), time.perf_counter()
    msgspec.json.encode(told)
    return (time.perf_counter() - began) * 1000


def _line(page: str, path: str, figure: Figure) -> Line:
    (ours, ours_ms), (bike, bike_ms) = (list(map(sorted, zip(*of, strict=True))) for of in (figure.took, figure.bare))
    p95, most = percentile(ours, 95), percentile(bike, 95)
    cpu = f"CPU {percentile(ours_ms, 50):.2f} of {percentile(bike_ms, 50):.2f}"
    beside = f"{p95:.2f} of {most:.2f} ms, p50 {percentile(ours, 50):.2f} of {percentile(bike, 50):.2f}, {cpu}"
    beside += f", {figure.rows} rows, encoded alone {figure.encoded_ms:.2f}"
    goal, passed = (f"<= x {MOST:.0f}", p95 <= MOST * most) if figure.rows <= MANY else ("", None)
    return Line(f"{page}: {path}", f"x {p95 / most:.1f}", beside, goal, passed)
