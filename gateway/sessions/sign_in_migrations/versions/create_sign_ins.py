"""Create the table of those who have signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. `who` stands for provider and user, so no name lies there to be read."""
    op.create_table(
        "sign_ins",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("first_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop it: everybody signs in for the first time again."""
    op.drop_table("sign_ins")
