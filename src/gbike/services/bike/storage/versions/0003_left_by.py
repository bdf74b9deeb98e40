"""Whose ride left a bike where it stands, and whose a rent was that is over."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the columns; to look through all bikes once is cheaper than an index that every return writes."""
    op.add_column("bikes", sa.Column("left_by", sa.BigInteger))
    op.add_column("tombstones", sa.Column("userid", sa.BigInteger))
