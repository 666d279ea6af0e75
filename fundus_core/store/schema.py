"""The tables of the store, as the code of this version sees them.

Targets are columns (``sbp``, ``p_sbp``, ...) rather than rows, so that the store can sort and filter a
hundred thousand photographs by error without the page seeing them. A missing number is NULL, a missing word
is empty. Times are seconds since 1970-01-01 UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

from fundus_core.targets import TARGETS


def _of_photograph() -> sa.Column[int]:
    key = sa.ForeignKey("photograph.id", ondelete="CASCADE")
    return sa.Column("photograph_id", sa.Integer, key, primary_key=True)


metadata = sa.MetaData()

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
)

photograph = sa.Table(
    "photograph",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
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
    *(sa.Column(target, sa.Double) for target in TARGETS),
    sa.UniqueConstraint("cohort_id", "name", name="photograph_name"),
    sa.Index("photograph_sha256", "sha256"),
    sa.Index("photograph_patient", "cohort_id", "patient_id"),
    sa.Index("photograph_cohort", "cohort_id", "id"),
)

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
    *(sa.Column(f"{kind}_{target}", sa.Double) for target in TARGETS for kind in ("p", "l", "h")),
    sa.UniqueConstraint("sha256", "version_id", name="reading_once"),
)

outcome = sa.Table(
    "outcome",
    metadata,
    sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), primary_key=True),
    sa.Column("reading_id", sa.Integer, sa.ForeignKey("reading.id")),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason_code", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("outcome_reading", "reading_id"),
)

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

worker = sa.Table(
    "worker",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("seat", sa.Boolean, nullable=False),
    sa.Column("stop", sa.Boolean, nullable=False),
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("heartbeat", sa.Double, nullable=False),
)

discard = sa.Table(
    "discard",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
)
"""Files of deleted photographs that are still to be removed; written with the deletion, emptied after it."""
