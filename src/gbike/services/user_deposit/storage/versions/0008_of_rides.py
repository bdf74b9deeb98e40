"""Which ride an entry is of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the column; NULL: it is of none, or it is older than this."""
    op.add_column("entries", sa.Column("rentid", sa.BigInteger))
