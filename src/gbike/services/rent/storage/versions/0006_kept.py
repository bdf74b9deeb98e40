"""What tells that a store was lost or set back."""

from gbike.kit.storage.migrations.floor import create_kept

revision = "0006"
down_revision = "0005"
upgrade = create_kept
