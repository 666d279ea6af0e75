"""Numbers beyond the scores, computed once per revision of a cohort and shared by all tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import streamlit as st

from fundus_core import evaluation
from fundus_core.evaluation import (
    BetweenEyes,
    Bins,
    BothMeans,
    CalibrationCurve,
    Characteristic,
    CriterionAssessment,
    ErrorDistribution,
    Imbalance,
    ModelComparison,
    OutOfDistribution,
    Shift,
    Subgroups,
    Transfer,
    imbalance,
    table_one,
)
from fundus_core.figures import Steps
from fundus_core.pipeline.comparing import told_apart
from fundus_core.records import CohortTable
from fundus_core.targets import TARGETS
from pages.parts.shared import results
from pages.parts.shared.results import Key, View
from pages.parts.shell import home


@st.cache_resource(max_entries=4, show_spinner=False)
def _seen(key: Key, _view: View) -> BothMeans:
    return evaluation.both_person_means(results.table(_view))


@st.cache_resource(max_entries=64, show_spinner=False)
def _criterion(key: Key, criterion_id: str, _view: View) -> CriterionAssessment:
    def make() -> CriterionAssessment:
        return evaluation.assess(_seen(key, _view), criterion_id, draws=results.draws(_view))

    return results.kept(_view, f"criterion {criterion_id}", CriterionAssessment, make)


def criterion(view: View, criterion_id: str) -> CriterionAssessment:
    """Return one clinical criterion, judged on the cohort."""
    return _criterion(view.key, criterion_id, view)


def criteria_of(view: View) -> tuple[str, ...]:
    """Return the ids of the clinical criteria that the cohort can tell."""
    return evaluation.applicable_criteria(results.table(view))


def criteria(view: View) -> tuple[CriterionAssessment, ...]:
    """Return every clinical criterion that the cohort can tell."""
    return tuple(criterion(view, each) for each in criteria_of(view))


@st.cache_resource(max_entries=64, show_spinner=False)
def _eyes(key: Key, target: str, _view: View) -> BetweenEyes:
    def make() -> BetweenEyes:
        return evaluation.between_eyes(results.table(_view), target, draws=results.draws(_view))

    return results.kept(_view, f"eyes {target}", BetweenEyes, make)


def eyes(view: View, target: str) -> BetweenEyes:
    """Return how a person's two eyes agree."""
    return _eyes(view.key, target, view)


@st.cache_resource(max_entries=64, show_spinner=False)
def _curve(key: Key, target: str, level: str, _view: View) -> CalibrationCurve:
    def make() -> CalibrationCurve:
        return evaluation.smooth_calibration(results.table(_view), target, level=level, draws=results.draws(_view))

    return results.kept(_view, f"curve {target} {level}", CalibrationCurve, make)


def curve(view: View, target: str, level: str) -> CalibrationCurve:
    """Return the smooth calibration curve."""
    return _curve(view.key, target, level, view)


@st.cache_resource(max_entries=64, show_spinner=False)
def _tenths(key: Key, target: str, level: str, _view: View) -> Steps:
    def make() -> Bins:
        cut = evaluation.reliability if TARGETS[target].binary else evaluation.deciles
        return cut(results.table(_view), target, level=level, draws=results.draws(_view))

    bins = results.kept(_view, f"tenths {target} {level}", Bins, make).bins
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
    return _tenths(view.key, target, level, view)


@st.cache_resource(max_entries=64, show_spinner=False)
def _subgroups(key: Key, by: str, target: str, level: str, _view: View) -> Subgroups:
    def make() -> Subgroups:
        return evaluation.subgroups(results.table(_view), by, target, level=level, draws=results.draws(_view))

    return results.kept(_view, f"subgroups {by} {target} {level}", Subgroups, make)


def subgroups(view: View, by: str, target: str, level: str) -> Subgroups:
    """Return a target's scores in each part of a cohort."""
    return _subgroups(view.key, by, target, level, view)


