"""How errors are distributed, and where one value stands among a cohort's."""

import numpy as np

from fundus_core.evaluation import QUANTILES, ErrorDistribution
from fundus_core.figures.figure import Axis, Figure, Text
from fundus_core.figures.marks import Bars, Rule
from fundus_core.figures.theme import Look, number, with_unit
from fundus_core.records import Floats, Prediction
from fundus_core.targets import Target

_BARS = 40


def bars(values: Floats) -> tuple[Floats, Floats]:
    """Return how many values, none missing, each of the bars holds that :func:`among` draws, and their edges."""
    counts, edges = np.histogram(values, _BARS) if len(values) else (np.empty(0), np.empty(1))
    return counts.astype(np.float64), edges.astype(np.float64)


def among(
    target: Target,
    prediction: Prediction,
    others: Floats | tuple[Floats, Floats],
    look: Look,
    *,
    height: int = 150,
    place: int = 0,
) -> Figure:
    """Draw a prediction with its 90 % interval over the distribution of a cohort's predictions, none of it missing.

    Of very many predictions ``others`` may be what :func:`bars` counted of them.
    """
    words = look.say("{name}: {value}, among {count} predictions of the cohort.")
    counts, edges = others if isinstance(others, tuple) else bars(others)
    known = np.isfinite(prediction.low) and np.isfinite(prediction.high)
    palette = look.palette
    return Figure(
        look,
        words.format(name=with_unit(target, look), value=number(prediction.value, target), count=int(counts.sum())),
        Axis(look.say(target.unit)),
        Axis(shown=False),
        (
            *([Rule(prediction.low, palette.band, to=prediction.high, upright=True)] if known else []),
            Bars(edges[:-1], edges[1:], counts, palette.cohort(place), opacity=0.28),
            Rule(prediction.value, palette.ink, upright=True, width=2.5),
        ),
        height=height,
    )


def error_histogram(
    target: Target, found: ErrorDistribution, look: Look, *, place: int = 0, height: int = 420
) -> Figure:
    """Draw how often each error (predicted minus true) occurs, with the middle and the outer twentieths.

    Counts are in bars of equal width about zero, and not all empty.
    """
    shown = {share: float(value) for share, value in zip(QUANTILES, found.quantiles, strict=True)}
    low, middle, high = (number(shown[share], target, signed=True) for share in (0.05, 0.5, 0.95))
    words = look.say("Errors of {name}: median {middle}, 90 % between {low} and {high}.")
    palette, counts = look.palette, found.counts.astype(float)
    outer = (Rule(shown[share], palette.quiet, upright=True, width=1.2, dash="dot") for share in (0.05, 0.95))
    return Figure(
        look,
        words.format(name=look.say(target.name), middle=middle, low=low, high=high),
        Axis(look.say("predicted − true ({unit})").format(unit=look.say(target.unit)), grid=True),
        Axis(look.say("observations"), (0, 1.2 * max(float(counts.max()), 1.0)), grid=True),
        (
            Bars(found.edges[:-1], found.edges[1:], counts, palette.cohort(place), edge=0.6, hover="{x:.3g}: {y}"),
            Rule(0, palette.identity, upright=True, dash="dash"),
            *outer,
        ),
        head=(Text(f"{look.say('median')} {middle}", bold=True), Text(f"90 %: {low} … {high}", quiet=True)),
        height=height,
    )
