"""What was found."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.schema.floor import (
    add_log_of_places,
    create_audit,
    create_floor,
    create_hours,
    create_seal,
    number_column,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_floor()
    create_audit()
    create_seal()
    add_log_of_places()
    create_hours()
    op.create_table(
        "found",
        number_column("foundid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("location", sa.Text),
        sqlite_autoincrement=True,
    )
