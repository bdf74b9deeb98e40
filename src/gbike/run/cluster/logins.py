"""The logins of a secure cluster's PostgreSQL: each service's owns its database and enters no other, one reads them
all, and the supervisor's made the server and gives everybody their rights, anew at every start."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from gbike.run.cluster import secrets
from gbike.run.engines import CannotRun, postgres

READER = "reader"
CONNECT_S = 10
PROVEN = "require_auth=scram-sha-256"
"""Who listens on a port proves that he knows the password too, before he is told anything: it may be somebody else's
while our server is down, and who is asked for a password in clear text would give it."""
SEARCH_PATH = "-c search_path=pg_catalog"
"""The supervisor never runs what a service may have written under a name of the system's."""


def urls_at(port: int, services: Sequence[str], logins: "Logins | None") -> dict[str, str]:
    """Where each service finds its database in the server at a port; without logins it is open."""
    return logins.urls(port) if logins else {name: postgres.url(port, name) for name in services}


class Logins:
    """The logins of one cluster, whose passwords are in its folder."""

    def __init__(self, data: Path, services: Sequence[str]) -> None:
        """`services`: whose stores are on PostgreSQL."""
        self._data, self._services = data, tuple(services)

    def urls(self, port: int) -> dict[str, str]:
        """Where each service's own login finds its database."""
        return {name: self._url(port, name, name) for name in self._services}

    def readers(self, port: int) -> dict[str, str]:
        """Where the reading login finds each service's."""
        return {name: self._url(port, name, READER) for name in self._services}

    def close(self, folder: Path) -> None:
        """Let nobody without a password into the server of a prepared folder, which must not run. Raises CannotRun."""
        passwords = secrets.make_passwords(self._data, (postgres.OWNER, READER, *self._services))
        may_enter = {postgres.OWNER: "all", READER: "all", **{name: name for name in self._services}}
        postgres.require_passwords(folder, passwords[postgres.OWNER], may_enter)

    def arrange(self, port: int) -> None:
        """Make logins and databases that are missing, and give everybody just their rights. Raises CannotRun."""
        import psycopg

        from gbike.run.cluster import rights

        passwords = secrets.make_passwords(self._data, (READER, *self._services))

        def connected(database: str) -> rights.Server:
            url = self._url(port, database, postgres.OWNER)
            return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_S, options=SEARCH_PATH)

        try:
            with connected(postgres.MAINTENANCE) as server:
                rights.make_logins(server, passwords, READER)
                for name in self._services:
                    rights.make_database(server, name, READER)
                rights.close_databases(server)
            for name in self._services:
                with connected(name) as database:
                    rights.give_contents(database, name, READER)
        except psycopg.Error as refused:
            why = str(refused).strip().partition("\n")[0]
            raise CannotRun(f"PostgreSQL does not take the logins of the services: {why}") from None

    def _url(self, port: int, database: str, login: str) -> str:
        file = quote(str(secrets.passfile(self._data, login)))
        return f"{postgres.url(port, database, login)}?passfile={file}&{PROVEN}"
