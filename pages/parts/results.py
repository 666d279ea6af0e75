"""Numbers of the store, computed once per revision of a cohort and shared by all tabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from fundus_core import evaluation
from fundus_core.evaluation import Evaluation, Sample
from fundus_core.figures import Points, Steps
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts import home
from pages.parts.places import folder

BETWEEN = " · "
"""Stands between a patient and an eye in the name of an observation."""
MOST_GROUPS = 8
"""A column with more different words is no grouping; the palette has as many colours."""


@dataclass(frozen=True, slots=True)
class View:
    """What a page looks at: one cohort under one model."""

    cohort: Cohort
    """As the store has it now."""
    model: str
    """Id of the card; empty where no model was asked yet."""
    place: int = 0
    """The cohort's place among all, and so its colour."""

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What caches of this view are kept under."""
        return (str(folder()), self.cohort.id, self.cohort.revision, self.model)


@st.cache_resource(max_entries=12, show_spinner=False)
def _table(key: tuple[str, int, int, str]) -> CohortTable:
    _folder, cohort, _revision, model = key
    return home.store().table(cohort, [model] if model else None)


def table(view: View) -> CohortTable:
    """Return the cohort's readings and truth."""
    return _table(view.key)


@st.cache_resource(max_entries=64, show_spinner=False)
def _evaluation(key: tuple[str, int, int, str], level: str) -> Evaluation:
    return evaluation.evaluate(_table(key), level=level)


def evaluated(view: View, level: str = "patient") -> Evaluation:
    """Return every number of a cohort at a level."""
    return _evaluation(view.key, level)


def targets(found: Evaluation) -> list[str]:
    """Return the ids of targets that have observations."""
    return [name for name in TARGETS if name in found.targets and found.targets[name].n > 0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _sample(key: tuple[str, int, int, str], target: str, level: str) -> tuple[Sample, Labels, CohortTable]:
    ordered = evaluation.canonical(_table(key))
    sample = evaluation.draw_sample(ordered, TARGETS[target], evaluation.sample.check_level(level), ordered=True)
    return sample, _ids(sample, ordered), ordered


def _ids(sample: Sample, ordered: CohortTable) -> Labels:
    who = sample.patients[sample.group]
    if sample.level == "patient":
        return who
    if sample.level == "eye":
        return np.char.add(np.char.add(who, BETWEEN), sample.eye)
    return ordered.photograph[counted(ordered, sample.target.id)]


def counted(ordered: CohortTable, target: str) -> Labels:
    """Return which photographs an evaluation counts, as it counts them."""
    nothing = np.full(len(ordered), np.nan)
    truth, predicted = ordered.truth.get(target, nothing), ordered.predicted.get(target, nothing)
    chosen = (ordered.status == Status.PREDICTED.value) & np.isfinite(truth) & np.isfinite(predicted)
    return chosen & ((truth == 0) | (truth == 1)) if TARGETS[target].binary else chosen


def sample(view: View, target: str, level: str) -> tuple[Sample, Labels]:
    """Return the observations of one target and the name of each."""
    found, ids, _ordered = _sample(view.key, target, level)
    return found, ids


def groupings(view: View) -> list[str]:
    """Return the columns that an evaluation can be grouped by."""
    columns = table(view).covariates
    return [name for name, words in columns.items() if 1 < len(np.unique(words)) <= MOST_GROUPS]


def groups(view: View, target: str, level: str, by: str = "") -> list[Points]:
    """Return the observations of one target, a group per word of a column; one group without a column."""
    found, ids, ordered = _sample(view.key, target, level)
    if not by:
        return [Points(view.cohort.name, ids, found.y, found.p, view.place)]
    words = ordered.covariates[by]
    first: dict[str, str] = {}
    for person, word in zip(ordered.patient_id, words, strict=True):
        first.setdefault(str(person), str(word))
    mine = np.array([first[str(person)] for person in found.patients[found.group]])
    return [
        Points(str(word) or "–", ids[mine == word], found.y[mine == word], found.p[mine == word], place)
        for place, word in enumerate(np.unique(mine))
    ]


def worst(found: Sequence[Points]) -> str:
    """Return the name of the observation with the largest error; empty where there is none."""
    errors: list[tuple[float, str]] = [_largest(group) for group in found if len(group)]
    return max(errors)[1] if errors else ""


def _largest(group: Points) -> tuple[float, str]:
    errors: Floats = np.abs(group.predicted - group.truth)
    at = int(np.argmax(errors))
    return float(errors[at]), str(group.ids[at])


def tenths(view: View, target: str, level: str) -> Steps:
    """Return the mean truth and the mean prediction of each tenth of the predictions."""
    found, _ids_of_all = sample(view, target, level)
    order = np.argsort(found.p, kind="stable")
    parts = [part for part in np.array_split(order, 10) if len(part)]
    truth = np.array([found.y[part].mean() for part in parts])
    half = np.array(
        [1.96 * found.y[part].std(ddof=1) / len(part) ** 0.5 if len(part) > 1 else np.nan for part in parts]
    )
    counts = np.array([len(part) for part in parts], dtype=np.float64)
    return Steps(np.array([found.p[part].mean() for part in parts]), truth, truth - half, truth + half, counts)
