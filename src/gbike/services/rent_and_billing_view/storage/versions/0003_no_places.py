"""The kept events tell no places any more."""

import sqlalchemy as sa
from alembic import op

from gbike.contracts.rent import Returned
from gbike.kit.privacy.erasure import impersonal

revision = "0003"
down_revision = "0002"
BATCH = 1_000


def upgrade() -> None:
    """Take the places out of those that were kept before."""
    kept = sa.table("kept", sa.column("number"), sa.column("type"), sa.column("value"))
    bind, after = op.get_bind(), 0
    query = sa.select(kept.c.number, kept.c.value).where(kept.c.type == "Returned").order_by(kept.c.number).limit(BATCH)
    while rows := bind.execute(query.where(kept.c.number > after)).all():
        for number, value in rows:
            bind.execute(kept.update().where(kept.c.number == number).values(value=impersonal(bytes(value), Returned)))
        after = rows[-1][0]
