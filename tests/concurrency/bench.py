"""A service's database, put back to the same rows for each order, and what came of an order."""

from collections.abc import Sequence, Set
from typing import Any

import psycopg

from gbike.kit.messaging.hours import HOUR_MS, first_id
from gbike.kit.storage.postgres.connection import Dialer, PostgresReading, Session
from gbike.run.registry import spec
from tests.concurrency.explore import Found, explore
from tests.concurrency.footprint import KEYS, Step
from tests.concurrency.house import LATER, House
from tests.concurrency.stepping import LET_GO, NOW, Fixed, Order, Outcome, Steps, Two, Write
from tests.postgres import Server

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'commits')"
    " ORDER BY tablename"
)
_FOLDED = """INSERT INTO folds VALUES ('said', '', 0, %(later)s), ('heard', '', 0, %(until)s);
    INSERT INTO inbox (message_id, type, key, at_ms) VALUES (%(id)s, 'Rang', 'bell:1', 0)"""
"""Hours are folded, so that housekeeping removes what is old enough; one that was heard is not yet."""
_UNGUARDED = "SET session_replication_role = replica"
"""Or the ledger refuses to be put back, as it should."""
_PUT_BACK = """CREATE FUNCTION kept.put_back_TABLE() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM public.TABLE;
    INSERT INTO public.TABLE OVERRIDING SYSTEM VALUE SELECT * FROM kept.TABLE;
END $$"""
_CHANCE = {
    "outbox": ("id", "message_id", "headers"),
    "audit": ("number", "prev_hash", "hash", "trace_id"),
    "audit_head": ("hash",),
}
"""Columns of the floor that tell of order or chance only."""


