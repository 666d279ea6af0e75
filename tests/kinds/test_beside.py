"""What stands beside or around a photograph (names, bars, captions) makes no panel of it; a page does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fundus_core import retina
from fundus_core.records import Pixels
from tests.kinds.pictures import in_box, looked


@pytest.mark.parametrize("side", ["left", "right", "above", "below"])
@pytest.mark.parametrize("colour", [255, 120])
def test_a_name_in_black_beside_the_field_makes_no_panel(eyes: list[Pixels], side: str, colour: int) -> None:
    for pixels in eyes:
        height, width = pixels.shape[:2]
        beyond = {"left": (0, 0, 160, 0), "right": (0, 0, 0, 160), "above": (60, 0, 0, 0), "below": (0, 60, 0, 0)}[side]
        wide = cv2.copyMakeBorder(pixels, *beyond, cv2.BORDER_CONSTANT)
        left, top = {"left": (20, 20), "right": (width + 20, 20), "above": (20, 10), "below": (20, height + 10)}[side]
        wide[top : top + 22, left : left + 80] = colour
        assert looked(np.asarray(wide, np.uint8))[1].refusal is None


@pytest.mark.parametrize("height", [0.06, 0.15])
def test_a_large_caption_beside_a_field_that_is_cut_makes_no_panel(eyes: list[Pixels], height: float) -> None:
    for pixels in eyes:
        flat = in_box(pixels, 0.15)
        tall, width = flat.shape[:2]
        wide = np.pad(flat, ((0, 0), (round(0.75 * width), 0), (0, 0)))
        for row in range(2):
            at = (4, round(height * tall * (1.4 + 1.6 * row)))
            cv2.putText(wide, "TARO 1956", at, cv2.FONT_HERSHEY_SIMPLEX, height * tall / 22, (255,) * 3, 2, cv2.LINE_AA)
        wide[-tall // 5 : -8, 8 : width // 3] = 255
        bounds, report = looked(wide)
        assert (report.refusal, bounds.radius) == (None, pytest.approx(retina.find(pixels).radius, rel=0.02))


@pytest.mark.parametrize("colour", [(255, 255, 255), (128, 128, 128), (20, 24, 70)], ids=str)
@pytest.mark.parametrize("side", [(0, 90), (70, 0), (60, 60)], ids=str)
def test_bars_of_any_colour_around_a_photograph_are_no_panel(
    eyes: list[Pixels], colour: tuple[int, int, int], side: tuple[int, int]
) -> None:
    for pixels in eyes[:2]:
        down, across = side
        canvas = cv2.copyMakeBorder(pixels, down, down, across, across, cv2.BORDER_CONSTANT, value=colour)
        bounds, report = looked(np.asarray(canvas, np.uint8))
        before = retina.find(pixels)
        assert report.refusal is None
        assert report.kind in {"colour", "padded"}
        assert (bounds.cx, bounds.cy) == pytest.approx((before.cx + across, before.cy + down), abs=3)


def bar(length: int, thickness: int, colour: tuple[int, int, int], *, upright: bool) -> Pixels:
    """A bar with a name, a day and a number on it."""
    height, width = (length, thickness) if upright else (thickness, length)
    plain, ink = np.full((height, width, 3), colour, np.uint8), 0 if sum(colour) > 300 else 255
    for line, words in enumerate(("TARO 12", "1956-03", "OD 45")[: max((height - 6) // 18, 1)]):
        cv2.putText(plain, words, (6, 18 * (line + 1)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (ink,) * 3, 1, cv2.LINE_AA)
    return plain


@pytest.mark.parametrize("colour", [(255, 255, 255), (128, 128, 128), (45, 45, 45), (20, 30, 90)], ids=str)
@pytest.mark.parametrize("side", ["left", "right", "above", "below"])
def test_a_bar_that_is_written_on_is_left_beside_the_photograph(
    eyes: list[Pixels], side: str, colour: tuple[int, int, int]
) -> None:
    for pixels in eyes[::2]:
        upright = side in {"left", "right"}
        beside = bar(pixels.shape[0 if upright else 1], 72 if upright else 40, colour, upright=upright)
        both = [beside, pixels] if side in {"left", "above"} else [pixels, beside]
        bounds, report = looked(np.concatenate(both, axis=1 if upright else 0))
        before = retina.find(pixels)
        x, y = (72 * (side == "left"), 40 * (side == "above"))
        assert report.refusal is None
        assert (bounds.cx, bounds.cy, bounds.radius) == pytest.approx(
            (before.cx + x, before.cy + y, before.radius), abs=3
        )


@pytest.mark.parametrize("share", [(0.3, 0.2), (0.5, 0.35), (0.6, 0.8)])
def test_a_label_of_any_size_in_black_beside_a_cut_field_makes_no_panel(
    eyes: list[Pixels], share: tuple[float, float]
) -> None:
    for pixels in eyes[::2]:
        flat = in_box(pixels, 0.12)
        height, width = flat.shape[:2]
        wide = np.pad(flat, ((0, 0), (round(0.75 * width), 0), (0, 0)))
        wide[8 : 8 + round(share[1] * height), 8 : 8 + round(share[0] * width)] = 255
        cv2.putText(wide, "TARO 0123", (12, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
        bounds, report = looked(wide)
        assert report.refusal is None
        assert bounds.radius == pytest.approx(retina.find(pixels).radius, rel=0.02)


def test_a_page_around_a_photograph_that_is_written_on_is_a_figure(eyes: list[Pixels]) -> None:
    for pixels in eyes[::2]:
        page = cv2.copyMakeBorder(pixels, 50, 40, 50, 40, cv2.BORDER_CONSTANT, value=(255,) * 3)
        for at in range(5):
            cv2.putText(page, str(100 * at), (8, 70 + 60 * at), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1)
        cv2.putText(page, "Prediction 0.94", (80, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
        assert looked(np.asarray(page, np.uint8))[1].kind == "panel"
