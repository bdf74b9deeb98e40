"""The view, and the events it is folded from."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column, number_key

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "rides",
        number_key("rentid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger),
        sa.Column("rentstatus", sa.Text),
        ms_column("started_ms", nullable=True),
        ms_column("ended_ms", nullable=True),
        sa.Column("billid", sa.BigInteger),
        sa.Column("fee", sa.BigInteger),
        sa.Column("billingstatus", sa.Text),
    )
    op.create_index("rides_of", "rides", ["userid", "rentid"])
    op.create_table(
        "riders",
        number_key("userid"),
        sa.Column("deposit", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("rides", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "kept",
        number_column("number"),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
