"""The floor's tables as services made them in steps of their own, before the floor had a line of versions.

Each service's steps come first, so a store of before has all of this; a service that is new need not make it.
"""

import sqlalchemy as sa
from alembic import op

from gbike.kit.storage.migrations.floor import add_log_of_places, create_audit, create_floor, create_hours, create_seal

revision = "0001"
down_revision = None
STEPS = {
    "outbox": (create_floor,),
    "audit": (create_audit,),
    "seal": (create_seal,),
    "hours": (add_log_of_places, create_hours),
}
"""What makes a table and those that come with it."""


def upgrade() -> None:
    """Make what is not there."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for table, steps in STEPS.items():
        if table not in there:
            for step in steps:
                step()
