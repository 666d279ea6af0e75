"""Step 2: how photographs ended that were turned away at the door, and the limits that a version was run under."""

import sqlalchemy as sa
from alembic.operations import Operations

_IDENTITY = ("model", "weights_sha256", "card_sha256", "origin")


def upgrade(operations: Operations) -> None:
    """Add the columns; two versions may differ in their limits alone."""
    for name in ("door_status", "door_code", "door_reason"):
        operations.add_column("photograph", _word(name))
    with operations.batch_alter_table("version") as version:
        version.add_column(_word("limits"))
        version.drop_constraint("version_identity", type_="unique")
        version.create_unique_constraint("version_identity", [*_IDENTITY, "limits"])


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")
