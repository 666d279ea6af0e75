"""Step 6: selections of cohorts."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Add their table."""
    cohort = sa.ForeignKey("cohort.id", ondelete="CASCADE")
    operations.create_table(
        "selection",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("cohort_id", sa.Integer, cohort, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Index("selection_cohort", "cohort_id"),
    )
