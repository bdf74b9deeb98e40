"""The tariff in versions, and which of them a bill is stamped with."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table and the column. Older bills keep the tariff that they are stamped with, and have no version."""
    op.create_table(
        "tariffs",
        number_key("version"),
        ms_column("effective_ms"),
        sa.Column("krw", sa.BigInteger, nullable=False),
        sa.Column("per_s", sa.BigInteger, nullable=False),
        sa.Column("rounding", sa.Text, nullable=False),
    )
    op.add_column("bills", sa.Column("version", sa.BigInteger))
