"""Fit the model of ``fundus_core/quality/extent.py``, leaving out each eye in turn: python -m tests.fit_extent.

Pieces of one to a little over three disc diameters are cut out of photographs (around the disc, the macula, beside the
disc), round or square; whole fields stay whole, blurred, hazy, dark, tinted, sick, without border, masked anew. The
real photographs lie in ``../shared``; without them only rendered eyes are taken.
"""

from __future__ import annotations

import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

from fundus_core import images, retina
from fundus_core.quality import extent
from fundus_core.quality.view import scaled_field
from fundus_core.records import Floats, Pixels, RetinaBounds
from tests.kinds.test_disease import LIT, SICK, crescent, spots, veiled

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
Place = tuple[float, float]
DISCS: dict[str, tuple[float, float, float, Place | None]] = {
    "chasedb1-orig__CHASEDB1_08L.png": (0.545, 0.49, 0.2, None),
    "chasedb1-x3__Image_01L.jpg": (0.52, 0.48, 0.237, None),
    "chasedb1-x3__Image_02L.jpg": (0.5, 0.5, 0.2, None),
    "chasedb1-x3__Image_04R.jpg": (0.52, 0.43, 0.16, None),
    "hrf-orig__HRF_04_g.jpg": (0.27, 0.48, 0.11, (0.52, 0.52)),
    "hrf-orig__HRF_07_dr.jpg": (0.25, 0.47, 0.1, (0.52, 0.53)),
    "hrf__01_h.jpg": (0.755, 0.49, 0.1, (0.52, 0.515)),
    "hrf__03_dr.jpg": (0.237, 0.46, 0.1, (0.49, 0.54)),
    "idrid__IDRiD_01.jpg": (0.865, 0.5, 0.15, (0.465, 0.54)),
    "idrid__IDRiD_04.jpg": (0.49, 0.33, 0.135, (0.82, 0.37)),
    "idrid__IDRiD_06.jpg": (0.75, 0.48, 0.16, (0.37, 0.53)),
    "idrid__IDRiD_24.jpg": (0.277, 0.473, 0.17, (0.616, 0.54)),
    "idrid__IDRiD_46.jpg": (0.763, 0.518, 0.15, (0.355, 0.54)),
    "wikimedia-skimage__retina.jpg": (0.163, 0.457, 0.12, (0.498, 0.498)),
    "app_upload__05.jpg": (0.245, 0.473, 0.15, (0.62, 0.5)),
    "app_upload__11.jpg": (0.22, 0.48, 0.16, (0.69, 0.5)),
    "app_upload__16.jpg": (0.29, 0.5, 0.14, (0.66, 0.51)),
    "app_upload__19.png": (0.906, 0.46, 0.17, (0.5, 0.5)),
    "app_upload__21.jpg": (0.77, 0.494, 0.15, (0.35, 0.5)),
    "app_upload__25.png": (0.645, 0.55, 0.13, (0.2, 0.55)),
    "app_upload__26.png": (0.155, 0.56, 0.17, (0.55, 0.63)),
    "app_upload__34.jpg": (0.71, 0.535, 0.15, (0.33, 0.5)),
    "diaretdb_messidor_720px__01.jpg": (0.465, 0.478, 0.13, None),
    "diaretdb_messidor_720px__04.jpg": (0.12, 0.55, 0.12, (0.5, 0.5)),
    "diaretdb_messidor_720px__05.jpg": (0.15, 0.48, 0.15, (0.52, 0.5)),
    "drive_tiff__02.tif": (0.9, 0.47, 0.17, (0.6, 0.52)),
    "macular_hole_2588px__02.jpg": (0.106, 0.48, 0.13, (0.42, 0.58)),
    "rgba_masked__02.png": (0.78, 0.43, 0.15, (0.5, 0.53)),
    "square_1024__02.png": (0.7, 0.527, 0.13, (0.33, 0.53)),
    "square_1024__02_2.png": (0.48, 0.52, 0.16, None),
    "square_1024__04_2.png": (0.89, 0.45, 0.14, (0.5, 0.52)),
    "square_384_512__01_2.jpg": (0.13, 0.42, 0.14, (0.5, 0.5)),
    "textbook_479px__06.jpeg": (0.326, 0.29, 0.12, (0.48, 0.55)),
    "textbook_479px__08.jpeg": (0.457, 0.49, 0.28, None),
    "textbook_479px__11.jpeg": (0.83, 0.51, 0.12, (0.52, 0.52)),
}
"""Centre and diameter of the disc, and the fovea where it is seen, in the square around the field, 0..1; by hand."""
OTHERS = (
    "smartphone__01.png", "smartphone__02.png", "smartphone__05.png", "smartphone__06.jpg", "rop_retcam__01.jpg",
    "rop_retcam__03.png", "rop_retcam__04.png", "rop_neo__04.png", "rop_neo__01_2.png",
)  # fmt: skip
"""Whole fields of other cameras."""
HARD = {"black haemorrhages": 3.0, "cataract": 3.0, "dense haze": 3.0, "massive exudates": 3.0, "haze": 3.0}
HARD |= {"haemorrhages": 3.0, "reddish cast": 3.0, "veiled": 3.0}
HARD |= {"one large haemorrhage": 6.0, "pigment": 6.0, "blurred": 9.0}
HARD |= {
    "several large haemorrhages": 1.5,
    "bleeding": 3.0,
    "noisy": 3.0,
    "crescent": 3.0,
    "bright crescent": 3.0,
    "reflex": 5.0,
    "small reflex": 3.0,
}
"""How often fields count that hide vessels or have large patches, as pieces do."""


