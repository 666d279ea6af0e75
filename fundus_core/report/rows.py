"""Tables of a report as words: subgroups, the two eyes, baselines, what others have published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fundus_core.evaluation import BetweenEyes, Difference, Estimate, Subgroups, published
from fundus_core.report.words import WORDS, Line, line_of, minus
from fundus_core.targets import Target

Cells = tuple[str, ...]
"""One row."""


def group_rows(cuts: Sequence[Subgroups], target: Target, score: str) -> Iterator[Cells]:
    """Yield column, group, people, and error with interval or why it is withheld."""
    for found in cuts:
        for group in found.groups:
            line = line_of(score, group.estimates.get(score) or Estimate(None, note=group.withheld), target)
            yield found.by, group.name, f"{group.n_patients:,}", f"{line.value} {_in_brackets(line.interval)}"


def difference_rows(cuts: Sequence[Subgroups], target: Target) -> Iterator[Cells]:
    """Yield column, pair, difference with interval, test, and corrected p."""
    for found in cuts:
        for each in found.differences:
            yield found.by, *contrast(each, target)


def contrast(each: Difference, target: Target) -> tuple[str, str, str, str]:
    """Return a difference as pair, difference with interval, test, and corrected p."""
    line = line_of(each.score, each.difference, target)
    pair = f"{WORDS.get(each.score, each.score)}: {each.first} − {each.second}"
    shown = f"{line.value} {_in_brackets(line.interval)}"
    return pair, shown, f"{each.test or 'none'}; {each.correction or 'uncorrected'}", p_value(each.p_adjusted)


def p_value(value: float | None) -> str:
    """Return a p value as papers write it.

    >>> p_value(0.0000123), p_value(0.0312), p_value(None)
    ('< 0.001', '0.031', '–')
    """
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""


def eye_lines(found: BetweenEyes, target: Target) -> tuple[Line, ...]:
    """Return the agreement of a person's two eyes; nothing where nobody has both."""
    if not len(found.patient):
        return ()
    named = {
        f"ICC(A,1), {len(found.patient):,} people with both eyes": found.icc,
        "mean absolute difference right − left": found.mean_absolute_difference,
        "mean difference right − left": found.bias,
        "lower limit of agreement": found.loa_low,
        "upper limit of agreement": found.loa_high,
    }
    return tuple(line_of(name, estimate, target) for name, estimate in named.items())


def published_rows(target: Target) -> Iterator[Cells]:
    """Yield study, value, people, population and source of what others have reported."""
    for each in published(target.id):
        interval = "" if each.low is None else f" ({each.low:g} to {each.high:g})"
        baseline = "" if each.baseline is None else f"; its own baseline {each.baseline:g}"
        value = minus(f"{WORDS.get(each.score, each.score)} {each.value:g}{interval}{baseline}")
        source = f"{each.study.population}. {each.study.source}, read {each.study.read}. {each.note}".strip()
        yield each.study.name, value, each.study.people, source
