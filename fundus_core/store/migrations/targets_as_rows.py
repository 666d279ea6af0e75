"""Step 5: what was measured and predicted becomes rows, a target each; visits, owners, values of reasons, an own id.

A target that is defined after the store was made then needs no step of its own.
"""

import uuid

import sqlalchemy as sa
from alembic.operations import Operations

_TARGETS = ("sbp", "dbp", "glucose", "waist", "bmi", "age", "sex")
_KINDS = ("p", "l", "h")


def upgrade(operations: Operations) -> None:
    """Make the tables, move the numbers, and take the columns away."""
    _create(operations, "measurement", "photograph", sa.Column("value", sa.Double, nullable=False))
    bounds = (sa.Column("low", sa.Double), sa.Column("high", sa.Double))
    _create(operations, "prediction", "reading", sa.Column("value", sa.Double, nullable=False), *bounds)
    for target in _TARGETS:
        operations.execute(
            f"INSERT INTO measurement SELECT id, '{target}', {target} FROM photograph WHERE {target} IS NOT NULL"  # noqa: S608
        )
        operations.execute(
            f"INSERT INTO prediction SELECT id, '{target}', p_{target}, l_{target}, h_{target} "  # noqa: S608
            f"FROM reading WHERE p_{target} IS NOT NULL"
        )
    _exchange(operations, "photograph", ("door_values", "visit"), _TARGETS)
    _exchange(operations, "reading", ("reason_values",), [f"{kind}_{name}" for name in _TARGETS for kind in _KINDS])
    operations.add_column("outcome", _word("reason_values"))
    operations.add_column("cohort", _word("owner"))
    store = operations.create_table("store", sa.Column("id", sa.Text, primary_key=True))
    operations.bulk_insert(store, [{"id": uuid.uuid4().hex}])


def _create(operations: Operations, name: str, of: str, *values: sa.Column[float]) -> None:
    key = sa.Column(f"{of}_id", sa.Integer, sa.ForeignKey(f"{of}.id", ondelete="CASCADE"), primary_key=True)
    target = sa.Column("target", sa.Text, primary_key=True)
    operations.create_table(name, key, target, *values, sqlite_with_rowid=False)


def _exchange(operations: Operations, table: str, new: tuple[str, ...], old: tuple[str, ...] | list[str]) -> None:
    with operations.batch_alter_table(table) as changed:  # SQLite: copied once, not once a column
        for name in new:
            changed.add_column(_word(name))
        for name in old:
            changed.drop_column(name)


def _word(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")
