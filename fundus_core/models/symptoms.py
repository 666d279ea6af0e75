"""What a wrong card looks like: photographs of known truth, and the symptoms that the answers show.

A card is never changed here: each symptom names the lines that would mend it, for a person to judge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_core.models.card import Card, Output
from fundus_core.records import Floats, Pixels
from fundus_core.targets import TARGETS, Target

Ask = Callable[[Pixels], Mapping[str, Floats]]
"""Crops (n x S x S x 3) to values by target (n)."""

UNITS: Mapping[str, Mapping[str, float]] = {
    "sbp": {"kPa": 7.50062, "cmHg": 10.0},
    "dbp": {"kPa": 7.50062, "cmHg": 10.0},
    "glucose": {"mmol/L": 18.016, "g/L": 100.0},
    "waist": {"inches": 2.54, "m": 100.0, "mm": 0.1},
    "age": {"months": 1 / 12, "days": 1 / 365.25, "decades": 10.0},
}
"""What else a target may have been trained in, and what turns it into the target's unit."""

LEAST = 20
"""Fewest photographs of known truth from which anything is concluded."""


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong, or looks so."""

    code: str
    """``constant``, ``not_finite``, ``standardised``, ``unit``, ``inverted``, ``logit``, ``twice``, ``channels``,
    ``flip``, ``range``, ``bias``, ``golden`` or ``few``."""
    target: str
    """Id of the target; empty where it concerns all."""
    message: str
    """One sentence: what was found and what it suggests."""
    lines: tuple[str, ...] = ()
    """Card lines that would mend it; none where that cannot be said."""


def check(card: Card, ask: Ask, crops: Pixels, truth: Mapping[str, Floats]) -> tuple[Symptom, ...]:
    """Ask a model about photographs of known truth, as they are, mirrored and with swapped channels.

    Args:
        card: The model's.
        ask: Runs it.
        crops: n x S x S x 3, RGB, 0..255, cut by the card's rule.
        truth: By target: n measured values, NaN where missing; a target that is not in it is judged by its range.

    Returns:
        Every symptom; none where nothing is wrong.
    """
    plain, mirrored = ask(crops), ask(np.ascontiguousarray(crops[:, :, ::-1]))
    swapped = ask(np.ascontiguousarray(crops[..., ::-1]))
    found: list[Symptom] = []
    for output in card.outputs:
        name = output.target
        known = np.asarray(truth.get(name, np.full(len(crops), np.nan)), dtype=np.float64)
        own = _of_values(output, plain[name], known)
        found += own
        if not {"constant", "not_finite"} & {symptom.code for symptom in own}:
            found += _of_mirror(name, plain[name], mirrored[name])
            found += _of_channels(card, name, known, plain[name], swapped[name])
    return tuple(found)


def _of_values(output: Output, value: Floats, truth: Floats) -> list[Symptom]:
    """Judge one output by its values: the grave findings alone, where there are any."""
    target = TARGETS[output.target]
    if not np.isfinite(value).all():
        return [Symptom("not_finite", target.id, f"{_share(~np.isfinite(value))} of the outputs are no numbers.")]
    wide = np.ptp(value)
    if wide <= 1e-4 * (1.0 if target.binary else target.high - target.low) * 0.1:
        message = f"Every photograph gets {value[0]:.6g}: the weights were not read, or the input is scaled wrongly."
        return [Symptom("constant", target.id, message)]
    known = np.isfinite(truth)
    if target.binary:
        return _of_probability(output, value, truth, known)
    if np.count_nonzero(known) < LEAST:
        message = f"Only {np.count_nonzero(known)} photographs have a true value; {LEAST} are needed to judge scale."
        return [Symptom("few", target.id, message), *_of_range(target, value)]
    return _of_scale(output, target, value, truth, known)


def _of_probability(output: Output, value: Floats, truth: Floats, known: NDArray[np.bool_]) -> list[Symptom]:
    name = output.target
    if value.min() < 0 or value.max() > 1:
        message = f"The outputs go from {value.min():.3g} to {value.max():.3g}: they are logits, not probabilities."
        return [Symptom("logit", name, message, (f'outputs.{name}.link = "sigmoid"',))]
    if output.link == "sigmoid" and value.min() >= 0.5 and value.max() <= 0.7311:
        message = "Every output lies between 0.5 and 0.731: the network's own output is a probability already."
        return [Symptom("twice", name, message, (f'outputs.{name}.link = "identity"',))]
    auc, error = _auc(value[known], truth[known] > 0.5)
    if auc + 3 * error < 0.5:
        message = f"The output ranks the wrong way round (AUC {auc:.2f}): its 1 stands for male."
        if output.link == "sigmoid":
            return [
                Symptom(
                    "inverted",
                    name,
                    message,
                    (_line(name, "scale", -output.scale), _line(name, "offset", -output.offset)),
                )
            ]
        return [
            Symptom(
                "inverted",
                name,
                message,
                (_line(name, "scale", -output.scale), _line(name, "offset", 1 - output.offset)),
            )
        ]
    return []


def _of_scale(output: Output, target: Target, value: Floats, truth: Floats, known: NDArray[np.bool_]) -> list[Symptom]:
    centre, spread = float(np.median(truth[known])), float(truth[known].std())
    middle = float(np.median(value))
    for unit, factor in UNITS.get(target.id, {}).items():
        if middle > 0 and abs(np.log(centre / (middle * factor))) < 0.15 and abs(np.log(centre / middle)) > 0.4:
            message = f"The median is {middle:.4g}, the truth's {centre:.4g} {target.unit}: the outputs are in {unit}."
            lines = (
                _line(target.id, "scale", output.scale * factor),
                _line(target.id, "offset", output.offset * factor),
            )
            return [Symptom("unit", target.id, message, lines)]
    if spread > 0 and abs(middle - centre) > 2 * spread and np.abs(value).max() < 8:
        where = "in 0..1" if value.min() >= 0 and value.max() <= 1 else "around 0"
        scale, offset = _mending(output, value, truth, known)
        message = (
            f"The outputs lie {where} (median {middle:.3g}), the truth around {centre:.4g} {target.unit}: they are "
            "standardised."
        )
        return [
            Symptom(
                "standardised",
                target.id,
                message,
                (_line(target.id, "scale", scale), _line(target.id, "offset", offset)),
            )
        ]
    return _of_trend(output, target, value, truth, known) + _of_range(target, value)


def _of_trend(output: Output, target: Target, value: Floats, truth: Floats, known: NDArray[np.bool_]) -> list[Symptom]:
    found = []
    r = float(np.corrcoef(value[known], truth[known])[0, 1]) if truth[known].std() > 0 else 0.0
    if math.atanh(min(max(r, -0.999), 0.999)) * math.sqrt(max(int(known.sum()) - 3, 1)) < -3:
        lines = (_line(target.id, "scale", -output.scale),)
        found.append(Symptom("inverted", target.id, f"The output falls where the truth rises (r = {r:.2f}).", lines))
    bias = float(np.mean(value[known] - truth[known]))
    if truth[known].std() > 0 and abs(bias) > truth[known].std():
        message = f"The outputs are {bias:+.3g} {target.unit} off on average, more than the truth's spread."
        found.append(Symptom("bias", target.id, message, (_line(target.id, "offset", output.offset - bias),)))
    return found


def _of_range(target: Target, value: Floats) -> list[Symptom]:
    outside = (value < target.low) | (value > target.high)
    if outside.mean() <= 0.01:
        return []
    message = f"{_share(outside)} of the outputs lie outside {target.low:g} to {target.high:g} {target.unit}."
    return [Symptom("range", target.id, message)]


def _of_mirror(name: str, plain: Floats, mirrored: Floats) -> list[Symptom]:
    change = float(np.sqrt(np.mean((mirrored - plain) ** 2)) / max(float(plain.std()), 1e-12))
    if change < 0.5:
        return []
    message = (
        f"Mirroring a photograph moves the output by {change:.2f} of its spread: the network was trained on eyes "
        "turned to one side; mirror the other side before asking it."
    )
    return [Symptom("flip", name, message)]


def _of_channels(card: Card, name: str, truth: Floats, plain: Floats, swapped: Floats) -> list[Symptom]:
    """Swapped channels that err less, by three standard errors, are the right channels."""
    known = np.isfinite(truth)
    if np.count_nonzero(known) < LEAST:
        return []
    # Errors about the line that fits best, so that a wrong scale does not hide wrong channels.
    gain = _about_line(plain, truth, known) - _about_line(swapped, truth, known)
    error = float(gain.std(ddof=1)) / np.sqrt(len(gain))
    if gain.mean() <= 3 * error or gain.mean() <= 0:
        return []
    other = "bgr" if card.input.channels == "rgb" else "rgb"
    message = f"With red and blue swapped the error is {gain.mean():.3g} smaller: the network was trained on {other}."
    return [Symptom("channels", name, message, (f'input.channels = "{other}"',))]


def _about_line(value: Floats, truth: Floats, known: NDArray[np.bool_]) -> Floats:
    """Absolute errors of the least squares line of truth on value."""
    x, y = value[known], truth[known]
    slope = float(np.cov(x, y)[0, 1] / max(float(x.var(ddof=1)), 1e-12))
    return np.asarray(np.abs(y - y.mean() - slope * (x - x.mean())), dtype=np.float64)


def _mending(output: Output, value: Floats, truth: Floats, known: NDArray[np.bool_]) -> tuple[float, float]:
    """Scale and offset that give the outputs the truth's mean and spread."""
    factor = float(truth[known].std() / max(float(value[known].std()), 1e-12))
    shift = float(truth[known].mean() - factor * value[known].mean())
    return output.scale * factor, output.offset * factor + shift