@st.cache_resource(max_entries=64, show_spinner=False)
def _errors(key: Key, target: str, level: str, _view: View) -> ErrorDistribution:
    return evaluation.error_distribution(results.table(_view), target, level=level)


def errors(view: View, target: str, level: str) -> ErrorDistribution:
    """Return how errors are distributed."""
    return _errors(view.key, target, level, view)


def rivals(view: View, target: str) -> list[View]:
    """Return the cohort under each of its models that reads a target."""
    models = [version.model for version in home.store().models(view.cohort.id)]
    views = [View(view.cohort, model) for model in models]
    return [each for each in views if target in results.table(each).predicted]


@st.cache_resource(max_entries=32, show_spinner=False)
def _models(keys: tuple[Key, ...], target: str, level: str, _views: Sequence[View]) -> ModelComparison:
    tables = {view.model: results.table(view) for view in _views}
    return evaluation.compare_models(tables, target, level=level)


def models(views: Sequence[View], target: str, level: str) -> ModelComparison:
    """Return models side by side on the photographs that all of them predicted."""
    return _models(tuple(view.key for view in views), target, level, views)


@st.cache_resource(max_entries=8, show_spinner=False)
def _apart(keys: tuple[Key, ...], _views: Sequence[View]) -> Mapping[str, CohortTable]:
    tables = {view.cohort.name: results.table(view) for view in _views}
    hashes = {view.cohort.name: home.store().hashes(view.cohort.id) for view in _views}
    return MappingProxyType(told_apart(tables, hashes))


def apart(views: Sequence[View]) -> Mapping[str, CohortTable]:
    """Return cohorts by name, equal ids of different people made different."""
    return _apart(tuple(view.key for view in views), views)


def measured(views: Sequence[View]) -> list[str]:
    """Return the targets that some cohort has both measured and predicted."""
    shared = [set(table.truth) & set(table.predicted) for table in map(results.table, views)]
    return [name for name in TARGETS if any(name in each for each in shared)]


@st.cache_resource(max_entries=16, show_spinner=False)
def _shift(keys: tuple[Key, ...], _views: Sequence[View]) -> tuple[tuple[Shift, ...], tuple[OutOfDistribution, ...]]:
    tables = apart(_views)
    return evaluation.prediction_shift(tables), evaluation.out_of_distribution(tables)


def shift(views: Sequence[View]) -> tuple[tuple[Shift, ...], tuple[OutOfDistribution, ...]]:
    """Return how predictions differ between cohorts, and how many photographs are foreign to the model."""
    return _shift(tuple(view.key for view in views), views)


@st.cache_resource(max_entries=16, show_spinner=False)
def _case_mix(
    keys: tuple[Key, ...], _views: Sequence[View]
) -> tuple[tuple[Characteristic, ...], tuple[Imbalance, ...]]:
    tables = apart(_views)
    return table_one(tables), imbalance(tables)


def case_mix(views: Sequence[View]) -> tuple[tuple[Characteristic, ...], tuple[Imbalance, ...]]:
    """Return who the people of each cohort are, and how far cohorts differ."""
    return _case_mix(tuple(view.key for view in views), views)


@st.cache_resource(max_entries=32, show_spinner=False)
def _transfers(keys: tuple[Key, ...], target: str, level: str, _views: Sequence[View]) -> tuple[Transfer, ...]:
    return evaluation.transfers(apart(_views), targets=[target], level=level)


def transfers(views: Sequence[View], target: str, level: str) -> tuple[Transfer, ...]:
    """Return what a recalibration learnt on one cohort does to another."""
    return _transfers(tuple(view.key for view in views), target, level, views)


def spread_of_errors(view: View, target: str) -> float:
    """Return the standard deviation of people's absolute errors; NaN for fewer than two."""
    found, _ids = results.sample(view, target, "patient")
    return float(np.abs(found.error).std(ddof=1)) if len(found) > 1 else float("nan")
