"""Who is missing: counts, odds against statsmodels, weights against a second calculation, bias that is mended."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from fundus_core.analyses import Study, layout, one_cohort
from fundus_core.evaluation import from_values, missing, weighted
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.tables import records_as_csv


def cohort(n=400, seed=0, refuse=0.0):
    """Errors that grow with age; refusals that grow with age by ``refuse``, and values that nobody measured."""
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(58, 12, n), rng.integers(0, 2, n).astype(float)
    y = 100 + 0.5 * age + rng.normal(0, 12, n)
    p = y + rng.normal(0, 1, n) * (4 + 0.2 * np.maximum(age - 40, 0))
    gone = rng.random(n) < 1 / (1 + np.exp(2 - refuse * (age - 58)))
    table = from_values("sbp", np.where(rng.random(n) < 0.05, np.nan, y), np.where(gone, np.nan, p), age=age, sex=sex)
    site = np.array(["north", "south", "west"])[rng.integers(0, 3, n)]
    return replace(table, status=np.where(gone, "refused", "predicted"), covariates={"site": site})


def lost(table):
    return ~(np.isfinite(table.truth["sbp"]) & (table.status == "predicted"))


def test_every_person_is_counted_once():
    table = cohort()
    found = missing(table, "sbp", "site")
    assert sum(each.n_patients for each in found) == len(table)
    assert sum(each.not_predicted for each in found) == (table.status == "refused").sum()
    assert sum(each.not_predicted + each.without_truth for each in found) == lost(table).sum()
    again = select_rows(table, np.random.default_rng(1).permutation(len(table)))
    assert missing(again, "sbp", "site") == found


def test_a_second_photograph_that_counts_keeps_its_person():
    table = from_values("sbp", [120.0] * 3, [np.nan, 121, np.nan], patient_id=["a", "a", "b"], sex=[1, 1, 1])
    table = replace(table, status=np.array(["refused", "predicted", "refused"]))
    (row,) = missing(table, "sbp", "sex")
    assert (row.n_patients, row.not_predicted, row.without_truth) == (2, 1, 0)
    waiting = replace(table, status=np.array(["refused", "predicted", "queued"]))
    assert missing(waiting, "sbp", "sex")[0].n_patients == 1


def test_odds_equal_statsmodels():
    table = cohort(refuse=0.05)
    found = {each.group: each for each in missing(table, "sbp", "site")}
    largest = max(found.values(), key=lambda each: each.n_patients).group
    x = sm.add_constant(np.column_stack([table.covariates["site"] == name for name in found if name != largest]) * 1.0)
    theirs = sm.Logit(lost(table) * 1.0, x).fit(disp=0, tol=1e-12)
    for k, name in enumerate((name for name in found if name != largest), 1):
        of = found[name]
        assert of.odds_ratio.value == pytest.approx(np.exp(theirs.params[k]), abs=1e-9)
        assert (of.odds_ratio.low, of.odds_ratio.high) == pytest.approx(tuple(np.exp(theirs.conf_int()[k])), abs=1e-7)
        assert of.p == pytest.approx(theirs.pvalues[k], abs=1e-9)


def test_a_group_of_whom_nobody_is_lost_has_penalised_odds():
    n = 60
    table = from_values("sbp", np.full(n, 120.0), np.full(n, 121.0), sex=np.repeat([1, 0], 30))
    table = replace(table, status=np.where(np.arange(n) < 10, "refused", "predicted"))
    of = {each.group: each for each in missing(table, "sbp", "sex")}
    other = of["male"] if of["male"].odds_ratio.value is not None else of["female"]
    ratio = (10.5 / 20.5) / (0.5 / 30.5)
    assert other.odds_ratio.value == pytest.approx(ratio if other.group == "female" else 1 / ratio, rel=1e-6)
    assert "Firth" in other.odds_ratio.method
    assert np.isfinite([other.odds_ratio.low, other.odds_ratio.high]).all()


def test_weights_equal_a_second_calculation():
    table = cohort(refuse=0.08)
    mae, bias = weighted(table, "sbp", ["site"])
    age = table.truth["age"]
    away = (age - age.mean()) / age.std()
    columns = [away, away**2, table.truth["sex"], *(table.covariates["site"] == each for each in ("south", "west"))]
    x, there = sm.add_constant(np.column_stack(columns).astype(float)), ~lost(table)
    weight = 1 / sm.Logit(there * 1.0, x).fit(disp=0, tol=1e-12).predict(x)[there]
    weight = np.clip(weight, *np.quantile(weight, [0.01, 0.99]))
    error = (table.predicted["sbp"] - table.truth["sbp"])[there]
    assert mae.weighted.value == pytest.approx(np.average(np.abs(error), weights=weight), abs=1e-9)
    assert bias.weighted.value == pytest.approx(np.average(error, weights=weight), abs=1e-9)
    assert mae.counted == pytest.approx(np.abs(error).mean(), abs=1e-9)
    assert mae.change.value == pytest.approx(mae.weighted.value - mae.counted)
    assert (mae.n_patients, mae.lost) == (there.sum(), (~there).sum())


def test_weighting_mends_what_goes_with_age_and_says_when_it_cannot():
    """Old people err more and are refused more: as counted the MAE is too low; weighted it is everybody's."""
    whole, counted, mended = [], [], []
    for seed in range(8):
        table = cohort(600, seed, refuse=0.1)
        age = table.truth["age"]
        whole.append(np.sqrt(2 / np.pi) * (4 + 0.2 * np.maximum(age - 40, 0)).mean())
        mae = weighted(table, "sbp")[0]
        counted.append(mae.counted)
        mended.append(mae.weighted)
    assert np.mean(counted) < np.mean(whole) - 0.2
    assert np.mean([each.value for each in mended]) == pytest.approx(np.mean(whole), abs=0.15)
    assert sum(each.low < true < each.high for each, true in zip(mended, whole, strict=True)) >= 6
    few = weighted(cohort(30), "sbp")[0]
    assert few.weighted.value is None
    assert "too few" in few.weighted.note


def test_nobody_missing():
    table = cohort()
    whole = select_rows(table, ~lost(table))
    assert "nobody is lost" in weighted(whole, "sbp")[0].weighted.note


def test_a_table_read_back_from_its_file_is_written_alike():
    study = Study.of(cohort(refuse=0.05))
    for analysis in (one_cohort.WEIGHTED, one_cohort.MISSING):
        rows = study.rows(analysis)
        assert rows
        back = [{key: _raw(row[key]) for key in rows[0]} for row in csv.DictReader(io.StringIO(records_as_csv(rows)))]
        assert layout(back, own=analysis.words).body == layout(rows, own=analysis.words).body
    assert "people have no prediction or no measured value. Weighted" in one_cohort.WEIGHTED.sentences(
        study, "sbp", str
    )


def _raw(text):
    try:
        return float(text)
    except ValueError:
        return text or None
