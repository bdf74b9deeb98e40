"""What a request goes through before its answer: calls, functions, files. `python -m dev.bench.path`, `-v` names them.

A call is the first entry of one of gbike's named functions: a coroutine that goes on after an await is not entered
again, and lambdas and comprehensions belong to the function around them. `kit/calls/in_process.py` does not count: it
plays the client and the wire. A change of file is a call of a function in another file than the call before. The demo
in one process, in memory, without its workers, so that nothing but the request runs; each request was made once before.
"""

import asyncio
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType

import msgspec

import gbike
from gbike.kit.calls.in_process import call_asgi
from gbike.kit.clock import SystemClock, second
from gbike.kit.telemetry import configure_logs
from gbike.run.embedded import Embedded

OURS = Path(gbike.__file__).parent
WIRE = OURS / "kit" / "calls" / "in_process.py"


class Way(msgspec.Struct, frozen=True):
    """What one request went through."""

    request: str
    entered: Sequence[CodeType]

    @property
    def calls(self) -> int:
        """How many functions were called."""
        return len(self.entered)

    @property
    def functions(self) -> int:
        """How many different ones."""
        return len(set(self.entered))

    @property
    def files(self) -> int:
        """In how many files they are."""
        return len({code.co_filename for code in self.entered})

    @property
    def changes(self) -> int:
        """How often a reader goes to another file."""
        names = [code.co_filename for code in self.entered]
        return sum(before != after for before, after in pairwise(names))


async def ways() -> list[Way]:
    """Rent a bike with a key, return it, look at it; each for the second time."""
    found: list[Way] = []
    platform = Embedded(None, {})
    for bikeid in (1, 2):
        await _ask(platform, "POST", "/bikes", {"bikeid": bikeid, "status": "사용가능"})
        found = [
            await _way(platform, "POST", "/rents", {"userid": 3, "bikeid": bikeid}, f"key-{bikeid}"),
            await _way(platform, "PATCH", f"/rents/{bikeid}", {"endlocation": "dock 7"}),
            await _way(platform, "GET", f"/rents/{bikeid}"),
        ]
    await platform.stop()
    return found


async def _way(platform: Embedded, method: str, path: str, body: object = None, key: str = "") -> Way:
    frames: dict[FrameType, None] = {}  # kept, so that none is taken for another, and in order

    def enter(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and _is_ours(frame.f_code):
            frames.setdefault(frame)

    now_s = SystemClock().now_ms() // 1000
    for at_s in (now_s, now_s + 1):
        second(at_s)  # or the first request of each second writes it down for the others
    sys.setprofile(enter)
    try:
        await _ask(platform, method, path, body, key)
    finally:
        sys.setprofile(None)
    return Way(f"{method} {path}", [frame.f_code for frame in frames])


async def _ask(platform: Embedded, method: str, path: str, body: object = None, key: str = "") -> None:
    headers = {"accept": "*/*"} | ({"idempotency-key": key} if key else {})
    answer = await call_asgi(platform.app, method, path, msgspec.json.encode(body) if body else b"", headers)
    if answer.status >= 300:
        raise SystemExit(f"{method} {path} was answered {answer.status}: {answer.body.decode()}")


def _is_ours(code: CodeType) -> bool:
    file = Path(code.co_filename)
    return not code.co_name.startswith("<") and OURS in file.parents and file != WIRE


def main() -> None:
    """Print the table; with -v every call before it."""
    configure_logs("WARNING")
    found = asyncio.run(ways())
    if "-v" in sys.argv:
        for way in found:
            print(f"\n{way.request}")
            for code in way.entered:
                print(f"    {Path(code.co_filename).relative_to(OURS)} {code.co_name}")
        print()
    print(f"{'request':16}{'calls':>10}{'functions':>10}{'files':>10}{'changes of file':>18}")
    for way in found:
        print(f"{way.request:16}{way.calls:10}{way.functions:10}{way.files:10}{way.changes:18}")


if __name__ == "__main__":
    main()
