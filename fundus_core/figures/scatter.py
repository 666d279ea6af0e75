"""Predicted against true: the figure that everything else explains; points, or a density with the rare ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core import errors
from fundus_core.evaluation import Estimate
from fundus_core.figures.figure import Axis, Figure, Text
from fundus_core.figures.marks import Density, Line, Mark, Points
from fundus_core.figures.theme import Look, error, heading, with_unit
from fundus_core.records import Floats, Labels
from fundus_core.targets import Target

SVG_POINTS = 5_000
"""Up to here every point is an element of its own: crisp and printable."""
WEBGL_POINTS = 50_000
"""Up to here points are drawn by WebGL; above, as a density with the largest errors on top."""
WORST_SHOWN = 500
"""Points drawn over a density, of all groups together."""
CELLS = 120
"""Cells of a density along one axis."""
EDGES = np.linspace(0, 1, 21)
"""Of the bars of probabilities."""
_CLASSES = np.array([-0.5, 0.5, 1.5])
"""Edges between which the two true classes lie."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How very many observations lie: along the truth in n columns, along the prediction in m rows."""

    across: Floats
    """n + 1 edges, the first and the last the smallest and the largest truth."""
    up: Floats
    """m + 1 edges."""
    counts: Floats
    """m x n observations."""


@dataclass(frozen=True, slots=True)
class Observations:
    """One cohort's observations, a row each, without missing values."""

    name: str
    """As the legend shows it."""
    ids: Labels
    """Carried by each point, so that a click finds the photograph."""
    truth: Floats
    """Measured values in the target's unit."""
    predicted: Floats
    """Predictions in the target's unit."""
    colour: int = 0
    """Place of the cohort's colour in the palette."""
    crowd: Crowd | None = None
    """How all of them lie, where the rows are only those that :func:`thinned` left."""

    def __len__(self) -> int:
        return len(self.ids) if self.crowd is None else int(self.crowd.counts.sum())

    @property
    def error(self) -> Floats:
        """Predicted minus measured, n."""
        return self.predicted - self.truth


Along = Callable[[Observations], Floats]
"""Where each observation lies on an axis."""


