"""The field of view: found on drawn discs whose circle is known, cut out, and mapped back."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fundus_core import retina
from fundus_core.errors import UsageError
from fundus_core.records import Eye, Pixels, RetinaBounds
from fundus_core.retina import backgrounds, circles
from fundus_core.retina.circles import Circle, consensus, least_squares, through_three
from fundus_core.synthetic.camera import CAMERAS, expose, field_pixels
from fundus_core.synthetic.render import eye_seed

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "real_fundus"
SAMPLE = ROOT / "data" / "sample"


def drawn(*how: object, **more: object) -> Pixels:
    """A textured reddish disc with a bright spot and dark lines, its circle known to a fraction of a pixel."""
    return _disc(*how, **more).copy()


@cache
def _disc(
    width: int = 640,
    height: int = 480,
    circle: tuple[float, float, float] = (320.0, 240.0, 225.0),
    border: tuple[int, int, int] = (0, 0, 0),
    dim: float = 1.0,
) -> Pixels:
    cx, cy, radius = circle
    y, x = np.mgrid[:height, :width] + 0.5
    far = np.hypot(x - cx, y - cy) / radius
    shade = 0.75 + 0.15 * np.sin(3 * x / radius) * np.cos(4 * y / radius) - 0.2 * far**2
    retina_colour = np.array([215.0, 110.0, 60.0]) * shade[..., None]
    for turn in range(8):
        angle = turn * np.pi / 4
        across = (x - cx) * np.sin(angle) - (y - cy) * np.cos(angle) + 0.08 * radius * np.sin(5 * far)
        retina_colour *= (1 - 0.35 * np.exp(-((across / (0.012 * radius)) ** 2)))[..., None]
    spot = np.hypot(x - cx - 0.4 * radius, y - cy) / radius
    retina_colour += np.array([30.0, 90.0, 70.0]) * np.exp(-((spot / 0.09) ** 2))[..., None]
    cover = np.clip((1 - far) * radius + 0.5, 0, 1)[..., None]
    mixed = cover * retina_colour * dim + (1 - cover) * np.array(border)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def overlap(bounds: RetinaBounds, circle: tuple[float, float, float]) -> float:
    """Intersection over union of two circles (lens area as in Weisstein, MathWorld: circle-circle intersection)."""
    d = math.hypot(bounds.cx - circle[0], bounds.cy - circle[1])
    a, b = bounds.radius, circle[2]
    if d <= abs(a - b):
        return min(a, b) ** 2 / max(a, b) ** 2
    if d >= a + b:
        return 0.0
    first = math.acos((d * d + a * a - b * b) / (2 * d * a))
    second = math.acos((d * d + b * b - a * a) / (2 * d * b))
    lens = a * a * (first - math.sin(2 * first) / 2) + b * b * (second - math.sin(2 * second) / 2)
    return lens / (math.pi * (a * a + b * b) - lens)


CIRCLE = (320.0, 240.0, 225.0)


@pytest.mark.parametrize(
    "border", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (20, 90, 200)], ids=["black", "white", "grey", "blue"]
)
def test_find_on_any_border(border: tuple[int, int, int]) -> None:
    bounds = retina.find(drawn(border=border))
    assert not bounds.whole_frame
    assert overlap(bounds, CIRCLE) > 0.985


@pytest.mark.parametrize("width", [300, 700, 1500, 6000])
def test_find_at_any_size(width: int) -> None:
    scale = width / 640
    pixels = cv2.resize(drawn(), (width, round(480 * scale)), interpolation=cv2.INTER_AREA if scale < 1 else 1)
    assert overlap(retina.find(pixels), (320 * scale, 240 * scale, 225 * scale)) > 0.985


def test_find_on_noisy_black_in_a_dim_picture() -> None:
    noise = np.random.default_rng(1).normal(5.0, 2.5, (480, 640, 3))
    pixels = np.clip(drawn(dim=0.25) + noise, 0, 255).astype(np.uint8)
    assert overlap(retina.find(pixels), CIRCLE) > 0.98


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_find_a_field_cut_by_a_black_bar(side: str) -> None:
    pixels = drawn()
    part = {"left": np.s_[:, :150], "top": np.s_[:70], "right": np.s_[:, 490:], "bottom": np.s_[410:]}[side]
    pixels[part] = 0
    bounds = retina.find(pixels)
    assert overlap(bounds, CIRCLE) > 0.98
    edge = {"left": 150, "top": 70, "right": 490, "bottom": 410}[side]
    assert getattr(bounds, side) == pytest.approx(edge, abs=4)
    others = {"left": 0.0, "top": 0.0, "right": math.inf, "bottom": math.inf}
    assert all(getattr(bounds, name) == value for name, value in others.items() if name != side)


@pytest.mark.parametrize("side", ["top", "bottom"])
@pytest.mark.parametrize("gap", [3, 6, 30])
@pytest.mark.parametrize("size", [0.5, 0.8, 1.2])
def test_writing_in_the_bar_within_the_circle_is_no_retina(side: str, gap: int, size: float) -> None:
    """A field cut flat and padded: a line of text in the narrow chord fills more than half of its row."""
    pixels = drawn(640, 640, (320.0, 320.0, 310.0))
    pixels[:80] = pixels[560:] = 0
    high = cv2.getTextSize("X", cv2.FONT_HERSHEY_SIMPLEX, size, 2)[0][1]
    base = 80 - gap if side == "top" else 560 + gap + high
    for at in range(6):
        cv2.putText(pixels, "QUUX ZEPHYRINA 19", (150 + at, base), cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 2)
    black = retina.mask_background(pixels, retina.find(pixels))
    assert not black[:76].any()
    assert not black[564:].any()
    assert black[90:550].any(axis=(1, 2)).all()


@pytest.mark.parametrize("canvas", [(0, 0, 0), (255, 255, 255), (90, 90, 90)])
def test_the_sides_of_a_trimmed_window_cut_the_field(canvas: tuple[int, int, int]) -> None:
    """A photograph without its caps on a wide canvas: beyond the window is canvas, not retina."""
    picture = drawn(640, 480, (320.0, 240.0, 300.0))
    pixels = cv2.copyMakeBorder(picture, 120, 120, 40, 40, cv2.BORDER_CONSTANT, value=canvas)
    bounds = retina.find(pixels)
    assert overlap(bounds, (360.0, 360.0, 300.0)) > 0.97
    assert (bounds.top, bounds.bottom) == pytest.approx((120, 600), abs=4)


def test_a_shadow_across_the_field_does_not_end_it() -> None:
    pixels = drawn()
    pixels[340:344, 120:420] = 0
    assert retina.find(pixels).bottom == math.inf


@pytest.mark.parametrize("window", [np.s_[60:420], np.s_[:, 150:600], np.s_[50:430, 120:520]], ids=str)
def test_find_a_field_cut_by_the_frame(window: tuple[slice, ...]) -> None:
    pixels = np.ascontiguousarray(drawn()[window])
    rows, columns = window if isinstance(window, tuple) else (window, slice(0, 640))
    expected = (320.0 - (columns.start or 0), 240.0 - (rows.start or 0), 225.0)
    assert overlap(retina.find(pixels), expected) > 0.98


def test_find_despite_notch_text_and_boxes() -> None:
    pixels = drawn()
    cv2.circle(pixels, (480, 82), 14, (200, 100, 60), -1)
    cv2.putText(pixels, "TARO 1950/01/01", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    pixels[400:, :140] = 255
    assert overlap(retina.find(pixels), CIRCLE) > 0.98


def test_find_within_a_white_canvas() -> None:
    pixels = cv2.copyMakeBorder(drawn(), 30, 90, 60, 20, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    assert overlap(retina.find(pixels), (380.0, 270.0, 225.0)) > 0.98


def test_find_follows_mirror_and_quarter_turn() -> None:
    pixels = drawn(circle=(300.0, 250.0, 215.0))
    mirrored = retina.find(np.ascontiguousarray(pixels[:, ::-1]))
    turned = retina.find(np.ascontiguousarray(np.rot90(pixels)))
    assert overlap(mirrored, (340.0, 250.0, 215.0)) > 0.985
    assert overlap(turned, (250.0, 340.0, 215.0)) > 0.985


@pytest.mark.parametrize("kind", ["flat", "noise", "stripes", "inside"])
def test_whole_frame_where_there_is_no_circle(kind: str) -> None:
    pixels = np.full((240, 320, 3), 120, np.uint8)
    if kind == "noise":
        pixels = np.random.default_rng(2).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    if kind == "stripes":
        pixels[:, ::20] = 0
    if kind == "inside":
        pixels = np.ascontiguousarray(drawn()[120:360, 180:460])
    bounds = retina.find(pixels)
    height, width = pixels.shape[:2]
    assert bounds.whole_frame
    assert (bounds.cx, bounds.cy, bounds.radius) == (width / 2, height / 2, math.hypot(width, height) / 2)
    assert retina.mask(bounds).all()


def test_find_is_repeatable_and_leaves_the_photograph_alone() -> None:
    pixels = drawn()
    before = pixels.copy()
    assert retina.find(pixels) == retina.find(pixels)
    assert np.array_equal(pixels, before)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_find_answers_for_any_array(height: int, width: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, generator.integers(1, 256), (height, width, 3), dtype=np.uint8)
    bounds = retina.find(pixels)
    assert (bounds.height, bounds.width) == (height, width)
    assert math.isfinite(bounds.cx + bounds.cy + bounds.radius)
    assert bounds.radius > 0


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)],
)
def test_find_says_what_it_was_given(wrong: Pixels) -> None:
    with pytest.raises(UsageError, match="must be height x width x 3 bytes"):
        retina.find(wrong)


BOUNDS = RetinaBounds(320.0, 240.0, 225.0, 640, 480)


def test_mask_has_the_area_of_the_circle() -> None:
    assert np.count_nonzero(retina.mask(BOUNDS)) == pytest.approx(math.pi * 225**2, rel=0.002)


def test_mask_equals_the_definition_pixel_by_pixel() -> None:
    bounds = RetinaBounds(31.3, 22.8, 25.1, 60, 50, left=12.0, top=5.0, right=51.5, bottom=44.2)
    y, x = np.mgrid[:50, :60] + 0.5
    expected = np.hypot(x - 31.3, y - 22.8) <= 25.1
    expected &= (x >= 12.0) & (x <= 51.5) & (y >= 5.0) & (y <= 44.2)
    assert np.array_equal(retina.mask(bounds), expected)


def test_black_out_removes_the_outside_and_nothing_else() -> None:
    pixels = drawn(border=(255, 255, 255))
    cv2.putText(pixels, "TARO", (5, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (1, 2, 3), 2)
    blacked = retina.mask_background(pixels, BOUNDS)
    inside = retina.mask(BOUNDS)
    assert not blacked[~inside].any()
    assert np.array_equal(blacked[inside], pixels[inside])
    assert np.array_equal(retina.mask_background(blacked, BOUNDS), blacked)
    assert pixels[0, 0, 0] == 255


@pytest.mark.parametrize("resample", sorted(retina.RESAMPLING))
def test_nothing_from_outside_reaches_the_crop(resample: str) -> None:
    pixels = drawn()
    bright = np.where(retina.mask(BOUNDS)[..., None], pixels, np.uint8(255))
    rule = retina.CropRule(96, resample, margin=0.1)
    on_black, on_white = retina.crop(pixels, BOUNDS, rule), retina.crop(bright, BOUNDS, rule)
    assert np.array_equal(on_black.pixels, on_white.pixels)
    assert on_black.pixels.shape == (96, 96, 3)
    assert not on_black.pixels[0].any()


def test_crop_averages_blocks_when_it_shrinks_by_area() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    bounds = RetinaBounds(200.0, 200.0, 200.0, 400, 400)
    crop = retina.crop(pixels, bounds, retina.CropRule(100))
    blocks = retina.mask_background(pixels, bounds).reshape(100, 4, 100, 4, 3).mean(axis=(1, 3))
    assert np.abs(crop.pixels - blocks).max() <= 0.51


@pytest.mark.parametrize("size", [60, 160, 200, 300, 450, 700])
def test_the_quick_way_looks_like_averaging(size: int) -> None:
    quick, area = (retina.crop(drawn(), BOUNDS, retina.CropRule(size, way)).pixels for way in ("quick", "area"))
    assert np.abs(quick.astype(int) - area).mean() < 1.5


@pytest.mark.parametrize("size", [1, 7, 160, 512, 1000])
def test_a_level_square_stays_level_in_any_size(size: int) -> None:
    assert np.array_equal(retina.shrunk(np.full((300, 300, 3), 77, np.uint8), size), np.full((size, size, 3), 77))


def test_the_distance_from_a_background_is_the_largest_of_the_channels() -> None:
    pixels = np.random.default_rng(4).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    pixels[:5], pixels[-5:] = (10, 200, 30), (10, 200, 30)
    found = list(backgrounds.candidates(pixels))
    assert found
    for background in found:
        away = np.abs(pixels - np.round(background.colour)).max(axis=2)
        np.testing.assert_array_equal(background.distance, away)


def test_crop_resizes_as_pillow_does() -> None:
    crop = retina.crop(drawn(), BOUNDS, retina.CropRule(128, "bicubic"))
    square = np.zeros((450, 450, 3), np.uint8)
    square[:] = retina.mask_background(drawn(), BOUNDS)[15:465, 95:545]
    expected = np.asarray(Image.fromarray(square).resize((128, 128), Image.Resampling.BICUBIC))
    assert np.array_equal(crop.pixels, expected)


@settings(max_examples=50, deadline=None)
@given(
    st.floats(-50, 700),
    st.floats(-50, 500),
    st.floats(20, 600),
    st.integers(1, 300),
    st.floats(0, 0.5),
    st.tuples(st.floats(0, 640), st.floats(0, 480)),
)
def test_the_way_back_from_the_crop(
    cx: float, cy: float, radius: float, size: int, margin: float, point: tuple[float, float]
) -> None:
    bounds = RetinaBounds(cx, cy, radius, 64, 48)
    crop = retina.crop(np.zeros((48, 64, 3), np.uint8), bounds, retina.CropRule(size, "area", margin))
    there_and_back = crop.to_photograph(crop.to_crop(np.array([point])))
    assert there_and_back[0] == pytest.approx(point, abs=1e-6)
    centre = crop.to_crop(np.array([[cx, cy]]))[0]
    assert centre == pytest.approx([size / 2, size / 2], abs=1.01 * max(crop.scale, 1e-9))


def test_a_mark_in_the_photograph_is_where_the_geometry_says() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[300:304, 400:404] = 255
    crop = retina.crop(pixels, BOUNDS, retina.CropRule(200, margin=0.05))
    weight = crop.pixels[..., 0].astype(float)
    y, x = np.mgrid[:200, :200] + 0.5
    found = np.array([[(x * weight).sum(), (y * weight).sum()]]) / weight.sum()
    assert crop.to_photograph(found)[0] == pytest.approx([402.0, 302.0], abs=0.25)


def test_the_cut_sides_are_black_in_the_crop() -> None:
    bounds = replace(BOUNDS, top=100.0)
    crop = retina.crop(drawn(), bounds, retina.CropRule(225))
    row = math.ceil(crop.to_crop(np.array([[320.0, 100.0]]))[0, 1])
    assert not crop.pixels[: row - 1].any()
    assert crop.pixels[row + 1].any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((0,), "1 px or more"), ((64, "nearest"), "area, bilinear, bicubic"), ((64, "area", -0.1), "between 0 and 1")],
)
def test_a_wrong_rule_is_refused(arguments: tuple[int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        retina.CropRule(*arguments)


def test_bounds_of_another_photograph_are_refused() -> None:
    with pytest.raises(UsageError, match="480 x 640"):
        retina.crop(np.zeros((10, 10, 3), np.uint8), BOUNDS, retina.CropRule(32))


def on_circle(circle: Circle, angles: np.ndarray) -> np.ndarray:
    return np.column_stack([circle.cx + circle.radius * np.cos(angles), circle.cy + circle.radius * np.sin(angles)])


def test_circle_through_three_points_and_through_a_line() -> None:
    # The right triangle (0,0) (6,0) (0,8) has its circumcentre in the middle of the hypotenuse.
    found = through_three(np.array([[[0.0, 0], [6, 0], [0, 8]], [[0.0, 0], [1, 1], [2, 2]]]))
    assert found[0] == pytest.approx([3.0, 4.0, 5.0])
    assert np.isnan(found[1]).any()


def test_consensus_and_least_squares_survive_outliers() -> None:
    truth = Circle(200.0, 150.0, 120.0)
    generator = np.random.default_rng(4)
    arc = on_circle(truth, generator.uniform(-1.2, 1.9, 160)) + generator.normal(0, 0.3, (160, 2))
    points = np.concatenate([arc, generator.uniform(0, 300, (80, 2))])
    guess = consensus(points, (300, 400), 60.0, 400.0)
    assert guess is not None
    fitted = least_squares(points, guess, 1.0)
    assert (fitted.cx, fitted.cy, fitted.radius) == pytest.approx((200.0, 150.0, 120.0), abs=0.4)


def test_agreement_is_that_of_distances_to_first_order() -> None:
    generator = np.random.default_rng(8)
    guesses, points = generator.uniform(60, 200, (40, 3)), generator.uniform(0, 384, (90, 2))
    off = ((points[:, 0] - guesses[:, :1]) ** 2 + (points[:, 1] - guesses[:, 1:2]) ** 2 - guesses[:, 2:] ** 2) / 2
    scale = guesses[:, 2:] * np.maximum(1.0, 0.008 * guesses[:, 2:])
    plain = np.maximum(1 - (off / scale) ** 2, 0).sum(axis=1)
    np.testing.assert_allclose(circles._agreement(guesses, points), plain, atol=0.02)


def test_too_few_points_make_no_circle() -> None:
    assert consensus(np.zeros((5, 2)), (300, 400), 60.0, 400.0) is None


def drawn_circle(row: dict[str, str]) -> tuple[float, float, float]:
    """The circle that a photograph of the sample was drawn with, from the seeds that drew it."""
    camera, side = CAMERAS[row["camera"]], Eye(row["eye"])
    seed = eye_seed(20250512, int(row["patient_id"][1:]) - 1, side)
    shift = expose(np.random.default_rng(np.random.SeedSequence(seed).spawn(6)[3])).shift
    height, diameter = round(368 * camera.scale), field_pixels(camera, 368)
    left = round((round(height * camera.aspect) - diameter) / 2 * (1 + shift[0]))
    top = round((height - diameter) / 2 * (1 + max(shift[1], -1) * (camera.cut >= 1)))
    return left + diameter / 2, top + diameter / 2, diameter / 2


def test_the_circles_of_rendered_eyes_are_those_they_were_drawn_with() -> None:
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["defect"] != "cut_field"][::6]
    found = [retina.find(np.asarray(Image.open(SAMPLE / "photographs" / row["photograph"]))) for row in rows]
    shares = [overlap(bounds, drawn_circle(row)) for bounds, row in zip(found, rows, strict=True)]
    assert len(shares) > 60
    assert np.median(shares) > 0.995
    assert min(shares) > 0.99


KNOWN = {
    "hrf__01_h.jpg": (1761.8, 1165.5, 1633.3),
    "idrid__IDRiD_24.jpg": (1705.0, 1411.0, 1707.5),
    "chasedb1-orig__CHASEDB1_08L.png": (494.2, 478.9, 446.4),
    "wikimedia-skimage__retina.jpg": (704.7, 703.5, 696.9),
}
"""Circles that were looked at as overlays; the four HRF photographs agree on the radius within 1 px."""


@pytest.mark.parametrize("name", KNOWN)
def test_real_photographs(name: str) -> None:
    path = REAL / name
    if not path.exists():
        pytest.skip("The real photographs lie beside the project, not in it, and are absent here.")
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert overlap(retina.find(pixels), KNOWN[name]) > 0.99
