"""What tells that a store was lost or set back: its seal, the log of its places, the hours it published and heard."""

from gbike.kit.schema.floor import add_log_of_places, create_hours, create_seal

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables and columns."""
    create_seal()
    add_log_of_places()
    create_hours()
