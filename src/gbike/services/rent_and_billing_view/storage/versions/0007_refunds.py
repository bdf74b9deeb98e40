"""What of a ride's fee was given back, once per correction."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import number_key

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the sum that is shown, what it is of, and what it can be folded anew from."""
    op.add_column("rides", sa.Column("refunded", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table("refunds", number_key("correctionid"), sa.Column("rentid", sa.BigInteger, nullable=False))
    op.create_table(
        "refund_facts",
        number_key("correctionid"),
        sa.Column("rentid", sa.BigInteger, nullable=False),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("billid", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("deposit", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
