"""What a session tells of itself, the way from one refresh token to the next, tries under way, and known households.

What is added to old tables is nullable: the version before does not fill it.
"""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("since_ms", "auth_ms", "used_ms"):
        op.add_column("sessions", ms_column(name, nullable=True))
    for name in ("client", "agent"):
        op.add_column("sessions", sa.Column(name, sa.Text))
    for name in ("salt", "successor"):
        op.add_column("refresh_tokens", sa.Column(name, sa.Text))
    op.create_index("refresh_tokens_of", "refresh_tokens", ["successor"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("whose", sa.Text, primary_key=True),
        ms_column("at_ms"),
    )
    op.create_index("attempts_of", "attempts", ["whose", "at_ms"])
    op.create_index("attempts_at", "attempts", ["at_ms"])
    op.create_table(
        "households",
        sa.Column("userid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("client", sa.Text, primary_key=True),
        ms_column("seen_ms"),
    )
    op.create_index("households_seen", "households", ["seen_ms"])
