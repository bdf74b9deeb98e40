"""A cluster at rest: everything said is published, everything published is heard, and nothing is half-way; or one
that does not come to rest."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

from gbike.kit.clock import SystemClock
from gbike.kit.messaging.hours import ms_of
from gbike.kit.messaging.outbox import how_many_wait
from gbike.kit.store import Reading
from gbike.run import CannotDo
from gbike.run.folder.data_folder import DataFolder
from gbike.run.invariants import everything, handled, violations
from gbike.run.open_stores import open_readings
from gbike.run.registry import specs

QUIET_S = 60
"""How long a cluster may take to come to rest: a backlog of a broker's minute away, and more."""
POLL_S = 1
"""Between two looks; what begins between them is seen in the second."""
UNHEARD_S = 20
"""How long a message may be on its way before `gbike verify` takes it for lost, unless those who hear are behind and
get on: then QUIET_S."""
LOOKS = 5
"""So many more looks, where that is all that keeps a cluster from its rest."""
APART_S = 35
"""Between the two looks at a cluster in motion: longer than a deadline, and than a message is on its way."""
TELL_S = 5
"""How often somebody who waits is told why."""

Tell = Callable[[str], None]


class NotQuiet(CannotDo):
    """It did not come to rest in time; the text says what was left."""


@contextmanager
def at_rest(folder: DataFolder, tell: Tell, *, lost_too: bool = False) -> Iterator[Mapping[str, Reading]]:
    """The stores of a cluster in one quiet moment: two looks, a second apart, saw the same and nothing unfinished.
    `lost_too`: also when messages do not reach everybody and none of them moved for UNHEARD_S, and then it is not
    waited much longer. Raises NoData or NotQuiet."""
    began = told = time.monotonic()
    unheard = _Unheard(began)
    before: Mapping[str, int] = {}
    while True:
        with open_readings(folder) as stores:
            now = {name: _published(reading) for name, reading in stores.items()}
            waits = unheard.look(stores, time.monotonic()) if lost_too else []
            lost = lost_too and time.monotonic() > unheard.until_s
            found = chain(unfinished(stores, lost=lost_too), () if lost else waits)
            left = next(found, None if now == before else "something was just said")
            if left is None:
                yield stores
                return
        # A look may take long: it is judged by two at least.
        end_s = unheard.until_s + LOOKS * POLL_S if lost_too else began + QUIET_S
        if before and time.monotonic() > end_s and lost == lost_too:
            waited_s = time.monotonic() - began
            raise NotQuiet(f"the cluster on {folder.path} did not come to rest within {waited_s:.3g} s: {left}")
        before = now
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            tell(f"waiting until it rests · 조용해질 때까지 기다리는 중: {left}")
        time.sleep(POLL_S)


class _Unheard:
    """What was said before we began to look and has not reached everybody: as long as it becomes less or more, somebody
    publishes it or hears it, however slowly."""

    def __init__(self, now_s: float) -> None:
        self._began_s = self._moved_s = now_s
        self._began_ms = SystemClock().now_ms()
        self._late: frozenset[str] | None = None

    @property
    def until_s(self) -> float:
        """When what is unheard then counts as lost: UNHEARD_S after it last moved, and QUIET_S after the beginning."""
        return min(self._moved_s + UNHEARD_S, self._began_s + QUIET_S)

    def look(self, stores: Mapping[str, Reading], now_s: float) -> list[str]:
        found = list(handled(stores))
        late = frozenset(one for one in found if (ms_of(one.mend.message_id) or 0) <= self._began_ms)
        if self._late is not None and late != self._late:
            self._moved_s = now_s
        self._late = late
        return [str(one) for one in found]


def unfinished(stores: Mapping[str, Reading], *, lost: bool = False) -> Iterator[str]:
    """What still has to happen, in words; nothing when all is done. `lost`: what did not reach somebody, never will."""
    for name, reading in stores.items():
        if waiting := how_many_wait(reading):
            yield f"{waiting} messages of {name} are not published"
    for spec in specs():
        if spec.pending and (pending := _count(stores[spec.name], spec.pending)):
            yield f"{pending} of {spec.name} are pending"
    if not lost:
        yield from handled(stores)


def _published(reading: Reading) -> int:
    return _count(reading, "SELECT coalesce(max(id), 0) FROM outbox")


def _count(reading: Reading, sql: str) -> int:
    row = reading.one(sql)
    return int(row[0]) if row else 0


@contextmanager
def in_motion(folder: DataFolder) -> Iterator[tuple[Mapping[str, Reading], list[str]]]:
    """The stores of a cluster whose riders ride on as they are at the second of two looks, and the violations that both
    have found. The stores are not looked at in the same moment, and what was just said is not heard yet: that is done,
    or another thing, by the second look; what is wrong is still there, in the same words. Raises NoData."""
    with open_readings(folder) as stores:
        before = set(everything(stores))
    time.sleep(APART_S)
    with open_readings(folder) as stores:
        yield stores, list(violations(stores, before))
