"""Step 3: what a photograph outside the store was like when it was read, so that a change of it is noticed."""

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Add the column; empty where the store keeps the bytes or nobody has read them since."""
    operations.add_column("photograph", sa.Column("stamp", sa.Text, nullable=False, server_default=""))
