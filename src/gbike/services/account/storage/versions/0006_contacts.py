"""Contacts in their normal form and the codes that prove them, and recovery codes of the second factor.

Accounts of before count as proved. Of two whose contacts are the same in their normal form both keep it
(`shared`): they sign in by what they typed, and nobody can claim it.
"""

import os

import sqlalchemy as sa
from alembic import op

from gbike.kit.contacts import REGION, known_as
from gbike.kit.storage.migrations.floor import ms_column, number_key

revision = "0006"
down_revision = "0005"
BATCH = 1_000


def upgrade() -> None:
    """Create the columns and tables, and fill the normal form of the accounts that there are."""
    op.add_column("accounts", sa.Column("normal", sa.Text))
    op.add_column("accounts", sa.Column("shared", sa.Integer, nullable=False, server_default="0"))
    _fill(op.get_bind(), os.environ.get("GBIKE_PHONE_REGION", REGION))
    op.create_index("accounts_normal", "accounts", ["normal"])
    op.execute(
        "UPDATE accounts SET shared = 1 WHERE normal IN"
        " (SELECT normal FROM accounts WHERE normal IS NOT NULL GROUP BY normal HAVING count(*) > 1)"
    )
    claims = sa.text("shared = 0")
    op.create_index(
        "contacts_claimed", "accounts", ["normal"], unique=True, sqlite_where=claims, postgresql_where=claims
    )
    columns = (
        number_key("userid"),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("normal", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        ms_column("until_ms"),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_table("contact_proofs", *columns)
    op.create_index("contact_proofs_normal", "contact_proofs", ["normal"])
    op.create_table(
        "contact_codes",
        sa.Column("whose", sa.Text, primary_key=True),
        sa.Column("sent", sa.Integer, nullable=False),
        ms_column("since_ms"),
    )
    op.create_index("contact_codes_since", "contact_codes", ["since_ms"])
    op.create_table(
        "recovery_codes",
        sa.Column("userid", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Text, primary_key=True),
    )


def _fill(connection: sa.Connection, region: str) -> None:
    """A batch of rows at a time, so that no more than that is in memory."""
    look = sa.text(
        "SELECT userid, contact FROM accounts WHERE userid > :last AND contact IS NOT NULL ORDER BY userid LIMIT :most"
    )
    change = sa.text("UPDATE accounts SET normal = :normal WHERE userid = :userid")
    last = 0
    while rows := connection.execute(look, {"last": last, "most": BATCH}).all():
        connection.execute(change, [{"userid": row[0], "normal": known_as(row[1], region).normal} for row in rows])
        last = rows[-1][0]
