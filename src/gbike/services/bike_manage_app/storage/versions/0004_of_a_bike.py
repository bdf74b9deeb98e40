"""When a report was applied, and a bike's reports by index."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("reports", ms_column("applied_ms", nullable=True))
    applied = sa.text("status = 'applied'")
    op.create_index("reports_about", "reports", ["bikeid", "reportid"], sqlite_where=applied, postgresql_where=applied)
