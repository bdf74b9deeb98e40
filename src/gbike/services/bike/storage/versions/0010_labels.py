"""What stands on a bike beside its number, in capitals."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the column; no two bikes have the same label."""
    op.add_column("bikes", sa.Column("label", sa.Text))
    op.create_index("bikes_label", "bikes", ["label"], unique=True)
