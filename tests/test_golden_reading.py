"""What is read from a photograph stays what it was: verdict, kind, eye, field and every value that was measured.

Reading is made faster now and then; whatever it costs, it must say the same. Renew with
``pytest tests/test_golden_reading.py --accept-golden`` where it shall say something else, and look at each line that
changes before committing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fundus_core import images
from fundus_core.journey import Examined, examine
from fundus_core.records import Pixels, Source
from fundus_core.retina import CropRule
from tests.kinds import test_disease, test_kinds
from tests.kinds.pictures import SAMPLE, padded, small

EDGES = ("cx", "cy", "radius", "aspect", "left", "top", "right", "bottom")
EVERY = 9
"""Of the sample's photographs: both eyes in turn."""


def read(data: bytes) -> Examined:
    """Without a name, so that the picture alone tells the eye."""
    return examine(Source("x.jpg", lambda: data), [CropRule(192)])


def said(one: Examined) -> dict[str, object]:
    assert one.bounds is not None
    assert one.quality is not None
    return {
        "status": one.status.value,
        "code": one.reason_code,
        "reason": str(one.reason),
        "kind": one.kind,
        "eye": one.eye.value,
        "field": [round(getattr(one.bounds, edge), 3) for edge in EDGES],
        "checks": [float(f"{check.value:.6g}") for check in one.quality.checks],
        "crop": [round(float(crop.pixels[..., channel].mean()), 3) for crop in one.crops for channel in range(3)],
    }


def forms() -> Iterator[tuple[str, Pixels]]:
    """A rendered eye with everything that the tests of kinds do to one."""
    eye = small(SAMPLE / "photographs" / "P0001_R.jpg", 368)
    for number, (form, kind) in enumerate(test_kinds.FORMS):
        yield f"{number} {kind.value}", form(eye)
    for name, change in {**test_disease.SICK, **test_disease.LIT, "padded": padded}.items():
        yield name, change(eye)
    for x, y, width in ((0.5, 0.5, 0.3), (0.7, 0.45, 0.35), (0.4, 0.5, 0.5)):
        for surround in (None, 0, 255):
            yield f"piece {x} {y} {width} {surround}", test_disease.piece(eye, x, y, width, surround)
    yield "autofluorescence", test_kinds.autofluorescent(eye)
    yield "iris", test_kinds.iris(0, alone=True)
    yield "tomogram", test_kinds.tomogram(0)
    yield "drawing", test_kinds.drawing(0)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, object]]:
    rendered = sorted((SAMPLE / "photographs").glob("*.jpg"))[::EVERY]
    files = {path.name: path.read_bytes() for path in rendered}
    made = {name: images.encode(np.ascontiguousarray(pixels, np.uint8), 90) for name, pixels in forms()}
    return {name: said(read(data)) for name, data in {**files, **made}.items()}


def test_reading_says_what_it_said(
    found: dict[str, dict[str, object]],
    golden: Path,
    accept_golden: bool,
) -> None:
    path = golden / "reading.json"
    if accept_golden:
        lines = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in found.items())
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    before = json.loads(path.read_text(encoding="utf-8"))
    assert list(found) == list(before)
    wrong = {name: (row, before[name]) for name, row in found.items() if not same(row, before[name])}
    assert not wrong


def same(one: dict[str, object], other: dict[str, object]) -> bool:
    """Words as they were, numbers within what another processor's rounding makes of them."""
    if any(one[word] != other[word] for word in ("status", "code", "reason", "kind", "eye")):
        return False
    near = ("field", 0.02, 0.0), ("checks", 1e-6, 1e-4), ("crop", 0.01, 0.0)
    return all(close(one[name], other[name], absolute, relative) for name, absolute, relative in near)


def close(some: object, others: object, absolute: float, relative: float) -> bool:
    assert isinstance(some, list)
    assert isinstance(others, list)
    pairs = zip(some, others, strict=True)
    return all(a == b or math.isclose(a, b, abs_tol=absolute, rel_tol=relative) for a, b in pairs)


def test_what_is_compared_has_both_eyes_both_verdicts_and_most_kinds(found: dict[str, dict[str, object]]) -> None:
    assert {row["eye"] for row in found.values()} >= {"left", "right"}
    assert {row["status"] for row in found.values()} == {"accepted", "refused"}
    assert len({row["kind"] for row in found.values()}) >= 15
