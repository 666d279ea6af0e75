"""Change over time: predicted against measured change, and one person's course from visit to visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation import Estimate
from fundus_core.figures.figure import Axis, Figure, Label, Text
from fundus_core.figures.marks import Line, Points
from fundus_core.figures.scatter import Observations, clouds, limits
from fundus_core.figures.theme import Look, error, with_unit
from fundus_core.records import Floats
from fundus_core.targets import Target


def predicted_against_measured_change(
    target: Target,
    steps: Observations,
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    people: int,
    height: int = 420,
) -> Figure:
    """Draw each step of a person from one visit to the next.

    Args:
        target: Of what.
        steps: Measured change as truth, predicted change as prediction.
        estimates: ``change_r``, ``change_slope``, ``change_mae`` and ``change_mae_null``.
        look: Palette, language, stamp.
        people: Behind the steps.
        height: Pixels.
    """
    name, unit, span = with_unit(target, look), look.say(target.unit), limits([steps])
    alt = say(
        "Predicted against measured change of {name}: {count:,} {count:step|steps} of {people:,} "
        "{people:person|people}.",
        name=name,
        count=len(steps),
        people=people,
    )
    ends, shown = np.array(span), f"+.{target.decimals}f"
    measured, predicted = look.say("measured"), look.say("predicted")
    return Figure(
        look,
        look.say(alt),
        Axis(look.say("Measured change of {name}").format(name=name), span, grid=True),
        Axis(look.say("Predicted change of {name}").format(name=name), span, grid=True),
        (
            Line(ends, ends, look.palette.identity, look.say("prediction = truth"), dash="dash", guide=True),
            *clouds(
                [steps],
                lambda group: group.truth,
                lambda group: group.predicted,
                look,
                hover=f"{measured} {{x:{shown}}} {unit}\n{predicted} {{y:{shown}}} {unit}\n{{label}}",
            ),
        ),
        head=tuple(_summary(target, estimates, look, len(steps), people)),
        height=height,
        equal=True,
    )


def _summary(target: Target, found: Mapping[str, Estimate], look: Look, count: int, people: int) -> list[Text]:
    r, mae, null = (found[name].value for name in ("change_r", "change_mae", "change_mae_null"))
    words = look.say("MAE of the change {mae} {unit}; predicting no change: {null}")
    size = look.say(say("n = {count:,} of {people:,} {people:person|people}", count=count, people=people))
    first = "" if r is None else f"r = {r:.2f} ({look.say('within people')}) · "
    second = words.format(mae=error(mae), unit=look.say(target.unit), null=error(null))
    return [Text(first + size, bold=True), Text(second, quiet=True)]


def course(
    target: Target, visits: Sequence[str], days: Floats, truth: Floats, predicted: Floats, look: Look, *, place: int = 0
) -> Figure:
    """Draw what was measured and predicted of one person, visit by visit.

    Args:
        target: Of what.
        visits: Their words, n.
        days: Where each lies on the time axis, n: days where all are dates, else 0, 1, 2.
        truth: n; NaN where not measured.
        predicted: n; NaN where not predicted.
        look: Palette, language, stamp.
        place: Of the cohort's colour.
    """
    name, colour = with_unit(target, look), look.palette.cohort(place)
    marks: list[Line | Points] = []
    for values, words, ink, diamond in (
        (truth, "true", look.palette.ink, True),
        (predicted, "predicted", colour, False),
    ):
        known = np.isfinite(values)
        x, y, said = days[known], values[known], look.say(words)
        marks += [Line(x, y, ink, guide=True), Points(x, y, ink, said, size=8, diamond=diamond)] if len(x) else []
    alt = look.say("Course of {name} over {count} visits.").format(name=name, count=len(visits))
    labels = tuple(Label(float(day), visit) for day, visit in zip(days, visits, strict=True))
    return Figure(look, alt, Axis(labels=labels), Axis(name, grid=True), tuple(marks), height=220, legend=True)
