"""Numbers of the store, computed once per revision of a cohort and shared by all tabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from fundus_core import evaluation
from fundus_core.evaluation import Evaluation, Sample, Subgroups
from fundus_core.evaluation.comparison import Comparison, compare
from fundus_core.figures import Points, Steps
from fundus_core.pipeline.comparing import told_apart
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.store import Cohort
from fundus_core.targets import TARGETS
from pages.parts.shell import home
from pages.parts.shell.language import _
from pages.parts.shell.places import folder

Key = tuple[str, int, int, str]
"""Working folder, cohort, revision and model: what results are cached under."""
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

    @property
    def place(self) -> int:
        """Place of the cohort's colour in the palette; the same everywhere, whatever other cohorts come and go."""
        return self.cohort.id - 1

    @property
    def key(self) -> Key:
        """What caches of this view are kept under."""
        return (str(folder()), self.cohort.id, self.cohort.revision, self.model)


@st.cache_resource(max_entries=12, show_spinner=False)
def _table(key: Key) -> CohortTable:
    _folder, cohort, _revision, model = key
    return home.store().table(cohort, [model] if model else None)


def table(view: View) -> CohortTable:
    """Return the cohort's readings and truth."""
    return _table(view.key)


MANY = 20_000
"""Photographs from which on medians and ranks, which are sorted anew for every draw, are computed on request only."""


@st.cache_resource(max_entries=64, show_spinner=False)
def _evaluation(key: Key, level: str) -> Evaluation:
    return evaluation.evaluate(_table(key), level=level, ranked=False)


def evaluated(view: View, level: str = "patient") -> Evaluation:
    """Return the numbers of a cohort at a level, without those that need sorting: what a page shows at once."""
    if view.cohort.photographs < MANY:
        return _evaluation(view.key, level)
    with st.spinner(_("Computing intervals"), show_time=True):
        return _evaluation(view.key, level)


@st.cache_resource(max_entries=64, show_spinner=False)
def _everything(key: Key, level: str, targets: tuple[str, ...]) -> Evaluation:
    return evaluation.evaluate(_table(key), level=level, targets=targets or None)


def everything(view: View, level: str, *targets: str) -> Evaluation:
    """Return every number of these targets, of all without one, medians and ranks too."""
    return _everything(view.key, level, targets)


def targets(found: Evaluation) -> list[str]:
    """Return the ids of targets that have observations."""
    return [name for name in TARGETS if name in found.targets and found.targets[name].n > 0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _sample(key: Key, target: str, level: str) -> tuple[Sample, Labels, CohortTable]:
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


ALWAYS = ("age", "sex", "eye", "quality", "out_of_distribution")
"""Columns that every cohort can be grouped by, where they differ."""


@st.cache_resource(max_entries=32, show_spinner=False)
def _groupings(key: Key) -> list[str]:
    table = _table(key)
    possible = [*ALWAYS, *table.covariates]
    return [name for name in possible if 1 < len(np.unique(evaluation.grouping(table, name))) <= MOST_GROUPS]


def groupings(view: View) -> list[str]:
    """Return the columns that an evaluation can be grouped by."""
    return _groupings(view.key)


def groups(view: View, target: str, level: str, by: str = "") -> list[Points]:
    """Return the observations of one target, a group per word of a column; one group without a column."""
    found, ids, ordered = _sample(view.key, target, level)
    if not by:
        return [Points(view.cohort.name, ids, found.y, found.p, view.place)]
    mine = _words(found, ordered, by)
    return [
        Points(str(word), ids[mine == word], found.y[mine == word], found.p[mine == word], place)
        for place, word in enumerate(np.unique(mine))
    ]


def _words(found: Sample, ordered: CohortTable, by: str) -> Labels:
    """Return each observation's word: that of its person's first photograph."""
    words = evaluation.grouping(ordered, by)
    people, first = np.unique(ordered.patient_id, return_index=True)
    return words[first[np.searchsorted(people, found.patients[found.group])]]


def photographs_of(view: View, level: str, names: Sequence[str]) -> list[str]:
    """Return the names of the photographs behind observations."""
    if level == "photograph":
        return list(names)
    found = table(view)
    who = evaluation.people(found)
    if level == "eye":
        who = np.char.add(np.char.add(who, BETWEEN), found.eye)
    return [str(name) for name in found.photograph[np.isin(who, list(names))]]


def worst(found: Sequence[Points]) -> str:
    """Return the name of the observation with the largest error; empty where there is none."""
    errors: list[tuple[float, str]] = [_largest(group) for group in found if len(group)]
    return max(errors)[1] if errors else ""


def _largest(group: Points) -> tuple[float, str]:
    errors: Floats = np.abs(group.predicted - group.truth)
    at = int(np.argmax(errors))
    return float(errors[at]), str(group.ids[at])


@st.cache_resource(max_entries=64, show_spinner=False)
def _tenths(key: Key, target: str, level: str) -> Steps:
    table = _table(key)
    cut = evaluation.reliability if TARGETS[target].binary else evaluation.deciles
    bins = cut(table, target, level=level).bins
    return Steps(
        predicted=np.array([each.predicted for each in bins]),
        truth=np.array([_number(each.measured.value) for each in bins]),
        low=np.array([_number(each.measured.low) for each in bins]),
        high=np.array([_number(each.measured.high) for each in bins]),
        count=np.array([float(each.n) for each in bins]),
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def tenths(view: View, target: str, level: str) -> Steps:
    """Return the mean truth and the mean prediction of each tenth of the predictions."""
    return _tenths(view.key, target, level)


@st.cache_resource(max_entries=64, show_spinner=False)
def _subgroups(key: Key, by: str, target: str, level: str) -> Subgroups:
    return evaluation.subgroups(_table(key), by, target, level=level)


def subgroups(view: View, by: str, target: str, level: str) -> Subgroups:
    """Return a target's scores in each part of a cohort."""
    return _subgroups(view.key, by, target, level)


@st.cache_resource(max_entries=16, show_spinner=False)
def _comparison(keys: tuple[Key, ...], names: tuple[str, ...], target: str, level: str, margin: float) -> Comparison:
    hashes = {name: home.store().hashes(key[1]) for name, key in zip(names, keys, strict=True)}
    tables = told_apart({name: _table(key) for name, key in zip(names, keys, strict=True)}, hashes)
    return compare(tables, level=level, targets=[target], margins={target: margin} if margin else None)


def comparison(views: Sequence[View], target: str, level: str, margin: float = 0.0) -> Comparison:
    """Return cohorts side by side for one target; with a margin above zero, tested for equivalence within it."""
    names = tuple(view.cohort.name for view in views)
    return _comparison(tuple(view.key for view in views), names, target, level, margin)
