"""Numbers of the store, computed once per revision of a cohort and shared by all tabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import streamlit as st

from fundus_core import evaluation
from fundus_core.evaluation import Comparison, Evaluation, Sample, StandardisedPredictions, compare
from fundus_core.figures import Points
from fundus_core.pipeline import keeping
from fundus_core.pipeline.comparing import told_apart
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.store import Cohort, Item
from fundus_core.targets import TARGETS
from pages.parts.shell import home
from pages.parts.shell.language import _, count
from pages.parts.shell.places import folder

Key = tuple[str, int, float, int, str]
"""Working folder, cohort, when it was made (ids are used again), revision and model: what results are cached under."""
_T = TypeVar("_T")
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

    def link(self, item: Item | None = None) -> dict[str, str]:
        """What leads a link here, or to one of the photographs: keys that stay, and no name of anybody."""
        told = {"cohort": self.cohort.key, "model": self.model, "photograph": item.key if item else ""}
        return {name: word for name, word in told.items() if word}

    @property
    def key(self) -> Key:
        """What caches of this view are kept under."""
        cohort = self.cohort
        return (str(folder()), cohort.id, cohort.created_at, cohort.revision, self.model)


def kept(view: View, name: str, kind: type[_T], make: Callable[[], _T]) -> _T:
    """Return what is kept on disk of a large cohort under a name, made now where nothing is.

    Args:
        view: Of which cohort and model.
        name: What it is, with everything that it depends on besides.
        kind: Its class.
        make: Computes it.
    """
    return keeping.kept(home.store(), keeping.Of(view.cohort, view.model), name, kind, make)


@st.cache_resource(max_entries=12, show_spinner=False)
def _table(key: Key, _view: View) -> CohortTable:
    models = [_view.model] if _view.model else None
    return kept(_view, "table", CohortTable, lambda: home.store().table(_view.cohort.id, models))


def table(view: View) -> CohortTable:
    """Return the cohort's readings and truth."""
    return _table(view.key, view)


def there(view: View) -> bool:
    """Return whether the store still has the cohort."""
    known = {(each.id, each.created_at) for each in home.store().cohorts()}
    return (view.cohort.id, view.cohort.created_at) in known


def read(view: View) -> None:
    """Read a large cohort while the page says so; all that is asked afterwards finds it read."""
    if view.cohort.photographs >= MANY:
        with st.spinner(_("Reading {n} photographs' results").format(n=count(view.cohort.photographs)), show_time=True):
            _ordered(view.key, view)


MANY = 20_000
"""Photographs from which on medians and ranks, which are sorted anew for every draw, are computed on request only."""


@st.cache_resource(max_entries=12, show_spinner=False)
def _ordered(key: Key, _view: View) -> tuple[CohortTable, Labels]:
    ordered = evaluation.sort_rows(_table(key, _view))
    return ordered, evaluation.bootstrap_population(ordered)


def draws(view: View) -> int:
    """Return how many draws the intervals on a page have: fewer with many people, whose intervals are narrow."""
    return evaluation.draws_for(len(_ordered(view.key, view)[1]))


@st.cache_resource(max_entries=64, show_spinner=False)
def _evaluation(key: Key, level: str, targets: tuple[str, ...], _view: View) -> Evaluation:
    def make() -> Evaluation:
        return evaluation.evaluate(
            _table(key, _view), level=level, targets=targets or None, draws=draws(_view), ranked=False
        )

    return kept(_view, f"evaluation {level} {targets}", Evaluation, make)


def evaluated(view: View, level: str = "patient", *targets: str) -> Evaluation:
    """Return the numbers of these targets, of all without one, at a level, without those that need sorting."""
    if view.cohort.photographs < MANY:
        return _evaluation(view.key, level, targets, view)
    with st.spinner(_("Computing intervals"), show_time=True):
        return _evaluation(view.key, level, targets, view)


@st.cache_resource(max_entries=64, show_spinner=False)
def _points(key: Key, level: str, _view: View) -> Evaluation:
    return kept(
        _view, f"points {level}", Evaluation, lambda: evaluation.point_estimates(_table(key, _view), level=level)
    )


def points(view: View, level: str = "patient") -> Evaluation:
    """Return every target's numbers without intervals: nobody has to be drawn for them."""
    return _points(view.key, level, view)


def scored(view: View, level: str, target: str) -> Evaluation:
    """Return every target's numbers, with intervals for one: what a page shows that looks at one."""
    whole = evaluated(view, level, target)
    return replace(whole, targets=MappingProxyType({**points(view, level).targets, **whole.targets}))


@st.cache_resource(max_entries=64, show_spinner=False)
def _everything(key: Key, level: str, targets: tuple[str, ...], _view: View) -> Evaluation:
    def make() -> Evaluation:
        return evaluation.evaluate(_table(key, _view), level=level, targets=targets or None)

    return kept(_view, f"everything {level} {targets}", Evaluation, make)