def _auc(value: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Area under the ROC curve with the standard error of an uninformative output; 0.5 where it has none."""
    ones, zeros = value[positive], value[~positive]
    if min(len(ones), len(zeros)) < 5:
        return 0.5, 0.5
    above = np.searchsorted(np.sort(zeros), ones, "left") + np.searchsorted(np.sort(zeros), ones, "right")
    error = np.sqrt((len(value) + 1) / (12 * len(ones) * len(zeros)))
    return float(above.mean() / 2 / len(zeros)), float(error)


def golden(card: Card, ask: Ask, crop: Pixels) -> tuple[Symptom, ...]:
    """Replay the card's golden example.

    Args:
        card: With a golden example.
        ask: Runs the model.
        crop: S x S x 3, the example's.
    """
    said = ask(crop[None])
    found = []
    for name, value in card.golden.outputs.items():
        if abs(float(said[name][0]) - value) > card.golden.tolerance * max(1.0, abs(value)):
            message = f"The golden example gives {float(said[name][0]):.6g}, the card says {value:.6g}."
            found.append(Symptom("golden", name, message))
    return tuple(found)


def deviation(exact: Mapping[str, Floats], reduced: Mapping[str, Floats]) -> float:
    """Return what reduced precision changes: root mean square over the outputs' spread, the worst target.

    >>> deviation({"age": np.array([40.0, 60.0])}, {"age": np.array([40.1, 60.1])})
    0.01
    """
    changes = [
        float(np.sqrt(np.mean((reduced[name] - exact[name]) ** 2)) / max(float(exact[name].std()), 1e-12))
        for name in exact
    ]
    return round(max(changes), 12)


def _share(which: NDArray[np.bool_]) -> str:
    return f"{np.count_nonzero(which)} of {len(which)}"


def _line(target: str, key: str, value: float) -> str:
    return f"outputs.{target}.{key} = {value:.6g}"
