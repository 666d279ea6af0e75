"""Read the eye from the picture: where the optic disc lies, and to which side the vessels' arcades open.

Vessels leave the disc up and down and bend around the macula, which lies on the temple's side; on the nose's side they
run away from the disc like spokes. So the directions of the vessels tell the side even where the disc is in the middle
(after the model of Foracchia, Grisan and Ruggeri 2004, doi 10.1109/TMI.2004.829331, made simple enough to be tried at
every place at once).
"""

from functools import cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Eye, Floats, Pixels, RetinaBounds

_DIAMETER = 96
"""Of the field of view in the copy that is looked at, pixels."""
_RIM = 0.93
"""Share of the radius that counts: the edge of the field is no vessel."""
_BEND = 2.2
"""How much faster an arcade runs sideways than a spoke: directions follow (2.2 x, y) on the temple's side."""
_REACH = 1.2
"""How far from the disc directions count, radii (a Gaussian's fall)."""
_HOLLOW = 0.3
"""Around the disc's centre they do not: vessels cross each other there."""
_BRIGHTNESS = 0.8
"""What a bright patch of the disc's size is worth beside perfectly fitting vessels."""
_CLEAR = (0.03, 0.06)
"""By how much one eye must fit better than the other: where the disc lies on that eye's side, and elsewhere.

On 43 photographs of many cameras and their mirror images 80 % were right and none wrong; turned by up to 12 degrees,
blurred, brightened and tinted four times each, 73 % were right and none of 430 wrong."""
_ASIDE = 0.4
"""A disc that lies further to the other side than this, in radii, contradicts the vessels."""
_BLUER = 1.05
"""Blue over red, above which a place is a reflection."""
_SIDEWAYS = 0.35
"""How far to a side the disc of a photograph centred on the macula lies at least, in radii."""
_DISC = 0.85
"""Least brightness of the disc's place, of the brightest patches of the picture."""
_CROWD = 1.2
"""Least vessels around the disc, of what the average place has."""

Plane = NDArray[np.float32]
Spectrum = NDArray[np.float32]
"""The half of a Fourier transform that determines the rest, as OpenCV packs it."""
Spectra = tuple[Spectrum, Spectrum]


def from_picture(pixels: Pixels, bounds: RetinaBounds) -> Eye:
    """Return the eye that disc and vessels show in a photograph (height x width x 3, RGB, 0..255, not mirrored).

    Unknown where no circle was found, nothing looks like a disc, or neither eye fits clearly better.
    """
    if bounds.whole_frame:
        return Eye.UNKNOWN
    plane, inside = _upright(pixels, bounds)
    strength, cosine, sine = _directions(plane, inside)
    room = _halved(inside) > 0.5
    if not room.any() or not float(strength.sum()) > 0.0:
        return Eye.UNKNOWN
    bright = _bright(plane, inside)
    peaks = {eye: _peak(fit + _BRIGHTNESS * bright, room) for eye, fit in _fits(strength, cosine, sine).items()}
    eye = max(peaks, key=lambda each: peaks[each].score)
    best, other = peaks[eye], min(each.score for each in peaks.values())
    towards_nose = best.x if eye is Eye.RIGHT else -best.x
    clear = best.score - other >= (_CLEAR[0] if towards_nose > _SIDEWAYS else _CLEAR[1])
    crowd = _blur(strength, 3.0)
    disc = bright[best.place] >= _DISC and crowd[best.place] >= _CROWD * crowd[room].mean()
    return eye if clear and disc and towards_nose > -_ASIDE else Eye.UNKNOWN


class _Peak(NamedTuple):
    score: float
    """Of the best place."""
    x: float
    """How far right of the field's centre it lies, radii."""
    place: tuple[int, int]
    """Row and column."""


