"""`gbike account create-admin|roles|remove-authenticator|rotate-keys`: what an operator does to accounts, beside a
running gbike through its socket, else on the store itself. An admin is asked for on a terminal or read from a file,
never with a password by default."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from gbike.cli import DATA, AdminFile, Data, User, group, settings_given
from gbike.kit.audit.rows import LOCAL
from gbike.kit.auth.keyring import PREVIOUS, SIGN_AFTER_S, BadKeys, KeyFolder
from gbike.kit.auth.passwords import Passwords
from gbike.kit.auth.principal import Acting, acting
from gbike.kit.clock import SystemClock, SystemIds
from gbike.kit.contacts import known_as
from gbike.kit.settings import load
from gbike.kit.storage.migrations.migrate import migrate
from gbike.kit.store import Store
from gbike.kit.text import clean
from gbike.run import CannotDo, control
from gbike.run.cluster import secrets
from gbike.run.cluster.plan import read_plan
from gbike.run.control import Verb
from gbike.run.folder.backup import NoData, locked
from gbike.run.folder.data_folder import DataFolder
from gbike.run.open_stores import StoreLocation
from gbike.run.registry import spec as find_spec
from gbike.run.single import given, open_store
from gbike.services.account import domain
from gbike.services.account.commands.accounts import add_account, set_roles
from gbike.services.account.commands.accounts import remove_authenticator as take_authenticator_away
from gbike.services.account.wiring import AccountSettings

ACCOUNT = "account"
OTHERS_MAY_READ = 0o007
TRIES = 3
"""How often somebody at a terminal may try to name a good password."""
LONGEST_TOKEN_S = 900
"""No access token lasts longer: until then the key before the last is needed."""
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="GBIKE_STORE_URL", help="account's store by its URL, instead of --data")
]
Keys = Annotated[Path | None, typer.Option(envvar="GBIKE_ACCOUNT_KEYS", help="the folder of keys, instead of --data")]
account_verb = group("Accounts, for the operator.")


class NotDone(CannotDo):
    """What an operator wants of accounts can't be done; the text says why and what to do."""


class Admin(NamedTuple):
    """Who is to be an admin."""

    name: str
    password: str


@account_verb.command("create-admin")
def create_admin(data: Data = DATA, store: StoreUrl = "", admin_file: AdminFile = None) -> None:
    """Make an admin, beside a running gbike or before it; asks for name and password."""
    typer.echo(do(StoreLocation(data, store), settings_given(), "create-admin", *wanted(admin_file)))


@account_verb.command("roles")
def roles(userid: User, roles: str, data: Data = DATA, store: StoreUrl = "") -> None:
    """Say what an account may do: rider,bikeManager,admin. Without an admin this is the way back."""
    typer.echo(do(StoreLocation(data, store), settings_given(), "roles", str(userid), roles))


@account_verb.command("remove-authenticator")
def remove_authenticator(userid: User, data: Data = DATA, store: StoreUrl = "") -> None:
    """Take a lost authenticator away."""
    typer.echo(do(StoreLocation(data, store), settings_given(), "remove-authenticator", str(userid)))


@account_verb.command("rotate-keys")
def rotate_keys(
    data: Data = DATA,
    keys: Keys = None,
    now: Annotated[bool, typer.Option("--now", help="also when tokens of the key before may still be good")] = False,
) -> None:
    """Sign with a new key from now on, also while gbike runs; tokens of the one before are good until they expire."""
    typer.echo(rotate(data, keys, now=now))


def rotate(data: Path, keys: Path | None, *, now: bool) -> str:
    """Make a new key. Raises BadKeys when there is none before, or tokens of the one before it may still be good."""
    if keys is None:
        in_cluster = Path(secrets.told(data, "account")["GBIKE_ACCOUNT_KEYS"])
        keys = in_cluster if read_plan(data) else data / "keys"
    folder, previous = KeyFolder(keys), keys / PREVIOUS
    folder.published()
    age_s = SystemClock().now_ms() / 1000 - previous.stat().st_mtime if previous.exists() else LONGEST_TOKEN_S
    if age_s < LONGEST_TOKEN_S and not now:
        left = int(LONGEST_TOKEN_S - age_s) + 1
        raise BadKeys(f"the keys were rotated {int(age_s)} s ago: wait {left} s, or say --now and end tokens before")
    return f"tokens are signed with {folder.rotate()} in {SIGN_AFTER_S} s · 곧 새 키로 서명해요"


def wanted(file: Path | None) -> Admin:
    """Who is to be an admin: from the file when there is one, else from the terminal. Raises NotDone."""
    if file is not None:
        return _from_file(file)
    if not sys.stdin.isatty():
        raise NotDone("there is no admin yet and no terminal to ask on: write name and password, a line each, into a"
                      " file and name it with --admin-file or GBIKE_ADMIN_FILE")  # fmt: skip
    return _from_terminal()


