"""Calibration: what was measured where the model predicted so much."""

from collections.abc import Iterator, Sequence

import numpy as np

from fundus_core.evaluation import Bin, CalibrationCurve
from fundus_core.figures.figure import Axis, Figure, Text
from fundus_core.figures.marks import Line, Mark, Points, floats
from fundus_core.figures.theme import Look, rgba, with_unit
from fundus_core.records import Floats
from fundus_core.targets import Target


def calibration(
    target: Target,
    bins: Sequence[Bin],
    look: Look,
    *,
    slope: float | None = None,
    intercept: float | None = None,
    curve: CalibrationCurve | None = None,
    place: int = 0,
    height: int = 420,
) -> Figure:
    """Draw the mean truth against the mean prediction of each group; on the dashed line they agree.

    Groups are by rising prediction (tenths), each with a measured value; ``curve`` is the same without groups. Slope
    and intercept are of truth on prediction, 1 and 0 ideal; drawn and written where given.
    """
    name = with_unit(target, look)
    predicted = np.array([one.predicted for one in bins])
    measured, low, high = (floats(getattr(one.measured, end) for one in bins) for end in ("value", "low", "high"))
    counts, colour = floats(one.n for one in bins), look.palette.cohort(place)
    span = _span(predicted, measured, low, high)
    ends, inner = np.array(span), np.array([predicted.min(), predicted.max()])
    identity = Line(
        ends, ends, look.palette.identity, look.say("prediction = truth"), width=1.4, dash="dash", guide=True
    )
    fit = None if slope is None or intercept is None else intercept + slope * inner
    remark = [] if fit is None else [Text(f"{look.say('slope')} {slope:.2f} ({look.say('ideal 1')})", bold=True)]
    return Figure(
        look,
        look.say("Calibration of {name}: mean truth per tenth of the predictions.").format(name=name),
        Axis(look.say("Predicted {name}").format(name=name), span, grid=True),
        Axis(look.say("True {name}").format(name=name), span, grid=True),
        (
            identity,
            *([] if fit is None else [Line(inner, fit, look.palette.quiet, "fit", guide=True)]),
            *_through(predicted, measured, curve, look, colour),
            Points(
                predicted, measured, colour, name, counts=counts, low=low, high=high,
                hover="{x:.3g} → {y:.3g}\nn = {count}",
            ),
        ),
        head=tuple(remark),
        height=height,
        equal=True,
    )  # fmt: skip


def _through(x: Floats, y: Floats, curve: CalibrationCurve | None, look: Look, colour: str) -> Iterator[Mark]:
    """Return the smooth curve, or where there is none a line from group to group."""
    if curve is None or not len(curve.predicted):
        yield Line(x, y, colour, width=1, guide=True)
        return
    ends = (curve.low, curve.high, rgba(colour, 0.16))
    yield Line(curve.predicted, curve.measured, colour, look.say("smooth"), *ends, width=2)


def _span(*values: Floats) -> tuple[float, float]:
    known = np.concatenate(values)
    known = known[np.isfinite(known)]
    low, high = float(known.min()), float(known.max())
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad
