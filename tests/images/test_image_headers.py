"""The size that a compressed picture claims is the size that it has."""

from __future__ import annotations

import pytest
from PIL import Image

from fundus_core.images.metadata import claimed_size
from tests.images.making import eye, saved

KINDS = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "jpeg 2000": ("JPEG2000", {"no_jp2": True}),
    "jpeg 2000 in boxes": ("JPEG2000", {}),
    "webp": ("WEBP", {}),
    "webp lossless": ("WEBP", {"lossless": True}),
    "webp with profile": ("WEBP", {"icc_profile": b"x" * 200}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(40, 30), (257, 300)])
def test_the_claim_is_the_size(kind: str, size: tuple[int, int]) -> None:
    name, options = KINDS[kind]
    image = Image.fromarray(eye(size[1], size[0]))
    assert claimed_size(saved(image, name, **options)) == size


@pytest.mark.parametrize("kind", KINDS)
def test_an_early_end_or_other_content_claims_nothing(kind: str) -> None:
    name, options = KINDS[kind]
    data = saved(Image.fromarray(eye()), name, **options)
    assert claimed_size(data[:12]) is None
    assert claimed_size(b"text" + data[4:8]) is None
