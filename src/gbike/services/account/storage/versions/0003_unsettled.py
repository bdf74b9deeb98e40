"""What people have unsettled elsewhere, as it was heard: whoever rides, or has money or a debt, is not erased."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "rides",
        number_key("rentid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("over", sa.Integer, nullable=False),
        ms_column("at_ms"),
    )
    is_open, is_over = sa.text("over = 0"), sa.text("over = 1")
    op.create_index("rides_open", "rides", ["userid"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("rides_over", "rides", ["at_ms"], sqlite_where=is_over, postgresql_where=is_over)
    op.create_table(
        "balances",
        number_key("userid"),
        sa.Column("deposit", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
