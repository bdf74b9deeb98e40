"""Whose ride is overdue, and whether they were told."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the column (0: not overdue, 1: to be told, 2: told) and an index of those that are to be told."""
    op.add_column("rides", sa.Column("reminder", sa.Integer, nullable=False, server_default="0"))
    waits = sa.text("reminder = 1")
    op.create_index("rides_reminders", "rides", ["rentid"], sqlite_where=waits, postgresql_where=waits)
