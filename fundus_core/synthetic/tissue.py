"""The back of the eye as reflectance: base colour times exp(-optical density), float32, before any camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.synthetic.anatomy import Anatomy
from fundus_core.synthetic.vessels import Plane, Vessels, fill, masks

Colour = NDArray[np.float32]
"""Size x size x 3, RGB reflectance, 0 to about 1."""


def _rgb(red: float, green: float, blue: float) -> NDArray[np.float32]:
    return np.array([red, green, blue], np.float32)


BACKGROUND = _rgb(0.82, 0.39, 0.20)
DISC = _rgb(0.97, 0.0, 0.36)
"""Colour of the disc's rim; its green is a signal."""
CUP = _rgb(1.0, 0.88, 0.66)
SCLERA = _rgb(0.95, 0.68, 0.42)
EXUDATE = _rgb(0.98, 0.82, 0.42)
MELANIN = _rgb(0.45, 0.8, 0.7)
CHOROID = _rgb(0.32, 1.0, 0.9)
XANTHOPHYLL = _rgb(0.32, 0.9, 1.25)
FIBRES = _rgb(0.20, 1.0, 1.2)
LENS = _rgb(0.02, 0.33, 1.0)
VENOUS = _rgb(0.42, 1.0, 0.72)
ARTERIAL = _rgb(0.12, 1.0, 0.75)
BLOOD = _rgb(0.4, 1.0, 0.7)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where each pixel looks at, in radii of the field."""

    x: Plane
    """Size x size, growing nasally."""
    y: Plane
    """Size x size, growing downward."""
    zoom: float
    """How much larger the camera shows the eye; 1 is 45 degrees."""

    @property
    def size(self) -> int:
        """Pixels across the field."""
        return len(self.x)

    def distance(self, x: float, y: float) -> Plane:
        """Return the distance of every pixel from a point."""
        return np.asarray(np.hypot(self.x - np.float32(x), self.y - np.float32(y)))

    def blob(self, x: float, y: float, radius: float) -> Plane:
        """Return a Gaussian of height 1 whose standard deviation is the radius."""
        squared = (self.x - np.float32(x)) ** 2 + (self.y - np.float32(y)) ** 2
        return np.asarray(np.exp(squared * np.float32(-0.5 / radius**2)))

    def blurred(self, plane: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
        """Blur by a Gaussian of that standard deviation in radii of the field."""
        sigma = radius * self.zoom * self.size / 2
        if sigma < 0.2:
            return plane
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def grid(size: int, zoom: float) -> Grid:
    """Return the grid of a field of ``size`` pixels."""
    line = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32) / np.float32(zoom)
    x, y = np.meshgrid(line, line)
    return Grid(x, y, zoom)


def cloud(generator: np.random.Generator, cells: int, view: Grid) -> Plane:
    """Return smooth noise of standard deviation about 1, ``cells`` across two radii, the same at any size."""
    coarse = generator.standard_normal((cells, cells)).astype(np.float32)
    x, y = (((axis + 1) / 2 * cells - 0.5).astype(np.float32) for axis in (view.x, view.y))
    return np.asarray(cv2.remap(coarse, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.float32)


def paint(anatomy: Anatomy, vessels: tuple[Vessels, ...], view: Grid, generator: np.random.Generator) -> Colour:
    """Return the reflectance of one right eye, seen as the grid says, with its vessels by generation.

    The generator draws skin colour and the course of the choroid's pattern, which tell nothing of z.
    """
    tissue = _background(anatomy, view, generator)
    tissue = _disc(tissue, anatomy, view, generator)
    tissue *= np.exp(-_vessel_density(anatomy, vessels, view))
    tissue = _lesions(tissue, anatomy, view, generator)
    tissue *= np.exp(LENS * np.float32(-anatomy.lens))
    return view.blurred(tissue, 0.0022)


def _background(anatomy: Anatomy, view: Grid, generator: np.random.Generator) -> Colour:
    """Return pigment epithelium, choroid, macula and nerve fibres."""
    melanin = np.float32(generator.normal(0.0, 0.10)) + np.float32(0.05) * cloud(generator, 5, view)
    macula = view.blob(anatomy.fovea_x, anatomy.fovea_y, anatomy.macula_radius)
    pit = view.blob(anatomy.fovea_x, anatomy.fovea_y, 0.055)
    choroid = _choroid(view, generator) * (1 - np.float32(0.75) * macula) * np.float32(anatomy.tessellation)
    pigment = macula * np.float32(anatomy.macula_density) + pit * np.float32(anatomy.pit)
    density = melanin[..., None] * MELANIN + choroid[..., None] * CHOROID + pigment[..., None] * XANTHOPHYLL
    shine = _fibres(anatomy, view, generator) * np.float32(anatomy.sheen) + _ring(anatomy, view)
    density -= shine[..., None] * FIBRES
    return np.asarray(BACKGROUND * np.exp(-density))


def _choroid(view: Grid, generator: np.random.Generator) -> Plane:
    """Return the choroid's network, mean about 0: pale vessels between dark pigment, stronger outside."""
    bend = cloud(generator, 7, view), cloud(generator, 7, view)
    warped = Grid(view.x + np.float32(0.05) * bend[0], view.y + np.float32(0.05) * bend[1], view.zoom)
    coarse, fine = cloud(generator, 20, warped), cloud(generator, 34, warped)
    ridges = np.exp(np.abs(coarse) * -2.2) + np.float32(0.6) * np.exp(np.abs(fine) * -2.2)
    outward = np.float32(0.55) + np.float32(0.6) * (view.x**2 + view.y**2)
    return np.asarray((np.float32(0.70) - ridges) * outward)


