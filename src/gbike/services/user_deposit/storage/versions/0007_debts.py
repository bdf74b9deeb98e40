"""Debts by their amount: the list of them is sorted by it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the index."""
    debt = sa.text("balance < 0")
    op.create_index("deposits_owed", "deposits", ["balance", "userid"], sqlite_where=debt, postgresql_where=debt)
