"""Step 1: the first tables."""

import sqlalchemy as sa
from alembic.operations import Operations

_TARGETS = ("sbp", "dbp", "glucose", "waist", "bmi", "age", "sex")


def upgrade(operations: Operations) -> None:
    """Create every table of schema version 1 in an empty database."""
    _cohorts(operations)
    _readings(operations)
    _runs(operations)
    _processes(operations)


def _of_photograph() -> sa.Column[int]:
    key = sa.ForeignKey("photograph.id", ondelete="CASCADE")
    return sa.Column("photograph_id", sa.Integer, key, primary_key=True)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double) for name in names]


def _time(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _cohorts(operations: Operations) -> None:
    operations.create_table(
        "cohort",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        _flag("rendered"),
        *_words("note", "selected_from"),
        _whole("revision"),
        _time("created_at"),
    )
    operations.create_table(
        "photograph",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
        *_words("name", "sha256", "locator"),
        _flag("kept"),
        *_words("patient_id", "eye", "eye_source", "covariates"),
        *_numbers(*_TARGETS),
        sa.UniqueConstraint("cohort_id", "name", name="photograph_name"),
    )
    operations.create_index("photograph_sha256", "photograph", ["sha256"])
    operations.create_index("photograph_patient", "photograph", ["cohort_id", "patient_id"])
    operations.create_index("photograph_cohort", "photograph", ["cohort_id", "id"])
    operations.create_table("discard", sa.Column("sha256", sa.Text, primary_key=True))


def _readings(operations: Operations) -> None:
    operations.create_table(
        "version",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("model", "weights_sha256", "card_sha256", "origin"),
        sa.UniqueConstraint("model", "weights_sha256", "card_sha256", "origin", name="version_identity"),
    )
    operations.create_table(
        "reading",
        sa.Column("id", sa.Integer, primary_key=True),
        *_words("sha256"),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), nullable=False),
        *_words("status", "reason_code", "reason"),
        *_numbers("quality", "distance"),
        *_words("precision", "code_version"),
        _time("created_at"),
        *_numbers(*(f"{kind}_{target}" for target in _TARGETS for kind in ("p", "l", "h"))),
        sa.UniqueConstraint("sha256", "version_id", name="reading_once"),
    )
    operations.create_table(
        "outcome",
        sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), primary_key=True),
        sa.Column("reading_id", sa.Integer, sa.ForeignKey("reading.id")),
        *_words("status", "reason_code", "reason"),
    )
    operations.create_index("outcome_reading", "outcome", ["reading_id"])


def _runs(operations: Operations) -> None:
    operations.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cohort_id", sa.Integer, sa.ForeignKey("cohort.id", ondelete="CASCADE"), nullable=False),
        *_words("state", "note"),
        _time("created_at"),
        *_numbers("finished_at"),
        _time("served_at"),
    )
    operations.create_index("run_cohort", "run", ["cohort_id"])
    operations.create_index("run_turn", "run", ["state", "served_at"])
    operations.create_table(
        "run_version",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("version.id"), primary_key=True),
        _whole("position"),
    )
    operations.create_table(
        "entry",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("photograph_id", sa.Integer, sa.ForeignKey("photograph.id", ondelete="CASCADE"), primary_key=True),
        *_words("state", "worker"),
        _whole("deaths"),
        _flag("reused"),
        *_numbers("finished_at"),
    )
    operations.create_index("entry_queue", "entry", ["run_id", "state", "deaths", "photograph_id"])
    operations.create_index("entry_speed", "entry", ["run_id", "finished_at"])
    operations.create_index("entry_worker", "entry", ["worker"])
    operations.create_index("entry_photograph", "entry", ["photograph_id"])


def _processes(operations: Operations) -> None:
    operations.create_table(
        "worker",
        sa.Column("id", sa.Text, primary_key=True),
        *_words("host"),
        _whole("pid"),
        _flag("seat"),
        _flag("stop"),
        _time("started_at"),
        _time("heartbeat"),
    )
