"""Figures for a clinical criterion: how many are positive, and whether acting on the probability would help."""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.evaluation import Classification, CriterionAssessment, Estimate
from fundus_core.figures.figure import Axis, Figure, Label
from fundus_core.figures.marks import Bars, Line, floats
from fundus_core.figures.theme import Look, rgba
from fundus_core.records import Floats


def prevalences(assessed: Mapping[str, CriterionAssessment], look: Look) -> Figure:
    """Draw the observed share of positive people beside the share called and the share expected, per criterion.

    These are of complete cases; where some verdicts cannot be told, the least and the most that the observed share of
    everybody can be stand below. Criteria are by name in the reader's language, from top to bottom.
    """
    ways = _ways(list(assessed.values()), look)
    names = tuple(assessed)
    at = np.arange(len(names))[::-1].astype(np.float64)
    said = "; ".join(f"{name} {_shares(one)}" for name, one in assessed.items())
    ends = np.concatenate([100 * _ends(found, end) for found in ways.values() for end in ("value", "high")])
    step = 0.75 / len(ways)
    return Figure(
        look,
        look.say("Share of positive people: {list}.").format(list=said),
        Axis(look.say("share of people (%)"), (0, max(5.0, 1.06 * float(np.nanmax(ends, initial=0.0)))), grid=True),
        Axis(
            span=(-0.6, len(names) - 0.4),
            labels=tuple(Label(float(place), _broken(name)) for place, name in zip(at, names, strict=True)),
        ),
        tuple(
            _bars(way, names, (at + step * ((len(ways) - 1) / 2 - place), 0.44 * step), found, look, place)
            for place, (way, found) in enumerate(ways.items())
            if names
        ),
        height=130 + 28 * len(ways) * max(len(names), 1),
        legend=True,
    )


def _ways(assessed: Sequence[CriterionAssessment], look: Look) -> dict[str, list[Estimate]]:
    nothing = Estimate(None)

    def complete(name: str) -> list[Estimate]:
        return [nothing if one.judged is None else getattr(one.judged, name) for one in assessed]

    ways = {
        look.say("by measured values"): complete("prevalence"),
        look.say("by cutting the predictions"): complete("called"),
        look.say("by the probabilities"): complete("expected"),
    }
    if any(one.measured.indeterminate for one in assessed):
        ways[look.say("everybody, between bounds")] = [_between(one) for one in assessed]
    return ways


def _between(one: CriterionAssessment) -> Estimate:
    """The most that the observed share can be, and how far down the least is; nothing where all can be told."""
    return Estimate(one.most.value, one.least.value, one.most.value) if one.measured.indeterminate else Estimate(None)


def _broken(name: str) -> str:
    """Return a long name on two lines, so that a narrow screen keeps room for the bars."""
    return name.replace(", ", ",\n", 1).replace("、", "、\n", 1)


def _bars(
    way: str, names: tuple[str, ...], lies: tuple[Floats, float], found: Sequence[Estimate], look: Look, place: int
) -> Bars:
    value, low, high = (100 * _ends(found, end) for end in ("value", "low", "high"))
    colour = look.palette.identity if place == 0 else look.palette.cohort(place - 1)
    at, half = lies
    return Bars(at - half, at + half, value, colour, way, names, low, high, opacity=0.75, hover="{x:.1f} %")


def _ends(found: Sequence[Estimate], end: str) -> Floats:
    return floats(getattr(one, end) for one in found)


def _shares(one: CriterionAssessment) -> str:
    judged = one.judged
    found = (one.least, one.most) if judged is None else (judged.prevalence, judged.called, judged.expected)
    between = " – " if judged is None else " / "
    return between.join("–" if each.value is None else f"{100 * each.value:.0f} %" for each in found)


def decision_curve(judged: Classification, look: Look, *, height: int = 420) -> Figure:
    """Draw the net benefit of acting from each probability on, beside acting for everybody and for nobody.

    Vickers and Elkin 2006, doi:10.1177/0272989X06295361. Acting on the model helps where its line is the highest.
    """
    threshold = np.array([at.threshold for at in judged.thresholds])
    model = [at.net_benefit for at in judged.thresholds]
    benefit, low, high = (_ends(model, end) for end in ("value", "low", "high"))
    everybody = _ends([at.treat_all for at in judged.thresholds], "value")
    palette, colour = look.palette, look.palette.cohort(0)
    top = float(np.nanmax(np.concatenate([high, benefit, [0.05]])))
    return Figure(
        look,
        look.say("Decision curve: net benefit by threshold."),
        Axis(look.say("threshold probability"), (0, 1), grid=True),
        Axis(look.say("net benefit"), (-0.25 * top, 1.08 * top), grid=True),
        (
            Line(threshold, benefit, colour, look.say("act on the model"), low, high, rgba(colour, 0.16), width=2.5),
            Line(threshold, everybody, palette.quiet, look.say("act for everybody"), width=1.6),
            Line(threshold, np.zeros(len(threshold)), palette.identity, look.say("act for nobody"), dash="dash"),
        ),
        height=height,
        legend=True,
    )