class Workbench:
    """One service's database with two processes at it."""

    def __init__(self, server: Server, house: House) -> None:
        self.house = house
        url = server.migrated(spec(house.name).versions)
        self._plain = psycopg.connect(url, autocommit=True)
        self._plain.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET deadlock_timeout = '1ms'")  # type: ignore[arg-type]
        self._two = Two(url, house.name)
        for one in house.setup:
            for outcome in self._two.alone([one]):
                assert outcome[0] == "answered", (one, outcome)
        begun = {"until": NOW + HOUR_MS, "later": LATER, "id": f"{first_id(NOW)}-7000-8000-000000000000"}
        psycopg.ClientCursor(self._plain).execute(_FOLDED, begun)
        tables = [row[0] for row in self._plain.execute(_TABLES)]
        self._tables = tables
        self._sequences = self._kept(tables)
        self._state = self._shown(tables, house)
        self._begun = self._plain.execute(self._state).fetchone() or ()  # type: ignore[arg-type]
        self._changed = set(tables)
        """What the order before may have left other than it was."""
        self._reading = PostgresReading(Session(Dialer(url, Fixed(), "look")(5_000)))

    def close(self) -> None:
        """Hang up."""
        self._two.close()
        self._plain.close()
        self._reading._connection.connection.close()

    def judge(
        self,
        one: Sequence[Write],
        other: Sequence[Write],
        *,
        serial: bool = True,
        answered: bool = False,
        sleeping: bool = True,
    ) -> Found:
        """Run two batches in every order. `serial`: what comes of it must be what one after the other comes to;
        `answered`: and nobody is refused; `sleeping`: see explore."""
        right: list[Any] = []
        seen: list[Any] = []
        wrong: list[str] = []

        def play(order: Order) -> None:
            noted = _Noted(order)
            self._put_back()
            outcomes = self._two.play([one, other], noted)
            if noted.let_go:
                return
            came = (outcomes, self._plain.execute(self._state).fetchone())  # type: ignore[arg-type]
            self._changed = self._other_than_begun(came[1])
            told = [*self.house.wrong(self._reading)]
            if answered:
                told += [f"refused: {came}" for came in outcomes_of(outcomes) if came[0] != "answered"]
            if came not in seen:
                seen.append(came)
            if len(right) < 2:
                right.append(came)
            elif serial and came not in right:
                told.append(f"no order of one after the other comes to this: {self._difference(came, right)}")
            wrong.extend(f"{what}\n  " + "\n  ".join(noted.took) for what in told)

        before = self._two.failures
        found = explore(play, sleeping=sleeping)
        found.failures = self._two.failures - before
        found.wrong, found.came = wrong, seen
        return found

    def deadlocks(self) -> int:
        """How many PostgreSQL has had to end in this database."""
        self._plain.execute("SELECT pg_stat_force_next_flush()")
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        row = self._plain.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def _put_back(self) -> None:
        """The rows are as they were to begin with."""
        back = [f"kept.put_back_{table}()" for table in self._tables if table in self._changed]
        self._changed = set(self._tables)
        self._plain.execute(f"SELECT {', '.join([*back, self._sequences])}")  # type: ignore[arg-type]

    def _other_than_begun(self, state: Any) -> set[str]:
        """The tables with other rows than to begin with, and those of which not every column is looked at."""
        hidden = {*_CHANCE, *(column.split(".")[0] for column in self.house.not_compared)}
        rows = zip(self._tables, state, self._begun, strict=True)
        return {table for table, now, begun in rows if table in hidden or now != begun}

    def _kept(self, tables: Sequence[str]) -> str:
        """Keep the rows as they are now, with a function for each table that puts them back: PostgreSQL plans its
        statements once. Answers the SQL that puts all sequences back."""
        self._plain.execute(_UNGUARDED)
        self._plain.execute("CREATE SCHEMA kept")
        for table in tables:
            self._plain.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}")  # type: ignore[arg-type]
            self._plain.execute(_PUT_BACK.replace("TABLE", table))  # type: ignore[arg-type]
        found = self._plain.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
        keyed = {f"{table}_{column}_seq": table for table, column in KEYS.items()}
        self._two.given({keyed[name]: last or 0 for name, last in found if name in keyed})
        return ", ".join(f"setval('{name}', {last or 1}, {last is not None})" for name, last in found)

    def _shown(self, tables: Sequence[str], house: House) -> str:
        shown = []
        for table in tables:
            left = [*_CHANCE.get(table, ())]
            left += [column.split(".")[1] for column in house.not_compared if column.split(".")[0] == table]
            row = f"to_jsonb(t) - ARRAY[{', '.join(map(repr, left))}]::text[]"
            shown.append(f"(SELECT coalesce(jsonb_agg({row} ORDER BY ({row})::text), '[]')::text FROM {table} t)")
        return f"SELECT {', '.join(shown)}"

    def _difference(self, came: Any, right: Sequence[Any]) -> str:
        outcomes, state = came
        told = [f"answers {outcomes}"]
        for name, (their_outcomes, theirs) in zip(("A, B", "B, A"), right, strict=True):
            told.append(f"{name}: {'same answers' if outcomes == their_outcomes else their_outcomes}")
            told += [
                f"{name}: {table} {rows[:600]} instead of {other[:600]}"
                for table, rows, other in zip(self._tables, state, theirs, strict=True)
                if rows != other
            ]
        return "\n    ".join(told)


class _Noted:
    """An order, and what was done in it."""

    def __init__(self, order: Order) -> None:
        self.first = order.first
        self.took: list[str] = []
        self.let_go = False
        self._order = order

    def asks(self, side: int, step: Step) -> bool:
        """See Order."""
        asks = self._order.asks(side, step)
        if not asks:
            self.took.append(f"{'AB'[side]}: {step}")
        return asks

    def choose(self, steps: Steps, waiting: Set[int]) -> int:
        """See Order."""
        side = self._order.choose(steps, waiting)
        if side == LET_GO:
            self.let_go = True
        else:
            self.took.append(f"{'AB'[side]}: {steps[side]}")
        return side


def outcomes_of(found: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """The answers of both."""
    return [one for some in found for one in some]
