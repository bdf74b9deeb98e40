"""Direct checks of single layers that protect what another layer protects too: no run could show that one is gone."""

import asyncio
from collections.abc import Callable
from typing import Any

from gbike.contracts.billing import CalculatedFee
from gbike.contracts.rent import Returned
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.envelope import Message
from gbike.kit.storage.migrations.migrate import in_memory
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.kit.store import Tx
from gbike.services.billing import policies as billing
from gbike.services.billing.domain import Rounding, Tariff
from gbike.services.billing.storage import VERSIONS as BILLS
from gbike.services.user_deposit import policies as user_deposit
from gbike.services.user_deposit.storage import VERSIONS as LEDGER

_RETURN = Returned(rentid=1, userid=1, bikeid=1, status="returned", endtime=2_000, starttime=1_000)
_FEE = CalculatedFee(billid=1, rentid=1, userid=1, endtime=2_000, fee=100, status="APPLYFEE")


def _twice(versions: Any, fn: Callable[[Tx], object], count: str, once: int) -> str | None:
    """What is wrong when `fn` ran in two transactions and `count` finds other than `once`."""

    async def run() -> str | None:
        store = SqliteStore(None, clock=SystemClock(), ids=SystemIds(), source="layer", memory=in_memory(versions))
        for _ in range(2):
            await store.write(fn)
        found: int = await store.read(lambda read: (read.one(count) or (0,))[0])
        await store.close()
        return None if found == once else f"done twice, there are {found}, not {once}: {count}"

    return asyncio.run(run())


def inbox() -> str | None:
    """The same message is new only once."""

    def hear(tx: Tx) -> None:
        if "m" in tx.first_time([Message("m", "Rang", "bell:1", b"{}", b"{}")]):
            tx.execute("INSERT INTO counters (name, n) VALUES ('heard', 1) ON CONFLICT (name) DO UPDATE SET n = n + 1")

    return _twice(LEDGER, hear, "SELECT n FROM counters WHERE name = 'heard'", 1)


def ledger_key() -> str | None:
    """The same fee is posted once, even without an inbox: two entries, two sides."""
    take = user_deposit.POLICIES[CalculatedFee]
    return _twice(LEDGER, lambda tx: take(tx, _FEE), "SELECT count(*) FROM entries", 2)


def bill_guard() -> str | None:
    """The fee of a bill is said once, even without an inbox."""

    def hear(tx: Tx) -> None:
        billing.policies(Tariff(100, 1, Rounding.CEIL))[Returned](tx, _RETURN)

    return _twice(BILLS, hear, "SELECT count(*) FROM outbox WHERE type = 'CalculatedFee'", 1)
