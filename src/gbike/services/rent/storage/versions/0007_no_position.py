"""Why a position that was sent at a return is none."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the column; NULL: it is one, or none was sent."""
    op.add_column("rents", sa.Column("noposition", sa.Text))
