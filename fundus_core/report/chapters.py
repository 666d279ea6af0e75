"""One chapter per target: its numbers, figures, subgroups, the two eyes, and what others have published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fundus_core.analyses import Canvas, Study, main_score, one_cohort
from fundus_core.evaluation import Difference, TargetResult
from fundus_core.figures import Figure, Look
from fundus_core.figures.printing import svg
from fundus_core.report import rows
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
    study, look = subject.study, Look(rendered=subject.rendered, opaque=True)
    for name, result in subject.evaluation.targets.items():
        target = TARGETS[name]
        groups = [study.get(one_cohort.SUBGROUPS, name, by) for by in study.columns]
        yield Chapter(
            target=target,
            result=result,
            lines=tuple(line_of(key, estimate, target) for key, estimate in result.estimates.items()),
            figures=tuple(svg(one) for one in _figures(study, target, look)) if result.n else (),
            summary=_summary(target, result),
            baselines=tuple(rows.contrast(each, target) for each in _baselines(study, target)),
            groups=tuple(rows.group_rows(groups, target, main_score(target))),
            differences=tuple(rows.difference_rows(groups, target)),
            eyes=rows.eye_lines(study.get(one_cohort.EYES, name), target),
            others=tuple(rows.published_rows(target)),
        )


def _baselines(study: Study, target: Target) -> tuple[Difference, ...]:
    return study.get(one_cohort.BASELINES, target.id) if one_cohort.BASELINES.needs(target) else ()


def _figures(study: Study, target: Target, look: Look) -> Iterator[Figure]:
    for analysis in one_cohort.PRINTED:
        if analysis.draw is None or not analysis.needs(target):
            continue
        drawn = analysis.draw(study, target, Canvas(look, study.groups(target.id)))
        if drawn is not None:
            yield drawn


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
