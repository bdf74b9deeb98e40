"""A bike's rides by index."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("rides_on", "rides", ["bikeid", "rentid"])
