"""Attribution without gradients: cover a patch, see how far the prediction moves (Zeiler and Fergus 2014).

For graphs of other tools, which answer but cannot be differentiated. doi:10.1007/978-3-319-10590-1_53
"""

from collections.abc import Iterator

import numpy as np

from fundus_core.explain.deletion import Predict
from fundus_core.explain.field_of_view import Mask
from fundus_core.records import Floats, Pixels

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
