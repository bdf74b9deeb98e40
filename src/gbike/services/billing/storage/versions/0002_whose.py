"""Whose a row is, by index: most people see only their own."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("bills_of", "bills", ["userid", "billid"])
