"""Disease, haze and casts are no reason for a refusal; a piece of a field is no whole one."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from fundus_core import retina
from fundus_core.quality.view import Plane
from fundus_core.records import Pixels, RetinaBounds
from tests.kinds.pictures import SAMPLE, SHARED, looked, small


def spots(pixels: Pixels, colours: list[tuple[int, int, int]], number: int, sizes: tuple[float, float]) -> Pixels:
    bounds, generator = retina.find(pixels), np.random.default_rng(number)
    spoilt = pixels.copy()
    for at in range(number):
        angle, away = generator.uniform(0, 2 * math.pi), 0.8 * bounds.radius * math.sqrt(generator.random())
        middle = (round(bounds.cx + away * math.cos(angle)), round(bounds.cy + away * math.sin(angle)))
        size = max(round(bounds.radius * generator.uniform(*sizes)), 2)
        cv2.circle(spoilt, middle, size, colours[at % len(colours)], -1, cv2.LINE_AA)
    spoilt = cv2.GaussianBlur(spoilt, (0, 0), 1.0)
    return np.where(retina.mask(bounds)[..., None], spoilt, pixels).astype(np.uint8)


def hazy(pixels: Pixels) -> Pixels:
    inside = retina.mask(retina.find(pixels))[..., None]
    return np.where(inside, 0.55 * pixels + np.array([70, 62, 50]), pixels).astype(np.uint8)


def veiled(pixels: Pixels, left: float) -> Pixels:
    inside = retina.mask(retina.find(pixels))[..., None]
    return np.where(inside, left * pixels + (1 - left) * np.array([190, 170, 130]), pixels).astype(np.uint8)


def lit(pixels: Pixels, light: Callable[[Plane, Plane], Plane], colour: tuple[int, int, int]) -> Pixels:
    """Add light to a field; how much, is told by the place in radii from its middle."""
    bounds = retina.find(pixels)
    y, x = (np.mgrid[: pixels.shape[0], : pixels.shape[1]] - np.array([bounds.cy, bounds.cx])[:, None, None]) / (
        bounds.radius
    )
    share = np.where(retina.mask(bounds), light(x, y), 0.0)[..., None]
    return np.clip(pixels + share * np.array(colour), 0, 255).astype(np.uint8)


def reflex(pixels: Pixels, x: float, y: float, radius: float) -> Pixels:
    """A soft white light anywhere."""
    return lit(pixels, lambda u, v: np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * radius**2)), (255, 245, 225))


def crescent(pixels: Pixels, turn: float, strength: float) -> Pixels:
    """Light from the iris along a part of the rim, where the camera stood aside."""

    def light(u: Plane, v: Plane) -> Plane:
        along = np.clip(4 * (u * math.cos(turn) + v * math.sin(turn) - 0.2), 0, 1)
        return np.asarray(strength * along * np.exp(-(((np.hypot(u, v) - 0.95) / 0.12) ** 2)))

    return lit(pixels, light, (245, 232, 225))


def cast(red: float, green: float, blue: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.clip(pixels * np.array([red, green, blue]), 0, 255).astype(np.uint8)


SICK: dict[str, Callable[[Pixels], Pixels]] = {
    "haemorrhages": lambda pixels: spots(pixels, [(95, 14, 12)], 25, (0.01, 0.08)),
    "one large haemorrhage": lambda pixels: spots(pixels, [(90, 12, 10)], 1, (0.35, 0.4)),
    "several large haemorrhages": lambda pixels: spots(pixels, [(85, 14, 8), (105, 20, 12)], 5, (0.08, 0.18)),
    "large haemorrhages": lambda pixels: spots(pixels, [(70, 8, 5), (100, 16, 10)], 3, (0.12, 0.25)),
    "exudates": lambda pixels: spots(pixels, [(245, 220, 130)], 60, (0.01, 0.05)),
    "laser scars": lambda pixels: spots(pixels, [(225, 190, 120), (60, 35, 25)], 120, (0.02, 0.03)),
    "many laser scars": lambda pixels: spots(pixels, [(225, 190, 120), (60, 35, 25)], 250, (0.02, 0.035)),
    "pigment": lambda pixels: spots(pixels, [(20, 15, 12)], 120, (0.015, 0.05)),
    "massive exudates": lambda pixels: spots(pixels, [(250, 225, 140)], 40, (0.06, 0.16)),
    "black haemorrhages": lambda pixels: spots(pixels, [(40, 8, 6)], 2, (0.2, 0.25)),
    "haze": hazy,
    "dense haze": lambda pixels: veiled(pixels, 0.45),
    "cataract": lambda pixels: veiled(cv2.GaussianBlur(pixels, (0, 0), 2.0), 0.5),
    "dark": cast(0.45, 0.45, 0.45),
    "bluish cast": cast(0.8, 0.95, 1.4),
    "greenish cast": cast(0.75, 1.15, 1.0),
    "reddish cast": cast(1.2, 0.75, 0.6),
}

LIT: dict[str, Callable[[Pixels], Pixels]] = {
    "small reflex": lambda pixels: reflex(pixels, 0.3, -0.3, 0.1),
    "reflex": lambda pixels: reflex(pixels, -0.5, 0.2, 0.2),
    "large reflex": lambda pixels: reflex(pixels, 0.0, 0.4, 0.35),
    "reflex everywhere": lambda pixels: reflex(pixels, 0.1, 0.0, 0.5),
    "crescent": lambda pixels: crescent(pixels, 0.5, 0.5),
    "faint crescent": lambda pixels: crescent(pixels, 2.5, 0.3),
    "bright crescent": lambda pixels: crescent(pixels, 4.2, 0.9),
}


@pytest.mark.parametrize("name", LIT)
def test_stray_light_makes_no_other_picture_of_a_photograph(eyes: list[Pixels], name: str) -> None:
    """Half of 128 with a reflex were said to be a heat map once, and a fifth of 64 with a crescent a piece."""
    assert not {looked(LIT[name](eye))[1].kind for eye in eyes} & {"heat_map", "disc_crop", "other"}


@pytest.mark.parametrize("name", SICK)
def test_disease_and_casts_are_no_reason_for_a_refusal(eyes: list[Pixels], name: str) -> None:
    refused = [report.refusal for report in (looked(SICK[name](eye))[1] for eye in eyes)]
    assert refused == [None] * len(eyes)


def test_laser_scars_do_not_make_a_photograph_contrast_normalised(eyes: list[Pixels]) -> None:
    for name in ("laser scars", "many laser scars"):
        assert "contrast_normalised" not in {looked(SICK[name](eye))[1].kind for eye in eyes}


def piece(pixels: Pixels, x: float, y: float, width: float, surround: int | None) -> Pixels:
    """A square around a place, all as shares of the photograph's width, 400 pixels wide, or its circle alone."""
    middle, half = (round(x * pixels.shape[1]), round(y * pixels.shape[1])), round(width * pixels.shape[1] / 2)
    left, top = (max(at - half, 0) for at in middle)
    cut = cv2.resize(pixels[top : middle[1] + half, left : middle[0] + half], (400, 400), interpolation=cv2.INTER_CUBIC)
    if surround is None:
        return np.asarray(cut, np.uint8)
    inside = retina.mask(RetinaBounds(200, 200, 196, 400, 400))[..., None]
    return np.where(inside, cut, surround).astype(np.uint8)


