"""Parts of names, by which people are found among many, and the few who are more than riders."""

import sqlalchemy as sa
from alembic import op

from gbike.services.account.storage.names import parts

revision = "0009"
down_revision = "0008"
BATCH = 1_000


def upgrade() -> None:
    """Create the table and the indexes, and fill the parts of the names that there are."""
    op.create_table(
        "name_parts",
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("userid", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    _fill(op.get_bind())
    op.create_index("name_parts_of", "name_parts", ["userid"])
    staff = sa.text("roles <> 'rider' AND roles <> ''")
    op.create_index("accounts_staff", "accounts", ["userid"], sqlite_where=staff, postgresql_where=staff)


def _fill(connection: sa.Connection) -> None:
    """A batch of rows at a time, so that no more than that is in memory."""
    look = sa.text(
        "SELECT userid, name FROM accounts WHERE userid > :last AND name IS NOT NULL ORDER BY userid LIMIT :most"
    )
    keep = sa.text("INSERT INTO name_parts (part, userid) VALUES (:part, :userid)")
    last = 0
    while rows := connection.execute(look, {"last": last, "most": BATCH}).all():
        made = [{"part": part, "userid": userid} for userid, name in rows for part in parts(name)]
        if made:
            connection.execute(keep, made)
        last = rows[-1][0]
