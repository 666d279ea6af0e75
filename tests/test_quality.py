"""Quality: clean photographs pass, spoilt ones are refused for their fault, other pictures are no retina."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core import quality, retina
from fundus_core.errors import UsageError
from fundus_core.quality import KINDS, LIMITS, Kind, Measurements, view
from fundus_core.records import Photograph, Pixels, QualityReport, RetinaBounds

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
REAL = ROOT.parent / "shared" / "real_fundus"

NOT_A_RETINA = {"not_colour_fundus", "not_a_retina"}

GOOD = Measurements(
    kind=Kind.COLOUR,
    diameter_px=900.0,
    field_share=0.9,
    brightness=150.0,
    lit_share=1.0,
    glare_share=0.0,
    contrast=0.3,
    focus=0.08,
)


def opened(path: Path) -> Pixels:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def report(pixels: Pixels, *, colour: bool = True) -> QualityReport:
    bounds = retina.find(pixels)
    return quality.assess(Photograph("one", "0" * 64, pixels, colour=colour), bounds)


def code(pixels: Pixels) -> str:
    refusal = report(pixels).refusal
    return refusal.code if refusal else ""


def rendered() -> list[dict[str, str]]:
    with (SAMPLE / "truth.csv").open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


@pytest.fixture(scope="module")
def eye() -> Pixels:
    name = next(row["photograph"] for row in rendered() if not row["defect"])
    return opened(SAMPLE / "photographs" / name)


def test_clean_rendered_eyes_of_every_camera_pass() -> None:
    clean = [row for row in rendered() if not row["defect"]]
    chosen = [row for camera in {row["camera"] for row in clean} for row in clean if row["camera"] == camera][::12]
    refused = [row["photograph"] for row in chosen if code(opened(SAMPLE / "photographs" / row["photograph"]))]
    assert len(chosen) > 20
    assert refused == []


@pytest.mark.parametrize(
    ("defect", "expected", "least"),
    [("cut_field", "field_cut", 0.7), ("blur", "focus", 0.7), ("haze", "contrast", 0.3), ("dark", "illumination", 0.5)],
)
def test_rendered_defects_are_refused_for_what_they_are_or_not_at_all(defect: str, expected: str, least: float) -> None:
    """Haze and darkness through which vessels show are no reason; what is refused is refused for its own fault."""
    codes = [code(opened(SAMPLE / "photographs" / row["photograph"])) for row in rendered() if row["defect"] == defect]
    assert codes
    assert set(codes) <= {"", expected, "illumination"}
    assert codes.count(expected) >= least * len(codes)


def blurred(pixels: Pixels) -> Pixels:
    return cv2.GaussianBlur(pixels, (0, 0), 0.02 * pixels.shape[0])


def darkened(pixels: Pixels) -> Pixels:
    return (pixels * 0.08).astype(np.uint8)


def hazy(pixels: Pixels) -> Pixels:
    inside = retina.mask(retina.find(pixels))[..., None]
    return np.where(inside, pixels * 0.13 + np.array([155.0, 130.0, 110.0]), pixels).astype(np.uint8)


def glaring(pixels: Pixels) -> Pixels:
    spoilt = pixels.copy()
    middle = pixels.shape[0] // 2
    cv2.circle(spoilt, (middle, middle), round(0.24 * pixels.shape[0]), (255, 255, 255), -1)
    return spoilt


def halved(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, : round(0.48 * pixels.shape[1])])


def tiny(pixels: Pixels) -> Pixels:
    return cv2.resize(pixels, (120, 120), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (blurred, {"focus"}),
        (darkened, {"illumination"}),
        (hazy, {"contrast"}),
        (glaring, {"glare", "not_a_retina"}),
        (halved, {"field_cut"}),
        (tiny, {"too_small"}),
    ],
)
def test_a_spoilt_photograph_is_refused(eye: Pixels, spoil: Callable[[Pixels], Pixels], expected: set[str]) -> None:
    assert code(eye) == ""
    assert code(spoil(eye)) in expected


@pytest.mark.parametrize("change", [0.7, 0.85, 1.15])
def test_exposure_within_reason_is_no_fault(eye: Pixels, change: float) -> None:
    assert code(np.clip(eye * change, 0, 255).astype(np.uint8)) == ""


@pytest.mark.parametrize("width", [280, 500, 1400])
def test_verdict_and_measurements_hardly_depend_on_the_size(eye: Pixels, width: int) -> None:
    resized = cv2.resize(eye, (width, width), interpolation=cv2.INTER_AREA if width < eye.shape[0] else cv2.INTER_CUBIC)
    first, second = (quality.measure(Photograph("", "", one), retina.find(one)) for one in (eye, resized))
    assert second.kind is first.kind
    for name in ("field_share", "lit_share", "contrast", "focus"):
        assert getattr(second, name) == pytest.approx(getattr(first, name), rel=0.12, abs=0.01)


def test_diameter_is_that_of_the_file_not_of_a_reduced_copy(eye: Pixels) -> None:
    bounds = retina.find(eye)
    whole = quality.measure(Photograph("", "", eye), bounds)
    reduced = quality.measure(Photograph("", "", eye, width=4 * eye.shape[1], height=4 * eye.shape[0]), bounds)
    assert reduced.diameter_px == pytest.approx(4 * whole.diameter_px)


def test_mirroring_changes_nothing(eye: Pixels) -> None:
    first, second = report(eye), report(np.ascontiguousarray(eye[:, ::-1]))
    assert second.score == pytest.approx(first.score, abs=0.02)


def test_the_spread_within_a_mask_is_numpys(eye: Pixels) -> None:
    seen = view.scaled_field(eye, retina.find(eye))
    assert view.spread(seen.planes[1], seen.inside) == pytest.approx(np.std(seen.planes[1][seen.inside].astype(float)))


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_quantiles_are_numpys(size: int) -> None:
    values = np.random.default_rng(size).random(size).astype(np.float32)
    found = view.quantiles(values, 0.05, 0.5, 0.97)
    assert found == pytest.approx(np.percentile(values.astype(float), [5, 50, 97]).tolist(), rel=1e-9)


def test_what_lies_outside_the_field_does_not_bleed_in(eye: Pixels) -> None:
    bounds = retina.find(eye)
    level = np.where(retina.mask(bounds)[..., None], np.uint8(120), np.uint8(0)).repeat(3, axis=2)
    seen = view.scaled_field(level, bounds)
    for plane in seen.planes:
        assert seen.smooth(plane, 3.0)[seen.inside] == pytest.approx(120, abs=0.2)
    assert seen.relative(1, 1.0, 16.0)[seen.inside] == pytest.approx(0, abs=2e-3)
    assert quality.measure(Photograph("", "", level), bounds).contrast == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize(("fine", "coarse"), [(1.0, 16.0), (1.6, 12.0)])
def test_the_wide_blur_at_half_the_size_is_that_at_full_size(eye: Pixels, fine: float, coarse: float) -> None:
    seen = view.scaled_field(eye, retina.find(eye))
    finely, around = (seen.smooth(seen.planes[1], sigma) for sigma in (fine, coarse))
    plain = ((finely - around) / (around + 8.0))[seen.inside]
    found = seen.relative(1, fine, coarse)[seen.inside]
    assert np.sqrt(np.mean((found - plain) ** 2)) < 2e-3
    assert np.ptp(np.percentile(found, [5, 95])) == pytest.approx(np.ptp(np.percentile(plain, [5, 95])), rel=0.01)


@pytest.mark.parametrize("times", [1.5, 2.5, 3.5, 6.0])
def test_a_view_of_a_larger_photograph_shows_the_same(eye: Pixels, times: float) -> None:
    width = round(times * view.DIAMETER)
    large = cv2.resize(eye, (width, width), interpolation=cv2.INTER_CUBIC)
    seen = view.scaled_field(large, RetinaBounds(width / 2, width / 2, width / 2, width, width))
    plain = cv2.resize(large, (view.DIAMETER, view.DIAMETER), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    assert seen.planes.shape == plain.shape
    assert np.abs(seen.planes - plain)[:, seen.inside].mean() < 1.0
    assert seen.planes[:, seen.inside].mean(axis=1) == pytest.approx(plain[:, seen.inside].mean(axis=1), abs=0.5)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("top", [100.0, 101.0])
def test_a_strip_of_a_field_is_measured_or_called_empty(eye: Pixels, top: float, rows: int) -> None:
    side = view.DIAMETER
    small = cv2.resize(eye, (side, side), interpolation=cv2.INTER_AREA)
    strip = RetinaBounds(side / 2, side / 2, side / 2, side, side, top=top - 6.4, bottom=top + rows + 6.4)
    found = quality.measure(Photograph("", "", small), strip)
    assert all(np.isfinite(getattr(found, item.name)) for item in fields(found) if item.name != "kind")


def chart() -> Pixels:
    picture = np.full((400, 600, 3), 255, np.uint8)
    for bar in range(5):
        cv2.rectangle(picture, (60 + 100 * bar, 360), (130 + 100 * bar, 80 + 50 * bar), (220, 120, 40), -1)
    return picture


def screenshot() -> Pixels:
    picture = np.full((500, 800, 3), 245, np.uint8)
    for line in range(20):
        cv2.putText(
            picture, "a line of text in a window", (20, 24 * line + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (40, 20, 10)
        )
    return picture


def vessel_mask() -> Pixels:
    picture = np.zeros((500, 500, 3), np.uint8)
    for turn in range(12):
        end = (250 + round(240 * np.cos(turn / 2)), 250 + round(240 * np.sin(turn / 2)))
        cv2.line(picture, (250, 250), end, (255, 255, 255), 3)
    return picture


def texture(tint: tuple[int, int, int]) -> Pixels:
    waves = np.random.default_rng(5).normal(size=(400, 400))
    waves = cv2.GaussianBlur(waves, (0, 0), 3.0)
    shade = 1 + 0.2 * waves / waves.std()
    return np.clip(shade[..., None] * np.array(tint), 0, 255).astype(np.uint8)


def on_black(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(x - width / 2, y - height / 2) < 0.45 * min(height, width)
    return np.where(inside[..., None], picture, np.uint8(0))


def histology() -> Pixels:
    picture = texture((225, 150, 195))
    generator = np.random.default_rng(6)
    for _ in range(300):
        cv2.circle(
            picture, tuple(generator.integers(0, 400, 2).tolist()), int(generator.integers(3, 8)), (100, 60, 140), -1
        )
    return picture


def sunset() -> Pixels:
    fade = np.linspace(0, 1, 400)[:, None, None]
    return np.broadcast_to((1 - fade) * [250, 200, 80] + fade * [120, 30, 20], (400, 600, 3)).astype(np.uint8)


OTHERS = {
    "chart": chart(),
    "screenshot": screenshot(),
    "vessel mask": vessel_mask(),
    "wood": texture((190, 120, 60)),
    "an orange on black": on_black(texture((235, 140, 40))),
    "histology": histology(),
    "histology through the eyepiece": on_black(histology()),
    "sunset": sunset(),
    "white": np.full((300, 300, 3), 255, np.uint8),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_pictures_are_no_retina(name: str) -> None:
    assert code(np.ascontiguousarray(OTHERS[name])) in NOT_A_RETINA


def test_red_free_and_grey_are_another_modality(eye: Pixels) -> None:
    green = np.repeat(eye[..., 1:2], 3, axis=2)
    assert code(np.ascontiguousarray(green)) == "not_colour_fundus"
    refusal = report(eye, colour=False).refusal
    assert refusal is not None
    assert refusal.code == "not_colour_fundus"


def test_a_black_frame_is_too_dark_rather_than_another_picture() -> None:
    assert code(np.zeros((300, 400, 3), np.uint8)) == "illumination"


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_any_array_gets_a_full_report(height: int, width: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    answer = report(generator.integers(0, generator.integers(1, 256), (height, width, 3), dtype=np.uint8))
    assert tuple(check.code for check in answer.checks) == quality.CODES
    assert 0.0 <= answer.score <= 1.0
    assert all(check.passed or check.message for check in answer.checks)


def test_a_good_measurement_passes_with_a_high_score() -> None:
    answer = quality.apply_limits(GOOD)
    assert answer.gradable
    assert answer.score > 0.8
    assert all(check.message == "" for check in answer.checks)


WORSE = {
    "not_a_retina": {"kind": Kind.DRAWING},
    "not_colour_fundus": {"kind": Kind.SWAPPED},
    "too_small": {"diameter_px": 100.0},
    "illumination": {"brightness": 5.0},
    "field_cut": {"field_share": 0.4},
    "glare": {"glare_share": 0.5},
    "contrast": {"contrast": 0.02},
    "focus": {"focus": 0.01},
}


@pytest.mark.parametrize("name", quality.CODES)
def test_each_check_fails_alone_and_says_both_numbers(name: str) -> None:
    answer = quality.apply_limits(replace(GOOD, **WORSE[name]))
    failed = [check for check in answer.checks if not check.passed]
    assert [check.code for check in failed] == [name]
    assert answer.refusal == failed[0]
    assert answer.score < quality.apply_limits(GOOD).score
    numbers = "at least" in failed[0].message or "at most" in failed[0].message
    assert numbers or failed[0].message == KINDS[WORSE[name]["kind"]].advice
    assert failed[0].message.endswith(".")


@pytest.mark.parametrize("name", ["brightness", "lit_share", "field_share", "contrast", "focus", "diameter_px"])
def test_the_score_never_falls_when_a_measurement_improves(name: str) -> None:
    limit = getattr(LIMITS, name)
    scores = [quality.apply_limits(replace(GOOD, **{name: share * limit})).score for share in (0.0, 0.5, 1.0, 1.5, 3.0)]
    assert scores == sorted(scores)


def test_a_limit_met_exactly_is_kept() -> None:
    exact = {item.name: getattr(LIMITS, item.name) for item in fields(LIMITS) if item.name != "unstretch"}
    assert quality.apply_limits(Measurements(kind=Kind.COLOUR, **exact)).gradable


@pytest.mark.parametrize("name", ["contrast", "focus", "field_share", "lit_share", "brightness", "glare_share"])
def test_what_misses_a_limit_by_a_hair_does_not_read_as_the_limit(name: str) -> None:
    sign = 1 if name == "glare_share" else -1
    missed = quality.apply_limits(replace(GOOD, **{name: getattr(LIMITS, name) + sign * 1e-6})).refusal
    assert missed is not None
    found, needed = re.findall(r"\d+(?:\.\d+)?(?=%?[,; ]|% of)", missed.message.replace("of 255", ""))[:2]
    assert found != needed


def cohort() -> list[Measurements]:
    return [replace(GOOD, contrast=0.11 + 0.002 * n, focus=0.05, glare_share=0.001 * n) for n in range(100)]


def test_percentile_limits_refuse_that_share_of_the_cohort() -> None:
    limits = quality.limits_from_percentile(cohort(), 5.0)
    refused = [one for one in cohort() if not quality.apply_limits(one, limits).gradable]
    # The 5 % with the lowest contrast and the 5 % with the most glare are the two ends of the same list.
    assert len(refused) == 10
    assert limits.contrast == pytest.approx(np.percentile([one.contrast for one in cohort()], 5))
    assert limits.field_share == LIMITS.field_share


def test_percentile_limits_never_loosen_and_ignore_the_order() -> None:
    worst = [replace(one, contrast=0.01) for one in cohort()]
    assert quality.limits_from_percentile(worst, 5.0).contrast == LIMITS.contrast
    assert quality.limits_from_percentile(cohort()[::-1], 5.0) == quality.limits_from_percentile(cohort(), 5.0)


@pytest.mark.parametrize(("size", "percentile", "said"), [(100, 60.0, "between 0 and 50"), (3, 5.0, "at least 20")])
def test_percentile_limits_say_what_they_need(size: int, percentile: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        quality.limits_from_percentile(cohort()[:size], percentile)


def real(kind: str) -> list[Path]:
    if not REAL.exists():
        pytest.skip("The real photographs lie beside the project, not in it, and are absent here.")
    with (REAL / "manifest.csv").open(encoding="utf-8") as table:
        return [REAL / row["file"] for row in csv.DictReader(table) if row["class"] == kind]


def test_real_photographs_pass() -> None:
    assert {path.name: code(opened(path)) for path in real("cfp")} == {path.name: "" for path in real("cfp")}


def test_real_other_pictures_are_refused() -> None:
    assert all(code(opened(path)) in NOT_A_RETINA for path in real("negative"))
