"""Figures for a probability: the predicted probabilities of the two true classes, and how well they part them."""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.evaluation import Classification, Estimate
from fundus_core.figures.figure import Axis, Figure, Text
from fundus_core.figures.marks import Bars, Line, Points, Rule, floats
from fundus_core.figures.scatter import EDGES, Observations, headline
from fundus_core.figures.theme import Look, with_unit
from fundus_core.records import Floats
from fundus_core.targets import Target

_MOST_POINTS = 400
"""Points of a ROC curve; more cannot be told apart on a screen."""


def counts_by_class(groups: Sequence[Observations]) -> list[Floats]:
    """Return how many of true class 0, and of 1, are in each bar of probabilities: twice 20 counts."""
    few = [group for group in groups if group.crowd is None]
    lie = [group.crowd.counts.T for group in groups if group.crowd]
    lie += [np.array([np.histogram(of.predicted[of.truth == value], EDGES)[0] for value in (0, 1)]) for of in few]
    return list(np.sum(lie, axis=0, dtype=np.float64))


def probabilities(
    target: Target,
    groups: Sequence[Observations],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    names: tuple[str, str],
    height: int = 420,
) -> Figure:
    """Draw the predicted probability, a histogram per true class (0 or 1), with the threshold of one half.

    ``estimates`` are ``auc`` and ``accuracy``; ``names`` are those of truth 0 and truth 1, already translated.
    """
    counts = counts_by_class(groups)
    bars = (
        Bars(
            EDGES[:-1], EDGES[1:], count, look.palette.cohort(place), f"{name} · n = {int(count.sum()):,}",
            opacity=0.55, edge=1, hover="{x:.2f}: {y}",
        )
        for place, (name, count) in enumerate(zip(names, counts, strict=True))
    )  # fmt: skip
    name, published = with_unit(target, look), target.published_accuracy
    words = look.say("published accuracy (JOIR)")
    return Figure(
        look,
        look.say("Predicted {name} by true class.").format(name=name),
        Axis(look.say("Predicted {name}").format(name=name), (0, 1)),
        Axis(look.say("observations"), (0, 1.35 * max(float(np.max(counts)), 1.0)), grid=True),
        (*bars, Rule(0.5, look.palette.identity, upright=True, dash="dash")),
        title=headline(target, estimates, look),
        head=() if published is None else (Text(f"{words} {100 * published:.1f} %", quiet=True),),
        height=height,
        legend=True,
    )


def roc(judged: Classification, look: Look, *, place: int = 0) -> Figure | None:
    """Draw a receiver operating characteristic; nothing where everybody is alike."""
    auc, curve = judged.auc, judged.curves
    if auc.value is None:
        return None
    ends = np.array([0.0, 1.0])
    return Figure(
        look,
        look.say("ROC curve, AUC {auc}.").format(auc=f"{auc.value:.3f}"),
        Axis(look.say("false positive rate"), (0, 1), grid=True),
        Axis(look.say("true positive rate"), (0, 1.01), grid=True),
        (
            Line(ends, ends, look.palette.identity, width=1, dash="dash", guide=True),
            _curve(curve.false_positive_rate, curve.sensitivity, look.palette.cohort(place)),
        ),
        head=(Text(f"AUC {_with_interval(auc)}", bold=True),),
        equal=True,
    )


def precision_recall(judged: Classification, look: Look, *, place: int = 0) -> Figure | None:
    """Draw precision against recall; a useless model lies on the dashed line, at the prevalence."""
    average, prevalence, curve = judged.average_precision, judged.prevalence.value, judged.curves
    if judged.auc.value is None or prevalence is None:
        return None
    useless = np.array([prevalence, prevalence])
    title = look.say("average precision")
    lines = [] if average.value is None else [Text(f"{title} {_with_interval(average)}", bold=True)]
    return Figure(
        look,
        look.say("Precision-recall curve, average precision {value}.").format(value=f"{average.value or 0:.3f}"),
        Axis(look.say("recall (sensitivity)"), (0, 1), grid=True),
        Axis(look.say("precision (PPV)"), (0, 1.02), grid=True),
        (
            Line(np.array([0.0, 1.0]), useless, look.palette.identity, width=1, dash="dash", guide=True),
            _curve(curve.sensitivity, curve.precision, look.palette.cohort(place)),
        ),
        head=tuple(lines),
    )


def criterion_calibration(judged: Classification, look: Look, *, place: int = 0) -> Figure | None:
    """Draw the observed share against the mean probability of people of similar probability, with intervals.

    Nothing is drawn of nobody; on the dashed line both are the same.
    """
    if not judged.tenths:
        return None
    ends = np.array([0.0, 1.0])
    expected, people = (floats(getattr(one, name) for one in judged.tenths) for name in ("expected", "people"))
    found = [one.observed for one in judged.tenths]
    observed, low, high = (floats(getattr(one, end) for one in found) for end in ("value", "low", "high"))
    slope = judged.calibration_slope.value
    lines = [] if slope is None else [Text(f"{look.say('slope')} {slope:.2f} ({look.say('ideal 1')})", bold=True)]
    return Figure(
        look,
        look.say("Observed share by tenth of the probability."),
        Axis(look.say("mean probability"), (0, 1), grid=True),
        Axis(look.say("observed share"), (0, 1.02), grid=True),
        (
            Line(ends, ends, look.palette.identity, width=1, dash="dash", guide=True),
            Points(
                expected, observed, look.palette.cohort(place), look.say("complete cases"), counts=people,
                of_people=True, low=low, high=high, hover="{x:.3g} → {y:.3g}\nn = {count}",
            ),
        ),
        head=tuple(lines),
        equal=True,
    )  # fmt: skip


def _curve(x: Floats, y: Floats, colour: str) -> Line:
    """A curve through points evenly far apart along one of many; through all of a short one."""
    if len(x) > _MOST_POINTS:
        way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], _MOST_POINTS)))
        x, y = x[kept], y[kept]
    return Line(x, y, colour, width=2.5)


def _with_interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"
