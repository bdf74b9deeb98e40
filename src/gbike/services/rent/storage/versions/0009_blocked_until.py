"""When an operator's block of a rider ends by itself."""

from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the column; NULL: it does not, or there is no block."""
    op.add_column("standings", ms_column("blockeduntil_ms", nullable=True))
