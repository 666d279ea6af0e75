"""Three cameras: field, frame, colour, sharpness, noise, and what goes wrong; they know nothing of the person."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from fundus_core.errors import UsageError
from fundus_core.plain_values import At, build
from fundus_core.records import Floats, Pixels
from fundus_core.synthetic.tissue import Colour, Grid
from fundus_core.synthetic.vessels import fill


@dataclass(frozen=True, slots=True)
class Camera:
    """How one site photographs."""

    id: str
    """Written to the truth table."""
    site: str
    """Where it stands."""
    zoom: float
    """Enlargement relative to a field of 45 degrees."""
    colour: tuple[float, float, float]
    """Gain of red, green and blue."""
    vignette: float
    """Share of light lost at the edge of the field."""
    blur: float
    """Standard deviation of the optics' blur in radii of the field."""
    noise: float
    """Standard deviation of the sensor's noise, of 1."""
    border: tuple[int, int, int]
    """Colour outside the field, 0..255."""
    aspect: float
    """Width of the frame over its height."""
    cut: float
    """Half height of the field in radii: below 1 its top and bottom are cut flat."""
    scale: float
    """Height of the frame relative to the size asked for."""
    quality: int
    """JPEG quality, chroma at half resolution (4:2:0)."""


CAMERAS: Mapping[str, Camera] = MappingProxyType(
    {
        id: build(Camera, At(row, "cameras.toml", id), id=id)
        for id, row in tomllib.loads(Path(__file__).with_name("cameras.toml").read_text(encoding="utf-8")).items()
    }
)
"""Every camera by its id."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """One press of the shutter."""

    gain: float
    """Brightness."""
    cast: tuple[float, float, float]
    """Colour cast on top of the camera's own."""
    tilt: tuple[float, float]
    """Illumination's slope along x and y, per radius of the field."""
    shift: tuple[float, float]
    """Where the field lies in the frame, as a share of the free room, -1 to 1."""
    lift: float
    """Stray light added everywhere, of 1."""


def expose(generator: np.random.Generator) -> Exposure:
    """Draw one exposure."""
    cast = tuple(float(value) for value in np.exp(generator.normal(0, 0.035, 3)))
    tilt = tuple(float(value) for value in generator.normal(0, 0.05, 2))
    shift = tuple(float(value) for value in generator.uniform(-0.7, 0.7, 2))
    return Exposure(
        float(np.exp(generator.normal(0, 0.06))),
        (cast[0], cast[1], cast[2]),
        (tilt[0], tilt[1]),
        (shift[0], shift[1]),
        float(generator.uniform(0.0, 0.02)),
    )


def field_pixels(camera: Camera, size: int) -> int:
    """Return the diameter of the field in pixels in a photograph asked for at that size."""
    height = round(size * camera.scale)
    tall = height / camera.cut if camera.cut < 1 else 0.97 * height
    return round(min(tall, 0.985 * height * camera.aspect))


def illuminate(tissue: Colour, camera: Camera, exposure: Exposure, view: Grid) -> Colour:
    """Return the field as the camera's lens shows it, size x size x 3, 0..1."""
    x, y = view.x * np.float32(view.zoom), view.y * np.float32(view.zoom)
    light = 1 - np.float32(camera.vignette) * (x * x + y * y)
    light += np.float32(exposure.tilt[0]) * x + np.float32(exposure.tilt[1]) * y
    gain = np.array(camera.colour, np.float32) * np.array(exposure.cast, np.float32) * np.float32(exposure.gain)
    lit = tissue * (np.maximum(light, np.float32(0.05))[..., None] * gain) + np.float32(exposure.lift)
    return view.blurred(lit, camera.blur / view.zoom)


def record(field: Colour, camera: Camera, view: Grid, generator: np.random.Generator) -> Colour:
    """Return the field with the sensor's noise."""
    return np.asarray(field + _grain(generator, view) * np.float32(camera.noise))


def frame(field: Colour, camera: Camera, exposure: Exposure, size: int) -> Pixels:
    """Put the field, a disc with smooth edge, into the camera's frame; height x width x 3, uint8."""
    height = round(size * camera.scale)
    width = round(height * camera.aspect)
    diameter = len(field)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = np.array(camera.border, np.float32)
    left = round((width - diameter) / 2 * (1 + exposure.shift[0]))
    top = round((height - diameter) / 2 * (1 + max(exposure.shift[1], -1) * (camera.cut >= 1)))
    rows = slice(max(top, 0), min(top + diameter, height))
    inner = field[rows.start - top : rows.stop - top]
    cover = _circle(diameter)[rows.start - top : rows.stop - top, :, None]
    target = picture[rows, left : left + diameter]
    target += (inner * np.float32(255) - target) * cover
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


