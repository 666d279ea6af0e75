"""Which model versions a cohort was put through, and how to join what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError, say
from fundus_core.records import OVERRULED, WITHDRAWN
from fundus_core.store import database, schema
from fundus_core.store.values import ModelVersion

_VERSION = schema.version.c
Beside = Literal["nothing", "outcome", "reading", "alone"]
"""What stands beside photographs: the reading with the outcome, or the outcome, or neither; or the outcomes ``alone``,
of those photographs that have one."""
ACCEPT, WITHDRAW = "accept", "withdraw"
"""What a person can decide about a photograph."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Photographs with the outcomes of one version beside them."""

    source: sa.FromClause
    """The joined tables."""
    id: sa.ColumnElement[int]
    """The photograph's."""
    outcome: sa.FromClause
    """The side with status, reason, quality, distance and kind."""
    reading: sa.FromClause
    """The side with what else was read."""
    status: sa.ColumnElement[str]
    """How a photograph ended, after what a person decided about it."""
    code: sa.ColumnElement[str]
    """The stable word of its reason, likewise."""
    decided: sa.ColumnElement[str]
    """``overruled`` or ``withdrawn`` where a person's decision changed how it ended, else empty."""
    counted: sa.ColumnElement[int]
    """The reading whose predictions count; none where the photograph is refused, or failed."""
    eye: sa.ColumnElement[str]
    """The photograph's."""

    def reached(self, cohort: int, version: int | None) -> list[sa.ColumnElement[bool]]:
        """Those outcomes, ``alone``, that a version gave photographs of a cohort."""
        return [self.outcome.c.cohort_id == cohort, self.outcome.c.version_id == (version or 0)]

    def with_photographs(self) -> Joined:
        """Put the photographs beside outcomes that stand ``alone``."""
        return replace(self, source=self.source.join(schema.photograph, schema.photograph.c.id == self.id))

    def with_target(self, target: str) -> tuple[Joined, sa.ColumnElement[float], sa.ColumnElement[float]]:
        """Put a target's numbers beside them too: all joined, what was measured, what was predicted."""
        measured, predicted = schema.measurement.alias(), schema.prediction.alias()
        photograph = sa.and_(measured.c.photograph_id == self.id, measured.c.target == target)
        reading = sa.and_(predicted.c.reading_id == self.counted, predicted.c.target == target)
        source = self.source.outerjoin(measured, photograph).outerjoin(predicted, reading)
        return replace(self, source=source), measured.c.value, predicted.c.value


def version_id(connection: sa.Connection, version: ModelVersion) -> int:
    """The id of a version, noted now where it is new."""
    values = {
        "model": version.model,
        "weights_sha256": version.weights_sha256,
        "card_sha256": version.card_sha256,
        "origin": version.origin,
        "limits": version.limits,
    }
    database.insert_new(connection, schema.version, [values])
    query = sa.select(_VERSION.id).where(*(_VERSION[name] == value for name, value in values.items()))
    return int(connection.execute(query).scalar_one())


def versions(connection: sa.Connection, cohort: int) -> dict[int, ModelVersion]:
    """The versions of a cohort's runs and outcomes by id, the latest first."""
    of_runs = (
        sa.select(schema.run_version.c.version_id, sa.func.max(schema.run.c.id).label("latest"))
        .join(schema.run, schema.run.c.id == schema.run_version.c.run_id)
        .where(schema.run.c.cohort_id == cohort)
        .group_by(schema.run_version.c.version_id)
        .subquery()
    )
    has_outcome = sa.exists().where(
        schema.outcome.c.version_id == _VERSION.id,
        schema.outcome.c.photograph_id == schema.photograph.c.id,
        schema.photograph.c.cohort_id == cohort,
    )
    query = (
        sa.select(schema.version)
        .outerjoin(of_runs, of_runs.c.version_id == _VERSION.id)
        .where(sa.or_(of_runs.c.latest.is_not(None), has_outcome))
        .order_by(sa.func.coalesce(of_runs.c.latest, 0).desc(), _VERSION.id.desc())
    )
    return {
        row.id: ModelVersion(row.model, row.weights_sha256, row.card_sha256, row.origin, row.limits)
        for row in connection.execute(query)
    }


def chosen(known: Mapping[int, ModelVersion], models: Sequence[str] | None) -> dict[int, ModelVersion]:
    """The latest version of each model asked for, or of every model of a cohort whose versions are known.

    Raises:
        UsageError: The cohort was never put through a model that is asked for.
    """
    latest: dict[str, int] = {}
    for key, version in known.items():
        latest.setdefault(version.model, key)
    wanted = list(latest) if models is None else list(dict.fromkeys(models))
    for model in wanted:
        if model not in latest:
            ran = say("it was put through {latest}", latest=latest) if latest else "no run has been started for it"
            raise UsageError("This cohort has no run of the model '{model}'; {ran}.", model=model, ran=say(ran))
    return {latest[model]: known[latest[model]] for model in wanted}


@lru_cache(maxsize=64)  # to put the statement together takes longer than the database takes to answer it
def join(version: int | None, *, decided: bool = True, beside: Beside = "reading") -> Joined:
    """Put the outcomes of a version beside photographs (all empty where ``version`` is ``None``).

    Without what people decided every photograph ends as it was read, and its predictions are those that were made. What
    is ``beside`` says how far: SQLite looks every row up, also where a count asks nothing of it.
    """
    outcome = schema.outcome.alias()
    reading = schema.reading.alias()
    own = schema.photograph.c
    mine = sa.and_(outcome.c.photograph_id == own.id, outcome.c.version_id == (version or 0))
    joined: sa.FromClause = outcome if beside == "alone" else schema.photograph
    one: sa.ColumnElement[int] = own.id
    verdict: sa.ColumnElement[str] = own.decision
    eye: sa.ColumnElement[str] = outcome.c.eye if beside == "alone" else own.eye
    if beside == "alone":  # few are decided about: the others' rows are not looked up
        one, wide = outcome.c.photograph_id, schema.photograph.alias().c
        verdict = sa.select(wide.decision).where(wide.id == one).scalar_subquery()
    elif beside != "nothing":
        joined = joined.outerjoin(outcome, mine)
    if beside == "reading":
        joined = joined.outerjoin(reading, reading.c.id == outcome.c.reading_id)
    status, code, number = outcome.c.status, outcome.c.reason_code, outcome.c.reading_id
    if not decided:
        return Joined(joined, one, outcome, reading, status, code, sa.literal(""), number, eye)
    made = schema.prediction.alias()
    there = sa.exists().where(made.c.reading_id == number)
    nobody = one.not_in(sa.select(schema.decision.c.photograph_id))  # few are decided about: no wide row is read
    over = sa.and_(verdict == ACCEPT, status == "refused", there)
    away = sa.and_(verdict == WITHDRAW, status == "predicted")
    ended = sa.case((nobody, status), (over, "predicted"), (away, "refused"), else_=status)
    word = sa.case((nobody, ""), (over, OVERRULED), (away, WITHDRAWN), else_="")
    said = sa.case((nobody, code), (over, OVERRULED), (away, WITHDRAWN), else_=code)
    return Joined(joined, one, outcome, reading, ended, said, word, sa.case((ended == "predicted", number)), eye)
