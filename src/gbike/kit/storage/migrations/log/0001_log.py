"""The log of the embedded bus."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import message_columns, ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the log."""
    op.create_table(
        "log",
        number_column("number"),
        sa.Column("message_id", sa.Text, nullable=False),
        *message_columns(),
        ms_column("at_ms"),
        sqlite_autoincrement=True,
    )