async def appoint(store: Store, env: Mapping[str, str], admin: Admin) -> int:
    """Make the account; answers its number. Raises NotDone."""
    chosen = load(AccountSettings, env)
    passwords, contact = Passwords(chosen), known_as(admin.name, chosen.phone_region)
    name = clean(admin.name)
    domain.must_be_strong(admin.password, beside=(name, contact.typed))
    hashed = await passwords.hash(admin.password)
    made = await store.write(add_account, name, contact, hashed, (domain.Role.ADMIN,), key="accounts")
    if made is None:
        raise NotDone(f"there is an account {admin.name!r} already; `gbike account roles` grants it more")
    return made.userid


async def is_there_one(store: Store) -> bool:
    find = "SELECT 1 FROM accounts WHERE roles LIKE '%admin%' AND erased_ms IS NULL LIMIT 1"
    return await store.read(lambda read: read.one(find)) is not None


async def have_one(url: str, env: Mapping[str, str], file: Path) -> None:
    """Make the admin of the file in account's store, unless there is one. Raises NotDone."""
    store = open_store(url, "account", SystemClock(), SystemIds())
    try:
        if not await is_there_one(store):
            await appoint(store, env, wanted(file))
    finally:
        await store.close()


def _from_file(file: Path) -> Admin:
    try:
        if file.stat().st_mode & OTHERS_MAY_READ:
            raise NotDone(f"{file} may be read by everybody on this machine: chmod 600 {file}")
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeError) as wrong:
        raise NotDone(f"{file}: {wrong}") from None
    if len(lines) < 2 or not lines[0].strip():
        raise NotDone(f"{file} must have a name and a password, a line each")
    return _checked(Admin(lines[0].strip(), lines[1]), str(file))


def _from_terminal() -> Admin:
    print("There is no admin yet. · 아직 운영자가 없어요.")
    name = input("name to sign in with · 로그인 이름: ").strip()
    if len(name) < 3:
        raise NotDone("a name has three characters at least")
    for _ in range(TRIES):
        password = getpass.getpass("password · 비밀번호: ")
        if getpass.getpass("again · 다시: ") != password:
            print("These two differ. · 두 번 입력한 값이 달라요.")
            continue
        try:
            return _checked(Admin(name, password), "the password")
        except NotDone as weak:
            print(weak)
    raise NotDone("no admin was made")


def _checked(admin: Admin, where: str) -> Admin:
    try:
        domain.must_be_strong(admin.password, beside=(admin.name,))
    except domain.WeakPassword as weak:
        raise NotDone(f"{where}: {weak.why}") from None
    return admin


def verbs(store: Store, env: Mapping[str, str]) -> dict[str, Verb]:
    """What can be asked of whoever has the store open."""

    async def create(name: str, password: str) -> str:
        return f"account {await appoint(store, env, Admin(name, password))} is an admin · 운영자 계정을 만들었어요"

    async def roles(userid: str, wanted: str) -> str:
        try:
            chosen = domain.in_order(role.strip() for role in wanted.split(","))
        except ValueError:
            raise NotDone(f"{wanted!r}: roles are {', '.join(domain.Role)}, with commas between") from None
        number = int(userid)
        await _told(store.write(set_roles, number, chosen, None, key=f"account:{number}"))
        return f"account {number} is {', '.join(chosen)} now · 권한을 바꿨어요"

    async def remove(userid: str) -> str:
        await _told(store.write(take_authenticator_away, int(userid), key=f"account:{int(userid)}"))
        return f"account {userid} needs no authenticator now · 인증 앱을 해제했어요"

    return {"create-admin": create, "roles": roles, "remove-authenticator": remove}


async def _told(doing: Awaitable[object]) -> None:
    try:
        await doing
    except domain.NoSuchAccount as nobody:
        raise NotDone(f"there is no account {nobody.userid}") from None
    except domain.LastAdmin as last:
        raise NotDone(f"account {last.userid} is the last admin: make another one first") from None
    except domain.AccountRefused as refused:
        raise NotDone(repr(refused)) from None


def do(where: StoreLocation, env: Mapping[str, str], verb: str, *args: str) -> str:
    """Do one of `verbs` to the accounts of a place. Raises NotDone, NoData, FolderInUse."""
    folder, plan = DataFolder(where.data), read_plan(where.data)
    url = given(where.url) or (plan.stores[ACCOUNT] if plan else "")
    if url:
        return asyncio.run(_in_store(url, env, verb, args))
    if folder.holder() is not None:
        done = control.ask(folder, verb, *args)
        if not done.ok:
            raise NotDone(done.said)
        return done.said
    if not folder.exists:
        raise NoData(f"there is no gbike data in {where.data}; `gbike up --data {where.data}` makes some")
    with locked(folder, f"gbike account {verb}"):
        path = folder.store_path(ACCOUNT)
        migrate(path, find_spec(ACCOUNT).versions)
        return asyncio.run(_in_store(f"sqlite:///{path}", env, verb, args))


async def _in_store(url: str, env: Mapping[str, str], verb: str, args: tuple[str, ...]) -> str:
    store = open_store(url, ACCOUNT, SystemClock(), SystemIds())
    acting.set(Acting(LOCAL))
    try:
        doing: Callable[..., Awaitable[str]] = verbs(store, env)[verb]
        return await doing(*args)
    finally:
        await store.close()
