"""The way of one photograph and of one click stays as short as it was made; the counter sees what it should."""

import io

import pytest
from PIL import Image

from tests import counting
from tests.pages.conftest import as_on_a_server, filled

__all__ = ["as_on_a_server", "filled"]


def test_the_counter_sees_our_functions_and_no_others():
    from fundus_core.owner_only import closed

    walked = counting.way(lambda: (closed(counting.ROOT), sorted([2, 1])))
    assert {name for _, name in walked.functions} == {"closed"}
    assert len(walked.files) == 1


def test_one_photograph_passes_few_functions(tmp_path):
    walked = counting.one_photograph(tmp_path)
    assert any(file.endswith("journey.py") for file in walked.files), "it must be looked at"
    assert any("inference" in file for file in walked.files), "and read by the model"
    assert len(walked.functions) <= 320, str(walked)
    assert len(walked.files) <= 51, str(walked)


@pytest.fixture(scope="module")
def read(filled):
    """A run leaves a picture of each photograph; where there is none, the page makes it, once."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    for sha256 in (str(one) for cohort in filled.cohorts() for one in filled.hashes(cohort.id)):
        for kind in ("crops", "thumbnails"):
            filled.shelf.write(kind, sha256, out.getvalue())


@pytest.mark.parametrize(("target", "functions", "files"), [("age", 427, 77), ("sbp", 307, 63)])
def test_one_click_passes_few_functions(read, target, functions, files):
    walked = counting.one_click(target)
    assert any("figures" in file for file in walked.files), "the figure must be drawn"
    assert len(walked.functions) <= functions, str(walked)
    assert len(walked.files) <= files, str(walked)
