"""Refusals by group and decisions: counts and laws, odds against statsmodels, the claim under no difference."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from fundus_core.analyses import Study, layout, one_cohort
from fundus_core.evaluation import as_read, decided, evaluate, from_values, refused, refused_along
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.tables import records_as_csv


def cohort(people=150, seed=0, north=0.0):
    """Two photographs a person, refused together more often than by chance; those of the north by ``north`` more."""
    rng = np.random.default_rng(seed)
    who = np.repeat([f"p{i:03}" for i in range(people)], 2)
    site = np.repeat(np.array(["north", "south", "west"])[rng.integers(0, 3, people)], 2)
    y = np.repeat(rng.normal(130, 15, people), 2)
    odds = -2 + np.repeat(rng.normal(0, 1.2, people), 2) + north * (site == "north")
    gone = rng.random(2 * people) < 1 / (1 + np.exp(-odds))
    p = y + rng.normal(0, 8, 2 * people)
    table = from_values("sbp", y, np.where(gone, np.nan, p), patient_id=who)
    status, hidden = np.where(gone, "refused", "predicted"), np.where(gone, p, np.nan)
    return replace(table, status=status, covariates={"site": site}), hidden


def accept(table, hidden, rows):
    """As the store gives a cohort in which a person accepted these rows."""
    chosen = np.isin(np.arange(len(table)), rows) & (table.status == "refused")
    made = {"sbp": np.where(chosen, hidden, table.predicted["sbp"])}
    status = np.where(chosen, "predicted", table.status)
    return replace(table, status=status, predicted=made, decision=np.where(chosen, "overruled", table.decision))


def withdraw(table, rows):
    chosen = np.isin(np.arange(len(table)), rows) & (table.status == "predicted")
    own = table.predicted["sbp"]
    return replace(
        table,
        status=np.where(chosen, "refused", table.status),
        predicted={"sbp": np.where(chosen, np.nan, own)},
        withdrawn={"sbp": np.where(chosen, own, np.nan)},
        decision=np.where(chosen, "withdrawn", table.decision),
    )


def test_every_photograph_that_was_read_is_counted_once_in_any_order():
    table, _ = cohort()
    table.status[:2] = "failed", "queued"
    found = refused(table, "site")
    assert sum(each.n_photographs for each in found) == len(table) - 2
    assert sum(each.refused for each in found) == (table.status == "refused").sum()
    again = select_rows(table, np.random.default_rng(1).permutation(len(table)))
    assert refused(again, "site") == found
    tenths = refused_along(table, "sbp")
    assert sum(each.refused for each in tenths) == (table.status == "refused").sum()
    assert len(tenths) == 10


def test_what_a_person_decided_changes_no_refusal():
    table, hidden = cohort()
    turned = withdraw(accept(table, hidden, np.arange(60)), np.arange(100, 140))
    assert (turned.status != table.status).sum() > 20
    assert refused(turned, "site") == refused(table, "site")


def test_odds_and_their_interval_equal_statsmodels_with_people_as_clusters():
    table, _ = cohort()
    found = {each.group: each for each in refused(table, "site")}
    largest = next(each.group for each in found.values() if not each.against)
    site, gone = table.covariates["site"], (table.status == "refused") * 1.0
    for name in set(found) - {largest}:
        rows = np.isin(site, [name, largest])
        x = sm.add_constant((site[rows] == name) * 1.0)
        people = np.unique(table.patient_id[rows], return_inverse=True)[1]
        theirs = sm.Logit(gone[rows], x).fit(
            disp=0, tol=1e-12, cov_type="cluster", cov_kwds={"groups": people}, use_t=True
        )
        of = found[name]
        assert of.odds_ratio.value == pytest.approx(np.exp(theirs.params[1]), rel=1e-9)
        assert [of.odds_ratio.low, of.odds_ratio.high] == pytest.approx(np.exp(theirs.conf_int()[1]), rel=1e-6)
        assert of.p == pytest.approx(theirs.pvalues[1], rel=1e-6)


def test_twice_the_same_photograph_of_everybody_tells_nothing_more():
    table, _ = cohort()
    once = select_rows(table, np.arange(0, len(table), 2))
    twice = select_rows(once, np.repeat(np.arange(len(once)), 2))
    twice = replace(twice, photograph=np.array([f"{i}.jpg" for i in range(len(twice))]))
    for one, two in zip(refused(once, "site"), refused(twice, "site"), strict=True):
        assert two.share.value == pytest.approx(one.share.value)
        assert two.share.high - two.share.low == pytest.approx(one.share.high - one.share.low, rel=0.1)


def test_a_group_that_is_refused_more_is_named_and_rarely_one_where_none_is():
    told = one_cohort.REFUSED.sentences(Study.of(cohort(300, north=1.5)[0]), "", str)
    assert told.startswith("The gate refuses one group more often: site north, ")
    assert "against" in told
    claims = [
        one_cohort.REFUSED.sentences(Study.of(cohort(120, seed)[0]), "", str).startswith("The gate")
        for seed in range(60)
    ]
    assert sum(claims) <= 7  # 5 % of 60 are 3; more than 7 in 1.2 % of such series
    whole, _ = cohort(40)
    nobody = select_rows(whole, whole.status != "refused")
    assert one_cohort.REFUSED.sentences(Study.of(nobody), "", str) == ""
    assert "enough people to tell" in one_cohort.REFUSED.sentences(Study.of(cohort(12)[0]), "", str)


def test_overruling_nothing_changes_nothing():
    table, _ = cohort(40)
    assert decided(table, "sbp") == ()
    assert as_read(table) is table
    assert one_cohort.DECIDED.sentences(Study.of(table), "sbp", str) == ""


def test_both_sides_are_the_evaluations_of_the_two_tables_and_the_change_their_difference():
    table, hidden = cohort()
    turned = withdraw(accept(table, hidden, np.arange(0, 120)), [200, 201, 202])
    before = as_read(turned)
    assert np.array_equal(before.status, table.status)
    assert np.array_equal(before.predicted["sbp"], table.predicted["sbp"], equal_nan=True)
    mae, bias = decided(turned, "sbp")
    for one in (mae, bias):
        assert one.decided == evaluate(turned).targets["sbp"].estimates[one.estimate]
        assert one.as_read == evaluate(table).targets["sbp"].estimates[one.estimate]
        assert one.change.value == pytest.approx(one.decided.value - one.as_read.value, abs=1e-12)
        assert one.change.low < one.change.value < one.change.high
    assert mae.accepted == (turned.decision == "overruled").sum()
    assert mae.withdrawn == (turned.decision == "withdrawn").sum()
    mixed = select_rows(turned, np.random.default_rng(2).permutation(len(turned)))
    assert decided(mixed, "sbp")[0].change.low == pytest.approx(mae.change.low, abs=1e-12)


def test_the_change_has_the_interval_of_leaving_people_out_by_hand():
    table, hidden = cohort(30)
    turned = accept(table, hidden, np.arange(len(table)))
    people = np.unique(turned.patient_id)

    def change(kept):
        one, other = (evaluate(select_rows(each, kept)).targets["sbp"] for each in (turned, table))
        return one.estimates["mae"].value - other.estimates["mae"].value

    left = np.array([change(turned.patient_id != who) for who in people])
    error = np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum())
    found = decided(turned, "sbp")[0].change
    assert (found.high - found.low) / 2 == pytest.approx(error * 2.045229642132703, abs=1e-9)  # t of 29 at 97.5 %


def test_a_file_of_predictions_says_that_withdrawn_ones_are_not_in_it():
    table, _ = cohort(40)
    of_file = replace(withdraw(table, [0, 1, 2, 3]), withdrawn={})
    assert "not in this table" in decided(of_file, "sbp")[0].change.note


def test_a_table_read_back_from_its_file_is_written_alike():
    table, hidden = cohort(60)
    study = Study.of(accept(table, hidden, np.arange(60)))
    for analysis in (one_cohort.REFUSED, one_cohort.REFUSED_ALONG, one_cohort.DECIDED):
        rows = study.rows(analysis)
        assert rows
        back = [{key: _raw(row[key]) for key in rows[0]} for row in csv.DictReader(io.StringIO(records_as_csv(rows)))]
        assert layout(back, own=analysis.words).body == layout(rows, own=analysis.words).body
    assert "refused photographs and withdrew 0. With these" in one_cohort.DECIDED.sentences(study, "sbp", str)


def _raw(text):
    try:
        return float(text)
    except ValueError:
        return text or None
