"""What people agreed to. Nobody is asked when gbike is upgraded: accounts of before have none until they give one."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "consents",
        sa.Column("userid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        ms_column("at_ms"),
    )
