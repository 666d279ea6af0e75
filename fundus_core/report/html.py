"""One self-contained HTML file: opens offline, prints, and is the same file for the same input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import jinja2
import plotly.graph_objects as go

from fundus_core import __version__
from fundus_core.evaluation import Estimate, Sample, TargetResult, canonical, draw_sample
from fundus_core.figures import agreement, classes, scatter
from fundus_core.figures.look import Look
from fundus_core.figures.printing import svg
from fundus_core.figures.scatter import Points
from fundus_core.report.checklist import answers
from fundus_core.report.content import Subject
from fundus_core.targets import TARGETS, Target

WORDS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "medae": "median absolute error",
    "bias": "bias (predicted − true)",
    "r2": "R² (1 − SSE/SST)",
    "pearson": "Pearson r",
    "spearman": "Spearman ρ",
    "ccc": "concordance (CCC)",
    "slope": "slope of truth on prediction",
    "intercept": "intercept of truth on prediction",
    "loa_low": "lower limit of agreement",
    "loa_high": "upper limit of agreement",
    "mae_null": "MAE of predicting the mean",
    "mae_age_sex": "MAE of age and sex only",
    "coverage": "coverage of the 90 % intervals",
    "auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "Brier score",
}
"""What an estimate is called for a reader; others keep their names."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of estimates."""

    name: str
    """For a reader."""
    value: str
    """The number, or why there is none."""
    interval: str
    """Its interval; empty where there is none."""
    method: str
    """How the interval was made."""


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

    @property
    def methods(self) -> list[str]:
        """How intervals were made, each way once."""
        return list(dict.fromkeys(line.method for line in self.lines if line.method))


def render(subject: Subject) -> str:
    """Return the report as one HTML file.

    Args:
        subject: What it is about.

    Returns:
        A page without any reference to another file or machine; the same subject gives the same text.
    """
    source = resources.files("fundus_core.report").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(source).render(
        subject=subject,
        flow=subject.flow,
        chapters=list(_chapters(subject)),
        checklist=answers(subject),
        version=__version__,
    )


def _chapters(subject: Subject) -> Iterator[Chapter]:
    ordered = canonical(subject.table)
    look = Look(rendered=subject.rendered, opaque=True)
    for name, result in subject.evaluation.targets.items():
        target = TARGETS[name]
        sample = draw_sample(ordered, target, subject.evaluation.level, ordered=True)
        figures = [] if not len(sample) else _figures(target, sample, result, look)
        lines = tuple(_line(key, estimate, target) for key, estimate in result.estimates.items())
        yield Chapter(target, result, lines, tuple(svg(one) for one in figures), _summary(target, result))


def _figures(target: Target, sample: Sample, result: TargetResult, look: Look) -> list[go.Figure]:
    everyone = [Points("all", sample.patients[sample.group], sample.y, sample.p, 0)]
    estimates = result.estimates
    if target.binary:
        return [classes.probabilities(target, everyone, estimates, look, names=("male", "female"))]
    return [
        scatter.predicted_against_true(target, everyone, estimates, look, people=len(sample.patients)),
        agreement.bland_altman(target, everyone, estimates, look),
        agreement.residuals(target, everyone, look, against="truth"),
        agreement.residuals(target, everyone, look, against="predicted"),
    ]


def _line(key: str, estimate: Estimate, target: Target) -> Line:
    name = WORDS.get(key, key.replace("_", " "))
    if estimate.value is None:
        return Line(name, estimate.note, "", "")
    digits = max(target.decimals, 2)
    value = f"{estimate.value:.{digits}f}"
    known = estimate.low is not None and estimate.high is not None
    interval = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}" if known else estimate.note
    return Line(name, _minus(value), _minus(interval), estimate.method)


def _minus(text: str) -> str:
    return text.replace("-", "−")


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
