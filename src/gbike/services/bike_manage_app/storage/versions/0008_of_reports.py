"""What a report tells beside battery and fault, and why it earned nothing."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name in ("fault", "words", "location", "why"):
        op.add_column("reports", sa.Column(name, sa.Text))
    for name in ("lat", "lon"):
        op.add_column("reports", sa.Column(name, sa.Double))
    op.add_column("reports", ms_column("seen_ms", nullable=True))
    told = sa.text("coalesce(words, location) IS NOT NULL OR lat IS NOT NULL OR lon IS NOT NULL")
    op.create_index("reports_told", "reports", ["reportid"], sqlite_where=told, postgresql_where=told)
