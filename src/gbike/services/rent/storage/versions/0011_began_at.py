"""Where a ride under way began."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the columns; NULL: it was not kept, or the ride is over. An empty text: the bike was nowhere on record."""
    op.add_column("rents", sa.Column("began_at", sa.Text))
    op.add_column("rents", sa.Column("began_lat", sa.Double))
    op.add_column("rents", sa.Column("began_lon", sa.Double))
