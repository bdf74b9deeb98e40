"""`gbike privacy export|erase`: what everybody holds of one person, and how that person is forgotten by everybody.

Account says AccountErased, and each service that was told a place forgets it. In the embedded form the log is cut and
the files are tidied afterwards, so that nothing is left between their lines.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from gbike.cli import DATA, Data, User, group, settings_given
from gbike.contracts.account import AccountErased
from gbike.kit.audit.rows import LOCAL
from gbike.kit.auth.principal import Acting, acting
from gbike.kit.privacy.personal_data import held
from gbike.kit.store import Reading, Store, StoreUnavailable
from gbike.kit.text import cell
from gbike.run import orders
from gbike.run.control import Verb, ask
from gbike.run.embedded import Embedded
from gbike.run.event_map import paths
from gbike.run.file_trouble import told
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.folder.data_mode import settings_of
from gbike.run.open_stores import StoreLocation
from gbike.run.registry import specs
from gbike.services.account.commands.accounts import forget
from gbike.services.account.domain import LastAdmin, Unsettled
from gbike.services.bike_manager.storage import numbers_of

ACCOUNT = "account"
PATIENCE_S = 30
"""How long a running gbike is waited for."""
POLL_S = 0.1
STOPPED_S = 2
"""After everybody has heard it: what a relay had in its hands meanwhile is in the log by then."""
_ERASED = "erased everywhere · 모든 서비스에서 삭제되었습니다"
_SAID = "erased; services that are stopped will hear of it · 삭제했습니다. 멈춘 서비스는 다시 시작하면 반영됩니다"

privacy_verb = group("What is held of one person.")


@privacy_verb.command("export")
def privacy_export(userid: User, data: Data = DATA) -> None:
    """Everything that every service holds of a person, as JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(export(StoreLocation(data), userid)), indent=2))


@privacy_verb.command("erase")
def privacy_erase(
    userid: User, data: Data = DATA, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False
) -> None:
    """Forget a person: name, contact and exact places go from every service; rides, bills and money stay, by number."""
    if not yes:
        typer.confirm(f"Erase person {userid}? It can't be undone. · 되돌릴 수 없습니다", abort=True)
    typer.echo(erase(StoreLocation(data), userid, settings_given()))


def holders() -> list[str]:
    return [name for name, sources in paths().items() if AccountErased.__name__ in sources.get(ACCOUNT, ())]


def export(where: StoreLocation, userid: int) -> dict[str, dict[str, list[Any]]]:
    """What each service holds of the person, by service and kind. Raises NoData, NoSuchService."""
    with where.readings() as stores:
        staff = numbers_of(stores["bike_manager"], userid) if "bike_manager" in stores else []
        numbers = {False: [userid], True: staff}
        found = {
            spec.name: held(stores[spec.name], spec.personal_data, numbers) for spec in specs() if spec.name in stores
        }
    return {service: _as_cells(holdings) for service, holdings in found.items() if holdings}


def _as_cells(held: Any) -> Any:
    """The same, with every text as it may be put into a spreadsheet: stores of before have them as they were sent."""
    if isinstance(held, Mapping):
        return {name: _as_cells(value) for name, value in held.items()}
    return [_as_cells(one) for one in held] if isinstance(held, list | tuple) else cell(held)


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


def verbs(embedded: Embedded) -> dict[str, Verb]:
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