def _fibres(anatomy: Anatomy, view: Grid, generator: np.random.Generator) -> Plane:
    """Return the nerve fibre layer's sheen 0..1: two bundles arching from the disc, finely striped."""
    x, y = view.x - np.float32(anatomy.disc_x), view.y - np.float32(anatomy.disc_y)
    distance = np.hypot(x, y)
    # The term of the distance bends the bundles from the disc towards the fovea.
    angle = np.arctan2(np.abs(y), -x + np.float32(0.35) * distance)
    stripes = generator.standard_normal(160).astype(np.float32)
    position = ((np.sign(y) * angle / np.float32(np.pi) + 1) * 79).astype(np.float32)
    stripe = cv2.remap(stripes[None], position, np.zeros_like(position), cv2.INTER_CUBIC)
    bundle = np.exp(-(((angle - np.float32(1.15)) / np.float32(0.42)) ** 2))
    reach = np.exp(-((distance / np.float32(0.55)) ** 2)) * np.minimum(1, distance / np.float32(0.1))
    return np.asarray(bundle * reach * np.clip(np.float32(1) + np.float32(0.30) * stripe, 0, 2))


def _ring(anatomy: Anatomy, view: Grid) -> Plane:
    """Return the reflex of the retina's slope about the fovea, brighter above and below."""
    off = (view.distance(anatomy.fovea_x, anatomy.fovea_y) - np.float32(0.165)) / np.float32(0.022)
    tall = np.abs(view.y - np.float32(anatomy.fovea_y)) * np.float32(2.2)
    return np.asarray(np.exp(off * off * np.float32(-0.5)) * (np.float32(0.7) + tall) * np.float32(anatomy.ring))


