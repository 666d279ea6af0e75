"""A photograph open large: the map lies where the model looked, and arrow keys follow the error."""

from types import SimpleNamespace

import numpy as np
import pytest

from fundus_core import journey, runs
from fundus_core.images.sources import source_at
from fundus_core.records import Eye
from fundus_core.retina import CropRule
from fundus_core.runs import worker
from pages.parts.one_photograph import viewer
from pages.parts.shared import studies
from pages.parts.shell import sample

EYE = str(sample.FOLDER / "photographs" / "P0001_R.jpg")
SIDE = 192


@pytest.fixture(scope="module")
def looked():
    """What a model of small crops answers, in pixels of the file as ``Explanation`` has them."""
    examined = journey.examine(source_at(EYE), [CropRule(SIDE, margin=0.1)])
    crop, share = examined.crops[0], examined.width / examined.crops[0].bounds.width
    map_ = np.zeros((SIDE, SIDE), np.float32)
    place = {"origin_x": crop.origin_x * share, "origin_y": crop.origin_y * share, "scale": crop.scale / share}
    return SimpleNamespace(maps={"sbp": SimpleNamespace(map=map_)}, crop=crop.pixels, **place)


def eyes(monkeypatch, looked):
    monkeypatch.setattr(viewer.home, "store", lambda: SimpleNamespace(locator=lambda _cohort, name: name))
    view, item = (
        SimpleNamespace(cohort=SimpleNamespace(id=1)),
        SimpleNamespace(name=EYE, sha256="a", eye=Eye.RIGHT, visit=""),
    )
    return [viewer._eye(view, item, looked, "sbp", original=original) for original in (False, True)]


def test_the_map_covers_the_same_place_on_the_crop_and_on_the_original(monkeypatch, looked):
    crop, whole = eyes(monkeypatch, looked)
    assert crop["aspect"] == "1200 / 1200"
    assert "circle" not in crop
    left, top, wide, high = whole["circle"]  # the field of the original is what the large crop shows
    there = [left + crop["box"][0] * wide / 100, top + crop["box"][1] * high / 100]
    there += [crop["box"][2] * wide / 100, crop["box"][3] * high / 100]
    assert whole["box"] == pytest.approx(there, abs=0.6)
    assert crop["box"][0] < 0  # the small crop had a rim of a tenth
    assert crop["box"][2] > 100


def test_arrow_keys_go_to_the_next_by_error_and_stay_at_the_ends(filled):
    view = next(studies.View(one, "tests-own") for one in filled.cohorts() if one.name == "Clinic")
    group = studies.groups(view, "sbp", "photograph")[0]
    worst = str(group.ids[np.abs(group.error).argmax()])
    item = SimpleNamespace(name=worst)
    seen = [abs(group.error[group.ids == worst][0])]
    assert viewer._next(view, item, "sbp", -1) == worst
    for _step in range(3):
        item = SimpleNamespace(name=viewer._next(view, item, "sbp", 1))
        seen.append(abs(group.error[group.ids == item.name][0]))
    assert seen == sorted(seen, reverse=True)
    assert viewer._next(view, SimpleNamespace(name="refused.jpg"), "sbp", 1) == worst


def test_a_photograph_opens_large_with_both_eyes(filled, page):
    view = next(studies.View(one, "tests-own") for one in filled.cohorts() if one.name == "Clinic")
    item = filled.photographs(view.cohort.id).items[0]
    assert [each.name for each in viewer._beside(view, item)] == ["C000_right.jpg", "C000_left.jpg"]
    app = page("one_photograph", cohort="Clinic", model="tests-own")
    next(button for button in app.button if button.label == "Open large").click().run()
    assert not app.exception
    assert any(one.label == "Original with the crop's circle" for one in app.toggle)


def test_a_dropped_file_is_called_as_it_was_named(fresh, page, monkeypatch):
    monkeypatch.setattr(runs, "ensure_worker", worker.work)
    app = page("one_photograph")
    app.file_uploader(key="single").set_value(("plain.jpg", b"no picture at all", "image/jpeg")).run()
    assert not app.exception
    assert "**plain.jpg**" in [each.value for each in app.markdown]
    assert "eye unknown" in [each.value for each in app.caption]
    assert "The content is text" in app.warning[0].value
