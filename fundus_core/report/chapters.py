"""One chapter per target: its numbers, figures, subgroups, the two eyes, and what others have published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from fundus_core import figures
from fundus_core.evaluation import Bins, Sample, TargetResult, sort_rows, units_of_analysis
from fundus_core.figures import Look, Points, Steps
from fundus_core.figures.printing import svg
from fundus_core.report import rows
from fundus_core.report.analysis import OfTarget
from fundus_core.report.content import Subject
from fundus_core.report.words import WORDS, Line, line_of
from fundus_core.targets import TARGETS, Target


@dataclass(frozen=True, slots=True)
class Chapter:
    """One target."""

    target: Target
    """Which."""
    result: TargetResult
    """Its numbers."""
    lines: tuple[Line, ...]
    """Its table."""
    figures: tuple[str, ...]
    """SVG elements."""
    summary: str
    """One sentence."""
    baselines: tuple[rows.Cells, ...]
    """The model against both baselines: pair, difference, test, corrected p; empty for a probability."""
    groups: tuple[rows.Cells, ...]
    """Subgroups: column, group, people, error with interval or why it is withheld."""
    differences: tuple[rows.Cells, ...]
    """Pairs of subgroups: column, pair, difference, test, corrected p."""
    eyes: tuple[Line, ...]
    """Agreement between the two eyes; empty where nobody has both."""
    others: tuple[rows.Cells, ...]
    """Published figures: study, value, people, population and source."""

    @property
    def methods(self) -> list[str]:
        """How intervals were made, each way once."""
        return list(dict.fromkeys(line.method for line in self.lines if line.method))


def chapters(subject: Subject) -> Iterator[Chapter]:
    """Return a chapter per target."""
    ordered = sort_rows(subject.table)
    look = Look(rendered=subject.rendered, opaque=True)
    made = subject.evaluation
    for name, result in made.targets.items():
        target, found = TARGETS[name], subject.analysis.targets[name]
        sample = units_of_analysis(ordered, target, made.level, ordered=True)
        drawn = [*_figures(target, sample, result, found, look)] if len(sample) else []
        if len(forest := [*rows.forest_rows(found.groups, _score(target))]) > 1:
            drawn.append(figures.forest(forest, _axis(target), look, reference=_main(target, result)))
        yield Chapter(
            target=target,
            result=result,
            lines=tuple(line_of(key, estimate, target) for key, estimate in result.estimates.items()),
            figures=tuple(svg(one) for one in drawn),
            summary=_summary(target, result),
            baselines=tuple(rows.contrast(each, target) for each in found.baselines),
            groups=tuple(rows.group_rows(found.groups, target, _score(target))),
            differences=tuple(rows.difference_rows(found.groups, target)),
            eyes=rows.eye_lines(found.eyes, target),
            others=tuple(rows.published_rows(target)),
        )


def _score(target: Target) -> str:
    return "accuracy" if target.binary else "mae"


def _axis(target: Target) -> str:
    return f"MAE ({target.unit})" if target.unit else "accuracy"


def _main(target: Target, result: TargetResult) -> float | None:
    found = result.estimates.get(_score(target))
    return None if found is None else found.value


def _figures(target: Target, sample: Sample, result: TargetResult, found: OfTarget, look: Look) -> Iterator[go.Figure]:
    everyone = [Points("all", sample.patients[sample.group], sample.y, sample.p, 0)]
    estimates = result.estimates
    steps = _steps(found.bins)
    if target.binary:
        yield figures.probabilities(target, everyone, estimates, look, names=("male", "female"))
        if steps is not None:
            yield figures.calibration(target, steps, look, curve=found.curve)
        return
    yield figures.predicted_against_true(target, everyone, estimates, look, people=len(sample.patients))
    yield figures.bland_altman(target, everyone, estimates, look)
    if steps is not None:
        fit = (estimates["slope"].value, estimates["intercept"].value)
        yield figures.calibration(target, steps, look, slope=fit[0], intercept=fit[1], curve=found.curve)
    if found.errors is not None and len(found.errors.counts):
        yield figures.error_histogram(target, found.errors, look)
    yield figures.residuals(target, everyone, look, against="truth")
    yield figures.residuals(target, everyone, look, against="predicted")


def _steps(cut: Bins) -> Steps | None:
    bins = [one for one in cut.bins if one.measured.value is not None]
    if len(bins) < 2:
        return None
    measured = [one.measured for one in bins]
    return Steps(
        predicted=np.array([one.predicted for one in bins]),
        truth=np.array([one.value for one in measured], dtype=np.float64),
        low=np.array([np.nan if one.low is None else one.low for one in measured]),
        high=np.array([np.nan if one.high is None else one.high for one in measured]),
        count=np.array([one.n for one in bins], dtype=np.float64),
    )


def _summary(target: Target, result: TargetResult) -> str:
    """Say the error beside its yardsticks in one sentence."""
    main = result.estimates.get("accuracy" if target.binary else "mae")
    if main is None or main.value is None:
        return "Not estimable: " + (main.note if main else "no value")
    parts = [f"{WORDS['accuracy'] if target.binary else 'MAE'} {main.value:.{max(target.decimals, 2)}f} {target.unit}"]
    for key, words in (("mae_null", "predicting the mean"), ("mae_age_sex", "age and sex only")):
        other = result.estimates.get(key)
        if other is not None and other.value is not None:
            parts.append(f"{words}: {other.value:.2f}")
    published = target.published_accuracy if target.binary else target.published_mae
    if published is not None:
        parts.append(f"published for the JOIR model: {published:g} (another population: another spread, another MAE)")
    return "; ".join(parts) + "."