def _peak(score: Plane, room: NDArray[np.bool_]) -> _Peak:
    row, column = (int(each) for each in np.unravel_index(int(np.argmax(np.where(room, score, -9.0))), score.shape))
    return _Peak(float(score[row, column]), (column + 0.5) / score.shape[1] * 2.0 - 1.0, (row, column))


def _upright(pixels: Pixels, bounds: RetinaBounds) -> tuple[Plane, Plane]:
    """Return green and half of red around the circle, relative to their surroundings, and 1 inside the field."""
    step = max(int(bounds.radius / _DIAMETER), 1)
    # Every step-th pixel of a slightly softened picture is enough for vessels that are wider than a pixel afterwards.
    small = cv2.resize(pixels, None, fx=1.0 / step, fy=1.0 / step, interpolation=cv2.INTER_LINEAR)
    scale = _DIAMETER / (2.0 * bounds.radius)
    upright = scale / bounds.aspect
    across, down = scale * bounds.width / small.shape[1], upright * bounds.height / small.shape[0]
    middle = _DIAMETER / 2.0
    matrix = np.array(
        [[across, 0.0, middle - bounds.cx * scale], [0.0, down, middle - bounds.cy * upright]], dtype=np.float32
    )
    red, green, blue = cv2.split(cv2.warpAffine(small, matrix, (_DIAMETER, _DIAMETER)))
    light = np.asarray(cv2.addWeighted(green, 1.0, red, 0.5, 0.0, dtype=cv2.CV_32F), np.float32)
    # A retina is never bluer than red: such a place is a lamp or a window that a lens reflects.
    inside = _field(bounds) * (blue <= _BLUER * red.astype(np.float32))
    around = _surroundings(light, inside, 8.0)
    return (light - around) / (around + np.float32(8.0)) * inside, inside


def _field(bounds: RetinaBounds) -> Plane:
    at = (np.arange(_DIAMETER) + 0.5) / _DIAMETER * 2.0 - 1.0
    margin = 0.04
    x = at * bounds.radius + bounds.cx
    y = at * bounds.radius_y + bounds.cy
    keep = margin * bounds.radius
    columns = (x > bounds.left + keep) & (x < bounds.right - keep)
    rows = (y > bounds.top + keep) & (y < bounds.bottom - keep)
    circle = (at**2)[None, :] + (at**2)[:, None] < _RIM**2
    return (circle & columns[None, :] & rows[:, None]).astype(np.float32)


def _directions(plane: Plane, inside: Plane) -> tuple[Plane, Plane, Plane]:
    """Return, in half the size, how strongly a vessel runs at each place, and cosine and sine of its doubled angle.

    A vessel is a dark ridge: its curvature across is large, along it small. Two widths are added.
    """
    strength, cosine, sine = (np.zeros(plane.shape, np.float32) for _ in range(3))
    for width in (1.0, 1.6):
        soft = _blur(plane, width)
        xx, yy, xy = (
            np.asarray(cv2.Sobel(soft, cv2.CV_32F, across, down, ksize=3), np.float32)
            for across, down in ((2, 0), (0, 2), (1, 1))
        )
        half = (yy - xx) / 2
        spread = np.asarray(cv2.magnitude(half, xy), np.float32)
        mean = (xx + yy) / 2
        ridge = np.maximum(mean + spread - np.abs(mean - spread), 0.0) * np.float32(width**2)
        along = ridge / (
            spread + np.float32(1e-9)
        )  # the vessel runs along the smaller curvature: (half, -xy) is its doubled angle
        strength += ridge
        cosine += along * half
        sine -= along * xy
    whole = np.asarray(cv2.erode(inside, np.ones((5, 5), np.uint8)), np.float32)
    # The strongest vessels count alike, however dark: otherwise the widest one decides alone.
    ceiling = _top(strength[whole > 0], 0.97)
    share = (
        whole
        * np.minimum(np.float32(1.0), np.float32(ceiling) / (strength + np.float32(1e-9)))
        / np.float32(ceiling + 1e-9)
    )
    return _halved(strength * share), _halved(cosine * share), _halved(sine * share)


