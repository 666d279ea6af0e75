"""Steps 2 to 4 and 6 to 13: what later versions added to the first tables."""

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

_READ = ("quality", "distance", "kind")


def _cohort() -> sa.ForeignKey:
    return sa.ForeignKey("cohort.id", ondelete="CASCADE")


def _word(name: str) -> sa.Column[str]:
    """A column of words that is empty in what is there already."""
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def door_and_limits(operations: Operations) -> None:
    """Step 2: how photographs ended that were turned away at the door, and the limits that a version was run under.

    Add the columns; two versions may differ in their limits alone.
    """
    for name in ("door_status", "door_code", "door_reason"):
        operations.add_column("photograph", _word(name))
    with operations.batch_alter_table("version") as version:
        version.add_column(_word("limits"))
        version.drop_constraint("version_identity", type_="unique")
        version.create_unique_constraint(
            "version_identity", ["model", "weights_sha256", "card_sha256", "origin", "limits"]
        )


def add_mtime(operations: Operations) -> None:
    """Step 3: what a photograph outside the store was like when it was read, so that a change of it is noticed.

    Add the column; empty where the store keeps the bytes or nobody has read them since.
    """
    operations.add_column("photograph", _word("stamp"))


def progress_index(operations: Operations) -> None:
    """Step 4: how far a run has come is counted in an index alone; with 100,000 photographs three times as fast.

    Add the last column that the count needs to the queue's index.
    """
    operations.drop_index("entry_queue", "entry")
    operations.create_index("entry_queue", "entry", ["run_id", "state", "deaths", "photograph_id", "reused"])


def selections(operations: Operations) -> None:
    """Step 6: selections of cohorts."""
    operations.create_table(
        "selection",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("cohort_id", sa.Integer, _cohort(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Index("selection_cohort", "cohort_id"),
    )


def documents(operations: Operations) -> None:
    """Step 7: what is kept beside a cohort: receipts of its tables, evaluations, answers that a person gave."""
    operations.create_table(
        "document",
        sa.Column("cohort_id", sa.Integer, _cohort(), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )


def decisions(operations: Operations) -> None:
    """Step 8: what people decided about photographs, and what kind of picture each is.

    Add a table and two columns; nobody has decided yet, and the kind is empty where it was not kept.
    """
    photograph = sa.ForeignKey("photograph.id", ondelete="CASCADE")
    operations.create_table(
        "decision",
        sa.Column("photograph_id", sa.Integer, photograph, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("verdict", "who", "why", "code")),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    for table, column in (("photograph", "decision"), ("reading", "kind")):
        operations.add_column(table, _word(column))


def people(operations: Operations) -> None:
    """Step 9: whom cohorts and selections are shared with, and whose a selection is.

    Make the table and the column.
    """
    operations.create_table(
        "share",
        sa.Column("cohort_id", sa.Integer, _cohort(), primary_key=True),
        sa.Column("selection", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("right", sa.Text, nullable=False),
    )
    operations.add_column("selection", _word("owner"))


def lease(operations: Operations) -> None:
    """Step 10: one lease says who works the store off, where a list of workers by their clocks was.

    Exchange the tables; photographs in flight are queued again by whoever takes the lease first.
    """
    operations.drop_table("worker")
    operations.create_table(
        "lease",
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("id", "kind", "place")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("renewed_at", "since")),
    )


def ranks(operations: Operations) -> None:
    """Step 11: an outcome names its cohort and what was read, in indexes: 1,600,000 are sorted and counted by them.

    Add the columns, fill them, and make the indexes. PostgreSQL sorts names of photographs by their bytes from now on.
    """
    if operations.get_bind().dialect.name == "postgresql":
        operations.alter_column("photograph", "name", type_=postgresql.TEXT(collation="C"))
    new = sa.Column("cohort_id", sa.Integer, nullable=False, server_default="0")
    for column in (new, sa.Column("quality", sa.Double), sa.Column("distance", sa.Double), _word("kind")):
        operations.add_column("outcome", column)
    outcome = sa.table("outcome", *map(sa.column, ("photograph_id", "reading_id", "cohort_id", *_READ)))
    photograph = sa.table("photograph", sa.column("id"), sa.column("cohort_id"))
    reading = sa.table("reading", *map(sa.column, ("id", *_READ)))
    whose = sa.select(photograph.c.cohort_id).where(photograph.c.id == outcome.c.photograph_id)
    said = [sa.select(reading.c[name]).where(reading.c.id == outcome.c.reading_id).scalar_subquery() for name in _READ]
    values = {"cohort_id": whose.scalar_subquery(), "quality": said[0], "distance": said[1]}
    operations.execute(sa.update(outcome).values(kind=sa.func.coalesce(said[2], ""), **values))
    for last in (
        ("status", "kind", "photograph_id"),
        *((read, "photograph_id", "status") for read in ("quality", "distance")),
    ):
        operations.create_index(f"outcome_{last[0]}", "outcome", ["cohort_id", "version_id", *last])


def eyes(operations: Operations) -> None:
    """Step 12: an outcome names its photograph's eye, and its indexes hold what else the gallery filters by.

    Several filters at once then read one index. Add the column, fill it, and make the indexes anew.
    """
    operations.add_column("outcome", _word("eye"))
    ends = {
        "status": ("kind", "photograph_id", "eye", "quality"),
        **{read: ("photograph_id", "status", "eye", "kind") for read in ("quality", "distance")},
    }
    for name in ends:  # before the rows are written, which would write these, too
        operations.drop_index(f"outcome_{name}", "outcome")
    outcome = sa.table("outcome", sa.column("photograph_id"), sa.column("eye"))
    photograph = sa.table("photograph", sa.column("id"), sa.column("eye"))
    whose = sa.select(photograph.c.eye).where(photograph.c.id == outcome.c.photograph_id).scalar_subquery()
    operations.execute(sa.update(outcome).values(eye=whose))
    for name, last in ends.items():
        operations.create_index(f"outcome_{name}", "outcome", ["cohort_id", "version_id", name, *last])


def words(operations: Operations) -> None:
    """Step 13: an index of a cohort's photographs has all that a search looks through, and the eye.

    Make it anew; the rows of photographs are wide.
    """
    operations.drop_index("photograph_cohort", "photograph")
    operations.create_index("photograph_cohort", "photograph", ["cohort_id", "id", "eye", "patient_id", "name"])