def _disc(tissue: Colour, anatomy: Anatomy, view: Grid, generator: np.random.Generator) -> Colour:
    """Lay the pale crescent, the dark border, the rim and the cup over the tissue."""
    tall, wide = anatomy.disc_radius * anatomy.oval**0.5, anatomy.disc_radius / anatomy.oval**0.5
    x, y = anatomy.disc_x, anatomy.disc_y
    shift = anatomy.atrophy * 0.75
    mottle = np.clip(np.float32(0.80) + np.float32(0.10) * cloud(generator, 60, view), 0, 1)
    crescent = _ellipse(view, x - shift, y, wide + anatomy.atrophy * 0.45, tall + anatomy.atrophy * 0.1, 0.012)
    tissue = _over(tissue, SCLERA, crescent * mottle)
    border = _ellipse(view, x, y, wide + 0.012, tall + 0.012, 0.012)
    tissue *= 1 - (border * np.float32(0.10))[..., None]
    rim = DISC + _rgb(0, anatomy.rim, 0)
    inside = _ellipse(view, x, y, wide, tall, 0.010)
    shade = np.clip(np.float32(0.96) - np.float32(0.55) * (view.x - np.float32(x)), 0.8, 1.05)
    tissue = _over(tissue, rim, inside, shade)
    hollow = _ellipse(view, x - 0.022, y + 0.004, wide * anatomy.cup, tall * anatomy.cup, 0.020)
    return _over(tissue, CUP, hollow * np.float32(0.92))


def _ellipse(view: Grid, x: float, y: float, wide: float, tall: float, soft: float) -> Plane:
    """Return an ellipse of those half axes, 1 inside, 0 outside, with an edge of that softness."""
    level = np.hypot((view.x - np.float32(x)) / np.float32(wide), (view.y - np.float32(y)) / np.float32(tall))
    edge = np.clip((1 - level) * np.float32(min(wide, tall) / (2 * soft)) + np.float32(0.5), 0, 1)
    return np.asarray(edge * edge * (3 - 2 * edge))


def _over(tissue: Colour, colour: NDArray[np.float32], cover: Plane, shade: Plane | None = None) -> Colour:
    """Return the tissue with a colour laid over it where ``cover`` is 1."""
    painted = colour if shade is None else shade[..., None] * colour
    return np.asarray(tissue + (painted - tissue) * cover[..., None])


def _vessel_density(anatomy: Anatomy, vessels: tuple[Vessels, ...], view: Grid) -> Colour:
    """Return the optical density of all vessels, less the light reflex of arterioles."""
    drawn = masks(vessels, view.size, view.zoom)
    venules = view.blurred(drawn.venules, 0.0028) * np.float32(anatomy.venule_density)
    arterioles = view.blurred(drawn.arterioles, 0.0028) * np.float32(anatomy.arteriole_density)
    reflex = view.blurred(drawn.reflex, 0.0020) * np.float32(anatomy.reflex)
    return np.asarray(venules[..., None] * VENOUS + arterioles[..., None] * ARTERIAL - reflex[..., None] * FIBRES)


def _lesions(tissue: Colour, anatomy: Anatomy, view: Grid, generator: np.random.Generator) -> Colour:
    """Lay yellow exudates and red microaneurysms; all eyes have the same many, most too small to be seen."""
    yellow = _scatter(anatomy, generator, 14, 0.12, 0.52)
    red = _scatter(anatomy, generator, 12, 0.20, 0.70)
    exudates = view.blurred(fill(_dots(yellow, anatomy.lesion, generator), view.size, view.zoom), 0.003)
    spots = view.blurred(fill(_dots(red, anatomy.lesion * 0.8, generator), view.size, view.zoom), 0.003)
    tissue = _over(tissue, EXUDATE, exudates * np.float32(0.85))
    return np.asarray(tissue * np.exp(-(spots * np.float32(0.7))[..., None] * BLOOD))


def _scatter(anatomy: Anatomy, generator: np.random.Generator, count: int, near: float, far: float) -> Floats:
    """Return ``count`` places (n x 2) in a ring about the fovea, on its side away from the disc."""
    radius = np.sqrt(generator.uniform(near**2, far**2, count))
    angle = generator.uniform(0.45 * np.pi, 1.55 * np.pi, count)
    return np.column_stack([anatomy.fovea_x + radius * np.cos(angle), anatomy.fovea_y + radius * np.sin(angle)])


def _dots(places: Floats, radius: float, generator: np.random.Generator) -> list[Floats]:
    """Return 12-gons (one k x 12 x 2 array) about every place, of radii that differ by half."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    sizes = radius * generator.uniform(0.55, 1.45, len(places))
    return [places[:, None] + circle * sizes[:, None, None]]
