"""The picture of a photograph whose cohort was read in: made from its own bytes, once, for whoever may see it.

Attacked with a file that brings another picture, a photograph without a retina, one that is queued, one that is deleted
while its picture is made, and somebody who may not see it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fundus_core import journey, pipeline
from fundus_core.store import AuditLog, Finding, Item, ModelVersion, NewPhotograph, Person, Store
from fundus_core.synthetic import synthesise

VERSION = ModelVersion("m", "a" * 64, "b" * 64)


def jpeg(pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


PLANTED = jpeg(np.full((64, 64, 3), (0, 250, 0), np.uint8))
BLANK = jpeg(np.full((64, 64, 3), 128, np.uint8))


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("eyes")
    synthesise(1, 1, folder, size=200)
    return next((folder / "photographs").iterdir()).read_bytes()


@pytest.fixture
def store(tmp_path: Path, eye: bytes) -> Iterator[Store]:
    """A store into which a file was read that brings a green picture of an eye, and of a grey square."""
    with Store.open(tmp_path / "theirs") as theirs:
        theirs.create_cohort("Brought")
        kept = [theirs.keep(data) for data in (eye, BLANK)]
        names = ("eye.jpg", "blank.jpg")
        theirs.add_photographs("Brought", map(NewPhotograph.of_kept, names, kept))
        theirs.record("Brought", VERSION, [Finding(kept[0].sha256, "predicted"), Finding(kept[1].sha256, "refused")])
        theirs.export("Brought", tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as file:
        for kind in ("crops", "thumbnails"):
            for one in kept:
                file.writestr(f"{kind}/{one.sha256}.jpg", PLANTED)
    with Store.open(tmp_path / "store") as opened:
        opened.import_(tmp_path / "x.zip")
        yield opened


def item(store: Store, name: str = "eye.jpg") -> Item:
    return store.photograph("Brought", name)


def test_it_is_the_photographs_own_and_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for large in (True, False):
        shown = pipeline.picture(store, item(store), large=large)
        assert shown is not None
        red, green, _blue = np.asarray(Image.open(shown)).reshape(-1, 3).mean(axis=0)
        assert red > green > 0, "an eye, not what was brought"
    assert store.crop(item(store).sha256) != store.thumbnail(item(store).sha256)
    monkeypatch.setattr(journey, "examine", lambda *_: pytest.fail("it was made before"))
    assert pipeline.picture(store, item(store)) == store.crop(item(store).sha256)


def test_one_without_a_retina_has_none_and_is_looked_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blank = item(store, "blank.jpg")
    assert pipeline.picture(store, blank) is None
    monkeypatch.setattr(journey, "examine", lambda *_: pytest.fail("it was looked at before"))
    assert pipeline.picture(store, blank) is None
    assert store.thumbnail(blank.sha256) is None


def test_that_of_a_queued_one_is_the_workers(store: Store, eye: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "examine", lambda *_: pytest.fail("it is the worker's"))
    store.create_cohort("Waiting")
    store.add_photographs("Waiting", [NewPhotograph.of_kept("eye.jpg", store.keep(eye))])
    assert pipeline.picture(store, store.photograph("Waiting", "eye.jpg")) is None


def test_one_that_is_deleted_meanwhile_leaves_no_picture(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    there, examine = item(store), journey.examine

    def late(*asked: object) -> object:
        found = examine(*asked)  # type: ignore[arg-type]
        store.delete("Brought")
        return found

    monkeypatch.setattr(journey, "examine", late)
    assert pipeline.picture(store, there) is None
    assert not list(store.shelf.folder.glob("*/??/*"))


def test_it_is_made_for_nobody_who_may_not_see_it(store: Store) -> None:
    store.give("Brought", "ann@x")
    ann, bob = (store.asked_by(Person(name, AuditLog(store.shelf.folder))) for name in ("ann@x", "bob@x"))
    there = item(ann)
    assert pipeline.picture(bob, there) is None
    assert not store.shelf.all("crops")
    assert pipeline.picture(ann, there) is not None
