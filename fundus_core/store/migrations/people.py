"""Step 9: whom cohorts and selections are shared with, and whose a selection is."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Make the table and the column."""
    operations.create_table(
        "share",
        sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("selection", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("right", sa.Text, nullable=False),
    )
    operations.add_column("selection", sa.Column("owner", sa.Text, nullable=False, server_default=""))
