"""Chains for tests: long ones made in bulk, and a hand that writes past the triggers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from gbike.kit.audit.chain import append
from gbike.kit.audit.rows import Deed, deed
from gbike.kit.auth.principal import Principal
from gbike.kit.clock import SystemIds
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.storage.sqlite.store import SqliteReading, SqliteStore, connect
from gbike.kit.store import Tx
from gbike.kit.telemetry import NO_TRACE
from gbike.services.user_deposit.storage import VERSIONS
from tests.kit.floor import SetClock

ADMIN = Principal("7", frozenset({"admin", "rider"}), userid=7)
TRIGGERS = ("no_update_of_audit", "no_delete_of_audit")


async def make_chain(path: Path, how_many: int) -> None:
    """A store whose chain has so many rows."""
    migrate(path, VERSIONS)
    store = SqliteStore(path, clock=SetClock(), ids=SystemIds(), source="user_deposit")
    try:
        await store.write(_append, [a_deed(number) for number in range(1, how_many + 1)])
    finally:
        await store.close()


def a_deed(number: int) -> Deed:
    """A top-up, one of many."""
    before, after = {"deposit": number}, {"deposit": number + 1000, "cause": f"topUp:{number}"}
    return deed(
        "deposit topped up",
        f"user:{number % 97}",
        before,
        after,
        at_ms=1_790_000_000_000 + number,
        by=ADMIN,
        trace=NO_TRACE,
    )


def _append(tx: Tx, deeds: list[Deed]) -> None:
    append(tx, deeds)


@contextmanager
def forger(path: Path) -> Iterator[apsw.Connection]:
    """Somebody with write access to the file, who has taken the triggers away; the file is as before afterwards."""
    with closing(connect(path)) as hand:
        hand.execute("BEGIN")
        for trigger in TRIGGERS:
            hand.execute(f"DROP TRIGGER {trigger}")
        yield hand
        hand.execute("ROLLBACK")


def reading(hand: apsw.Connection) -> SqliteReading:
    """What the forger left."""
    return SqliteReading(hand)
