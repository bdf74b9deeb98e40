"""Rents, and a row per rider to lock where the number of open rents is limited."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column, number_key

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "rents",
        number_column("rentid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        ms_column("deadline_ms"),
        ms_column("started_ms", nullable=True),
        ms_column("ended_ms", nullable=True),
        sa.Column("endlocation", sa.Text),
        sa.Column("lat", sa.Double),
        sa.Column("lon", sa.Double),
        sa.Column("reason", sa.Text),
        sa.Column("once_key", sa.Text),
        sqlite_autoincrement=True,
    )
    pending, riding = sa.text("status = 'pending'"), sa.text("status = 'rented'")
    cancelled = sa.text("status = 'cancelled'")
    op.create_index("rents_pending", "rents", ["deadline_ms"], sqlite_where=pending, postgresql_where=pending)
    op.create_index("rents_riding", "rents", ["userid"], sqlite_where=riding, postgresql_where=riding)
    op.create_index("rents_cancelled", "rents", ["rentid"], sqlite_where=cancelled, postgresql_where=cancelled)
    op.create_table("riders", number_key("userid"))
