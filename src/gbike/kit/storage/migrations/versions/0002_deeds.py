"""Deeds are found by who acted, by what was done and by when, however many there are."""

from alembic import op

revision = "0002"
down_revision = "0001"
BY = {"audit_by": ("who", "number"), "audit_what": ("action", "number"), "audit_at": ("at_ms", "number")}


def upgrade() -> None:
    for name, columns in BY.items():
        op.create_index(name, "audit", columns)
