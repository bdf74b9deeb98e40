"""Deposits by their amount, and a rider's entries by their moment: lists are narrowed and sorted by these."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the indexes; debts are the beginning of the first."""
    op.create_index("deposits_owed", "deposits", ["balance", "userid"])
    op.create_index("entries_of_moment", "entries", ["account", "at_ms", "entryid"])
