"""What only repeated visits and repeated photographs tell: change over time, repeatability, a person's course."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fundus_core import evaluation, figures
from fundus_core.analyses.scores import is_number
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import Change, Repeatability
from fundus_core.figures import Figure, Observations
from fundus_core.records import Floats, Labels
from fundus_core.targets import TARGETS


def has_visits(study: Study) -> bool:
    """Return whether anybody has several visits."""
    return study.usual_level == "visit"


def _draw_change(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    found = study.get(CHANGE, target_id)
    people = int((found.patient[1:] != found.patient[:-1]).sum()) + 1  # one's steps stand together
    if people < 2:
        return None
    target, look = TARGETS[target_id], canvas.look
    numbers = cast(Labels, np.arange(len(found.visit)))  # only the steps that are left are named
    steps = figures.thinned(Observations("", numbers, found.measured, found.predicted, canvas.place), target)
    steps = replace(steps, ids=_observations(study, found, steps.ids))
    return figures.predicted_against_measured_change(
        target, steps, found.estimates, look, people=people, height=canvas.height
    )


def _observations(study: Study, found: Change, steps: NDArray[Any]) -> Labels:
    """Return the name of the observation, at the study's level, that begins the last visit of each of some steps."""
    patient, visit, nobody = found.patient[steps], found.visit[steps], np.full(len(steps), "")
    if study.level not in ("eye", "photograph"):
        return evaluation.named(patient, visit, nobody, study.level)
    table = study.ordered
    names, first = np.unique(evaluation.unit_names(table, "visit"), return_index=True)
    ends = evaluation.named(patient, visit, nobody, "visit")
    return evaluation.unit_names(table, study.level)[first[np.searchsorted(names, ends)]]


CHANGE = Analysis(
    "change",
    "Change over time",
    "Does a prediction move as the measured value does, from one visit of a person to the next? Between people a model "
    "may rank well and yet see no change.",
    lambda study, target, _by: evaluation.change_over_time(study.ordered, target),
    Change,
    Change.rows,
    _draw_change,
    is_number,
    offered=has_visits,
    at_level=False,
    hide=("people", "visits"),
)
REPEATABILITY = Analysis(
    "repeatability",
    "Repeated photographs",
    "How far do predictions of one eye at one visit differ? No truth is needed.",
    lambda study, target, _by: evaluation.repeatability(study.ordered, target),
    Repeatability,
    Repeatability.rows,
    needs=is_number,
    at_level=False,
    hide=("people", "repeated", "n_photographs"),
)


@dataclass(frozen=True, slots=True)
class Course:
    """One person, visit by visit: means of that visit's photographs."""

    visits: Sequence[str]
    """Their words in order, n."""
    days: Floats
    """Days of the first year on where all are dates, else 0, 1, 2; n."""
    truth: Floats
    """n; NaN where not measured."""
    predicted: Floats
    """n; NaN where not predicted."""


def _course(study: Study, target: str, person: str) -> Course:
    table = study.ordered
    rows = np.flatnonzero((table.patient_id == person) & (table.visit != ""))
    visits = list(dict.fromkeys(table.visit[rows].tolist()))
    nothing = np.full(len(table), np.nan)
    truth, predicted = (
        np.array([_mean(of.get(target, nothing)[rows[table.visit[rows] == visit]]) for visit in visits])
        for of in (table.truth, table.predicted)
    )
    return Course(visits, _days(visits), truth, predicted)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _days(visits: Sequence[str]) -> Floats:
    try:
        return np.array([dt.date.fromisoformat(visit).toordinal() for visit in visits], dtype=np.float64)
    except ValueError:
        return np.arange(len(visits), dtype=np.float64)


def _course_rows(found: Course) -> Rows:
    columns = zip(found.visits, found.truth, found.predicted, strict=True)
    return [{"visit": visit, "true": _or_none(truth), "predicted": _or_none(made)} for visit, truth, made in columns]


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _draw_course(study: Study, target: str, canvas: Canvas) -> Figure | None:
    found = study.get(COURSE, target, canvas.by)
    if len(found.visits) < 2 or not np.isfinite([*found.truth, *found.predicted]).any():
        return None
    of = TARGETS[target]
    return figures.course(of, found.visits, found.days, found.truth, found.predicted, canvas.look, place=canvas.place)


COURSE = Analysis(
    "course",
    "Course over visits",
    "What was measured and predicted of one person, visit by visit.",
    _course,
    None,
    _course_rows,
    _draw_course,
    is_number,
    offered=has_visits,
    at_level=False,
)
"""Asked of a person, whose id stands where other analyses have a column."""
