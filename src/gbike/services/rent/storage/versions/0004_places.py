"""Which ends of rides are still exact."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("rents", sa.Column("coarse", sa.Integer, nullable=False, server_default="0"))
    exact = sa.text("status = 'returned' AND coarse = 0")
    op.create_index("rents_exact", "rents", ["rentid"], sqlite_where=exact, postgresql_where=exact)
