"""Where to: the PostgreSQL of a cluster's folder, started for the move, or a server that is there already; on either a
database for each service, under the service's name."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg import sql

from gbike.cli.move import CannotMove
from gbike.kit.auth.keyring import CURRENT, PREVIOUS, SEAL
from gbike.kit.files import private, write_whole
from gbike.run.cluster import orphans, secrets
from gbike.run.cluster.engine import FOLDER, alone
from gbike.run.cluster.logins import Logins, urls_at
from gbike.run.cluster.plan import MOVING, Options, keep_plan, make_plan, read_plan
from gbike.run.engines import postgres
from gbike.run.folder.backup import locked
from gbike.run.folder.data_folder import LETTERS, DataFolder
from gbike.run.registry import specs

CONNECT_S = 10
MAINTENANCE = "postgres"
"""The database that is asked which others there are, unless the URL names one."""
SERVICE = "{service}"
"""In a URL: where each service's name stands, when each has a role of its own and its database is there."""
SECRETS = (CURRENT, PREVIOUS, SEAL)


class Carried(msgspec.Struct, frozen=True):
    """What goes along beside the tables: the mode, and of a secure folder the keys and the letters not yet sent."""

    source: str
    demo: bool
    keys: Path
    resets: Path

    def must_have_keys(self) -> None:
        """Without its keys a secure folder would go on with new ones, to which nothing fits. Raises CannotMove."""
        for name in () if self.demo else (CURRENT, SEAL):
            if not (self.keys / name).exists():
                raise CannotMove(
                    f"{self.keys / name} is missing: name the folder of keys with GBIKE_ACCOUNT_KEYS · 키가 없어요"
                )


class AtUrl:
    """A server that is there already; the URL's role, or each service's own, owns what is made."""

    def __init__(self, url: str, carried: Carried) -> None:
        self._url, self._carried = url, carried

    @contextmanager
    def opened(self) -> Iterator[Mapping[str, str]]:
        """The databases' URLs by service. Raises CannotMove."""
        urls = {name: _at(self._url.replace(SERVICE, name), name) for name in [spec.name for spec in specs()]}
        if SERVICE not in self._url:
            _make_databases(
                self._url if urlsplit(self._url).path.strip("/") else _at(self._url, MAINTENANCE), list(urls)
            )
        yield urls

    def begin(self) -> None:
        """A server has no place to say that its databases are half filled; each has its mark."""

    def done(self) -> Sequence[str]:
        if self._carried.demo:
            return [
                "start the services with GBIKE_DEMO=1 and GBIKE_STORE_URL=postgresql://…/NAME · 서비스를 시작하세요"
            ]
        keys = ", ".join(file.name for file in _secrets_in(self._carried.keys))
        return [
            f"account needs {keys} of {self._carried.keys} in GBIKE_ACCOUNT_KEYS: without them nobody stays signed in,"
            " and authenticators are lost · 계정 서비스에 이 키가 필요해요",
            "then start the services, never with GBIKE_DEMO=1 · 그다음 서비스를 시작하세요",
        ]


class InFolder:
    """The folder of a cluster on this machine, new or never filled."""

    def __init__(self, data: Path, carried: Carried) -> None:
        self._data, self._carried = data, carried
        self._keys = data / secrets.FOLDER / "account" / secrets.ACCOUNT

    @contextmanager
    def opened(self) -> Iterator[Mapping[str, str]]:
        """The databases' URLs by service, their server running meanwhile. Raises CannotMove, CannotRun, FolderInUse."""
        folder = DataFolder(self._data)
        if folder.exists:
            raise CannotMove(
                f"{self._data} is the folder of one process: choose another with --to · 다른 폴더를 고르세요"
            )
        with locked(folder, "gbike move"):
            self._must_fit()
            names = [spec.name for spec in specs()]
            logins = None if self._carried.demo else Logins(self._data, names)
            with _server(self._data, logins) as port:
                if logins is None:
                    _make_databases(postgres.url(port), names)
                yield urls_at(port, names, logins)

    def begin(self) -> None:
        """`gbike cluster up` refuses the folder from now on."""
        write_whole(self._data / MOVING, self._carried.source.encode())

    def done(self) -> Sequence[str]:
        """Keys, letters and the plan are there, so the cluster may start."""
        flag = " --demo" if self._carried.demo else ""
        if not self._carried.demo:
            self._keys.mkdir(parents=True, exist_ok=True, mode=0o700)
            for file in _secrets_in(self._carried.keys):
                _copy_secret(file, self._keys / file.name)
            if self._carried.resets.exists():
                _copy_secret(self._carried.resets, self._data / LETTERS)
        if read_plan(self._data) is None:
            keep_plan(make_plan(Options(self._data, port=0, demo=self._carried.demo)), self._data)
        (self._data / MOVING).unlink(missing_ok=True)
        return [f"start it · 시작하세요: gbike cluster up{flag} --data {self._data}"]

    def _must_fit(self) -> None:
        plan, mark = read_plan(self._data), self._data / MOVING
        if plan is not None and plan.demo is not self._carried.demo:
            mode = "an open cluster (--demo)" if plan.demo else "a secure cluster"
            raise CannotMove(f"{self._data} is the folder of {mode}, and what is moved is not · 모드가 달라요")
        if mark.exists() and (other := mark.read_text("utf-8")) != self._carried.source:
            raise CannotMove(f"{self._data} is being filled from {other} · 다른 폴더에서 옮기던 중이에요")
        for file in [] if self._carried.demo else _secrets_in(self._carried.keys):
            there = self._keys / file.name
            if there.exists() and there.read_bytes() != file.read_bytes():
                raise CannotMove(f"{there} is another key than {file}: choose a new folder · 다른 키가 이미 있어요")


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _secrets_in(keys: Path) -> list[Path]:
    return [keys / name for name in SECRETS if (keys / name).exists()]


def _copy_secret(file: Path, to: Path) -> None:
    """Readable for its user only from the first byte on, and as old as it was: a new key does not sign at once."""
    private(to)
    shutil.copyfile(file, to)
    made = file.stat()
    os.utime(to, ns=(made.st_atime_ns, made.st_mtime_ns))


def _make_databases(url: str, names: Sequence[str]) -> None:
    """Make those that are missing. Raises CannotMove."""
    where = urlsplit(url).hostname or "the server"
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_S) as server:
            there = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
            for name in names:
                if name not in there:
                    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as away:
        why = str(away).strip().splitlines()[0]
        raise CannotMove(f"PostgreSQL at {where} does not give a database for each service: {why}") from None


@contextmanager
def _server(data: Path, logins: Logins | None) -> Iterator[int]:
    """The folder's PostgreSQL (we hold its lock) or a new one; its port. `logins`: who may enter. Raises CannotRun."""
    orphans.end_left_behind(data)
    postgres.prepare(data / FOLDER)
    with alone(data / FOLDER, data / "logs" / "move.log", logins) as server:
        orphans.record(data, {"postgres": server.pid})
        yield server.port
    orphans.record(data, {})
