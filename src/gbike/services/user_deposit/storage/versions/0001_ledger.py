"""The ledger: entries that are never changed, and the balance of each account beside them."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column, number_key

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "deposits",
        number_key("userid"),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("billid", sa.BigInteger),
        sa.Column("registered", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "entries",
        number_column("entryid"),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
        sa.UniqueConstraint("cause", "account"),
        sqlite_autoincrement=True,
    )
    op.create_index("entries_of", "entries", ["account", "entryid"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER no_{verb.lower()}_of_entries BEFORE {verb} ON entries"
                " BEGIN SELECT RAISE(ABORT, 'ledger entries are final'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION entries_are_final() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'ledger entries are final'; END $$"
        )
        op.execute(
            "CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON entries"
            " FOR EACH STATEMENT EXECUTE FUNCTION entries_are_final()"
        )
