"""What a picture is: every kind is named, stretched fields are ellipses, and disease is no reason for a refusal."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fundus_core import images, journey, quality, retina
from fundus_core.__main__ import main
from fundus_core.quality import KINDS, Kind, Limits, Verdict
from fundus_core.records import Photograph, Pixels, QualityReport, RetinaBounds, Source, Status

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
SHARED = ROOT.parent / "shared"
KINDS_THERE = SHARED / "real_kinds"
WORDS = {
    Verdict.ACCEPTED: "accepted",
    Verdict.UNUSUAL: "accepted with a note",
    Verdict.NOT_COLOUR: "refused (`not_colour_fundus`)",
    Verdict.NOT_RETINA: "refused (`not_a_retina`)",
}


def looked(pixels: Pixels) -> tuple[RetinaBounds, QualityReport]:
    """Encode and decode as JPEG, as files come, then find and assess."""
    photograph = images.decode(images.encode(pixels, 90), "x")
    bounds = retina.find(photograph.pixels)
    return bounds, quality.assess(photograph, bounds)


def small(path: Path, longest: int) -> Pixels:
    pixels = images.decode(path.read_bytes(), path.name, at_least=640).pixels
    factor = longest / max(pixels.shape[:2])
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def eyes() -> list[Pixels]:
    """A rendered eye, and a real one of each camera where they lie beside the project."""
    found = [small(SAMPLE / "photographs" / "P0001_R.jpg", 368)]
    real = SHARED / "real_fundus"
    names = ("idrid__IDRiD_46.jpg", "hrf__01_h.jpg", "chasedb1-orig__CHASEDB1_08L.png")
    return found + [small(real / name, 480) for name in names if (real / name).exists()]


# The table ------------------------------------------------------------------------------------------------------


def test_the_table_of_the_readme_is_the_table_of_the_code() -> None:
    rows = [f"| `{kind}` | {about.name} | {WORDS[about.verdict]} | {about.advice} |" for kind, about in KINDS.items()]
    assert "\n".join(rows) in (ROOT / "fundus_core" / "quality" / "README.md").read_text(encoding="utf-8")
    assert set(KINDS) == set(Kind)


def test_whatever_is_not_plainly_accepted_says_why_and_what_to_do() -> None:
    assert {kind for kind, about in KINDS.items() if not about.advice} == {Kind.COLOUR, Kind.PADDED}


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


# Geometry -------------------------------------------------------------------------------------------------------


def squared(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, (400, 400), interpolation=cv2.INTER_AREA), np.uint8)


def in_box(pixels: Pixels, cut: float = 0.0) -> Pixels:
    """The field's own box, a share of its height taken away above and below."""
    bounds = retina.find(pixels)
    left, right = max(round(bounds.cx - bounds.radius), 0), round(bounds.cx + bounds.radius)
    top = max(round(bounds.cy - (1 - cut) * bounds.radius), 0)
    return pixels[top : round(bounds.cy + (1 - cut) * bounds.radius), left:right]


