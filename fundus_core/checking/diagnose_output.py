"""What is wrong with one output of a model, told from its answers beside what is true."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fundus_core.errors import say
from fundus_core.models.card import Card, Output
from fundus_core.records import Floats
from fundus_core.targets import TARGETS

FEWEST = 10
"""Photographs below which nothing is said of a distribution."""

_CONSTANT = 0.01
"""Spread of the answers over that of the truth below which they count as one number."""

_CLOSE = 0.12
"""How close the ratio of medians must come to a unit's factor."""

_INVERTED = -0.25
"""Correlation with the truth below which an output runs the wrong way."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong, or looks so."""

    code: str
    """Stable word: ``constant``, ``standardised``, ``unit``, ``log``, ``inverted``, ``out_of_range``, ``shifted``,
    ``not_finite``, ``channels``, ``flip``, ``input_range``."""
    target: str
    """Id of the target; empty where it concerns the input."""
    sentence: str
    """For a person."""
    lines: tuple[str, ...]
    """Lines of the card that would fix it; empty where only the model's makers can say."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said of photographs, and what is true of them; n values each, by target."""

    card: Card
    """The model's."""
    values: Mapping[str, Floats]
    """Of the photographs as they are."""
    swapped: Mapping[str, Floats]
    """With red and blue exchanged."""
    flipped: Mapping[str, Floats]
    """Mirrored left to right."""
    truth: Mapping[str, Floats]
    """Measured, NaN where unknown; no entry where the table has no such column."""


def correlation(values: Floats, truth: Floats) -> float:
    """Return Pearson's correlation over the pairs that are known; NaN where there are few or one side is constant."""
    known = np.isfinite(values) & np.isfinite(truth)
    if known.sum() < FEWEST or np.ptp(values[known]) == 0 or np.ptp(truth[known]) == 0:
        return float("nan")
    return float(np.corrcoef(values[known], truth[known])[0, 1])


@dataclass(frozen=True, slots=True)
class _Column:
    output: Output
    values: Floats
    truth: Floats
    """Empty where nothing is known."""

    @property
    def target(self) -> str:
        return self.output.target

    @property
    def name(self) -> str:
        return TARGETS[self.target].name

    def symptom(self, code: str, sentence: str, lines: tuple[str, ...] = ()) -> Symptom:
        return Symptom(code, self.target, sentence, lines)

    def rescaled(self, factor: float, shift: float) -> tuple[str, ...]:
        """Lines after which the output is ``factor * value + shift``; none where a link lies between."""
        if self.output.link != "identity":
            return ()
        scale, offset = factor * self.output.scale, factor * self.output.offset + shift
        return _lines_of(replace(self.output, scale=scale, offset=offset))


def _lines_of(output: Output) -> tuple[str, ...]:
    """Lines of a card that say scale and offset of an output."""
    numbers = (f"scale = {output.scale:.6g}", f"offset = {output.offset:.6g}")
    return ("[[outputs]]", f'target = "{output.target}"', *numbers)


def of_output(answers: Answers, output: Output) -> Symptom | None:
    """What is wrong with one output; the first symptom that is found."""
    values = answers.values[output.target]
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        sentence = say(
            "{bad} of {values} {values:answer|answers} for {name} {bad:is|are} no number.",
            bad=bad,
            values=len(values),
            name=say(TARGETS[output.target].name),
        )
        return Symptom("not_finite", output.target, sentence, ())
    truth = answers.truth.get(output.target, np.full(len(values), np.nan))
    known = np.isfinite(truth)
    enough = known.sum() >= FEWEST
    column = _Column(output, values[known], truth[known]) if enough else _Column(output, values, np.array([]))
    rules = (_constant, _binary) if TARGETS[output.target].binary else (_constant, _continuous)
    return next((symptom for symptom in (rule(column) for rule in rules) if symptom), None)


def _constant(column: _Column) -> Symptom | None:
    target = TARGETS[column.target]
    usual = float(np.std(column.truth)) if len(column.truth) else (target.high - target.low) / 20
    spread = float(np.std(column.values))
    if spread > _CONSTANT * usual or _looks_small(column):
        return None
    return column.symptom(
        "constant",
        say(
            "{name} is nearly the same for every photograph ({values:.4g}, spread {spread:.2g}): the "
            "weights may not be the trained ones, or the input's range is wrong.",
            name=say(column.name),
            values=np.mean(column.values),
            spread=spread,
        ),
    )


def _looks_small(column: _Column) -> bool:
    """Whether answers that spread little also lie far from the truth, so that a scale is lacking."""
    inside = _share_inside(column)
    return inside < 0.5 and float(np.std(column.values)) > 1e-3


def _share_inside(column: _Column) -> float:
    target = TARGETS[column.target]
    return float(np.mean((column.values >= target.low) & (column.values <= target.high)))


