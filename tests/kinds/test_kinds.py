"""Every kind of picture is named, made here or lying beside the project; the table of the README is the code's."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fundus_core import images, journey, quality, retina
from fundus_core.quality import KINDS, Kind, Verdict
from fundus_core.records import Photograph, Pixels
from tests.kinds.pictures import KINDS_THERE, ROOT, SAMPLE, in_box, looked, small

WORDS = {
    Verdict.ACCEPTED: "accepted",
    Verdict.UNUSUAL: "accepted with a note",
    Verdict.NOT_COLOUR: "refused (`not_colour_fundus`)",
    Verdict.NOT_RETINA: "refused (`not_a_retina`)",
}


def test_the_table_of_the_readme_is_the_table_of_the_code() -> None:
    rows = [f"| `{kind}` | {about.name} | {WORDS[about.verdict]} | {about.advice} |" for kind, about in KINDS.items()]
    assert "\n".join(rows) in (ROOT / "fundus_core" / "quality" / "README.md").read_text(encoding="utf-8")
    assert set(KINDS) == set(Kind)


def test_whatever_is_not_plainly_accepted_says_why_and_what_to_do() -> None:
    assert {kind for kind, about in KINDS.items() if not about.advice} == {Kind.COLOUR, Kind.PADDED}


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


def autofluorescent(pixels: Pixels) -> Pixels:
    """The rendered right eye as its lipofuscin glows: even and grained, disc, vessels and fovea dark."""
    bounds = retina.find(pixels)
    y, x = (np.mgrid[: pixels.shape[0], : pixels.shape[1]] - np.array([bounds.cy, bounds.cx])[:, None, None]) / (
        bounds.radius
    )
    around = cv2.GaussianBlur(pixels[..., 1].astype(np.float32), (0, 0), bounds.radius / 12)
    glow = 110.0 * np.clip(1.0 + 1.5 * (pixels[..., 1] - around) / (around + 8.0), 0.25, 1.1)
    glow *= 1.0 - 0.8 / (1.0 + np.exp((np.hypot(x - 0.49, y + 0.02) - 0.15) / 0.012))
    glow *= 1.0 - 0.45 * np.exp(-((x + 0.17) ** 2 + (y - 0.05) ** 2) / 0.036)
    grained = np.clip(glow + np.random.default_rng(5).normal(0, 4, glow.shape), 0, 255)
    return np.repeat(np.where(retina.mask(bounds), grained, 0).astype(np.uint8)[..., None], 3, axis=2)


def test_autofluorescence_is_named_with_a_border_and_without(eyes: list[Pixels]) -> None:
    whole = autofluorescent(eyes[0])
    inner = without_border(eyes[0]).shape[0] // 2
    middle = retina.find(eyes[0])
    square = whole[round(middle.cy) - inner : round(middle.cy) + inner, round(middle.cx) - inner :][:, : 2 * inner]
    assert [looked(one)[1].kind for one in (whole, square)] == ["autofluorescence"] * 2


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