def _circle(diameter: int) -> Colour:
    """Return the anti-aliased disc, diameter x diameter, 0..1."""
    line = np.arange(diameter, dtype=np.float32) + np.float32(0.5 - diameter / 2)
    distance = np.hypot(line[None], line[:, None])
    return np.asarray(np.clip(np.float32(diameter / 2) - distance, 0, 1))


def _grain(generator: np.random.Generator, view: Grid) -> Colour:
    """Return noise whose grain is a fixed share of the field, so that every size shows the same."""
    coarse = generator.standard_normal((320, 320, 3), np.float32)
    way = cv2.INTER_AREA if view.size < 320 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(coarse, (view.size, view.size), interpolation=way), np.float32)


def add_defect(field: Colour, view: Grid, defect: str, generator: np.random.Generator) -> Colour:
    """Return the lit field (size x size x 3, 0..1) with one defect; the empty word leaves it as it is."""
    if not defect:
        return field
    if defect not in DEFECTS:
        raise UsageError("There is no defect '{defect}'; the defects are {defects}.", defect=defect, defects=DEFECTS)
    return DEFECTS[defect](field, view, generator)


def _glare(field: Colour, view: Grid, generator: np.random.Generator) -> Colour:
    angle, radius = generator.uniform(0, 2 * np.pi), generator.uniform(0.30, 0.42)
    spot = view.blob(0.55 * np.cos(angle), 0.55 * np.sin(angle), radius)
    light = np.array([1.0, 0.96, 0.88], np.float32) * np.float32(generator.uniform(1.2, 1.6))
    return np.asarray(field + spot[..., None] * light)


def _haze(field: Colour, view: Grid, generator: np.random.Generator) -> Colour:
    veil = np.float32(generator.uniform(0.58, 0.80))
    milk = np.array([0.62, 0.55, 0.48], np.float32)
    return np.asarray(view.blurred(field, 0.016) * (1 - veil) + milk * veil)


def _shadow(field: Colour, view: Grid, generator: np.random.Generator) -> Colour:
    angle, edge = generator.uniform(0, 2 * np.pi), generator.uniform(-0.25, 0.05)
    along = view.x * np.float32(np.cos(angle)) + view.y * np.float32(np.sin(angle))
    lit = 1 / (1 + np.exp((along - np.float32(edge)) * np.float32(9)))
    return np.asarray(field * (np.float32(0.06) + np.float32(0.94) * lit)[..., None])


def _lashes(field: Colour, view: Grid, generator: np.random.Generator) -> Colour:
    lash = fill([np.stack([_lash(generator) for _ in range(16)])], view.size, view.zoom)
    lid = 1 / (1 + np.exp((np.float32(-0.45) - view.y) * np.float32(10)))
    cover = view.blurred(lash, 0.012) * np.float32(0.92)
    return np.asarray(field * ((1 - cover) * (np.float32(0.35) + np.float32(0.65) * lid))[..., None])


def _lash(generator: np.random.Generator) -> Floats:
    """Return one lash from above the field as a tapered ribbon (24 x 2)."""
    u = np.linspace(0, 1, 12)
    root, lean, length = generator.uniform(-0.9, 0.9), generator.normal(0, 0.3), generator.uniform(0.6, 1.1)
    x, y = root + lean * u + 0.25 * lean * u**2, -1.05 + length * u
    half = 0.020 * (1 - u) + 0.003
    left, right = np.column_stack([x - half, y]), np.column_stack([x + half, y])
    return np.concatenate([left, right[::-1]])


def _cut_field(field: Colour, view: Grid, generator: np.random.Generator) -> Colour:
    angle, edge = generator.uniform(0, 2 * np.pi), generator.uniform(0.0, 0.25)
    along = view.x * np.float32(np.cos(angle)) + view.y * np.float32(np.sin(angle))
    return np.asarray(field * np.clip((np.float32(edge) - along) * 60, 0, 1)[..., None])


DEFECTS: Mapping[str, Callable[[Colour, Grid, np.random.Generator], Colour]] = MappingProxyType(
    {
        "blur": lambda field, view, generator: view.blurred(field, generator.uniform(0.020, 0.045)),
        "dark": lambda field, view, generator: np.asarray(field * np.float32(generator.uniform(0.10, 0.22))),
        "glare": _glare,
        "haze": _haze,
        "shadow": _shadow,
        "lashes": _lashes,
        "cut_field": _cut_field,
    }
)
"""Every defect by the word that the truth table records."""
