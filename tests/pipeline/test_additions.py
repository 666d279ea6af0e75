"""What comes later to a cohort: values put over others or in their place, photographs given to rows of predictions.

Attacked with values that change, vanish and come; photographs that fit no row, two rows, or one row twice; the same
photographs under two tables; a file that is no photograph. Every number against numpy on the values handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fundus_core import analyses, images, pipeline, truth
from fundus_core.pipeline import Asked, additions, external_predictions
from fundus_core.store import Cohort, NewPhotograph, Store
from fundus_core.synthetic import synthesise


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both eyes of three people, one of them twice, one of a stranger, and a letter."""
    folder = tmp_path_factory.mktemp("eyes")
    synthesise(3, 3, folder / "made", size=200)
    out = folder / "photographs"
    out.mkdir()
    for path in sorted((folder / "made" / "photographs").iterdir()):
        path.rename(out / path.name.replace("P0003", "X9999"))
    with Image.open(out / "P0001_R.jpg") as again:
        again.rotate(3).save(out / "P0001_R_again.jpg")
    (out / "P0002_letter.jpg").write_bytes(b"Dear colleague")
    return out


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "store").mkdir()
    with Store.open(tmp_path / "store") as opened:
        yield opened


def frame(offset: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": ["P0001", "P0001", "P0002", "P0002", "P0007"],
            "eye": ["R", "L", "R", "L", "R"],
            "sbp_pred": np.array([120.5, 121.0, 131.5, 133.0, 140.0]) + offset,
            "sbp": [118.0, 118.0, 135.0, 135.0, 139.0],
        }
    )


def cohort_of(store: Store, name: str, table: pd.DataFrame) -> Cohort:
    read = truth.read_table(table.to_csv(index=False).encode(), "theirs.csv")
    asked = Asked(beside=False)
    made = external_predictions.of_every_model(read, pipeline.proposed(read, asked), asked)
    return external_predictions.keep(store, name, {"B7": made[""]})


def bring(store: Store, cohort: Cohort, folder: Path) -> additions.Attached:
    brought = list(images.sources([folder]))
    return additions.attach(store, cohort.id, brought, additions.match_photographs(store, cohort.id, brought))


def mae(store: Store, cohort: Cohort) -> float:
    found = analyses.evaluated(analyses.Study.of(store.table(cohort.id), analyses.Settings(draws=20))).targets["sbp"]
    return float(found.estimates["mae"].value or np.nan)


def test_rows_get_their_photographs_and_the_others_are_named(store: Store, eyes: Path) -> None:
    one, other = cohort_of(store, "one", frame()), cohort_of(store, "other", frame(4.0))
    before = [mae(store, cohort) for cohort in (one, other)]
    done = bring(store, one, eyes)
    assert (done.rows, done.more) == (4, 1)
    assert sorted(name.rsplit("/", 1)[-1] for name in done.left) == ["P0002_letter.jpg", "X9999_L.jpg", "X9999_R.jpg"]
    bring(store, other, eyes)
    assert [mae(store, cohort) for cohort in (one, other)] == before
    read = [item for item in store.photographs(one.id, model="B7").items if item.predictions]
    items = {(item.patient_id, item.eye.value): item for item in read}
    assert items["P0001", "right"].predictions["sbp"].value == 120.5
    assert store.thumbnail(items["P0001", "right"].sha256) is not None
    assert store.waiting(one.id) == tuple(name for name in store.table(one.id).photograph if "P0007" in name)
    again = bring(store, one, eyes)
    assert (again.rows, again.more) == (0, 0), "what is there is not taken twice"


def test_a_photograph_that_fits_two_rows_belongs_to_neither(store: Store, eyes: Path) -> None:
    twice = frame().assign(eye="", day=["2020", "2021", "2020", "2021", "2020"])
    cohort = cohort_of(store, "visits", twice.drop(columns="eye").rename(columns={"day": "visit"}))
    found = additions.match_photographs(store, cohort.id, list(images.sources([eyes])))
    assert not (found.line >= 0).any()


def test_values_are_put_over_the_old_or_in_their_place(store: Store) -> None:
    cohort = cohort_of(store, "one", frame())
    table = pd.DataFrame({"patient_id": ["P0001", "P0002"], "sbp": [128.0, np.nan], "bmi": [22.5, 31.0]})
    lines = truth.load(table.to_csv(index=False).encode(), "later.csv")
    found = pipeline.match_truth(store, cohort.id, lines)
    told = pipeline.difference(store.table(cohort.id), found)
    assert told == pipeline.Difference(new=4, changed=2, same=0, lacking=3)
    pipeline.set_truth(store, cohort.id, found, keep=True)
    now = store.table(cohort.id)
    assert now.truth["sbp"].tolist() == [128, 128, 135, 135, 139]
    np.testing.assert_array_equal(now.truth["bmi"], [22.5, 22.5, 31, 31, np.nan])
    assert mae(store, cohort) == pytest.approx(np.mean([128 - 120.75, 135 - 132.25, 140 - 139]), abs=1e-9)
    assert pipeline.difference(now, found) == pipeline.Difference(new=0, changed=0, same=6, lacking=3)
    pipeline.set_truth(store, cohort.id, found)
    np.testing.assert_array_equal(store.table(cohort.id).truth["sbp"], [128, 128, np.nan, np.nan, np.nan])


def test_an_export_without_photographs_takes_them_back(store: Store, eyes: Path, tmp_path: Path) -> None:
    cohort = store.create_cohort("whole")
    paths = sorted(eyes.glob("P000*_?.jpg"))
    kept = [NewPhotograph.of_kept(path.name, store.keep(path.read_bytes())) for path in paths]
    store.add_photographs(cohort.id, kept)
    store.export(cohort.id, tmp_path / "without.zip", photographs=False)
    (tmp_path / "other").mkdir()
    with Store.open(tmp_path / "other") as other:
        back = other.import_(tmp_path / "without.zip")
        (tmp_path / "changed").mkdir()
        Image.open(paths[0]).rotate(90).save(tmp_path / "changed" / paths[0].name)
        changed = bring(other, back, tmp_path / "changed")
        assert (changed.rows, changed.more, len(changed.left)) == (0, 0, 1), "other bytes are another photograph"
        assert len(other.waiting(back.id)) == len(paths)
        done = bring(other, back, eyes)
        assert (done.rows, done.more, other.waiting(back.id)) == (len(paths), 3, ())
        assert list(other.hashes(back.id))[: len(paths)] == [one.sha256 for one in kept]


def test_an_export_of_predictions_alone_comes_back_without_photographs(store: Store, tmp_path: Path) -> None:
    cohort = cohort_of(store, "one", frame())
    store.export(cohort.id, tmp_path / "rows.zip")
    back = store.import_(tmp_path / "rows.zip", name="back")
    assert (back.photographs, back.files) == (5, 0)
    assert mae(store, back) == mae(store, cohort)
    assert store.waiting(back.id) == store.waiting(cohort.id)
