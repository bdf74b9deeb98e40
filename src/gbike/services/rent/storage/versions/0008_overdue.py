"""Rides that cost nothing, and whether a rider was reminded of one that is overdue."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the columns (rides of before: neither), and an index of the rides under way by their start."""
    op.add_column("rents", sa.Column("voided", sa.Integer, nullable=False, server_default="0"))
    op.add_column("rents", sa.Column("reminded", sa.Integer, nullable=False, server_default="0"))
    riding = sa.text("status = 'rented'")
    op.create_index("rents_underway", "rents", ["started_ms"], sqlite_where=riding, postgresql_where=riding)
