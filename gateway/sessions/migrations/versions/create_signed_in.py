"""Create the table of sign-ins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `key` and `token` are empty where sessions live in cookies. Times are whole seconds since 1970."""
    op.create_table(
        "signed_in",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("signed_in_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=True),
        sa.Column("token", sa.Text, nullable=True),
    )
    op.create_index("signed_in_user", "signed_in", ["user_id"])
    op.create_index("signed_in_ends_at", "signed_in", ["ends_at"])
    op.create_index("signed_in_key", "signed_in", ["key"], unique=True)


def downgrade() -> None:
    """Drop it: sessions in the store are over, and nobody is listed."""
    op.drop_table("signed_in")