def padded(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    square[(side - height) // 2 :][:height, (side - width) // 2 :][:, :width] = pixels
    return square


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


# Kinds ----------------------------------------------------------------------------------------------------------


def clahe(pixels: Pixels) -> Pixels:
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(3.0, (8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def graham(pixels: Pixels) -> Pixels:
    bounds = retina.find(pixels)
    around = cv2.GaussianBlur(pixels, (0, 0), bounds.radius / 30).astype(float)
    detail = np.clip(4.0 * (pixels - around) + 128, 0, 255)
    return np.where(retina.mask(bounds)[..., None], detail, 128).astype(np.uint8)


def equalised(pixels: Pixels) -> Pixels:
    return np.stack([cv2.equalizeHist(np.ascontiguousarray(pixels[..., at])) for at in range(3)], axis=-1)


def of_channel(pixels: Pixels) -> Pixels:
    return np.repeat(pixels[..., 1:2], 3, axis=2)


def green_alone(pixels: Pixels) -> Pixels:
    return pixels * np.array([0, 1, 0], np.uint8)


def angiogram(pixels: Pixels) -> Pixels:
    inside = retina.mask(retina.find(pixels))
    raised = cv2.createCLAHE(3.0, (8, 8)).apply(np.ascontiguousarray(pixels[..., 1]))
    return np.repeat(np.where(inside, 255 - raised, 0).astype(np.uint8)[..., None], 3, axis=2)


def without_border(pixels: Pixels) -> Pixels:
    bounds = retina.find(pixels)
    reach = 0.68 * bounds.radius
    top, left = max(round(bounds.cy - reach), 0), round(bounds.cx - reach)
    return pixels[top : round(bounds.cy + reach), left : round(bounds.cx + reach)]


def heat(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    noise = cv2.GaussianBlur(np.random.default_rng(1).random((height, width)), (0, 0), 0.08 * width)
    scaled = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(scaled, cv2.COLORMAP_JET)[..., ::-1], np.uint8)


def laid_over(pixels: Pixels) -> Pixels:
    return (0.6 * pixels + 0.4 * heat(pixels)).astype(np.uint8)


def spot(pixels: Pixels, colours: int) -> Pixels:
    """A map with one warm place, laid over."""
    y, x = (np.linspace(-1.0, 1.0, side) for side in pixels.shape[:2])
    warm = np.exp(-((x[None, :] - 0.2) ** 2 + (y[:, None] + 0.1) ** 2) / 0.18)
    return (0.6 * pixels + 0.4 * cv2.applyColorMap((255 * warm).astype(np.uint8), colours)[..., ::-1]).astype(np.uint8)


def four(pixels: Pixels) -> Pixels:
    rim = ((6, 6), (6, 6), (0, 0))
    one, other = (np.pad(each, rim, constant_values=255) for each in (pixels, pixels[:, ::-1]))
    return np.concatenate([np.concatenate([one, other], 1), np.concatenate([other, one], 1)])


def two(pixels: Pixels) -> Pixels:
    return np.concatenate([pixels, pixels[:, ::-1]], axis=1)


def on_screen(pixels: Pixels) -> Pixels:
    page = np.full((500, 800, 3), 245, np.uint8)
    height, width = pixels.shape[:2]
    page[100 : 100 + height, 250 : 250 + width] = pixels[:400]
    for line in range(3):
        cv2.putText(page, "Fundus viewer 0123", (15, 40 + 25 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (30, 30, 30), 1)
    return page


def montage(pixels: Pixels) -> Pixels:
    inside = retina.mask(retina.find(pixels))
    height, width = inside.shape
    whole = np.zeros((round(1.7 * height), round(1.7 * width), 3), np.uint8)
    for top, left in ((0, 0), (0, round(0.6 * width)), (round(0.6 * height), round(0.3 * width))):
        whole[top : top + height, left : left + width][inside] = pixels[inside]
    return whole


FORMS: list[tuple[Callable[[Pixels], Pixels], Kind]] = [
    (lambda pixels: pixels, Kind.COLOUR),
    (lambda pixels: pixels[:, ::-1], Kind.COLOUR),
    (without_border, Kind.NO_BORDER),
    (clahe, Kind.NORMALISED),
    (graham, Kind.NORMALISED),
    (equalised, Kind.NORMALISED),
    (lambda pixels: pixels[..., ::-1], Kind.SWAPPED),
    (of_channel, Kind.SINGLE),
    (green_alone, Kind.RED_FREE),
    (lambda pixels: pixels * np.array([1, 0, 0], np.uint8), Kind.SINGLE),
    (angiogram, Kind.ANGIOGRAM),
    (heat, Kind.HEAT_MAP),
    (laid_over, Kind.HEAT_MAP),
    (lambda pixels: spot(pixels, cv2.COLORMAP_VIRIDIS), Kind.HEAT_MAP),
    (four, Kind.PANEL),
    (two, Kind.PANEL),
    (lambda pixels: np.concatenate([two(in_box(pixels))] * 2), Kind.PANEL),
    (lambda pixels: np.concatenate([in_box(pixels), of_channel(in_box(pixels))], axis=1), Kind.PANEL),
    (on_screen, Kind.PANEL),
    (montage, Kind.MONTAGE),
]


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_derived_forms_are_named(eyes: list[Pixels], number: int) -> None:
    form, kind = FORMS[number]
    assert {looked(np.ascontiguousarray(form(eye)))[1].kind for eye in eyes} == {kind.value}


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_a_map_laid_faintly_over_a_photograph_is_a_heat_map(eyes: list[Pixels], share: float) -> None:
    for eye in eyes:
        assert looked(np.asarray((1 - share) * eye + share * heat(eye), np.uint8))[1].kind == "heat_map"


def iris(seed: int, *, alone: bool) -> Pixels:
    """An iris with its pupil, in an eye or alone on black."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:400, :400] - 200.0
    away, angle = np.hypot(x, y), np.arctan2(y, x)
    rays = cv2.GaussianBlur(generator.normal(size=(360, 64)), (0, 0), 1.2).astype(np.float32)
    at = ((angle + math.pi) / (2 * math.pi) * 359).astype(np.float32)
    texture = cv2.remap(rays / rays.std(), (away / 4 % 63).astype(np.float32), at, cv2.INTER_LINEAR)
    colour = np.array([(110, 70, 35), (90, 120, 150), (150, 95, 50)][seed % 3], float)
    around = np.zeros(3) if alone else np.array([205.0, 160.0, 140.0])
    picture = np.where((away < 180)[..., None], colour * (1 + 0.25 * texture[..., None]), around)
    return np.clip(np.where((away < 70)[..., None], 10.0, picture), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_iris_is_an_eye_from_outside(seed: int, alone: bool) -> None:
    assert looked(iris(seed, alone=alone))[1].kind == "external_eye"


def drawing(background: int) -> Pixels:
    picture = np.full((500, 500, 3), background, np.uint8)
    cv2.circle(picture, (250, 250), 230, (235, 150, 100), -1)
    cv2.circle(picture, (330, 250), 38, (255, 230, 150), -1)
    for turn in range(8):
        end = (330 + round(180 * math.cos(turn)), 250 + round(180 * math.sin(turn)))
        cv2.line(picture, (330, 250), end, (150, 30, 30), 5, cv2.LINE_AA)
    inside = np.hypot(*(np.mgrid[:500, :500] - 250)) < 230
    return np.where(inside[..., None], picture, background).astype(np.uint8)


@pytest.mark.parametrize("background", [0, 255])
def test_a_retina_drawn_with_shades_and_grain_is_a_drawing(background: int) -> None:
    y, x = np.mgrid[:500, :500] - 250.0
    shade = 1 - 0.3 * (np.hypot(x, y) / 230)[..., None] ** 2
    grain = np.random.default_rng(3).normal(0, 3, (500, 500, 3))
    inside = (np.hypot(x, y) < 230)[..., None]
    shaded = cv2.GaussianBlur(drawing(background), (0, 0), 1.0) * np.where(inside, shade, 1.0) + grain * inside
    assert looked(np.clip(shaded, 0, 255).astype(np.uint8))[1].kind == "drawing"


@pytest.mark.parametrize("background", [0, 255])
def test_a_drawn_retina_is_a_drawing(background: int) -> None:
    assert looked(drawing(background))[1].kind == "drawing"


def tomogram(seed: int) -> Pixels:
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:400, :600]
    top = 150 + 30 * np.sin(x / 120 + seed)
    layers = ((0, 12, 180), (25, 20, 110), (60, 14, 160), (85, 10, 230), (110, 60, 120))
    light = sum(bright * np.exp(-(((y - top - deep) / thick) ** 2)) for deep, thick, bright in layers)
    speckled = np.clip((light + 10) * generator.gamma(3, 1 / 3, (400, 600)), 0, 255)
    return np.repeat(speckled.astype(np.uint8)[..., None], 3, axis=2)


def test_a_tomogram_is_one() -> None:
    assert {looked(tomogram(seed))[1].kind for seed in range(3)} == {"oct"}


# Disease is no reason -------------------------------------------------------------------------------------------


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


def cast(red: float, green: float, blue: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.clip(pixels * np.array([red, green, blue]), 0, 255).astype(np.uint8)


SICK: dict[str, Callable[[Pixels], Pixels]] = {
    "haemorrhages": lambda pixels: spots(pixels, [(95, 14, 12)], 25, (0.01, 0.08)),
    "one large haemorrhage": lambda pixels: spots(pixels, [(90, 12, 10)], 1, (0.35, 0.4)),
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


# Real files -----------------------------------------------------------------------------------------------------

MISLABELLED = {
    "bmp__03.bmp": "disc_crop",
    "clahe_colour__01.png": "panel",
    "grey_fundus__02_2.png": "mask",
    "grey_fundus__04.png": "panel",
    "mosaic__01.jpg": "drawing",
    "octa__01.png": "oct",
    "screenshot__02.png": "panel",
    "smartphone_video__01.jpg": "drawing",
    "textbook_479px__02.jpg": "mask",
    "textbook_479px__06.jpeg": "panel",
    "uwf_optos__01.jpg": "ultra_wide_field",
}
"""What a file is where its folder says something else, or less."""
BY_FOLDER = {
    "disc_crop": "disc_crop",
    "figure_panel": "panel",
    "gradcam_overlay": "heat_map",
    "oct_bscan": "oct",
    "retinoblastoma_retcam": "drawing",
    "smartphone": "smartphone",
    "vessel_mask": "mask",
}
READABLE = (
    "app_upload diaretdb_messidor_720px drive_tiff macular_hole_2588px rgba_masked square_1024 square_384_512 "
    "textbook_479px"
).split()


def real_files() -> list[dict[str, str]]:
    if not KINDS_THERE.exists():
        pytest.skip("The real files of many kinds lie beside the project, not in it, and are absent here.")
    with (KINDS_THERE / "manifest.csv").open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_real_files_are_named_and_readable_ones_accepted() -> None:
    wrong = {}
    for row in real_files():
        name = row["file"]
        expected = MISLABELLED.get(name) or BY_FOLDER.get(row["kind"])
        photograph = images.decode((KINDS_THERE / name).read_bytes(), name, at_least=journey.WORKING_PX)
        report = quality.assess(photograph, retina.find(photograph.pixels))
        if expected and report.kind != expected:
            wrong[name] = report.kind
        if not expected and row["kind"] in READABLE and not report.gradable:
            wrong[name] = report.refusal
    assert not wrong


def test_a_kind_says_the_same_of_a_colour_flag_that_was_lost() -> None:
    pixels = small(SAMPLE / "photographs" / "P0001_R.jpg", 368)
    photograph = Photograph("", "", pixels)
    bounds = retina.find(pixels)
    first = quality.measure(photograph, bounds).kind
    assert quality.measure(replace(photograph, pixels=pixels.copy()), bounds).kind is first is Kind.COLOUR
