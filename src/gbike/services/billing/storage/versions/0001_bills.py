"""Bills: one per rent, whatever is said twice."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "bills",
        number_column("billid"),
        sa.Column("rentid", sa.BigInteger, nullable=False, unique=True),
        sa.Column("userid", sa.BigInteger, nullable=False),
        ms_column("started_ms"),
        ms_column("ended_ms", nullable=True),
        sa.Column("fee", sa.BigInteger),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("tariff", sa.Text),
        sqlite_autoincrement=True,
    )
