"""What goes wrong at the camera: seven defects, each milder or worse from photograph to photograph."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fundus_core.errors import UsageError
from fundus_core.records import Floats
from fundus_core.synthetic.tissue import Colour, Grid
from fundus_core.synthetic.vessels import fill


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
