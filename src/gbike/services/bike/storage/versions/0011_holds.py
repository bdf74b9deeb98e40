"""Who keeps a bike out of service, why and until when; `held` says how many do."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Rides write to none of the indexes. The one mark of before is a hold of staff; who set
    it, when and why is not known."""
    op.add_column("bikes", ms_column("due_ms", nullable=True))
    op.create_table(
        "holds",
        sa.Column("bikeid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.Text, primary_key=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("byuser", sa.Text, nullable=False),
        ms_column("since_ms"),
        ms_column("due_ms", nullable=True),
        sqlite_with_rowid=False,
    )
    for name, column, some in (
        ("bikes_held", "bikeid", "held > 0"),
        ("bikes_due", "due_ms", "due_ms IS NOT NULL"),
        ("bikes_retired", "bikeid", "retired = 1"),
    ):
        op.create_index(name, "bikes", [column], sqlite_where=sa.text(some), postgresql_where=sa.text(some))
    is_postgres = op.get_bind().dialect.name == "postgresql"  # where the emptiest come first, unknown is before them
    level = sa.text("batterylevel NULLS FIRST") if is_postgres else "batterylevel"
    there = sa.text("retired = 0")
    op.create_index("bikes_charged", "bikes", [level, "bikeid"], sqlite_where=there, postgresql_where=there)
    op.execute(
        "INSERT INTO holds (bikeid, holder, why, byuser, since_ms)"
        " SELECT bikeid, 'staff', '', '', 0 FROM bikes WHERE held > 0"
    )
