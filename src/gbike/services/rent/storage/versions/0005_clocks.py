"""What the boot clock showed at a start, how a ride ended, and whether a rider may begin one."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("rents", sa.Column("start_bootid", sa.Text))
    op.add_column("rents", ms_column("start_boot_ms", nullable=True))
    op.add_column("rents", sa.Column("clocksuspect", sa.Integer, nullable=False, server_default="0"))
    op.add_column("rents", sa.Column("endedby", sa.Text))
    suspect = sa.text("clocksuspect = 1")
    op.create_index("rents_suspect", "rents", ["rentid"], sqlite_where=suspect, postgresql_where=suspect)
    op.create_table(
        "standings",
        number_key("userid"),
        sa.Column("mayrent", sa.Integer, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("missing_krw", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
