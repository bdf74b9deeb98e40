"""Bikes, and the tombstones of rents that must not take one any more."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_key

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "bikes",
        number_key("bikeid"),
        sa.Column("location", sa.Text),
        sa.Column("lat", sa.Double),
        sa.Column("lon", sa.Double),
        sa.Column("batterylevel", sa.Integer),
        sa.Column("rentid", sa.BigInteger),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("broken", sa.Integer, nullable=False),
        sa.Column("retired", sa.Integer, nullable=False),
        sa.Column("reportid", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table("tombstones", number_key("rentid"), ms_column("at_ms"))
