"""What folding needs of all that was heard, merged: a row per ride and speaker, and one per rider. The table `kept`
stays for what was heard last; see storage/kept.py."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables; what was kept before is merged into them while the service runs."""
    op.create_table(
        "rent_facts",
        number_key("rentid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        ms_column("started_ms", nullable=True),
        ms_column("ended_ms", nullable=True),
    )
    op.create_table(
        "bill_facts",
        number_key("rentid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("billid", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("fee", sa.BigInteger),
    )
    op.create_table(
        "deposit_facts",
        number_key("userid"),
        sa.Column("deposit", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
