"""Deeds are found by who acted, by what was done and by when, however many there are."""

from alembic import op

revision = "0002"
down_revision = "0001"
BY = {
    "audit_at": (),
    "audit_by": ("who",),
    "audit_what": ("action",),
    "audit_about": ("subject",),
    "audit_by_what": ("who", "action"),  # of one who did much little of a kind is found as fast
}
"""What narrows them; then newest first."""


def upgrade() -> None:
    for name, columns in BY.items():
        op.create_index(name, "audit", [*columns, "at_ms", "number"])
