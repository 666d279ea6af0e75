"""Bland-Altman and residual figures: where the errors lie."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fundus_core.evaluation import Estimate
from fundus_core.figures.figure import Axis, Figure, Label, Note, Text
from fundus_core.figures.marks import Box, Mark, Rule
from fundus_core.figures.scatter import Along, Observations, clouds
from fundus_core.figures.theme import Look, number, with_unit
from fundus_core.targets import Target


def bland_altman(
    target: Target,
    groups: Sequence[Observations],
    estimates: Mapping[str, Estimate],
    look: Look,
    *,
    height: int = 420,
) -> Figure:
    """Draw prediction minus truth against their mean, with bias and 95 % limits of agreement, each with its interval.

    A predictor that explains part of the variance is shrunk to the mean and always shows a slope here; the figure says
    so. Bland and Altman 1986, doi:10.1016/S0140-6736(86)90837-8.
    """
    bias, low, high = (estimates[name] for name in ("bias", "loa_low", "loa_high"))
    name = with_unit(target, look)
    alt = look.say("Bland-Altman for {name}: bias {bias}, limits of agreement {low} to {high}.").format(
        name=name,
        bias=number(bias.value, target, signed=True),
        low=number(low.value, target),
        high=number(high.value, target),
    )
    levels = {"+1.96 SD": high, look.say("bias"): bias, "−1.96 SD": low}
    return Figure(
        look,
        alt,
        Axis(look.say("Mean of true and predicted {name}").format(name=name)),
        Axis(_difference(target, look), _height(groups, (bias, low, high)), grid=True),
        (
            *(mark for each in levels.values() for mark in _level(each, look)),
            Rule(0, look.palette.grid, width=1),
            *_differences(groups, lambda group: (group.truth + group.predicted) / 2, target, look),
        ),
        tuple(_said(words, each.value, target) for words, each in levels.items() if each.value is not None),
        height=height,
        legend=len(groups) > 1,
    )


def residuals(target: Target, groups: Sequence[Observations], look: Look, *, against: str, height: int = 380) -> Figure:
    """Draw prediction minus truth against ``truth`` or against ``predicted``.

    Against the truth a slope is expected (regression to the mean); against
    the prediction it is miscalibration.
    """
    words, remark = {
        "truth": (look.say("True {name}"), look.say("a slope here is compatible with regression to the mean")),
        "predicted": (look.say("Predicted {name}"), look.say("a slope here is miscalibration")),
    }[against]
    axis = words.format(name=with_unit(target, look))
    zero = Rule(0, look.palette.identity, dash="dash")
    return Figure(
        look,
        look.say("Errors against: {axis}.").format(axis=axis),
        Axis(axis),
        Axis(_difference(target, look), grid=True),
        (
            zero,
            *_differences(groups, lambda group: group.truth if against == "truth" else group.predicted, target, look),
        ),
        head=(Text(remark, quiet=True),),
        height=height,
    )


def error_boxes(target: Target, groups: Sequence[Observations], look: Look) -> Figure:
    """Draw the distribution of errors, a box per group: median, quartiles, 5th and 95th percentile."""
    known = [group for group in groups if len(group)]
    boxes = [
        Box(at, _percentiles(group), look.palette.cohort(group.colour), group.name)
        for at, group in enumerate(reversed(known))
    ]
    return Figure(
        look,
        look.say("Distribution of errors for {name}.").format(name=with_unit(target, look)),
        Axis(_difference(target, look)),
        Axis(span=(-0.6, len(known) - 0.4), labels=tuple(Label(box.at, box.name) for box in boxes)),
        (Rule(0, look.palette.identity, upright=True, width=1.2, dash="dash"), *boxes),
        height=130 + 44 * len(groups),
    )


def _percentiles(group: Observations) -> tuple[float, float, float, float, float]:
    five, quarter, half, rest, most = map(float, np.percentile(group.error, [5, 25, 50, 75, 95]))
    return five, quarter, half, rest, most


def _difference(target: Target, look: Look) -> str:
    return look.say("predicted − true ({unit})").format(unit=look.say(target.unit))


def _height(groups: Sequence[Observations], levels: Sequence[Estimate]) -> tuple[float, float]:
    ends = [end for level in levels for end in (level.value, level.low, level.high) if end is not None]
    reach = max([abs(end) for end in ends] + [float(np.abs(g.error).max()) for g in groups if len(g)] + [1e-9])
    return -1.12 * reach, 1.12 * reach


def _differences(groups: Sequence[Observations], along: Along, target: Target, look: Look) -> Iterator[Mark]:
    hover = f"{{y:+.{target.decimals}f}}\n{{label}}"
    return clouds(groups, along, lambda group: group.error, look, hover=hover)


def _level(estimate: Estimate, look: Look) -> Iterator[Rule]:
    if estimate.low is not None and estimate.high is not None:
        yield Rule(estimate.low, look.palette.band, to=estimate.high)
    if estimate.value is not None:
        yield Rule(estimate.value, look.palette.ink, dash="dot")


def _said(words: str, value: float, target: Target) -> Note:
    line = Text(f"{words} {number(value, target, signed=True)}")
    return Note((line,), 1, value, y_is_place=True, smaller=1)
