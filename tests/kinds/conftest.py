"""The eyes that all tests of kinds look at, made once."""

from __future__ import annotations

import pytest

from fundus_core.records import Pixels
from tests.kinds.pictures import SAMPLE, SHARED, small


@pytest.fixture(scope="session")
def eyes() -> list[Pixels]:
    """A rendered eye, and a real one of each camera where they lie beside the project."""
    found = [small(SAMPLE / "photographs" / "P0001_R.jpg", 368)]
    real = SHARED / "real_fundus"
    names = ("idrid__IDRiD_46.jpg", "hrf__01_h.jpg", "chasedb1-orig__CHASEDB1_08L.png")
    return found + [small(real / name, 480) for name in names if (real / name).exists()]
