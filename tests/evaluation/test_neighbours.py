"""Photographs that a model reads alike."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from fundus_core.errors import UsageError
from fundus_core.evaluation import from_values, nearest_neighbours, standardised_predictions
from fundus_core.evaluation.observations.sample import select_rows


def brute_force(table, name: str, number: int) -> list[str]:
    """All distances by scipy; own person and photographs without an answer left out."""
    seen = table.status == "predicted"
    columns = [np.where(seen, values, np.nan) for values in table.predicted.values()]
    scaled = np.stack([column / np.nanstd(column) for column in columns], axis=1)
    row = np.flatnonzero(table.photograph == name)[0]
    distance = cdist(scaled[row : row + 1], scaled)[0] / np.sqrt(scaled.shape[1])
    distance[table.patient_id == table.patient_id[row]] = np.nan
    order = np.argsort(distance, kind="stable")
    return [str(table.photograph[k]) for k in order if np.isfinite(distance[k])][:number]


@pytest.fixture
def table(cohort):
    return cohort(people=80, seed=11, gaps=0.1)


def test_neighbours_are_those_of_a_plain_search(table):
    among = standardised_predictions(table)
    with_answer = table.photograph[np.isfinite(among.scaled).all(axis=1)]
    for name in with_answer[:20]:
        found, distance = nearest_neighbours(among, str(name), 5)
        assert found.tolist() == brute_force(table, str(name), 5)
        assert (np.diff(distance) >= 0).all()


def test_nobody_is_their_own_neighbour_and_the_refused_are_nobodys(table):
    among, whose = (
        standardised_predictions(table),
        dict(zip(table.photograph.tolist(), table.patient_id.tolist(), strict=True)),
    )
    refused = set(table.photograph[table.status != "predicted"].tolist())
    found, _distance = nearest_neighbours(among, str(table.photograph[table.status == "predicted"][0]), 1000)
    assert whose[table.photograph[table.status == "predicted"][0]] not in {whose[name] for name in found.tolist()}
    assert not refused & set(found.tolist())


def test_units_of_a_target_do_not_matter(table):
    moved = replace(table, predicted={**table.predicted, "sbp": 7.5 * table.predicted["sbp"] + 20})
    name = str(table.photograph[np.isfinite(standardised_predictions(table).scaled).all(axis=1)][0])
    assert (
        nearest_neighbours(standardised_predictions(moved), name, 8)[0].tolist()
        == nearest_neighbours(standardised_predictions(table), name, 8)[0].tolist()
    )


def test_nearness_goes_both_ways(table):
    among = standardised_predictions(table)
    name = str(table.photograph[np.isfinite(among.scaled).all(axis=1)][0])
    (other,), (distance,) = nearest_neighbours(among, name, 1)
    names, distances = nearest_neighbours(among, str(other), 1000)
    assert distances[names.tolist().index(name)] == pytest.approx(distance, rel=1e-6)


def test_the_order_of_rows_does_not_matter_where_nothing_is_tied():
    random = np.random.default_rng(3)
    table = from_values("sbp", np.zeros(50), random.normal(120, 10, 50))
    mixed = select_rows(table, random.permutation(50))
    for name in table.photograph[:10]:
        assert (
            nearest_neighbours(standardised_predictions(mixed), str(name), 6)[0].tolist()
            == nearest_neighbours(standardised_predictions(table), str(name), 6)[0].tolist()
        )


def test_a_photograph_without_an_answer_has_no_neighbours(table):
    name = str(table.photograph[table.status != "predicted"][0])
    assert len(nearest_neighbours(standardised_predictions(table), name, 5)[0]) == 0


@pytest.mark.parametrize("said", [[120.0], [120.0, 120.0, 120.0]])
def test_answers_that_never_differ_compare_nobody(said):
    table = from_values("sbp", np.zeros(len(said)), said)
    assert standardised_predictions(table).targets == ()
    assert nearest_neighbours(standardised_predictions(table), str(table.photograph[0]), 3)[0].tolist() == []


def test_an_unknown_photograph_is_said():
    table = from_values("sbp", [0, 0], [110, 130])
    with pytest.raises(UsageError, match=r"no photograph 'x\.jpg'; choose one of its 2"):
        nearest_neighbours(standardised_predictions(table), "x.jpg", 1)
