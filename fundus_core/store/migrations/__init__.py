"""From any older store to this version's tables, one step at a time.

A new store begins with the tables of ``schema.py``. Every step is frozen once it has been released; a change of
``schema.py`` comes with a new step, and a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from fundus_core.store.migrations import first, later, targets_as_rows

STEPS: tuple[Callable[[Operations], None], ...] = (
    first.upgrade,
    later.door_and_limits,
    later.add_mtime,
    later.progress_index,
    targets_as_rows.upgrade,
    later.selections,
    later.documents,
    later.decisions,
    later.people,
    later.lease,
    later.ranks,
    later.eyes,
    later.words,
)
"""Step n leads from schema version n to n + 1; version 0 is an empty database."""


def apply(connection: sa.Connection, found: int) -> None:
    """Lead the database from schema version ``found`` to the newest, within the caller's transaction."""
    operations = Operations(MigrationContext.configure(connection))
    for step in STEPS[found:]:
        step(operations)
