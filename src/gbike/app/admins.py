"""Admins, as an operator makes them: asked for on a terminal or read from a file, never with a password by default."""

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from gbike.app.single import open_store
from gbike.kit.clock import SystemClock
from gbike.kit.contacts import known_as
from gbike.kit.ids import SystemIds
from gbike.kit.passwords import Passwords
from gbike.kit.settings import load
from gbike.kit.store import Reading, Store
from gbike.kit.text import clean
from gbike.services.account.commands.accounts import add_account
from gbike.services.account.domain import Role, WeakPassword, must_be_strong
from gbike.services.account.wiring import AccountSettings

OTHERS_MAY_READ = 0o007
TRIES = 3
"""How often somebody at a terminal may try to name a good password."""


class NotDone(Exception):
    """What an operator wants of accounts can't be done; the text says why and what to do."""


class Admin(NamedTuple):
    """Who is to be an admin."""

    name: str
    password: str


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
    must_be_strong(admin.password, beside=(name, contact.typed))
    hashed = await passwords.hash(admin.password)
    made = await store.write(add_account, name, contact, hashed, (Role.ADMIN,), key="accounts")
    if made is None:
        raise NotDone(f"there is an account {admin.name!r} already; `gbike account roles` grants it more")
    return made.userid


async def is_there_one(store: Store) -> bool:
    """Whether somebody can grant roles."""
    return await store.read(_any)


async def have_one(url: str, env: Mapping[str, str], file: Path) -> None:
    """Make the admin of the file in account's store, unless there is one. Raises NotDone."""
    store = open_store(url, "account", SystemClock(), SystemIds())
    try:
        if not await is_there_one(store):
            await appoint(store, env, wanted(file))
    finally:
        await store.close()


def _any(read: Reading) -> bool:
    return read.one("SELECT 1 FROM accounts WHERE roles LIKE '%admin%' AND erased_ms IS NULL LIMIT 1") is not None


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
    print("There is no admin yet. · 아직 관리자가 없습니다.")
    name = input("name to sign in with · 로그인 이름: ").strip()
    if len(name) < 3:
        raise NotDone("a name has three characters at least")
    for _ in range(TRIES):
        password = getpass.getpass("password · 비밀번호: ")
        if getpass.getpass("again · 다시: ") != password:
            print("These two differ. · 두 번 입력한 값이 다릅니다.")
            continue
        try:
            return _checked(Admin(name, password), "the password")
        except NotDone as weak:
            print(weak)
    raise NotDone("no admin was made")


def _checked(admin: Admin, where: str) -> Admin:
    try:
        must_be_strong(admin.password, beside=(admin.name,))
    except WeakPassword as weak:
        raise NotDone(f"{where}: {weak.why}") from None
    return admin
