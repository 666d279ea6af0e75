"""Step 10: one lease says who works the store off, where a list of workers by their clocks was."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Exchange the tables; photographs in flight are queued again by whoever takes the lease first."""
    operations.drop_table("worker")
    operations.create_table(
        "lease",
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "kind", "place")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("renewed_at", "since")),
    )
