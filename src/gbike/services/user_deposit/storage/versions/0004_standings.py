"""What a rider must have to begin a ride, and what was told of each rider's standing."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "rent_minimums",
        number_key("version"),
        sa.Column("minimum_krw", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
    )
    op.create_table(
        "standings",
        number_key("userid"),
        sa.Column("minimum_krw", sa.BigInteger, nullable=False),
        sa.Column("missing_krw", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
