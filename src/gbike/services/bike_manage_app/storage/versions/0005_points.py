"""What a report earns, whose change it is paid for, and what a manager was paid lately by index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the columns and the indexes: until now every report earned 1,000 points once it was applied."""
    op.add_column("reports", sa.Column("points", sa.BigInteger, nullable=False, server_default="1000"))
    op.add_column("reports", sa.Column("paid_for", sa.BigInteger))
    paid, instead = sa.text("status = 'applied' AND points > 0"), sa.text("paid_for IS NOT NULL")
    op.create_index("reports_paid", "reports", ["managerid", "applied_ms"], sqlite_where=paid, postgresql_where=paid)
    op.create_index(
        "reports_paid_for", "reports", ["paid_for"], unique=True, sqlite_where=instead, postgresql_where=instead
    )
