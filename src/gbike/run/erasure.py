"""How a person is forgotten by everybody, beside a running gbike, in a stopped folder or in a cluster's stores.

Account says AccountErased, and each service that was told a place forgets it. In the embedded form the log is cut and
the files are tidied afterwards, so that nothing is left between their lines.
"""

import asyncio
from collections.abc import Mapping

from gbike.contracts.account import AccountErased
from gbike.kit.audit.rows import LOCAL
from gbike.kit.auth.principal import Acting, acting
from gbike.kit.store import Reading, Store, StoreUnavailable
from gbike.run import orders
from gbike.run.control import Verb, ask
from gbike.run.embedded import Embedded
from gbike.run.event_map import paths
from gbike.run.file_trouble import told
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import settings_of
from gbike.run.open_stores import StoreLocation
from gbike.services.account.commands.accounts import forget
from gbike.services.account.domain import LastAdmin, Unsettled

ACCOUNT = "account"
PATIENCE_S = 30
"""How long a running gbike is waited for."""
POLL_S = 0.1
STOPPED_S = 2
"""After everybody has heard it: what a relay had in its hands meanwhile is in the log by then."""
_ERASED = "erased everywhere · 모든 서비스에서 삭제됐어요"
_SAID = "erased; services that are stopped will hear of it · 삭제했어요. 멈춘 서비스는 다시 시작하면 반영돼요"


def holders() -> list[str]:
    return [name for name, sources in paths().items() if AccountErased.__name__ in sources.get(ACCOUNT, ())]


def erase(where: StoreLocation, userid: int, env: Mapping[str, str]) -> str:
    """Let everybody forget the person; answers how far it went. Raises NoData, FolderInUse."""
    if where.stores():
        return asyncio.run(_erase_in_stores(where, userid, env))
    folder = DataFolder(where.data)
    if orders.is_running(where):
        done = ask(folder, "erase", str(userid))
        if not done.ok:
            raise NoData(done.said)
        return done.said
    with locked(folder, "gbike privacy erase"):
        return asyncio.run(_erase_in_folder(folder, userid, env))


def erasure_verbs(embedded: Embedded) -> dict[str, Verb]:
    """What can be asked of whoever runs on the folder."""

    async def erase(userid: str) -> str:
        left = await _forget(embedded.store(ACCOUNT), int(userid))
        for _ in range(int(PATIENCE_S / POLL_S)):
            if await _heard(embedded):
                await asyncio.sleep(STOPPED_S)
                await embedded.forget_messages(embedded.clock.now_ms())
                return _told(_ERASED, left)
            await asyncio.sleep(POLL_S)
        return _told(_SAID, left)

    return {"erase": erase}


async def _erase_in_folder(folder: DataFolder, userid: int, env: Mapping[str, str]) -> str:
    acting.set(Acting(LOCAL))
    embedded = Embedded(folder, settings_of(folder, env))
    try:
        await embedded.settle()  # what was said of the person's rides and money counts
        left = await _forget(embedded.store(ACCOUNT), userid)
        await embedded.settle()
        await embedded.forget_messages(embedded.clock.now_ms() + 1)
    finally:
        await embedded.stop()
    return _told(_ERASED, left)


async def _erase_in_stores(where: StoreLocation, userid: int, env: Mapping[str, str]) -> str:
    """The services' own relay and consumers do the rest."""
    async with orders.opened(where, env) as services:
        if ACCOUNT not in services.services:
            raise NoData("the store of account is wanted: leave --service out, or name account")
        left = await _forget(services.store(ACCOUNT), userid)
        for _ in range(int(PATIENCE_S / POLL_S)):
            known = [services.store(name) for name in holders() if name in services.services]
            there = [await store.read(_is_erased, userid) for store in known]
            if there and all(there):
                return _told(_ERASED, left)
            await asyncio.sleep(POLL_S)
        return _told(_SAID, left)


async def _forget(store: Store, userid: int) -> Unsettled:
    try:
        return await store.write(forget, userid, key=f"account:{userid}")
    except LastAdmin:
        raise NoData(f"account {userid} is the last admin: make another one first") from None
    except StoreUnavailable as away:
        raise NoData(told(away) or f"the store of account can't be written: {away}") from None


def _told(how_far: str, left: Unsettled) -> str:
    """How far it went, and what the person had unsettled, which only an operator overrides."""
    if left == Unsettled():
        return how_far
    rides, krw = left.open_rides, left.balance_krw
    return f"{how_far}\nunsettled: {rides} open rides, balance {krw} won · 정산 전: 대여 {rides}건, 잔액 {krw}원"


async def _heard(embedded: Embedded) -> bool:
    """Whether the log has all that account said, and everybody who forgets is at its end."""
    if await embedded.store(ACCOUNT).read(_waits):
        return False
    return not any([await embedded.consumer(name).lag() for name in holders()])


def _waits(read: Reading) -> bool:
    return read.one("SELECT 1 FROM outbox WHERE published_ms IS NULL LIMIT 1") is not None


def _is_erased(read: Reading, userid: int) -> bool:
    return read.one("SELECT 1 FROM erased WHERE userid = ?", (userid,)) is not None
