"""Who did what, and who was erased."""

from gbike.kit.storage.migrations.floor import create_audit

revision = "0002"
down_revision = "0001"
upgrade = create_audit