@pytest.mark.parametrize("surround", [None, 0, 255])
@pytest.mark.parametrize(("name", "x", "y", "disc"), [("46", 0.768, 0.423, 0.152), ("06", 0.75, 0.39, 0.162)])
def test_a_piece_around_the_disc_is_a_part_of_a_field(
    name: str, x: float, y: float, disc: float, surround: int | None
) -> None:
    path = SHARED / "real_fundus" / f"idrid__IDRiD_{name}.jpg"
    if not path.exists():
        pytest.skip("The real photographs lie beside the project, not in it, and are absent here.")
    pixels = small(path, 640)
    for discs in (1.6, 2.2, 3.0 if surround is not None else 1.9):
        assert looked(piece(pixels, x, y, discs * disc, surround))[1].kind == "disc_crop"


@pytest.mark.parametrize("surround", [0, 255])
@pytest.mark.parametrize("name", ["P0001_R.jpg", "P0031_R.jpg"])
def test_a_round_piece_of_a_rendered_eye_is_no_whole_field(name: str, surround: int) -> None:
    pixels = small(SAMPLE / "photographs" / name, 368)
    bounds = retina.find(pixels)
    for x, y, width in ((0.49, -0.02, 0.8), (-0.17, 0.05, 0.6)):
        there = [(bounds.cx + x * bounds.radius) / 368, (bounds.cy + y * bounds.radius) / 368]
        report = looked(piece(pixels, *there, width * bounds.radius / 368, surround))[1]
        assert not report.gradable
