"""No photograph is dropped: each ends as accepted, refused or failed, with a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fundus_core import images
from fundus_core.deidentify import Pseudonyms
from fundus_core.journey import examine
from fundus_core.records import Eye, Source, Status
from fundus_core.retina import CropRule
from fundus_core.synthetic import synthesise


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rendered")
    synthesise(2, 11, out, size=384)
    return out / "photographs"


def source(data: bytes, name: str = "x.jpg", **more: object) -> Source:
    return Source(name, lambda: data, **more)  # type: ignore[arg-type]


def raising(error: OSError) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


def test_a_rendered_eye_is_accepted_with_its_crops(cohort: Path) -> None:
    for found in images.sources([cohort]):
        seen = examine(found, [CropRule(96), CropRule(128)])
        assert seen.status is Status.ACCEPTED, seen.reason
        assert seen.sha256 == hashlib.sha256(found.read()).hexdigest()
        assert [crop.pixels.shape for crop in seen.crops] == [(96, 96, 3), (128, 128, 3)]
        assert seen.eye is (Eye.RIGHT if "_R" in found.name else Eye.LEFT)
        assert 0 < seen.score <= 1


def test_bounds_are_said_in_pixels_of_the_full_photograph(cohort: Path) -> None:
    small = next(iter(sorted(cohort.iterdir())))
    picture = Image.open(small)
    large = BytesIO()
    picture.resize((picture.width * 6, picture.height * 6), Image.Resampling.BICUBIC).save(large, "JPEG", quality=92)
    one, six = examine(source(small.read_bytes())), examine(source(large.getvalue()))
    assert one.bounds is not None
    assert six.bounds is not None
    assert (six.width, six.height) == (picture.width * 6, picture.height * 6)
    assert six.bounds.radius == pytest.approx(6 * one.bounds.radius, rel=0.01)
    assert six.bounds.cx == pytest.approx(6 * one.bounds.cx, rel=0.02)


def test_the_table_says_which_eye_and_a_disagreement_is_told(cohort: Path) -> None:
    right = next(path for path in cohort.iterdir() if path.name.endswith("_R.jpg"))
    seen = examine(source(right.read_bytes(), right.name, eye=Eye.LEFT))
    assert (seen.eye, seen.eye_source) == (Eye.LEFT, "table")
    assert "right" in seen.reason


def test_what_is_no_retina_is_refused_without_a_crop() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    seen = examine(source(buffer.getvalue(), "noise.png"), [CropRule(64)])
    assert seen.status is Status.REFUSED
    assert seen.reason_code in {"not_colour_fundus", "not_a_retina"}
    assert seen.crops == ()
    assert seen.reason


def test_a_file_that_cannot_be_opened_fails_with_the_reason() -> None:
    seen = examine(Source("gone.jpg", raising(FileNotFoundError(2, "No such file or directory"))))
    assert (seen.status, seen.reason_code) == (Status.FAILED, "unreadable")
    assert "No such file" in seen.reason
    assert seen.sha256 == hashlib.sha256(b"").hexdigest()


def test_pseudonyms_replace_name_and_patient_whatever_happens() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    seen = examine(source(b"", "Yamada_Taro.jpg", patient_id="Yamada"), pseudonyms=pseudonyms)
    assert seen.status is Status.FAILED
    assert "Yamada" not in repr(seen)
    assert seen.photograph == pseudonyms.photograph("Yamada_Taro.jpg")


@given(st.binary(max_size=400))
def test_any_bytes_end_with_a_reason(data: bytes) -> None:
    seen = examine(source(data))
    assert seen.status is Status.FAILED
    assert seen.reason_code
    assert seen.reason
