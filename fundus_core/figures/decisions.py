"""Figures for a clinical criterion: how many are positive, and whether acting on the probability would help."""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.evaluation import Classification, Estimate
from fundus_core.figures.figure import Axis, Figure, Label
from fundus_core.figures.look import Look
from fundus_core.figures.marks import Bars, Line, floats
from fundus_core.figures.palette import rgba
from fundus_core.records import Floats


def prevalences(judged: Mapping[str, Classification], look: Look) -> Figure:
    """Draw the true share of positive people beside the share called and the share expected, per criterion.

    Criteria are by name in the reader's language, from top to bottom.
    """
    ways = {
        look.say("by measured values"): [one.prevalence for one in judged.values()],
        look.say("by cutting the predictions"): [one.called for one in judged.values()],
        look.say("by the probabilities"): [one.expected for one in judged.values()],
    }
    names = tuple(judged)
    at = np.arange(len(judged))[::-1].astype(np.float64)
    said = "; ".join(f"{name} {_shares(one)}" for name, one in judged.items())
    ends = np.concatenate([100 * _ends(found, end) for found in ways.values() for end in ("value", "high")])
    return Figure(
        look,
        look.say("Share of positive people: {list}.").format(list=said),
        Axis(look.say("share of people (%)"), (0, max(5.0, 1.06 * float(np.nanmax(ends, initial=0.0)))), grid=True),
        Axis(
            span=(-0.6, len(judged) - 0.4),
            labels=tuple(Label(float(place), _broken(name)) for place, name in zip(at, names, strict=True)),
        ),
        tuple(
            _bars(way, names, at + 0.25 - 0.25 * place, found, look, place)
            for place, (way, found) in enumerate(ways.items())
            if names
        ),
        height=130 + 84 * max(len(judged), 1),
        legend=True,
    )


def _broken(name: str) -> str:
    """Return a long name on two lines, so that a narrow screen keeps room for the bars."""
    return name.replace(", ", ",\n", 1).replace("、", "、\n", 1)


def _bars(way: str, names: tuple[str, ...], at: Floats, found: Sequence[Estimate], look: Look, place: int) -> Bars:
    value, low, high = (100 * _ends(found, end) for end in ("value", "low", "high"))
    colour = look.palette.identity if place == 0 else look.palette.cohort(place - 1)
    return Bars(at - 0.11, at + 0.11, value, colour, way, names, low, high, opacity=0.75, hover="{x:.1f} %")


def _ends(found: Sequence[Estimate], end: str) -> Floats:
    return floats(getattr(one, end) for one in found)


def _shares(one: Classification) -> str:
    found = (each.value for each in (one.prevalence, one.called, one.expected))
    return " / ".join("–" if value is None else f"{100 * value:.0f} %" for value in found)


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
