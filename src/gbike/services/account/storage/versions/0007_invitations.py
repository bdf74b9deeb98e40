"""Invitations: who may come, or be given roles, by a token that was sent to a contact."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_column

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "invitations",
        number_column("invitationid"),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("normal", sa.Text, nullable=False, unique=True),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("managerid", sa.BigInteger),
        ms_column("since_ms"),
        ms_column("expires_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("invitations_expire", "invitations", ["expires_ms"])
