"""Accounts, sessions, resets, and the tries to get in."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import create_floor, ms_column, number_column

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_floor()
    columns = (
        number_column("userid"),
        sa.Column("name", sa.Text),
        sa.Column("contact", sa.Text, unique=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("managerid", sa.BigInteger),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("codes_wanted", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_step", sa.BigInteger, nullable=False, server_default="0"),
        ms_column("created_ms"),
        ms_column("erased_ms", nullable=True),
    )
    op.create_table("accounts", *columns, sqlite_autoincrement=True)
    op.create_table(
        "sessions",
        sa.Column("family", sa.Text, primary_key=True),
        sa.Column("userid", sa.BigInteger, nullable=False),
        ms_column("expires_ms"),
        ms_column("ended_ms", nullable=True),
    )
    op.create_index("sessions_of", "sessions", ["userid"])
    op.create_index("sessions_expire", "sessions", ["expires_ms"])
    op.create_table(
        "refresh_tokens",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("family", sa.Text, nullable=False),
        ms_column("expires_ms"),
        ms_column("used_ms", nullable=True),
    )
    op.create_index("refresh_tokens_expire", "refresh_tokens", ["expires_ms"])
    op.create_table(
        "resets",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("userid", sa.BigInteger, nullable=False),
        ms_column("expires_ms"),
    )
    op.create_index("resets_expire", "resets", ["expires_ms"])
    op.create_table(
        "tries",
        sa.Column("whose", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        ms_column("since_ms"),
        ms_column("until_ms"),
    )
    op.create_index("tries_since", "tries", ["since_ms"])