@dataclass(frozen=True)
class Eye:
    """One photograph, 1,400 pixels at most."""

    name: str
    pixels: Pixels
    bounds: RetinaBounds
    disc: Place | None
    diameter: float
    fovea: Place | None

    @property
    def radius(self) -> float:
        return max(self.pixels.shape[:2]) / 2 if self.bounds.whole_frame else self.bounds.radius


def eye_of(path: Path, place: tuple[float, float, float, Place | None] | None) -> Eye:
    pixels = images.decode(path.read_bytes(), path.name).pixels
    factor = min(1400 / max(pixels.shape[:2]), 1.0)
    pixels = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    bounds = retina.find(pixels)
    if place is None:
        return Eye(path.name, pixels, bounds, None, 0.0, None)
    radius = max(pixels.shape[:2]) / 2 if bounds.whole_frame else bounds.radius
    x, y, diameter, fovea = place
    there = [(bounds.cx + (2 * a - 1) * radius, bounds.cy + (2 * b - 1) * radius) for a, b in ((x, y), fovea or (0, 0))]
    return Eye(path.name, pixels, bounds, there[0], 2 * diameter * radius, there[1] if fovea else None)


def eyes() -> Iterator[Eye]:
    for folder in ("real_fundus", "real_kinds"):
        for path in sorted((SHARED / folder).glob("*")):
            if path.name in DISCS or path.name in OTHERS:
                yield eye_of(path, DISCS.get(path.name))
    yield from rendered(16)