def clouds(groups: Sequence[Observations], along: Along, up: Along, look: Look, *, hover: str) -> Iterator[Mark]:
    """Return the marks of groups' observations; their errors decide which points lie on top of a density."""
    count = sum(map(len, groups))
    for group in groups:
        x, y, ids, colour = along(group), up(group), group.ids, look.palette.cohort(group.colour)
        if count > WEBGL_POINTS:
            lie = group.crowd or _crowd(x, y)
            yield Density(_middles(lie.across), _middles(lie.up), lie.counts, colour, group.name)
            worst = _worst(group, max(1, WORST_SHOWN * len(group) // count))
            x, y, ids = x[worst], y[worst], ids[worst]
        yield Points(
            x, y, colour, group.name, ids, hover=hover, size=7 if count <= 2_000 else 5, opacity=0.55, edge=0.6,
            quick=SVG_POINTS < count <= WEBGL_POINTS,
        )  # fmt: skip


def thinned(group: Observations, target: Target) -> Observations:
    """Return observations as predicted against true draws them: of very many how they lie, and the largest errors.

    Other figures have other axes and need them all.
    """
    if len(group) <= WEBGL_POINTS:
        return group
    if target.binary:
        crowd = Crowd(_CLASSES, EDGES, np.histogram2d(group.predicted, group.truth, [EDGES, _CLASSES])[0])
    else:
        crowd = _crowd(group.truth, group.predicted)
    some = _worst(group, WORST_SHOWN)
    return Observations(group.name, group.ids[some], group.truth[some], group.predicted[some], group.colour, crowd)


def _crowd(x: Floats, y: Floats) -> Crowd:
    (across, xs), (up, ys) = _cells(x), _cells(y)
    counts = np.bincount(up * CELLS + across, minlength=CELLS**2).reshape(CELLS, CELLS).astype(np.float64)
    return Crowd(xs, ys, counts)


def _middles(edges: Floats) -> Floats:
    return np.asarray((edges[:-1] + edges[1:]) / 2)


def _cells(values: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the cell that each value lies in and the cells' edges, as ``np.histogram2d`` has them, but unsearched."""
    edges = np.histogram_bin_edges(values, CELLS)
    at = ((values - edges[0]) * (CELLS / (edges[-1] - edges[0]))).astype(np.intp).clip(0, CELLS - 1)
    at += (values >= edges[at + 1]).astype(np.intp) - (values < edges[at])  # where rounding took the next one
    return np.minimum(at, CELLS - 1), edges


def _worst(group: Observations, number: int) -> NDArray[np.intp]:
    """Return which observations have the largest errors, the largest first; of equal ones in their order."""
    size = np.abs(group.error)
    some = np.flatnonzero(size >= np.partition(size, -number)[-number]) if number < len(size) else np.arange(len(size))
    return some[np.argsort(-size[some], kind="stable")[:number]]


def limits(groups: Sequence[Observations]) -> tuple[float, float]:
    """Return one range for both axes that holds every point, with 4 % to spare."""
    crowds = [end for group in groups if (crowd := group.crowd) for end in (crowd.across, crowd.up)]
    values = np.concatenate([*crowds, *(values for group in groups for values in (group.truth, group.predicted))])
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
    span: tuple[float, float] | None = None,
) -> Figure:
    """Draw predictions against measured values; not of the probability of a class.

    ``estimates`` are ``mae``, ``bias``, ``pearson``, ``mae_null`` and ``mae_age_sex``, over all groups together. The
    number of people behind the points is left out where it is 0. The span of both axes is that of the points where none
    is given.
    """
    count = sum(len(group) for group in groups)
    mae, name, unit = estimates["mae"], with_unit(target, look), look.say(target.unit)
    alt = look.say("Predicted against true {name}: {count} points, mean absolute error {mae}.")
    span = span or limits(groups)
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
        title=headline(target, estimates, look),
        head=(
            *_summary(estimates, look, count, people),
            *_references(target, estimates, look),
        ),
        height=height,
        legend=len(groups) > 1,
        equal=True,
    )


def headline(target: Target, estimates: Mapping[str, Estimate], look: Look, name: str = "") -> str:
    """Return what a target's figures found, as the line above them: its error with interval beside the median's.

    Of a yes/no target, its accuracy and area under the ROC curve. With a name, of one cohort among others, the
    name stands in place of the target's and the median is left out.
    """
    of_many, name = bool(name), name or heading(look.say(target.name))
    line = look.say("{name}: {found}")
    if target.binary:
        return line.format(name=name, found=", ".join(_shares(estimates, look)))
    mae, ratio = estimates["mae"], estimates.get("mae_over_median", Estimate(None)).value
    unit = f" {look.say(target.unit)}" if target.unit else ""
    found = f"MAE {error(mae.value)}{unit}{_ends(mae, error)}"
    if ratio is not None and not of_many:
        found = look.say("{found}, {beside}").format(found=found, beside=beside_the_median(ratio, look.say))
    return line.format(name=name, found=found)


def beside_the_median(ratio: float, say: Callable[[str], str]) -> str:
    """Return how far an MAE lies from the median's, from the ratio of the two."""
    below, above = say("{share} % below predicting the median"), say("{share} % above predicting the median")
    return (below if ratio < 1 else above).format(share=f"{100 * abs(ratio - 1):.0f}")


def _shares(estimates: Mapping[str, Estimate], look: Look) -> Iterator[str]:
    """Yield accuracy and AUC with their intervals, where they are known."""
    for name, words, write in (("accuracy", look.say("accuracy"), "{:.1%}"), ("auc", "AUC", "{:.3f}")):
        found = estimates.get(name, Estimate(None))
        if found.value is not None:
            yield f"{words} {write.format(found.value)}{_ends(found, write.format)}".replace("%", " %")


def _ends(found: Estimate, write: Callable[[float], str]) -> str:
    """Return an estimate's interval in brackets, where it has one."""
    return "" if found.low is None or found.high is None else f" ({write(found.low)}–{write(found.high)})"


def _summary(estimates: Mapping[str, Estimate], look: Look, count: int, people: int) -> Iterator[Text]:
    """Yield how many there are, r and bias."""
    if people and people != count:
        yield Text(
            look.say(errors.say("n = {count:,} of {people:,} {people:person|people}", count=count, people=people)),
            quiet=True,
        )
    else:
        yield Text(f"n = {count:,}", quiet=True)
    if (pearson := estimates.get("pearson")) and pearson.value is not None:
        yield Text(f"r = {pearson.value:.2f}", quiet=True)
    if (bias := estimates.get("bias")) and bias.value is not None:
        yield Text(f"{look.say('bias')} {error(bias.value, signed=True)}", quiet=True)


def _references(target: Target, estimates: Mapping[str, Estimate], look: Look) -> list[Text]:
    """Return what the MAE must be held against: both baselines and the published figure."""
    held = {
        look.say("MAE of predicting the median"): estimates.get("mae_median", Estimate(None)).value,
        look.say("MAE of age and sex only"): estimates.get("mae_age_sex", Estimate(None)).value,
        look.say("published MAE (JOIR)"): target.published_mae,
    }
    return [Text(f"{words} {error(value)}", quiet=True) for words, value in held.items() if value is not None]
