"""A map per target of where the model looks, by gradients or by covering, and whether it means anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError
from fundus_core.explain.deletion import DRAWS, FRACTION_LARGE, FRACTIONS, Deletion, Eraser, Predict
from fundus_core.explain.field_of_view import Mask, field_of, smooth, vessel_like
from fundus_core.models.card import Card
from fundus_core.records import Floats, Pixels, RetinaCrop

if TYPE_CHECKING:
    from fundus_core.explain.gradients import Gradients
from collections.abc import Iterator

PATCH = 1 / 8
"""Side of the patch as a share of the crop's; it moves by half of itself, about 225 predictions in all."""
_AT_ONCE = 16


def occlude(pixels: Pixels, field: Mask, predict: Predict) -> dict[str, Floats]:
    """Return by target, S x S, the prediction as it is minus the one with the pixel covered, in the target's unit.

    A pixel's is the mean over the patches that cover it, of a crop S x S x 3 (RGB, 0..255). A patch has the field's
    median colour, so that covering the black around the field (S x S) is a change too.
    """
    side = len(pixels)
    colour = np.median(pixels[field], axis=0) if field.any() else np.zeros(3)
    before = {target: float(values[0]) for target, values in predict(pixels[None]).items()}
    sums = {target: np.zeros((side, side)) for target in before}
    count = np.zeros((side, side))
    for windows in _batches(side):
        covered = np.repeat(pixels[None], len(windows), axis=0)
        for crop, window in zip(covered, windows, strict=True):
            crop[window] = colour
            count[window] += 1
        for target, values in predict(covered).items():
            for window, value in zip(windows, values, strict=True):
                sums[target][window] += before[target] - float(value)
    return {target: total / count for target, total in sums.items()}


