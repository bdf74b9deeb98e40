"""Rides by their start, by their bike, and those under way by number: lists are narrowed and sorted by these."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the indexes; those of the starts have all that a count of a time needs."""
    op.create_index("rents_begun", "rents", ["started_ms", "rentid", "status"])
    op.create_index("rents_of_begun", "rents", ["userid", "started_ms", "rentid", "status"])
    riding = sa.text("status = 'rented'")
    op.create_index("rents_riding_now", "rents", ["rentid"], sqlite_where=riding, postgresql_where=riding)
    op.create_index("rents_on", "rents", ["bikeid", "rentid"])
