"""Rides by their start, and those under way: lists are narrowed and sorted by these."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("rides_begun", "rides", ["started_ms", "rentid"])
    op.create_index("rides_of_begun", "rides", ["userid", "started_ms", "rentid"])
    riding = sa.text("rentstatus = 'rented'")
    op.create_index("rides_underway", "rides", ["rentid"], sqlite_where=riding, postgresql_where=riding)
