"""The log of the embedded bus."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.schema.floor import ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the log."""
    op.create_table(
        "log",
        number_column("number"),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        ms_column("at_ms"),
        sqlite_autoincrement=True,
    )
