"""What an operator does to accounts: beside a running gbike through its socket, else on the store itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from gbike.app import control
from gbike.app.admins import Admin, NotDone, appoint
from gbike.app.catalogue import card as find_card
from gbike.app.cluster.plan import read_plan
from gbike.app.control import Verb
from gbike.app.copies import NoData, locked
from gbike.app.data_folder import DataFolder
from gbike.app.single import given, open_store
from gbike.kit.acting import Acting, acting
from gbike.kit.audit.rows import LOCAL
from gbike.kit.clock import SystemClock
from gbike.kit.ids import SystemIds
from gbike.kit.schema.migrate import migrate
from gbike.kit.store import Store
from gbike.services.account.commands.accounts import remove_authenticator as take_authenticator_away
from gbike.services.account.commands.accounts import set_roles as grant
from gbike.services.account.domain import AccountRefused, LastAdmin, NoSuchAccount, Role, in_order

ACCOUNT = "account"


class Place(msgspec.Struct, frozen=True):
    """Whose accounts: a data folder (of `gbike up` or of a cluster), or the store by its URL."""

    data: Path
    url: str = ""


def create_admin(place: Place, env: Mapping[str, str], admin: Admin) -> str:
    """Make an admin. Raises NotDone, NoData, FolderInUse."""
    return _do(place, env, "create-admin", admin.name, admin.password)


def set_roles(place: Place, env: Mapping[str, str], userid: int, roles: str) -> str:
    """Say what an account may do. Raises NotDone, NoData, FolderInUse."""
    return _do(place, env, "roles", str(userid), roles)


def remove_authenticator(place: Place, env: Mapping[str, str], userid: int) -> str:
    """Take a lost authenticator away. Raises NotDone, NoData, FolderInUse."""
    return _do(place, env, "remove-authenticator", str(userid))


def verbs(store: Store, env: Mapping[str, str]) -> dict[str, Verb]:
    """What can be asked of whoever has the store open."""

    async def create(name: str, password: str) -> str:
        return f"account {await appoint(store, env, Admin(name, password))} is an admin · 관리자 계정을 만들었습니다"

    async def roles(userid: str, wanted: str) -> str:
        try:
            chosen = in_order(role.strip() for role in wanted.split(","))
        except ValueError:
            raise NotDone(f"{wanted!r}: roles are {', '.join(Role)}, with commas between") from None
        number = int(userid)
        await _told(store.write(grant, number, chosen, None, key=f"account:{number}"))
        return f"account {number} is {', '.join(chosen)} now · 권한을 바꾸었습니다"

    async def remove(userid: str) -> str:
        await _told(store.write(take_authenticator_away, int(userid), key=f"account:{int(userid)}"))
        return f"account {userid} needs no authenticator now · 인증 앱을 해제했습니다"

    return {"create-admin": create, "roles": roles, "remove-authenticator": remove}


async def _told(doing: Awaitable[object]) -> None:
    try:
        await doing
    except NoSuchAccount as nobody:
        raise NotDone(f"there is no account {nobody.userid}") from None
    except LastAdmin as last:
        raise NotDone(f"account {last.userid} is the last admin: make another one first") from None
    except AccountRefused as refused:
        raise NotDone(repr(refused)) from None


def _do(place: Place, env: Mapping[str, str], verb: str, *args: str) -> str:
    folder, plan = DataFolder(place.data), read_plan(place.data)
    url = given(place.url) or (plan.stores[ACCOUNT] if plan else "")
    if url:
        return asyncio.run(_in_store(url, env, verb, args))
    if folder.holder() is not None:
        done = control.ask(folder, verb, *args)
        if not done.ok:
            raise NotDone(done.said)
        return done.said
    if not folder.exists:
        raise NoData(f"there is no gbike data in {place.data}; `gbike up --data {place.data}` makes some")
    with locked(folder, f"gbike account {verb}"):
        path = folder.store_path(ACCOUNT)
        migrate(path, find_card(ACCOUNT).versions)
        return asyncio.run(_in_store(f"sqlite:///{path}", env, verb, args))


async def _in_store(url: str, env: Mapping[str, str], verb: str, args: tuple[str, ...]) -> str:
    store = open_store(url, ACCOUNT, SystemClock(), SystemIds())
    acting.set(Acting(LOCAL))
    try:
        doing: Callable[..., Awaitable[str]] = verbs(store, env)[verb]
        return await doing(*args)
    finally:
        await store.close()
