"""The vascular tree: arcades, nasal trunks and two generations of side branches, as ribbons and as masks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_core.records import Floats
from fundus_core.synthetic.anatomy import Anatomy

Plane = NDArray[np.float32]
"""Size x size, float32."""

MASK_GRID = 1024
"""Pixels on which shapes are drawn before they are resized: anti-aliasing widens them alike at any size."""

_SHIFT = 6
_TAPER = 0.66
_FOVEAL_ZONE = 0.24
_GATE_WIDTH = 0.25


@dataclass(frozen=True, slots=True)
class Vessels:
    """A generation of k vessels, each of n points; lengths in radii of the field."""

    path: Floats
    """k x n x 2 points, x and y."""
    width: Floats
    """k x n widths."""
    artery: NDArray[np.bool_]
    """k: arteriole or venule."""

    def outlines(self, share: float = 1.0) -> Floats:
        """Return closed polygons (k x 2n x 2) that cover that share of the width."""
        side = _normals(self.path) * (self.width * share / 2)[..., None]
        return np.concatenate([self.path + side, (self.path - side)[:, ::-1]], axis=1)

    def only(self, which: NDArray[np.bool_]) -> Vessels:
        """Return the vessels (k of booleans) that are chosen."""
        return Vessels(self.path[which], self.width[which], self.artery[which])


@dataclass(frozen=True, slots=True)
class Masks:
    """Coverage 0..1, size x size each."""

    venules: Plane
    """Where venules are."""
    arterioles: Plane
    """Where arterioles are."""
    reflex: Plane
    """The bright line along the middle of arterioles."""


def tree(anatomy: Anatomy, generator: np.random.Generator) -> tuple[Vessels, ...]:
    """Grow every vessel of one eye, a generation at a time.

    The generator is asked the same questions whatever the anatomy: changing one z moves nothing else.
    """
    trunks = _wind(_trunks(anatomy, generator), anatomy, generator)
    branches = _wind(_sprout(trunks, 7, (0.34, 0.62), anatomy, generator), anatomy, generator)
    twigs = _wind(_sprout(branches, 3, (0.17, 0.31), anatomy, generator), anatomy, generator)
    return trunks, branches, twigs


def masks(generations: Sequence[Vessels], size: int, zoom: float) -> Masks:
    """Draw vessels on ``size`` x ``size`` pixels; ``zoom`` enlarges them about the field's centre."""
    venules = [vessels.only(~vessels.artery) for vessels in generations]
    arterioles = [vessels.only(vessels.artery) for vessels in generations]
    return Masks(
        fill([vessels.outlines() for vessels in venules], size, zoom),
        fill([vessels.outlines() for vessels in arterioles], size, zoom),
        fill([vessels.outlines(0.36) for vessels in arterioles], size, zoom),
    )


def fill(polygons: Iterable[Floats], size: int, zoom: float) -> Plane:
    """Return the coverage 0..1 (size x size) of polygons (each k x n x 2) given in radii of the field."""
    canvas = np.zeros((MASK_GRID, MASK_GRID), np.uint8)
    for batch in polygons:
        for points in np.rint(((batch * zoom + 1) * MASK_GRID / 2 - 0.5) * 2**_SHIFT).astype(np.int32):
            cv2.fillPoly(canvas, [points], 255, cv2.LINE_AA, _SHIFT)
    way = cv2.INTER_AREA if size < MASK_GRID else cv2.INTER_LINEAR
    small = cv2.resize(canvas, (size, size), interpolation=way)
    return small.astype(np.float32) / np.float32(255)


def _trunks(anatomy: Anatomy, generator: np.random.Generator) -> Vessels:
    """Return the eight trunks: for venules and arterioles an arcade and a nasal trunk, above and below."""
    u = np.linspace(0, 1, 48)
    paths, widths, arteries = [], [], []
    for artery, side in ((False, -1), (False, 1), (True, -1), (True, 1)):
        lane = -1.0 if artery else 1.0
        width = anatomy.arteriole_width if artery else anatomy.venule_width
        height = anatomy.arcade * (1 + 0.09 * lane) * (1 + generator.normal(0, 0.015))
        bulge = 0.045 * lane * np.sin(np.pi * u) + 0.05 * np.sin(np.pi * np.minimum(1, 2.4 * u))
        x = bulge - generator.uniform(1.42, 1.55) * u**2 + 0.012 * lane
        y = height * (1 - (1 - u) ** 2.3) * (1 - 0.30 * u**3)
        rise = generator.uniform(0.42, 0.56) - 0.11 * lane
        nasal = 0.10 * u + 0.62 * u**1.5, rise * (u + 0.35 * u * (1 - u)) + 0.01
        paths += [np.column_stack([x, side * y]), np.column_stack([nasal[0], side * nasal[1]])]
        widths += [width * (1 - _TAPER * u), 0.60 * width * (1 - _TAPER * u)]
        arteries += [artery, artery]
    disc = np.array([anatomy.disc_x, anatomy.disc_y])
    return Vessels(np.stack(paths) + disc, np.stack(widths), np.array(arteries))


