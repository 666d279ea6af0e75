"""Predicted against true: the figure that everything else explains."""

from collections.abc import Mapping, Sequence

import numpy as np

from fundus_core.errors import say
from fundus_core.evaluation import Estimate
from fundus_core.figures.figure import Axis, Figure, Text, corner
from fundus_core.figures.marks import Line
from fundus_core.figures.point_cloud import Observations, clouds
from fundus_core.figures.theme import Look, error, with_unit
from fundus_core.targets import Target


def limits(groups: Sequence[Observations]) -> tuple[float, float]:
    """Return one range for both axes that holds every point, with 4 % to spare."""
    values = np.concatenate([np.concatenate([group.truth, group.predicted]) for group in groups])
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or 1.0
    return low - pad, high + pad


def predicted_against_true(
    target: Target,
    groups: Sequence[Observations],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    people: int = 0,
    height: int = 520,
) -> Figure:
    """Draw predictions against measured values; not of the probability of a class.

    ``estimates`` are ``mae``, ``bias``, ``pearson``, ``mae_null`` and ``mae_age_sex``, over all groups together. The
    number of people behind the points is left out where it is 0.
    """
    count = sum(len(group) for group in groups)
    mae, name, unit, span = estimates["mae"], with_unit(target, look), look.say(target.unit), limits(groups)
    alt = look.say("Predicted against true {name}: {count} points, mean absolute error {mae}.")
    ends, reach = np.array(span), np.array(np.nan if mae.value is None else mae.value)
    shown, digits = f".{target.decimals}f", (look.say("true"), look.say("predicted"))
    return Figure(
        look,
        alt.format(name=name, count=count, mae=error(mae.value)),
        Axis(look.say("True {name}").format(name=name), span, grid=True),
        Axis(look.say("Predicted {name}").format(name=name), span, grid=True),
        (
            Line(ends, ends, "", "± MAE", ends - reach, ends + reach, look.palette.band, guide=True),
            Line(ends, ends, look.palette.identity, look.say("prediction = truth"), dash="dash", guide=True),
            *clouds(
                groups,
                lambda group: group.truth,
                lambda group: group.predicted,
                look,
                hover=f"{digits[0]} {{x:{shown}}} {unit}\n{digits[1]} {{y:{shown}}} {unit}\n{{label}}",
            ),
        ),
        (
            corner(_summary(target, estimates, look, count, people)),
            corner(_references(target, estimates, look), "top left"),
        ),
        height,
        legend=len(groups) > 1,
        equal=True,
    )


def _summary(target: Target, estimates: Mapping[str, Estimate], look: Look, count: int, people: int) -> list[Text]:
    """Return the lines that let a screenshot stand alone: MAE with interval, r, bias, n."""
    mae = estimates["mae"]
    first = f"MAE {error(mae.value)} {look.say(target.unit)}"
    if mae.low is not None and mae.high is not None:
        first += f" ({error(mae.low)}–{error(mae.high)})"
    parts = []
    if (pearson := estimates.get("pearson")) and pearson.value is not None:
        parts.append(f"r = {pearson.value:.2f}")
    if (bias := estimates.get("bias")) and bias.value is not None:
        parts.append(f"{look.say('bias')} {error(bias.value, signed=True)}")
    if people and people != count:
        parts.append(look.say(say("n = {count:,} of {people:,} {people:person|people}", count=count, people=people)))
    else:
        parts.append(f"n = {count:,}")
    return [Text(first, bold=True), Text(" · ".join(parts))]


def _references(target: Target, estimates: Mapping[str, Estimate], look: Look) -> list[Text]:
    """Return what the MAE must be held against: both baselines and the published figure."""
    held = {
        look.say("predicting the median"): estimates.get("mae_median", Estimate(None)).value,
        look.say("age and sex only"): estimates.get("mae_age_sex", Estimate(None)).value,
        look.say("published (JOIR)"): target.published_mae,
    }
    return [Text(f"{words}: {error(value)}", quiet=True) for words, value in held.items() if value is not None]
