"""A field that was stretched is the ellipse that it is, and the circle that it was where somebody asks."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from fundus_core import images, journey, retina
from fundus_core.__main__ import main
from fundus_core.quality import KINDS, Kind, Limits
from fundus_core.records import Pixels, RetinaBounds, Source, Status
from tests.kinds.pictures import in_box, looked, padded, squared


@pytest.mark.parametrize("aspect", [0.7, 1.25, 1.6])
def test_a_stretched_field_is_the_ellipse_that_it_is(eyes: list[Pixels], aspect: float) -> None:
    for eye in eyes:
        height, width = eye.shape[:2]
        before = retina.find(eye)
        size = (round(width / math.sqrt(aspect)), round(height * math.sqrt(aspect)))
        bounds, report = looked(np.asarray(cv2.resize(eye, size, interpolation=cv2.INTER_AREA), np.uint8))
        assert bounds.aspect == pytest.approx(aspect, rel=0.03)
        assert bounds.radius == pytest.approx(before.radius * size[0] / width, rel=0.02)
        assert bounds.cy == pytest.approx(before.cy * size[1] / height, abs=0.02 * size[1])
        assert (report.kind, report.gradable) == ("stretched", True)


def test_a_cut_field_squeezed_to_a_square_is_stretched_and_not_cut(eyes: list[Pixels]) -> None:
    for eye in eyes:
        flat = in_box(eye, 0.2)
        bounds, report = looked(squared(flat))
        assert bounds.aspect == pytest.approx(flat.shape[1] / flat.shape[0], rel=0.04)
        assert (report.kind, report.refusal) == ("stretched", None)


def test_a_padded_field_keeps_its_cuts(eyes: list[Pixels]) -> None:
    for eye in eyes:
        flat = in_box(eye, 0.2)
        bounds, report = looked(padded(flat))
        bar = (flat.shape[1] - flat.shape[0]) / 2
        assert (bounds.top, bounds.height - bounds.bottom) == pytest.approx((bar, bar), abs=4)
        assert (report.kind, report.gradable) == ("padded", True)


def test_a_circle_is_left_a_circle(eyes: list[Pixels]) -> None:
    assert [retina.find(eye).aspect for eye in eyes] == [1.0] * len(eyes)


def test_the_unstretched_crop_is_that_of_the_photograph_before(eyes: list[Pixels]) -> None:
    eye, rule = eyes[0], retina.CropRule(160)
    before = retina.crop(eye, retina.find(eye), rule)
    stretched = np.asarray(cv2.resize(eye, (368, 500), interpolation=cv2.INTER_LINEAR), np.uint8)
    bounds = retina.find(stretched)
    crop = retina.crop(stretched, bounds, rule, unstretch=True)
    plain = retina.crop(stretched, bounds, rule)
    assert np.abs(crop.pixels.astype(int) - before.pixels).mean() < 4
    assert np.abs(plain.pixels.astype(int) - before.pixels).mean() > 8
    corners = np.array([[0.0, 0.0], [160.0, 160.0], [40.0, 100.0]])
    for one in (crop, plain):
        np.testing.assert_allclose(one.to_crop(one.to_photograph(corners)), corners, atol=1e-9)
    middle = crop.to_crop(np.array([[bounds.cx, bounds.cy]]))
    np.testing.assert_allclose(middle, [[80.0, 80.0]], atol=1.0)


def test_outside_an_ellipse_all_is_black() -> None:
    bounds = RetinaBounds(50, 40, 30, 100, 80, aspect=1.2)
    y, x = np.mgrid[:80, :100] + 0.5
    away = ((x - 50) / 30) ** 2 + ((y - 40) / 36) ** 2
    assert (retina.mask(bounds) == (away <= 1)).mean() > 0.995


def test_the_journey_unstretches_on_request_alone(eyes: list[Pixels]) -> None:
    stretched = np.asarray(cv2.resize(eyes[0], (368, 500), interpolation=cv2.INTER_LINEAR), np.uint8)
    data = images.encode(stretched, 90)
    rules = (retina.CropRule(64),)
    kept, undone = (
        journey.examine(Source("x.jpg", lambda: data), rules, limits=Limits(unstretch=wanted))
        for wanted in (False, True)
    )
    assert (kept.status, kept.kind) == (undone.status, undone.kind) == (Status.ACCEPTED, "stretched")
    assert KINDS[Kind.STRETCHED].advice in kept.reason
    assert KINDS[Kind.STRETCHED].advice not in undone.reason
    assert kept.crops[0].squeeze == 1.0
    assert undone.crops[0].squeeze == pytest.approx(1 / 1.36, rel=0.03)


def test_inspect_notices_a_stretched_set_and_unstretches_on_request(
    eyes: list[Pixels], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stretched = images.encode(np.asarray(cv2.resize(eyes[0], (368, 500)), np.uint8), 90)
    for name in "abcd":
        (tmp_path / f"{name}.jpg").write_bytes(stretched)
    found = {}
    for more in ((), ("--unstretch",)):
        assert main(["inspect", str(tmp_path), "--out", str(tmp_path / "out.csv"), *more]) == 0
        told = capsys.readouterr().out
        assert ("4 of 4 photographs looked at are stretched" in told) is not bool(more)
        with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
            found[more] = next(csv.DictReader(file))
    assert (found[()]["kind"], found[()]["reason"]) == ("stretched", KINDS[Kind.STRETCHED].advice)
    assert (found[("--unstretch",)]["kind"], found[("--unstretch",)]["reason"]) == ("stretched", "")


def test_unstretching_is_told_apart_in_what_a_store_keeps() -> None:
    assert Limits.from_text(Limits(unstretch=True, focus=0.04).as_text()) == Limits(unstretch=True, focus=0.04)
    assert Limits().as_text() == ""
