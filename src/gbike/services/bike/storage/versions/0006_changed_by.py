"""Which report last changed a bike's battery or fault: only such a one earns points where points are for changes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the column; 0: none that is on record."""
    op.add_column("bikes", sa.Column("changed_reportid", sa.BigInteger, nullable=False, server_default="0"))
