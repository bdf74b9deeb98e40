"""What was given back of a bill, and why."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_column

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table, and their sum beside the fee that it never exceeds."""
    op.add_column("bills", sa.Column("refunded", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "corrections",
        number_column("correctionid"),
        sa.Column("billid", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("byuser", sa.BigInteger),
        ms_column("at_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("corrections_of", "corrections", ["billid", "correctionid"])
