"""Files of bikes that are imported, what became of each of their rows, and what columns were said to be."""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import ms_column, number_column

revision = "0009"
down_revision = "0008"

_TEXTS = ("name", "who", "roles", "traceparent", "requestid", "existing", "told", "state", "encoding", "separator")
_NUMBERS = ("rows", "next_row", "registered", "changed", "unchanged", "refused")


def upgrade() -> None:
    imports: list[sa.schema.SchemaItem] = [
        number_column("importid"),
        *(sa.Column(name, sa.Text, nullable=False) for name in (*_TEXTS, "columns", "questions", "first")),
        sa.Column("dryrun", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in _NUMBERS),
        *(ms_column("at_ms"), ms_column("done_ms", nullable=True), ms_column("until_ms")),
    ]
    op.create_table("imports", *imports, sqlite_autoincrement=True)
    op.create_table(
        "import_files",
        sa.Column("importid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )
    rows: list[sa.schema.SchemaItem] = [
        sa.Column("importid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("bikeid", sa.BigInteger),
        *(sa.Column("label", sa.Text), sa.Column("location", sa.Text), sa.Column("batterylevel", sa.Integer)),
        *(sa.Column("lat", sa.Double), sa.Column("lon", sa.Double)),
        *(sa.Column("problems", sa.Text, nullable=False), sa.Column("noposition", sa.Text, nullable=False)),
    ]
    op.create_table("import_rows", *rows, sqlite_with_rowid=False)
    op.create_table(
        "import_columns",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, nullable=False),
        ms_column("at_ms"),
    )
