"""Bills by the start of their ride, by their fee, and those that are not closed: lists are narrowed and sorted by
these."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("bills_begun", "bills", ["started_ms", "billid", "status"])
    op.create_index("bills_of_begun", "bills", ["userid", "started_ms", "billid", "status"])
    is_postgres = op.get_bind().dialect.name == "postgresql"  # where the highest come first, none is last
    op.create_index("bills_fee", "bills", [sa.text("fee NULLS FIRST") if is_postgres else "fee", "billid"])
    for name, status in (("bills_open", "OPENBILL"), ("bills_applied", "APPLYFEE")):
        such = sa.text(f"status = '{status}'")
        op.create_index(name, "bills", ["billid"], sqlite_where=such, postgresql_where=such)
