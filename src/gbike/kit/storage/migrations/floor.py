"""The tables of the shared floor, which every service has beside its own."""

import sqlalchemy as sa
from alembic import op

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""The type of a number that the database gives out."""


def number_column(name: str) -> sa.Column[int]:
    """A primary key that counts up and never comes back, not even after a purge (AUTOINCREMENT on SQLite)."""
    return sa.Column(name, NUMBER, sa.Identity(), primary_key=True)


def ms_column(name: str, nullable: bool = False) -> sa.Column[int]:
    """A moment, milliseconds since 1970 UTC."""
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def message_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    ]


def create_floor() -> None:
    """Outbox, inbox, places in the log, dead letters, idempotency keys and counters: version 1."""
    op.create_table(
        "outbox",
        number_column("id"),
        sa.Column("message_id", sa.Text, nullable=False),
        *message_columns(),
        ms_column("published_ms", nullable=True),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("published_ms IS NULL")
    op.create_index("outbox_waiting", "outbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "inbox", sa.Column("message_id", sa.Text, primary_key=True), ms_column("at_ms"), sqlite_with_rowid=False
    )
    op.create_table(
        "positions",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("message_id", sa.Text, primary_key=True),
        *message_columns(),
        sa.Column("reason", sa.Text, nullable=False),
        ms_column("at_ms"),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("body_hash", sa.Text, nullable=False),
        *(sa.Column("status", sa.Integer), sa.Column("content", sa.LargeBinary), sa.Column("headers", sa.LargeBinary)),
        ms_column("at_ms"),
    )
    op.create_index("idempotency_at", "idempotency", ["at_ms"])
    op.create_table(
        "counters", sa.Column("name", sa.Text, primary_key=True), sa.Column("n", sa.BigInteger, nullable=False)
    )
    if op.get_bind().dialect.name == "postgresql":  # what each writer committed last (kit/storage/postgres/writer.py)
        op.create_table(
            "commits",
            sa.Column("writer", sa.Text, primary_key=True),
            sa.Column("number", sa.BigInteger, nullable=False),
            ms_column("at_ms"),
        )


def number_key(name: str) -> sa.Column[int]:
    return sa.Column(name, NUMBER, primary_key=True, autoincrement=False)


def create_audit() -> None:
    """The chain of deeds with its head, and the people who were erased: no service is without them."""
    op.create_table(
        "audit",
        number_key("number"),
        ms_column("at_ms"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("who", "roles", "mode", "action", "subject")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("before", "after", "trace_id", "prev_hash", "hash")),
    )
    op.create_index("audit_of", "audit", ["subject", "number"])
    op.create_table(
        "audit_head", sa.Column("number", sa.BigInteger, nullable=False), sa.Column("hash", sa.Text, nullable=False)
    )
    op.execute(f"INSERT INTO audit_head (number, hash) VALUES (0, '{'0' * 64}')")
    make_final("audit", "audit rows are final")
    op.create_table("erased", number_key("userid"), ms_column("at_ms"))
    if op.get_bind().dialect.name == "postgresql":  # as SQLite has it
        op.execute(
            "CREATE FUNCTION instr(bytea, bytea) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE"
            " AS 'SELECT position($2 in $1)'"
        )


def make_final(table: str, why: str) -> None:
    """Let the database itself refuse to change or remove a row."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER no_{verb.lower()}_of_{table} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{why}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{why}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_final()"
    )


def create_seal() -> None:
    """Which data folder the store is part of, in which mode, and how many generations it has had: one row in a data
    folder of one process, none in a cluster's database."""
    op.create_table(
        "seal",
        sa.Column("store", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("folder", "mode")),
        sa.Column("generation", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
    )


def add_log_of_places() -> None:
    """The epoch of the log that a consumer's place is in; NULL: that of before there were any."""
    op.add_column("positions", sa.Column("log", sa.Text))


def create_kept() -> None:
    """The seal, the log of the places, and the hours: each service's store has them since one of its own versions."""
    create_seal()
    add_log_of_places()
    create_hours()


def create_epoch() -> None:
    """What tells this log from every other: one row, and why the log began anew with it (empty: it is the first)."""
    op.create_table(
        "epoch",
        sa.Column("id", sa.Text, primary_key=True),
        ms_column("at_ms"),
        sa.Column("why", sa.Text, nullable=False),
    )


def create_hours() -> None:
    """What was published and heard in each hour (kit/messaging/hours.py), and of each message that was heard what
    tells whose it was: nullable, as the version before does not fill it."""
    op.add_column("inbox", sa.Column("type", sa.Text))
    op.add_column("inbox", sa.Column("key", sa.Text))
    untyped = sa.text("type IS NULL")
    op.create_index("inbox_untyped", "inbox", ["message_id"], sqlite_where=untyped, postgresql_where=untyped)
    op.create_table(
        "hours",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("direction", "source", "type")),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),  # its beginning, ms since 1970 UTC
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folds",
        sa.Column("direction", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        ms_column("since_ms"),
        ms_column("until_ms"),
    )
