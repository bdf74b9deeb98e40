"""Why a rent was refused its bike, so that a repeated request gets the same answer."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the column; NULL: the rent was cancelled or is over."""
    op.add_column("tombstones", sa.Column("refusal", sa.Text))
