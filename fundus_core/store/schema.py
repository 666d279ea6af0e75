"""The tables of the store, as the code of this version sees them.

What was measured and what was predicted are rows, one per target, so that a target may come later than the
store; a missing one has no row. Other missing numbers are NULL, missing words are empty. Times are seconds
since 1970-01-01 UTC. A reason is kept as a code with values (JSON) beside the sentence that was said then.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData()

BY_BYTES = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Words in one order on every machine, SQLite's: a PostgreSQL database would sort them as its country does."""

store = sa.Table("store", metadata, sa.Column("id", sa.Text, primary_key=True))
"""One row: the store's own id, which the folder of files carries too."""

cohort = sa.Table(
    "cohort",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("rendered", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("selected_from", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
)

photograph = sa.Table(
    "photograph",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", BY_BYTES, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("locator", sa.Text, nullable=False),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.Column("stamp", sa.Text, nullable=False, server_default=""),
    sa.Column("patient_id", sa.Text, nullable=False),
    sa.Column("eye", sa.Text, nullable=False),
    sa.Column("eye_source", sa.Text, nullable=False),
    sa.Column("covariates", sa.Text, nullable=False),
    sa.Column("door_status", sa.Text, nullable=False, server_default=""),
    sa.Column("door_code", sa.Text, nullable=False, server_default=""),
    sa.Column("door_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("door_values", sa.Text, nullable=False, server_default=""),
    sa.Column("visit", sa.Text, nullable=False, server_default=""),
    sa.Column("decision", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("cohort_id", "name", name="photograph_name"),
    sa.Index("photograph_sha256", "sha256"),
    sa.Index("photograph_patient", "cohort_id", "patient_id"),
    sa.Index("photograph_cohort", "cohort_id", "id", "eye", "patient_id", "name"),
)


def has_file() -> sa.ColumnElement[bool]:
    """Whether a photograph lies anywhere; imports once wrote ``imported:`` where its bytes had not come along."""
    locator = photograph.c.locator
    return sa.and_(locator != "", ~locator.startswith("imported:"))


measurement = sa.Table(
    "measurement",
    metadata,
    sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sqlite_with_rowid=False,  # the row lies in its key's tree: one look-up instead of two
)
"""What was measured of a photograph's person."""

version = sa.Table(
    "version",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("weights_sha256", sa.Text, nullable=False),
    sa.Column("card_sha256", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("limits", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("model", "weights_sha256", "card_sha256", "origin", "limits", name="version_identity"),
)

reading = sa.Table(
    "reading",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("quality", sa.Double),
    sa.Column("distance", sa.Double),
    sa.Column("precision", sa.Text, nullable=False),
    sa.Column("code_version", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("reason_values", sa.Text, nullable=False, server_default=""),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("sha256", "version_id", name="reading_once"),
)

prediction = sa.Table(
    "prediction",
    metadata,
    sa.Column("reading_id", sa.Integer, sa.ForeignKey("reading.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sqlite_with_rowid=False,
)
"""What a version read, with the ends of its interval; of a refused photograph it counts only if a person accepts it."""

outcome = sa.Table(
    "outcome",
    metadata,
    sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), primary_key=True),
    sa.Column("reading_id", sa.Integer, sa.ForeignKey("reading.id")),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reason_values", sa.Text, nullable=False, server_default=""),
    sa.Column("cohort_id", sa.Integer, nullable=False, server_default="0"),
    sa.Column("quality", sa.Double),
    sa.Column("distance", sa.Double),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("eye", sa.Text, nullable=False, server_default=""),
    sa.Index("outcome_reading", "reading_id"),
    sa.Index("outcome_status", "cohort_id", "version_id", "status", "kind", "photograph_id", "eye", "quality"),
    sa.Index("outcome_quality", "cohort_id", "version_id", "quality", "photograph_id", "status", "eye", "kind"),
    sa.Index("outcome_distance", "cohort_id", "version_id", "distance", "photograph_id", "status", "eye", "kind"),
)
"""How a photograph ended under a version. Its cohort and eye, and its reading's quality, distance and kind, stand here
too: filters of many photographs then read one index, however many they are, where three tables were joined; see
``prediction_table.refresh``."""

REPEATED = ("quality", "distance", "kind")
"""What an outcome repeats of its reading."""
OWN = ("cohort_id", "eye")
"""What an outcome repeats of its photograph."""

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Column("served_at", sa.Double, nullable=False),
    sa.Index("run_cohort", "cohort_id"),
    sa.Index("run_turn", "state", "served_at"),
)

run_version = sa.Table(
    "run_version",
    metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("reused", sa.Boolean, nullable=False),
    sa.Column("finished_at", sa.Double),
    sa.Index("entry_queue", "run_id", "state", "deaths", "photograph_id", "reused"),
    sa.Index("entry_speed", "run_id", "finished_at"),
    sa.Index("entry_worker", "worker"),
    sa.Index("entry_photograph", "photograph_id"),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("renewed_at", sa.Double, nullable=False),
    sa.Column("since", sa.Double, nullable=False),
)
"""One row at most: who works the store off, and since when nothing was done or asked for; see ``lease``."""

selection = sa.Table(
    "selection",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Index("selection_cohort", "cohort_id"),
)

share = sa.Table(
    "share",
    metadata,
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("selection", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, primary_key=True),
    sa.Column("right", sa.Text, nullable=False),
)
"""Whom a cohort, or one of its selections by its key, is shared with besides its owner; see ``access``."""

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
"""What people decided about photographs of a cohort; rows are only added. The latest is also in ``photograph``."""

discard = sa.Table(
    "discard",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
)
"""Files of deleted photographs that are still to be removed; written with the deletion, emptied after it."""

document = sa.Table(
    "document",
    metadata,
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
"""What is kept beside a cohort and changes none of its numbers; see ``documents``."""
