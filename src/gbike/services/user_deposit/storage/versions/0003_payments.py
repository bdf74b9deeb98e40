"""What riders want to pay in, and what of it was paid."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("paymentid", sa.Text, primary_key=True),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
        ms_column("paid_ms", nullable=True),
    )
    op.create_index("payments_of", "payments", ["userid", "at_ms"])
    op.create_index("payments_begun", "payments", ["at_ms"])
