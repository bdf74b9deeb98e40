"""What people complain of about bikes."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_column

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "complaints",
        number_column("complaintid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("words", sa.Text),
        ms_column("at_ms"),
        sa.Column("takenout", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("complaints_about", "complaints", ["bikeid", "complaintid"])
    op.create_index("complaints_of", "complaints", ["userid", "complaintid"])
    op.create_index("complaints_when", "complaints", ["at_ms", "complaintid"])
