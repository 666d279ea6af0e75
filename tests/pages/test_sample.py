"""The sample cohort opens with its readings, and they are what its model says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fundus_core import inference, pipeline, truth
from fundus_core.images import sources
from fundus_core.journey import examine
from fundus_core.models import registry
from fundus_core.records import Status
from fundus_core.store import Store, Where
from pages.parts.shell import sample
from pages.parts.shell.language import tongue


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store.open(tmp_path / "store") as opened:
        sample.ensure(opened, tmp_path)
        yield opened


def test_a_fresh_store_shows_predicted_against_true_at_once(store: Store) -> None:
    table = store.table(sample.NAME)
    assert len(table) == 400
    assert set(table.status) == {"predicted", "refused"}
    assert np.isfinite(table.predicted["sbp"]).sum() > 350
    assert np.isfinite(table.truth["sbp"]).sum() > 350
    assert store.models(sample.NAME)[0].model == sample.MODEL
    assert all("rendered" in reason for reason in table.reason[table.status == "predicted"])


def test_why_a_photograph_was_refused_is_said_in_japanese_too(store: Store) -> None:
    refused = store.photographs(sample.NAME, Where(statuses=("refused",)), model=sample.MODEL, limit=400).items
    assert len(refused) == 24
    assert not [one.reason for one in refused if tongue("ja").say(one.reason) == one.reason]


def test_its_truth_is_what_the_reader_for_any_table_finds(store: Store) -> None:
    before = store.table(sample.NAME)
    found = pipeline.match_truth(store, sample.NAME, truth.load(sample.FOLDER / "truth.csv"))
    pipeline.set_truth(store, sample.NAME, found)
    after = store.table(sample.NAME)
    for name, column in before.truth.items():
        np.testing.assert_array_equal(column, after.truth[name])
    assert {name: list(words) for name, words in before.covariates.items()} == {
        name: list(words) for name, words in after.covariates.items()
    }
    assert list(before.patient_id) == list(after.patient_id)
    assert list(before.eye) == list(after.eye)


def test_it_is_on_its_way_until_it_can_be_looked_at(tmp_path: Path) -> None:
    with Store.open(tmp_path / "fresh") as fresh:
        assert sample.is_loading(fresh, tmp_path)
        sample.ensure(fresh, tmp_path)
        assert not sample.is_loading(fresh, tmp_path)
        fresh.delete(sample.NAME)
        assert not sample.is_loading(fresh, tmp_path), "who deleted it is rid of it"


def test_offering_it_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    before = store.cohort(sample.NAME)
    sample.ensure(store, tmp_path)
    assert store.cohort(sample.NAME) == before
    store.delete(sample.NAME)
    sample.ensure(store, tmp_path)
    assert not store.cohorts()


def test_what_was_shipped_is_what_the_model_says() -> None:
    shipped = {one.photograph: one for one in pipeline.read_predictions(sample.FOLDER / "predictions.csv").readings()}
    card = registry.find(sample.MODEL)
    assert next(iter(shipped.values())).weights_sha256 == card.weights.sha256
    predictor = inference.open_predictor(card)
    every = enumerate(sources([sample.FOLDER / "photographs"]))
    for source in [source for n, source in every if n % 67 == 0 or shipped[source.name].status is Status.REFUSED]:
        seen, expected = examine(source, [card.rule]), shipped[source.name]
        assert seen.sha256 == expected.sha256
        assert (seen.reason_code or "") == (expected.reason_code.replace("out_of_distribution", "")), source.name
        assert seen.score == pytest.approx(expected.quality, abs=1e-4), source.name
        if seen.reason_code:
            assert seen.reason == expected.reason, "limits that moved since would be told wrongly"
        if expected.predictions:
            found = predictor.predict(seen.crops[0].pixels[None])
            for target, one in expected.predictions.items():
                assert found.values[target][0] == pytest.approx(one.value, rel=2e-3, abs=2e-3), target


def test_every_picture_of_the_sample_can_be_shown() -> None:
    for path in sorted((sample.FOLDER / "photographs").iterdir())[::40]:
        assert sample.original(hashlib.sha256(path.read_bytes()).hexdigest()) == path
    assert sample.original("00") is None
