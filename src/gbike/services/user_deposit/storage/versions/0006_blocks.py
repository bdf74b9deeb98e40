"""Riders whom an operator keeps from beginning a ride, and what was told of it."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table and the columns. No reason: its rider was erased; no end: until an operator ends it."""
    op.create_table(
        "blocks",
        number_key("userid"),
        sa.Column("reason", sa.Text),
        ms_column("since_ms"),
        ms_column("until_ms", nullable=True),
    )
    lapses = sa.text("until_ms IS NOT NULL")
    op.create_index("blocks_until", "blocks", ["until_ms"], sqlite_where=lapses, postgresql_where=lapses)
    op.add_column("standings", sa.Column("blocked", sa.Integer, nullable=False, server_default="0"))
    op.add_column("standings", ms_column("until_ms", nullable=True))
