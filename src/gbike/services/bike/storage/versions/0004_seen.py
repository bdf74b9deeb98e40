"""When somebody last stood at a bike, and what was said of a bike by index."""

from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("bikes", ms_column("seen_ms", nullable=True))
    op.create_index("outbox_of", "outbox", ["key", "id"])