def everything(view: View, level: str, *targets: str) -> Evaluation:
    """Return every number of these targets, of all without one, medians and ranks too."""
    return _everything(view.key, level, targets, view)


def exported(view: View, level: str) -> Evaluation:
    """Return every target's numbers for a file: with medians and ranks where they do not take minutes."""
    return everything(view, level) if view.cohort.photographs < MANY else evaluated(view, level)


def targets(found: Evaluation) -> list[str]:
    """Return the ids of targets that have observations."""
    return [name for name in TARGETS if name in found.targets and found.targets[name].n > 0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _sample(key: Key, target: str, level: str, _view: View) -> tuple[Sample, Labels]:
    ordered, _everybody = _ordered(key, _view)
    sample = evaluation.units_of_analysis(ordered, TARGETS[target], evaluation.check_level(level), ordered=True)
    return sample, _ids(sample, ordered)


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
    return _sample(view.key, target, level, view)


ALWAYS = ("age", "sex", "eye", "quality", "out_of_distribution")
"""Columns that every cohort can be grouped by, where they differ."""


@st.cache_resource(max_entries=32, show_spinner=False)
def _groupings(key: Key, _view: View) -> list[str]:
    def make() -> list[str]:
        found = _table(key, _view)
        possible = [*ALWAYS, *found.covariates]
        return [name for name in possible if 1 < len(np.unique(evaluation.grouping(found, name))) <= MOST_GROUPS]

    return kept(_view, "groupings", list, make)


def groupings(view: View) -> list[str]:
    """Return the columns that an evaluation can be grouped by."""
    return _groupings(view.key, view)


@st.cache_resource(max_entries=32, show_spinner=False)
def _grouped(key: Key, target: str, level: str, by: str, _view: View) -> list[Points]:
    found, ids = sample(_view, target, level)
    mine = _words(found, _ordered(key, _view)[0], by)
    return [
        Points(str(word), ids[mine == word], found.y[mine == word], found.p[mine == word], place)
        for place, word in enumerate(np.unique(mine))
    ]


def groups(view: View, target: str, level: str, by: str = "") -> list[Points]:
    """Return the observations of one target, a group per word of a column; one group without a column."""
    if by:
        return _grouped(view.key, target, level, by, view)
    found, ids = sample(view, target, level)
    return [Points(view.cohort.name, ids, found.y, found.p, view.place)]


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
    who = evaluation.person_ids(found)
    if level == "eye":
        who = np.char.add(np.char.add(who, BETWEEN), found.eye)
    return [str(name) for name in found.photograph[np.isin(who, list(names))]]


def observation(item: Item, level: str) -> str:
    """Return the name of the observation that a photograph belongs to."""
    if level == "photograph":
        return item.name
    who = item.patient_id or item.name
    return f"{who}{BETWEEN}{item.eye.value}" if level == "eye" else who


@st.cache_resource(max_entries=8, show_spinner=False)
def _answers(key: Key, _view: View) -> StandardisedPredictions:
    return evaluation.standardised_predictions(_table(key, _view))


def nearest(view: View, photograph: str, number: int) -> tuple[list[str], list[float], int]:
    """Return the photographs that the model reads most like one, how far they are, and over how many targets."""
    among = _answers(view.key, view)
    names, distances = evaluation.nearest_neighbours(among, photograph, number)
    return names.tolist(), distances.tolist(), len(among.targets)


def worst(found: Sequence[Points]) -> str:
    """Return the name of the observation with the largest error; empty where there is none."""
    errors: list[tuple[float, str]] = [_largest(group) for group in found if len(group)]
    return max(errors)[1] if errors else ""


def _largest(group: Points) -> tuple[float, str]:
    errors: Floats = np.abs(group.predicted - group.truth)
    at = int(np.argmax(errors))
    return float(errors[at]), str(group.ids[at])


@st.cache_resource(max_entries=16, show_spinner=False)
def _comparison(
    keys: tuple[Key, ...], names: tuple[str, ...], target: str, level: str, margin: float, _views: Sequence[View]
) -> Comparison:
    hashes = {view.cohort.name: home.store().hashes(view.cohort.id) for view in _views}
    tables = told_apart({view.cohort.name: _table(view.key, view) for view in _views}, hashes)
    return compare(tables, level=level, targets=[target], margins={target: margin} if margin else None)


def comparison(views: Sequence[View], target: str, level: str, margin: float = 0.0) -> Comparison:
    """Return cohorts side by side for one target; with a margin above zero, tested for equivalence within it."""
    names = tuple(view.cohort.name for view in views)
    return _comparison(tuple(view.key for view in views), names, target, level, margin, views)
