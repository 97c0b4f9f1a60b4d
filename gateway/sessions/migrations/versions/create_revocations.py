"""Create the table of sign-outs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `seq` counts up, so that readers ask for what is new; SQLite counts in its own integer key alone."""
    op.create_table(
        "revocations",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("sign_in_id", sa.Text, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("revocations_ends_at", "revocations", ["ends_at"])


def downgrade() -> None:
    """Drop it: whoever signed out is then told from nobody."""
    op.drop_table("revocations")