def _sprout(
    parents: Vessels,
    count: int,
    lengths: tuple[float, float],
    anatomy: Anatomy,
    generator: np.random.Generator,
) -> Vessels:
    """Return ``count`` side branches of every parent, on either side by turns."""
    shape = (len(parents.path), count)
    starts = ((np.arange(count) + generator.uniform(0.25, 0.75, shape)) / count * 0.86 + 0.10).ravel()
    side = np.where((np.arange(count) + generator.integers(2, size=(shape[0], 1))) % 2, 1.0, -1.0).ravel()
    draw = generator.uniform(0, 1, (5, shape[0] * count))
    artery = np.repeat(parents.artery, count)
    gate = np.where(artery, _gate(draw[0] * 1.25, anatomy.branching), 1.0)
    u = np.linspace(0, 1, 18)
    origin, heading, width = _leave(parents, np.repeat(np.arange(shape[0]), count), starts)
    bend = -side * (0.2 + 0.7 * draw[1])
    turned = (heading + side * (0.5 + 0.45 * draw[2]))[:, None] + bend[:, None] * u
    length = (lengths[0] + (lengths[1] - lengths[0]) * draw[3]) * (0.4 + 0.6 * gate)
    steps = np.stack([np.cos(turned), np.sin(turned)], axis=-1) * (length / 17)[:, None, None]
    path = origin[:, None] + np.cumsum(steps, axis=1) - steps[:, :1]
    caliber = width * (0.40 + 0.16 * draw[4]) * gate
    return Vessels(_around_fovea(path, anatomy), caliber[:, None] * (1 - _TAPER * u), artery)


def _leave(parents: Vessels, parent: NDArray[np.intp], starts: Floats) -> tuple[Floats, Floats, Floats]:
    """Return where on their parents branches start (m x 2), the parents' heading (m) and width (m) there."""
    index = np.minimum((starts * (parents.path.shape[1] - 1)).astype(np.intp), parents.path.shape[1] - 2)
    origin = parents.path[parent, index]
    ahead = parents.path[parent, index + 1] - origin
    return origin, np.arctan2(ahead[:, 1], ahead[:, 0]), parents.width[parent, index]


def _gate(rank: Floats, branching: float) -> Floats:
    """Return how open side branches are, 0..1: smooth in the branching, so that pictures change smoothly."""
    return np.clip((branching - rank) / _GATE_WIDTH + 0.5, 0, 1)


def _around_fovea(path: Floats, anatomy: Anatomy) -> Floats:
    """Push paths (k x n x 2) out of the zone without vessels about the fovea."""
    offset = path - [anatomy.fovea_x, anatomy.fovea_y]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    push = np.maximum(0, _FOVEAL_ZONE - distance) * 0.75 / np.maximum(distance, 0.02)
    return np.asarray(path + offset * push[..., None])


def _wind(vessels: Vessels, anatomy: Anatomy, generator: np.random.Generator) -> Vessels:
    """Add the lateral swing of tortuosity: two waves that start from nothing."""
    step = np.diff(vessels.path, axis=1)
    arc = np.pad(np.cumsum(np.hypot(step[..., 0], step[..., 1]), axis=1), ((0, 0), (1, 0)))
    swing = np.zeros_like(arc)
    for low, high in ((0.26, 0.36), (0.13, 0.19)):
        wavelength = generator.uniform(low, high, (len(arc), 1))
        phase = generator.uniform(0, 2 * np.pi, (len(arc), 1))
        swing += wavelength / (2 * np.pi) * np.sin(2 * np.pi * arc / wavelength + phase)
    swing *= np.minimum(1, arc / 0.12) * anatomy.tortuosity
    return Vessels(vessels.path + _normals(vessels.path) * swing[..., None], vessels.width, vessels.artery)


def _normals(path: Floats) -> Floats:
    """Return the unit normals of paths (k x n x 2)."""
    tangent = np.empty_like(path)
    tangent[:, 1:-1] = path[:, 2:] - path[:, :-2]
    tangent[:, 0], tangent[:, -1] = path[:, 1] - path[:, 0], path[:, -1] - path[:, -2]
    length = np.maximum(np.hypot(tangent[..., 0], tangent[..., 1]), 1e-9)
    return np.stack([-tangent[..., 1] / length, tangent[..., 0] / length], axis=-1)
