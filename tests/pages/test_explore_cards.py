"""A card of the gallery says which eye, where and by which camera, and is as high as its neighbours."""

from types import SimpleNamespace

import pytest

from fundus_core.records import Eye
from pages.parts import explore


def test_a_name_is_cut_in_its_middle_so_that_the_eye_stays() -> None:
    long = "20240401_university_hospital_000123_R.jpg"
    cut = explore.middle_cut(long)
    assert cut.startswith("20240401")
    assert cut.endswith("_R.jpg")
    assert len(cut) <= 21
    assert explore.middle_cut("P1_L.png") == "P1_L.png"


def test_a_card_says_eye_site_and_camera_and_leaves_out_what_nobody_knows() -> None:
    item = SimpleNamespace(eye=Eye.LEFT, covariates={"site": "north_1", "camera": "", "treated": "1"})
    assert explore.facts(item) == "left eye · north_1"


def test_a_long_reason_stands_in_the_help_and_not_on_the_card() -> None:
    assert explore.end_cut("short") == "short"
    assert len(explore.end_cut("x" * 300)) == len(explore.end_cut("y" * 60))


@pytest.mark.usefixtures("filled")
def test_every_card_has_the_same_parts(page) -> None:
    app = page("explore", cohort="Clinic", model="tests-own")
    shown = [one.value for one in app.caption if " eye · " in one.value]
    assert shown
    assert all(one.count("\n") == 1 for one in shown)