def _top(values: Plane, share: float) -> float:
    """Return a high quantile of values (n), interpolated as numpy's is, in a fifth of its time; 0 of none."""
    if not len(values):
        return 0.0
    place = share * (len(values) - 1)
    low, *above = np.sort(np.partition(values, int(place))[int(place) :])[:2].tolist()
    return float(low + (above[0] - low) * (place - int(place))) if above else float(low)


def _bright(plane: Plane, inside: Plane) -> Plane:
    """Return, in half the size, how bright a patch as large as a disc is beside the brightest ones (0..1.2)."""
    patch = np.maximum(_blur(plane, 3.5) - _surroundings(plane, inside, 9.0), 0.0)
    most = _top(patch[inside > 0], 0.995)
    share = _halved(patch) / np.float32(most + 1e-6)
    return np.asarray(np.minimum(share, 1.2), np.float32)


def _fits(strength: Plane, cosine: Plane, sine: Plane) -> dict[Eye, Plane]:
    """Return for each eye and place how well the vessels run as they do around that eye's disc there (-1..1).

    A right eye is a left one in the mirror, where the sine of a doubled angle turns its sign.
    """
    model_cosine, model_sine, weight = _left_eye()
    whole, along, across = (_spectrum(plane) for plane in (strength, cosine, sine))
    times = partial(cv2.mulSpectrums, flags=0, conjB=True)
    products = (
        times(whole, weight),
        cv2.add(times(along, model_cosine[0]), times(across, model_sine[0])),
        cv2.subtract(times(along, model_cosine[1]), times(across, model_sine[1])),
    )
    half = _DIAMETER // 2  # twice as wide as the planes, a correlation wraps around beyond them alone
    whole, left, right = (
        np.asarray(cv2.idft(product, flags=cv2.DFT_SCALE), np.float32)[:half, :half] for product in products
    )
    present = whole + np.float32(0.05) * strength.sum()
    return {Eye.LEFT: left / present, Eye.RIGHT: right / present}


@cache
def _left_eye() -> tuple[Spectra, Spectra, Spectrum]:
    """Return cosine and sine of the doubled angle of the vessels around a left eye's disc, and how much they count.

    As spectra that a correlation multiplies with: the first two also as in a mirror.
    """
    half = _DIAMETER // 2
    at = (np.arange(2 * half - 1) - (half - 1)) / (half / 2.0)
    x, y = np.meshgrid(at, at)
    angle = 2.0 * np.arctan2(y, np.where(x > 0, _BEND * x, x))
    far = np.hypot(x, y)
    weight = np.exp(-((far / _REACH) ** 2)) * (1.0 - np.exp(-((far / _HOLLOW) ** 2)))
    cosine, sine = np.cos(angle) * weight, np.sin(angle) * weight
    cosines, sines = ((_spectrum(model, half - 1), _spectrum(model[:, ::-1], half - 1)) for model in (cosine, sine))
    return cosines, sines, _spectrum(weight, half - 1)


def _spectrum(plane: Floats | Plane, middle: int = 0) -> Spectrum:
    """Return the spectrum of a plane in a frame twice as wide, its middle (row and column) in the first pixel."""
    whole = np.zeros((_DIAMETER, _DIAMETER), np.float32)
    whole[: plane.shape[0], : plane.shape[1]] = plane
    return np.asarray(cv2.dft(np.roll(whole, (-middle, -middle), (0, 1)) if middle else whole), np.float32)


def _surroundings(plane: Plane, inside: Plane, sigma: float) -> Plane:
    """Return the mean of the field around each place; so wide a mean is taken in half the size."""
    within = _halved(inside)
    mean = _blur(_halved(plane * inside), sigma / 2) / (_blur(within, sigma / 2) + np.float32(1e-4))
    return np.asarray(cv2.resize(mean, plane.shape[::-1]), np.float32)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    return np.asarray(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def _blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
