"""What riders complained of, and which rides were tries, and free."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the table and the columns. `tried`: the bike of a ride that was short and stayed; `freeday`: the day whose
    one free try it is. Rides of before were none."""
    op.create_table(
        "complaints",
        number_key("complaintid"),
        sa.Column("userid", sa.BigInteger, nullable=False),
        sa.Column("bikeid", sa.BigInteger, nullable=False),
        ms_column("at_ms"),
    )
    op.create_index("complaints_of", "complaints", ["userid", "at_ms"])
    op.add_column("bills", sa.Column("tried", sa.BigInteger))
    op.add_column("bills", sa.Column("freeday", sa.BigInteger))
    tried, free = sa.text("tried IS NOT NULL"), sa.text("freeday IS NOT NULL")
    op.create_index("bills_tried", "bills", ["userid", "tried"], sqlite_where=tried, postgresql_where=tried)
    of_a_day = ["userid", "freeday"]
    op.create_index("bills_free", "bills", of_a_day, unique=True, sqlite_where=free, postgresql_where=free)
