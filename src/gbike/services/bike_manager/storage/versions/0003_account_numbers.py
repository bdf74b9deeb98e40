"""The numbers that accounts have: no manager of another rider is registered under one."""

from alembic import op

from gbike.kit.storage.migrations.floor import number_key

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table("account_numbers", number_key("userid"))
