"""Reports; the number a manager sent belongs to one report that was not cancelled."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    op.create_table(
        "reports",
        number_column("reportid"),
        sa.Column("managerid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("batterylevel", sa.Integer, nullable=False),
        sa.Column("usableyn", sa.Boolean),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("sent_reportid", sa.BigInteger),
        ms_column("deadline_ms"),
        sa.Column("reason", sa.Text),
        sa.Column("once_key", sa.Text),
        sqlite_autoincrement=True,
    )
    pending, applied = sa.text("status = 'pending'"), sa.text("status = 'applied'")
    alive = sa.text("status <> 'cancelled' AND sent_reportid IS NOT NULL")
    op.create_index("reports_pending", "reports", ["deadline_ms"], sqlite_where=pending, postgresql_where=pending)
    op.create_index("reports_applied", "reports", ["reportid"], sqlite_where=applied, postgresql_where=applied)
    op.create_index(
        "reports_sent",
        "reports",
        ["managerid", "sent_reportid"],
        unique=True,
        sqlite_where=alive,
        postgresql_where=alive,
    )
