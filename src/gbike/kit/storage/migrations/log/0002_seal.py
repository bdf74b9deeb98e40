"""The log's seal and its epoch."""

from gbike.kit.storage.migrations.floor import create_epoch, create_seal

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    create_seal()
    create_epoch()
