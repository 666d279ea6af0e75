"""Step 8: what people decided about photographs, and what kind of picture each is."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Add a table and two columns; nobody has decided yet, and the kind is empty where it was not kept."""
    photograph = sa.ForeignKey("photograph.id", ondelete="CASCADE")
    operations.create_table(
        "decision",
        sa.Column("photograph_id", sa.Integer, photograph, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("verdict", "who", "why", "code")),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    for table, column in (("photograph", "decision"), ("reading", "kind")):
        operations.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=""))
