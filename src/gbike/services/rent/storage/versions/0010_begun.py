"""Rides by their start, and by their bike: lists are narrowed and sorted by these."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the indexes; that of the starts has all that a count of a time needs."""
    op.create_index("rents_begun", "rents", ["started_ms", "rentid", "status"])
    op.create_index("rents_on", "rents", ["bikeid", "rentid"])