def rendered(number: int) -> Iterator[Eye]:
    for path in sorted((ROOT / "data" / "sample" / "photographs").glob("*.jpg"))[:: 400 // number]:
        side = 1 if path.stem.endswith("R") else -1
        yield eye_of(path, (0.5 + 0.245 * side, 0.49, 0.15, (0.5 - 0.085 * side, 0.525)))


def whole(shape: tuple[int, ...]) -> RetinaBounds:
    return RetinaBounds(shape[1] / 2, shape[0] / 2, np.hypot(*shape[:2]) / 2, shape[1], shape[0], whole_frame=True)


def square(eye: Eye, x: float, y: float, half: float) -> Pixels | None:
    """A square of the picture, moved into it; none where the field does not fill it."""
    height, width = eye.pixels.shape[:2]
    side = round(2 * half)
    left, top = (min(max(round(at - half), 0), max(end - side, 0)) for at, end in ((x, width), (y, height)))
    piece = eye.pixels[top : top + side, left : left + side]
    there = retina.mask(eye.bounds)[top : top + side, left : left + side]
    return piece if piece.size and piece.shape[0] > 0.9 * side and there.mean() > 0.85 else None


def formed(piece: Pixels, generator: np.random.Generator, smallest: int = 256) -> tuple[Pixels, RetinaBounds, str]:
    """A square as a file of some size, in a round mask two times out of three."""
    side = int(generator.integers(smallest, 640))
    way = cv2.INTER_AREA if side < len(piece) else cv2.INTER_CUBIC
    piece = images.decode(images.encode(cv2.resize(piece, (side, side), interpolation=way), 90), "").pixels
    if generator.random() < 1 / 3:
        return piece, whole(piece.shape), "square"
    return piece, RetinaBounds(side / 2, side / 2, side / 2 * generator.uniform(0.92, 1), side, side), "round"


def pieces(eye: Eye, generator: np.random.Generator) -> Iterator[tuple[str, Pixels, RetinaBounds]]:
    """Parts of a field of a known eye, the kind first."""
    if eye.disc is None:
        return
    for at in range(27):
        kind = ("disc", "macula", "three")[at % 3]
        discs = 3.0 if kind == "three" else generator.uniform(1.3, 3.2)
        turn, away = generator.uniform(0, 2 * np.pi), generator.uniform(0.6, 1.4) if kind == "three" else 0.25
        middle = eye.fovea if kind == "macula" else eye.disc
        half = discs * eye.diameter / 2
        if middle is None or half < 40 or half > 0.68 * eye.radius:
            continue
        x, y = (
            place + away * eye.diameter * way for place, way in zip(middle, (np.cos(turn), np.sin(turn)), strict=True)
        )
        piece = square(eye, x, y, half)
        if piece is not None:
            pixels, bounds, form = formed(piece, generator)
            yield f"{kind} {form}", pixels, bounds


def fields(eye: Eye, generator: np.random.Generator) -> Iterator[tuple[str, Pixels, RetinaBounds]]:
    """A whole field in many states."""
    for longest in (1400, 420, 300):
        factor = longest / max(eye.pixels.shape[:2])
        small = np.asarray(cv2.resize(eye.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        yield "whole", small, retina.find(small)
    factor = 480 / max(eye.pixels.shape[:2])
    some = np.asarray(cv2.resize(eye.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    bounds = retina.find(some)
    yield from ((name, spoilt, bounds) for name, spoilt in sick(some, generator))
    for share in (0.6, 0.68, 0.75):
        middle = square(eye, eye.bounds.cx, eye.bounds.cy, share * eye.radius)
        if middle is not None:
            yield "without border", middle, whole(middle.shape)
    for share in (0.8, 0.9, 0.97):
        yield "masked anew", some, RetinaBounds(*_scaled(bounds, share), bounds.width, bounds.height)


def sick(field: Pixels, generator: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """A field with disease, stray light, haze and blur."""
    for name, spoil in (SICK | LIT).items():
        yield name, spoil(field)
    for number in range(2, 9):
        largest = generator.uniform(0.1, 0.24)
        yield "several large haemorrhages", spots(field, [(75, 10, 6), (100, 18, 10)], number, (0.02, largest))
        yield "crescent", crescent(field, generator.uniform(0, 6.3), generator.uniform(0.3, 1.0))
        yield "bleeding", bleeding(field, generator)
    for sigma in (4.0, 8.0, 12.0, 16.0, 22.0):
        grain = generator.normal(0, sigma, field.shape) * retina.mask(retina.find(field))[..., None]
        yield "noisy", np.clip(field + grain, 0, 255).astype(np.uint8)
    for sigma in (1.0, 2.0, 3.0, 4.5):
        yield "blurred", np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.uint8)
    for left in (0.2, 0.3, 0.45):
        yield "veiled", veiled(field, left)


def bleeding(field: Pixels, generator: np.random.Generator) -> Pixels:
    """Long dark patches, flame-shaped and preretinal."""
    bounds, spoilt = retina.find(field), field.copy()
    for _ in range(int(generator.integers(1, 8))):
        middle = [round(at + bounds.radius * generator.uniform(-0.7, 0.7)) for at in (bounds.cx, bounds.cy)]
        axes = [
            max(round(bounds.radius * generator.uniform(low, high)), 2) for low, high in ((0.02, 0.2), (0.02, 0.14))
        ]
        colour = [generator.uniform(low, high) for low, high in ((60, 110), (5, 25), (2, 12))]
        cv2.ellipse(spoilt, middle, axes, generator.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    spoilt = cv2.GaussianBlur(spoilt, (0, 0), 1.2)
    return np.where(retina.mask(bounds)[..., None], spoilt, field).astype(np.uint8)


def narrow(eye: Eye, generator: np.random.Generator) -> Iterator[tuple[str, Pixels, RetinaBounds]]:
    """Fields of a narrower camera, 4.4 to 5.8 discs wide."""
    for _ in range(6):
        half = generator.uniform(2.2, 2.9) * eye.diameter
        turn, away = generator.uniform(0, 2 * np.pi), (eye.radius - half) * generator.random()
        if eye.disc is not None and half < eye.radius:
            piece = square(eye, eye.bounds.cx + away * np.cos(turn), eye.bounds.cy + away * np.sin(turn), half)
            if piece is not None:
                pixels, there, form = formed(piece, generator, 300)
                yield f"narrow {form}", pixels, there


def _scaled(bounds: RetinaBounds, share: float) -> tuple[float, float, float]:
    radius = min(bounds.radius, max(bounds.width, bounds.height) / 2)
    return bounds.cx, bounds.cy, share * radius


def measured() -> tuple[list[str], list[str], Floats, Floats]:
    """Name of the eye, kind, numbers, and whether it is a piece, of every picture."""
    names, kinds, numbers, part = [], [], [], []
    for eye in eyes():
        for label, forms in ((0.0, fields), (0.0, narrow), (1.0, pieces)):
            for kind, pixels, bounds in forms(eye, np.random.default_rng(zlib.crc32(eye.name.encode()))):
                found = extent.measure(scaled_field(pixels, bounds))
                if len(found):
                    names.append(eye.name)
                    kinds.append(kind)
                    numbers.append(found)
                    part.append(label)
    return names, kinds, np.array(numbers), np.array(part)


def fit(numbers: Floats, part: Floats, weight: Floats) -> Floats:
    """The table of ``extent.piece`` (4 x n): middle and spread of each number, its slope, and that of its square."""
    middle, spread = numbers.mean(axis=0), numbers.std(axis=0)
    model = LogisticRegression(C=0.1, max_iter=2000)
    model.fit(extent.terms(numbers, np.stack([middle, spread])), part, sample_weight=weight)
    slopes = model.coef_[0].reshape(2, -1)
    return np.concatenate([[middle, spread], slopes, np.full((1, len(middle)), model.intercept_[0])])


def weights(names: list[str], kinds: list[str], part: Floats) -> Floats:
    """Every eye counts alike, rendered ones a third; pieces as much as fields; what disease hides three times."""
    keys = list(zip(names, part, strict=True))
    counts = Counter(keys)
    share = np.array([(1 / 3 if key[0].startswith("P0") else 1.0) / counts[key] for key in keys])
    share *= len(share) / share.sum() * np.where(part == 1, share.sum() / share[part == 1].sum(), 1.0)
    return share * np.array([HARD.get(kind, 1.0) for kind in kinds])


def main() -> None:
    names, kinds, numbers, part = measured()
    share, score, who = weights(names, kinds, part), np.zeros(len(names)), np.array(names)
    for name in sorted(set(names)):
        there = who == name
        found = fit(numbers[~there], part[~there], share[~there])
        score[there] = extent.terms(numbers[there], found) @ found[2:4].ravel() + found[4, 0]
    real = np.array([not name.startswith("P0") for name in names])
    lines = ["named a piece by the others' weights, of real eyes and of rendered ones, at each limit"]
    for kind in sorted(set(kinds)):
        of_kind = np.array([each == kind for each in kinds])
        counts = [
            f"{limit:+.1f}: {np.count_nonzero(score[of_kind & some] > limit):3} of {np.count_nonzero(of_kind & some):3}"
            for limit in (0.7, 1.2, 1.4)
            for some in (real, ~real)
        ]
        lines.append(f"  {kind:24} {' | '.join(counts)}")
    lines.append(np.array2string(fit(numbers, part, share), precision=2, separator=", ", max_line_width=116))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
