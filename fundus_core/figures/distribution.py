"""One value among a cohort's: where this eye stands."""

import numpy as np

from fundus_core.figures.figure import Axis, Figure
from fundus_core.figures.marks import Bars, Rule
from fundus_core.figures.theme import Look, number, with_unit
from fundus_core.records import Floats, Prediction
from fundus_core.targets import Target

_BARS = 40


def among(
    target: Target, prediction: Prediction, others: Floats, look: Look, *, height: int = 150, place: int = 0
) -> Figure:
    """Draw a prediction with its 90 % interval over the distribution of a cohort's predictions, none of it missing."""
    words = look.say("{name}: {value}, among {count} predictions of the cohort.")
    counts, edges = np.histogram(others, _BARS) if len(others) else (np.empty(0), np.empty(1))
    known = np.isfinite(prediction.low) and np.isfinite(prediction.high)
    palette = look.palette
    return Figure(
        look,
        words.format(name=with_unit(target, look), value=number(prediction.value, target), count=len(others)),
        Axis(look.say(target.unit)),
        Axis(shown=False),
        (
            *([Rule(prediction.low, palette.band, to=prediction.high, upright=True)] if known else []),
            Bars(edges[:-1], edges[1:], counts.astype(np.float64), palette.cohort(place), opacity=0.28),
            Rule(prediction.value, palette.ink, upright=True, width=2.5),
        ),
        height=height,
    )
