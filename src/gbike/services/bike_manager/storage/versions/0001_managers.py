"""Managers, and every movement of their points."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "managers",
        number_column("managerid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("adjustpoint", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "point_entries",
        number_column("entryid"),
        sa.Column("managerid", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text, nullable=False, unique=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("point_entries_of", "point_entries", ["managerid", "entryid"])