def _binary(column: _Column) -> Symptom | None:
    low, high = float(column.values.min()), float(column.values.max())
    if low < -1e-3 or high > 1 + 1e-3:
        if low >= 0 and 10 < high <= 100:
            return column.symptom(
                "unit", say("{name} is in per cent.", name=say(column.name)), column.rescaled(0.01, 0.0)
            )
        lines = ("[[outputs]]", f'target = "{column.target}"', 'link = "sigmoid"')
        return column.symptom(
            "out_of_range", say("{name} lies outside 0 to 1: it is a logit.", name=say(column.name)), lines
        )
    if len(column.truth) and correlation(column.values, column.truth) < _INVERTED:
        return column.symptom(
            "inverted",
            say("{name} runs the wrong way: the output means the other class.", name=say(column.name)),
            _lines_of(column.output.other_class()),
        )
    return None


def _continuous(column: _Column) -> Symptom | None:
    if not len(column.truth):
        return _without_truth(column)
    if abs(_bias(column.values, column)) <= 1.0 and _share_inside(column) >= 0.95:
        return _runs_wrong(column)
    return _unit(column) or _log(column) or _scale(column)


def _bias(values: Floats, column: _Column) -> float:
    """Mean error over the spread of the truth."""
    return float(np.mean(values - column.truth) / max(float(np.std(column.truth)), 1e-9))


def _runs_wrong(column: _Column) -> Symptom | None:
    if not correlation(column.values, column.truth) < _INVERTED:
        return None
    sentence = say(
        "{name} falls where the measured values rise: the order of the outputs may be another.", name=say(column.name)
    )
    return column.symptom("inverted", sentence)


def _unit(column: _Column) -> Symptom | None:
    middle = float(np.median(column.values))
    for factor, unit in [(one.factor, one.name) for one in TARGETS[column.target].units[1:] if not one.offset]:
        ratio = float(np.median(column.truth)) / middle if middle > 0 else 0.0
        calm = float(np.std(column.values)) * factor <= 2 * float(np.std(column.truth))
        if abs(ratio / factor - 1) < _CLOSE and calm:
            wanted = TARGETS[column.target].unit
            sentence = say(
                "{name} is in {unit}; {wanted} is wanted.", name=say(column.name), unit=say(unit), wanted=say(wanted)
            )
            return column.symptom("unit", sentence, column.rescaled(factor, 0.0))
    return None


def _log(column: _Column) -> Symptom | None:
    if column.output.link != "identity" or float(column.values.max()) > 10 or float(np.std(column.values)) > 1:
        return None
    if abs(float(np.median(np.exp(column.values)) / np.median(column.truth)) - 1) > _CLOSE:
        return None
    lines = ("[[outputs]]", f'target = "{column.target}"', 'link = "exp"')
    return column.symptom("log", say("{name} is a logarithm.", name=say(column.name)), lines)


def _scale(column: _Column) -> Symptom | None:
    slope, intercept = np.polyfit(column.values, column.truth, 1) if np.ptp(column.values) > 0 else (0.0, 0.0)
    small = float(np.abs(column.values).max()) < 10
    code = "standardised" if small else "shifted" if _share_inside(column) >= 0.95 else "out_of_range"
    target = TARGETS[column.target]
    lies = say(
        "{name} lies around {values:.3g} (spread {values_2:.2g}), measured values around {truth:.3g} {unit}",
        name=say(column.name),
        values=np.mean(column.values),
        values_2=np.std(column.values),
        truth=np.mean(column.truth),
        unit=say(target.unit),
    )
    if not slope > 0 or not correlation(column.values, column.truth) > 0.1:
        sentence = say("{lies}: and the two do not go together, so that no scale is proposed.", lies=lies)
        return column.symptom(code, sentence)
    why = "the output looks standardised; " if small else ""
    sentence = say(
        "{lies}: {why}scale and offset fitted on {truth} photographs are given, the true ones are its makers'.",
        lies=lies,
        why=say(why),
        truth=len(column.truth),
    )
    return column.symptom(code, sentence, column.rescaled(float(slope), float(intercept)))


def _without_truth(column: _Column) -> Symptom | None:
    target, inside = TARGETS[column.target], _share_inside(column)
    if inside >= 0.95:
        return None
    middle = say(
        "around {values:.3g}, spread {values_2:.2g}", values=np.mean(column.values), values_2=np.std(column.values)
    )
    if float(np.abs(column.values).max()) < 10:
        sentence = say(
            "{name} looks standardised ({middle}): scale and offset of the training are needed (its "
            "spread and mean in {unit}), or photographs of known truth to estimate them.",
            name=say(column.name),
            middle=middle,
            unit=say(target.unit),
        )
        return column.symptom("standardised", sentence)
    sentence = say(
        "{inside:.0%} of the answers for {name} lie outside {low:g} to {high:g} {unit} ({middle}): "
        "unit, scale or offset are wrong, or the input's range.",
        inside=1 - inside,
        name=say(column.name),
        low=target.low,
        high=target.high,
        unit=say(target.unit),
        middle=middle,
    )
    return column.symptom("out_of_range", sentence)
