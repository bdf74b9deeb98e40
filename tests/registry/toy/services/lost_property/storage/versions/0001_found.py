"""What was found."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table; the floor makes its own."""
    op.create_table(
        "found",
        number_column("foundid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("location", sa.Text),
        sqlite_autoincrement=True,
    )
