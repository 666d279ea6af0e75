"""Where results computed of a cohort may be kept, and how they go with it.

A folder per cohort and revision: whatever changes or deletes the cohort makes its folder one of nobody, and a
folder of nobody is removed. It may hold values of patients, so it must not outlive them.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from fundus_core.store import schema
from fundus_core.store.values import Cohort

FOLDER = "kept"


def folder_of(folder: Path, cohorts: Iterable[Cohort]) -> Path:
    """Where results of cohorts as they are now belong, in the store's folder of files; they go with any of them."""
    return folder / FOLDER / "+".join(_name(one.id, one.revision, one.created_at) for one in cohorts)


def tidy(connection: sa.Connection, folder: Path) -> None:
    """Remove the results of cohorts that were changed or deleted since."""
    there = [path for path in (folder / FOLDER).glob("*") if path.is_dir()]
    if not there:
        return
    cohort = schema.cohort.c
    rows = connection.execute(sa.select(cohort.id, cohort.revision, cohort.created_at))
    current = {_name(row.id, row.revision, row.created_at) for row in rows}
    for path in there:
        if not current.issuperset(path.name.split("+")):
            shutil.rmtree(path, ignore_errors=True)


def _name(cohort: int, revision: int, created_at: float) -> str:
    """Two cohorts never share one, even where a deleted one's id is used again."""
    return f"{cohort}-{revision}-{created_at * 1e6:.0f}"
