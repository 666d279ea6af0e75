"""The model that tells a piece from a field is the one that ``tests.fit_extent`` fits to what is measured today."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fundus_core.quality import extent
from fundus_core.quality.view import scaled_field
from fundus_core.records import Floats
from tests import fit_extent

# fmt: off
MEASURED = [
    0.422, 0.43, 0.522, 0.133, 0.12, 0.263, -0.106, -0.088, 0.086, -0.031, -0.073, 0.172, -2.774, 1.976, 0.151, 0.065,
    0.073, 0.051, -3.282, -2.018, -2.29, -2.047, -2.298, -2.123, -2.352, -2.28, -2.369, -2.463, -2.459, -0.066, -0.025,
]
# fmt: on
"""Means of the numbers when the coefficients were fitted. Where they change, run ``python -m tests.fit_extent``, put
its table into ``extent.py``, its counts into the room's README, and the new means here."""


@pytest.fixture(scope="module")
def numbers() -> dict[str, Floats]:
    """What is measured on pieces and on whole fields of a rendered eye (10 x 31 each)."""
    eye, found = next(fit_extent.rendered(1)), {}
    for form in (fit_extent.pieces, fit_extent.fields):
        some = itertools.islice(form(eye, np.random.default_rng(1)), 0, 20, 2)
        found[form.__name__] = np.array([extent.measure(scaled_field(pixels, bounds)) for _, pixels, bounds in some])
    return found


def test_the_coefficients_belong_to_what_is_measured_today(numbers: dict[str, Floats]) -> None:
    found = np.concatenate([numbers["pieces"], numbers["fields"]]).mean(axis=0)
    np.testing.assert_allclose(found, MEASURED, atol=0.02)


def test_the_coefficients_tell_pieces_from_fields(numbers: dict[str, Floats]) -> None:
    piece, field = (
        extent.terms(numbers[form], extent._TABLE) @ extent._TABLE[2:].ravel() + extent._CONSTANT
        for form in ("pieces", "fields")
    )
    assert np.count_nonzero(piece > 1.2) >= 8
    assert field.max() < 0.0


def test_a_fit_finds_the_slopes_that_made_its_data() -> None:
    generator = np.random.default_rng(2)
    numbers, slopes = generator.normal(2.0, 3.0, (4000, 3)), np.array([2.0, -1.0, 0.0, 0.0, 0.0, 1.0])
    odds = extent.terms(numbers, np.array([[2.0] * 3, [3.0] * 3])) @ slopes - 0.5
    part = (generator.random(len(odds)) < 1.0 / (1.0 + np.exp(-odds))).astype(float)
    middle, spread, *fitted = fit_extent.fit(numbers, part, np.ones(len(part)))
    assert (middle.mean(), spread.mean()) == pytest.approx((2.0, 3.0), abs=0.1)
    np.testing.assert_allclose([*fitted[0], *fitted[1], fitted[2][0]], [*slopes, -0.5], atol=0.25)
