"""Step 5: the store's own id, which its folder of files carries too, so that neither is taken for another's."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic.operations import Operations


def upgrade(operations: Operations) -> None:
    """Make the table, with its one row."""
    store = operations.create_table("store", sa.Column("id", sa.Text, primary_key=True))
    operations.bulk_insert(store, [{"id": uuid.uuid4().hex}])
