"""One chapter per target: its numbers, figures, subgroups, the two eyes, and what others have published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from fundus_core import figures
from fundus_core.evaluation import (
    Estimate,
    Sample,
    TargetResult,
    between_eyes,
    canonical,
    deciles,
    draw_sample,
    published,
    subgroups,
)
from fundus_core.figures import Look, Points, Row, Steps
from fundus_core.figures.printing import svg
from fundus_core.records import CohortTable
from fundus_core.report.content import Subject
from fundus_core.report.words import WORDS, Line, line_of, minus
from fundus_core.targets import TARGETS, Target

_MOST_GROUPS = 8
"""A column with more different words is a name or a date, not a group."""
_ALWAYS = ("sex", "age", "eye", "quality", "out_of_distribution")
"""Columns that every cohort is cut by, where it has them."""


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
    groups: tuple[tuple[str, str, str, str], ...]
    """Subgroups: column, group, people, error with interval or why it is withheld."""
    differences: tuple[tuple[str, str, str, str, str], ...]
    """Pairs of subgroups: column, pair, difference, test, corrected p."""
    eyes: tuple[Line, ...]
    """Agreement between the two eyes; empty where nobody has both."""
    others: tuple[tuple[str, str, str, str], ...]
    """Published figures: study, value, people, population and source."""

    @property
    def methods(self) -> list[str]:
        """How intervals were made, each way once."""
        return list(dict.fromkeys(line.method for line in self.lines if line.method))


def chapters(subject: Subject) -> Iterator[Chapter]:
    """Return a chapter per target."""
    ordered = canonical(subject.table)
    look = Look(rendered=subject.rendered, opaque=True)
    made = subject.evaluation
    for name, result in made.targets.items():
        target = TARGETS[name]
        sample = draw_sample(ordered, target, made.level, ordered=True)
        groups, differences, rows = _subgroups(subject, target)
        drawn = [*_figures(subject, target, sample, result, look)] if len(sample) else []
        if len(rows) > 1:
            drawn.append(figures.forest(rows, _axis(target), look, reference=_main(target, result)))
        yield Chapter(
            target=target,
            result=result,
            lines=tuple(line_of(key, estimate, target) for key, estimate in result.estimates.items()),
            figures=tuple(svg(one) for one in drawn),
            summary=_summary(target, result),
            groups=tuple(groups),
            differences=tuple(differences),
            eyes=_eyes(subject, target),
            others=tuple(_others(target)),
        )


def _score(target: Target) -> str:
    return "accuracy" if target.binary else "mae"


def _axis(target: Target) -> str:
    return f"MAE ({target.unit})" if target.unit else "accuracy"


def _main(target: Target, result: TargetResult) -> float | None:
    found = result.estimates.get(_score(target))
    return None if found is None else found.value


def _figures(subject: Subject, target: Target, sample: Sample, result: TargetResult, look: Look) -> Iterator[go.Figure]:
    everyone = [Points("all", sample.patients[sample.group], sample.y, sample.p, 0)]
    estimates = result.estimates
    if target.binary:
        yield figures.probabilities(target, everyone, estimates, look, names=("male", "female"))
        return
    yield figures.predicted_against_true(target, everyone, estimates, look, people=len(sample.patients))
    yield figures.bland_altman(target, everyone, estimates, look)
    if steps := _steps(subject, target):
        fit = (estimates["slope"].value, estimates["intercept"].value)
        yield figures.calibration(target, steps, look, slope=fit[0], intercept=fit[1])
    yield figures.residuals(target, everyone, look, against="truth")
    yield figures.residuals(target, everyone, look, against="predicted")


def _steps(subject: Subject, target: Target) -> Steps | None:
    made = subject.evaluation
    cut = deciles(subject.table, target.id, level=made.level, seed=made.seed, draws=made.draws)
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


def _columns(table: CohortTable) -> list[str]:
    """Columns to cut by: those that always are, and covariates of a few different words."""
    known = [name for name in _ALWAYS if name in ("eye", "quality", "out_of_distribution") or name in table.truth]
    few = [name for name, words in table.covariates.items() if 2 <= len(np.unique(words[words != ""])) <= _MOST_GROUPS]
    return known + [name for name in few if name not in known]


def _subgroups(
    subject: Subject, target: Target
) -> tuple[list[tuple[str, str, str, str]], list[tuple[str, str, str, str, str]], list[Row]]:
    made, score = subject.evaluation, _score(target)
    groups: list[tuple[str, str, str, str]] = []
    differences: list[tuple[str, str, str, str, str]] = []
    rows: list[Row] = []
    for by in _columns(subject.table):
        found = subgroups(subject.table, by, target.id, level=made.level, seed=made.seed, draws=made.draws)
        if len(found.groups) < 2:
            continue
        for group in found.groups:
            estimate = group.estimates.get(score) or Estimate(None, note=group.withheld)
            line = line_of(score, estimate, target)
            groups.append((by, group.name, f"{group.n_patients:,}", f"{line.value} {_in_brackets(line.interval)}"))
            label = f"{by.replace('_', ' ')}: {group.name}"
            rows.append(Row(label, estimate.value, estimate.low, estimate.high, group.n_patients, note=estimate.note))
        for each in found.differences:
            line = line_of(each.score, each.difference, target)
            pair = f"{WORDS.get(each.score, each.score)}: {each.first} − {each.second}"
            p = "–" if each.p_adjusted is None else f"{each.p_adjusted:.3g}"
            shown = f"{line.value} {_in_brackets(line.interval)}"
            differences.append((by, pair, shown, f"{each.test or 'none'}; {each.correction or 'uncorrected'}", p))
    return groups, differences, rows


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def _eyes(subject: Subject, target: Target) -> tuple[Line, ...]:
    found = between_eyes(subject.table, target.id, seed=subject.evaluation.seed, draws=subject.evaluation.draws)
    if not len(found.patient):
        return ()
    named = {
        f"ICC(A,1), {len(found.patient):,} people with both eyes": found.icc,
        "mean absolute difference right − left": found.mean_absolute_difference,
        "mean difference right − left": found.bias,
    }
    return tuple(line_of(name, estimate, target) for name, estimate in named.items())


def _others(target: Target) -> Iterator[tuple[str, str, str, str]]:
    for each in published(target.id):
        interval = "" if each.low is None else f" ({each.low:g} to {each.high:g})"
        baseline = "" if each.baseline is None else f"; its own baseline {each.baseline:g}"
        value = minus(f"{WORDS.get(each.score, each.score)} {each.value:g}{interval}{baseline}")
        source = f"{each.study.population}. {each.study.source}, read {each.study.read}. {each.note}".strip()
        yield each.study.name, value, each.study.people, source


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
