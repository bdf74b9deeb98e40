"""A house whose services keep their stores on engines of a test's choice: polyglot persistence."""

from collections.abc import Mapping
from pathlib import Path

import psycopg

from gbike.kit.storage.postgres.store import PostgresStore
from gbike.kit.storage.sqlite.store import SqliteStore
from gbike.run.embedded import Embedded
from gbike.run.registry import specs
from tests.postgres import Server
from tests.support import EVERY_RIDE_COSTS

EVERY = frozenset(card.name for card in specs())
PATIENT = {"GBIKE_RENT_DEADLINE_MS": "20000", "GBIKE_REPORT_DEADLINE_MS": "20000"}
"""What is told here is who gets the bike, not how fast: a busy machine puts nobody off."""
PAYING = {"GBIKE_PAYMENT_PROVIDER": "test"}


class _Flushed(PostgresStore):
    """The store of a house that is stepped by hand."""

    async def flush(self) -> None:
        """See BatchWriter.flush."""
        await self.writers[0].flush()


class House(Embedded):
    """Everything in one process; the services named in `urls` on PostgreSQL, the others on SQLite in memory."""

    def __init__(self, urls: Mapping[str, str], env: Mapping[str, str] | None = None) -> None:
        self._urls = urls
        super().__init__(None, {**EVERY_RIDE_COSTS, **PATIENT, **PAYING, **(env or {})})

    def _open(self, path: Path | None, versions: Path, source: str) -> SqliteStore:
        if source not in self._urls:
            return super()._open(path, versions, source)
        store = _Flushed(self._urls[source], clock=self.clock, ids=self._ids, source=source)
        return store  # type: ignore[return-value]  # another engine behind the same port is the point


class Databases:
    """A migrated database for each service, emptied for each test."""

    def __init__(self, server: Server) -> None:
        self._urls = {spec.name: server.migrated(spec.versions) for spec in specs()}

    def emptied(self, services: frozenset[str] = EVERY) -> dict[str, str]:
        """Where the empty databases of the services are."""
        for name in services:
            with psycopg.connect(self._urls[name], autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")  # or the ledger refuses, as it should
                named = connection.execute(_TABLES).fetchone()
                connection.execute(f"TRUNCATE {named[0] if named else ''} RESTART IDENTITY")  # type: ignore[arg-type]
                connection.execute("UPDATE audit_head SET number = 0, hash = repeat('0', 64)")
        return {name: self._urls[name] for name in services}


_TABLES = """SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'floor_version', 'audit_head')"""