def _batches(side: int) -> Iterator[list[tuple[slice, slice]]]:
    """The patches in batches; together they cover every pixel."""
    patch = max(round(side * PATCH), 2)
    starts = [*range(0, side - patch, patch // 2), side - patch]
    windows = [(slice(y, y + patch), slice(x, x + patch)) for y in starts for x in starts]
    for start in range(0, len(windows), _AT_ONCE):
        yield windows[start : start + _AT_ONCE]


METHODS = ("integrated_gradients", "grad_cam", "occlusion")
"""How a map may be made."""
LARGE_PX = 320
"""From this side on integrated gradients take minutes on a processor, and Grad-CAM stands in; six shares, too."""
_FINE = 1 / 64
_TOP = 99.5
"""Percentile of the field's attribution that is shown as 1: a single pixel shall not darken all others."""


@dataclass(frozen=True, slots=True)
class Saliency:
    """Where a model looks for one target in one crop."""

    target: str
    """Id of the target."""
    method: str
    """One of ``METHODS``."""
    map: NDArray[np.float32]
    """S x S, 0..1, in the crop's pixels; 0 outside the retina."""
    value: float
    """The prediction, in the target's unit."""
    value_blurred: float
    """The prediction for the crop without its detail: what colour and brightness alone say, which no map shows."""
    share_inside: float
    """Share of the attribution that lies inside the retina, 0..1, before the map was masked."""
    area_inside: float
    """Share of the crop that is retina: what ``share_inside`` would be if the place did not matter."""
    share_on_vessels: float
    """Share of the attribution inside the retina that lies on vessel-like contrast, 0..1."""
    expected_on_vessels: float
    """What that share would be by contrast alone, whatever the network (by area alone for coarse methods)."""
    deletion: Deletion
    """Whether the map means anything."""


@dataclass(frozen=True, slots=True)
class _Attribution:
    """What a method says of one target, before it is judged."""

    strength: Floats
    """S x S, magnitude of the attribution."""
    influence: Floats
    """S x S, magnitude of what a change of the pixel would do; outside the retina too."""
    chance: Floats
    """S x S, what the strength would be for a network to which every pixel matters alike."""


def saliency(
    card: Card,
    crop: RetinaCrop,
    targets: Sequence[str] = (),
    *,
    predict: Predict,
    differentiable: Callable[[], "Gradients"] | None = None,
    method: str = "auto",
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Saliency]:
    """Say where a model looks, and whether the map means anything.

    Args:
        card: The model.
        crop: Cut by the card's rule; S x S x 3, RGB, 0..255.
        targets: Ids; all of the card where empty.
        predict: The opened model: crops to values by target.
        differentiable: Opens the card's network for gradients, or has it open; it is opened anew where ``None``.
        method: ``auto`` (integrated gradients for a timm network, Grad-CAM where it is large, occlusion for a graph
            without gradients) or one of ``METHODS``.
        draws: Random maps in the deletion test.
        seed: Of the random maps.

    Returns:
        By target, in the order asked for.

    Raises:
        UsageError: A target, the method or the crop does not fit the card.
        CardError: The weights are missing or do not fit.
    """
    wanted, how = _checked(card, crop, targets, method)
    field = field_of(crop)
    eraser = Eraser(crop.pixels, field, predict, fractions=FRACTION_LARGE if _is_large(card) else FRACTIONS)
    found = _attributions(card, eraser, wanted, how, differentiable)
    grain = _grain(card, how)
    # Integrated gradients change from pixel to pixel; only their mean over a spot is stable.
    fine = how == "integrated_gradients"
    shown = [smooth(found[target].strength, grain) if fine else found[target].strength for target in wanted]
    blind = [eraser.contrast(grain), *eraser.random(grain, draws=draws, seed=seed)]
    curves = eraser.curves([*shown, *blind])
    contrast, *chance = curves[len(shown) :]
    vessels = vessel_like(crop.pixels, field)
    drawn = {}
    for target, map_, own in zip(wanted, shown, curves, strict=False):
        rivals = contrast[target], tuple(one[target] for one in chance)
        deletion = Deletion(eraser.fractions, own[target], *rivals)
        drawn[target] = _judged(target, how, found[target], map_, eraser, vessels, deletion)
    return drawn


def _is_large(card: Card) -> bool:
    return card.input.size > LARGE_PX


def _checked(card: Card, crop: RetinaCrop, targets: Sequence[str], method: str) -> tuple[tuple[str, ...], str]:
    unknown = [target for target in targets if target not in card.targets]
    if unknown:
        raise UsageError(
            "'{id}' does not predict {unknown}; its targets are {targets}.",
            id=card.id,
            unknown=unknown,
            targets=card.targets,
        )
    if method not in ("auto", *METHODS):
        raise UsageError("There is no method '{method}'; use auto or one of {methods}.", method=method, methods=METHODS)
    if card.runtime != "timm" and method not in ("auto", "occlusion"):
        raise UsageError("'{id}' is a graph without gradients; use the method 'occlusion' or 'auto'.", id=card.id)
    side = card.input.size
    if crop.pixels.shape != (side, side, 3) or crop.pixels.dtype != np.uint8:
        raise UsageError(
            "'{id}' wants a crop of {side} x {side} x 3 bytes (RGB), not {shape}.",
            id=card.id,
            side=side,
            shape=crop.pixels.shape,
        )
    return tuple(targets) or card.targets, method if method != "auto" else usual_method(card)


def usual_method(card: Card) -> str:
    """Return the method that a card's maps are made with where nobody chooses one."""
    if card.runtime != "timm":
        return "occlusion"
    return "grad_cam" if _is_large(card) else "integrated_gradients"


def _grain(card: Card, method: str) -> float:
    """Spread in pixels of the finest spot that a method can show."""
    side = card.input.size
    # A timm network halves its map of features five times as a rule; a spot is about half a cell wide.
    return {"integrated_gradients": _FINE * side, "grad_cam": 16.0, "occlusion": PATCH * side / 2}[method]


def _attributions(
    card: Card,
    eraser: Eraser,
    targets: Sequence[str],
    method: str,
    differentiable: Callable[[], "Gradients"] | None,
) -> Mapping[str, _Attribution]:
    if method == "occlusion":
        moved = occlude(eraser.pixels, eraser.field, eraser.predict)
        return {target: _coarse(moved[target]) for target in targets}
    from fundus_core.explain.gradients import Gradients  # torch: only where a network is differentiated

    network = differentiable() if differentiable else Gradients(card)
    outputs = [card.targets.index(target) for target in targets]
    if method == "grad_cam":
        return dict(zip(targets, map(_coarse, network.cams(eraser.pixels, outputs)), strict=True))
    slopes = network.integrated(eraser.pixels, eraser.without, outputs)
    return {target: _fine(slope, eraser.pixels, eraser.without) for target, slope in zip(targets, slopes, strict=True)}


def _coarse(plane: Floats) -> _Attribution:
    strength = np.abs(plane)
    return _Attribution(strength, strength, np.ones_like(strength))


def _fine(slope: Floats, pixels: Pixels, baseline: Pixels) -> _Attribution:
    """Join the mean gradient (S x S x 3) and the detail that it meets."""
    detail = pixels.astype(np.float64) - baseline
    strength = np.abs((slope * detail).sum(axis=2))
    return _Attribution(strength, np.abs(slope).sum(axis=2), np.abs(detail).sum(axis=2))


def _judged(
    target: str,
    method: str,
    found: _Attribution,
    shown: Floats,
    eraser: Eraser,
    vessels: Mask,
    deletion: Deletion,
) -> Saliency:
    field = eraser.field
    return Saliency(
        target=target,
        method=method,
        map=_scaled(shown, field),
        value=eraser.value[target],
        value_blurred=eraser.value_blurred[target],
        share_inside=_share(found.influence, field, np.ones_like(field)),
        area_inside=float(field.mean()),
        share_on_vessels=_share(found.strength, vessels, field),
        expected_on_vessels=_share(found.chance, vessels, field),
        deletion=deletion,
    )


def _share(strength: Floats, part: Mask, whole: Mask) -> float:
    total = float(strength[whole].sum())
    return float(strength[part & whole].sum()) / total if total > 0 else float("nan")


def _scaled(strength: Floats, field: Mask) -> NDArray[np.float32]:
    inside = strength[field]
    top = float(np.percentile(inside, _TOP)) if inside.size else 0.0
    if top <= 0:
        return np.zeros(field.shape, np.float32)
    return np.where(field, np.minimum(strength / top, 1.0), 0.0).astype(np.float32)
