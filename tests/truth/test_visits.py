"""Rows of a person and a visit: the right row, the nearest one, or a sentence that says why none. Attacked with other
formats of dates, rows that name no visit, ties, days beyond the limit, and names that hold no visits at all."""

from __future__ import annotations

import numpy as np
import pytest

from fundus_core import truth
from fundus_core.records import DAYS_APART

VISITS = "patient_id,exam_date,sbp\na,2021-04-01,120\na,2022-04-10,140\nb,2021-05-01,130\n"


def matched(text: str, names: list[str], visits: list[str], patients: list[str] | None = None, **more) -> truth.Match:
    patients = patients or [name[0] for name in names]
    return truth.match(truth.load(text.encode(), "t.csv"), names, patient_ids=patients, visits=visits, **more)


def test_a_row_belongs_to_person_and_visit():
    found = matched(VISITS, ["a1", "a2", "b1"], ["2021-04-01", "2022-04-10", "2021-05-01"])
    assert found.values()["sbp"].tolist() == [120, 140, 130]
    assert not found.of_visits
    assert DAYS_APART not in found.covariates()


def test_the_nearest_day_within_the_limit_is_taken_and_said():
    found = matched(VISITS, ["a1", "a2", "b1"], ["2021-04-05", "2022-03-31", "2021-05-01"])
    assert found.values()["sbp"].tolist() == [120, 140, 130]
    assert found.days_apart.tolist() == [4, -10, 0]
    assert found.covariates()[DAYS_APART].tolist() == ["4", "-10", "0"]
    (said,) = found.of_visits
    assert str(said).startswith(
        "2 of 3 photographs were taken on another day than their values were measured: median 7"
    )


def test_beyond_the_limit_nothing_is_taken_and_each_is_listed():
    found = matched(VISITS, ["a1", "a2"], ["2021-04-05", "2022-03-31"], most_days=9)
    assert np.array_equal(found.values()["sbp"], [120, np.nan], equal_nan=True)
    assert found.status.tolist() == ["matched", "far"]
    assert "a2" in truth.as_csv(found.faults)
    assert any("none within 9 days" in str(why) for why in found.why)


def test_of_two_days_as_near_the_earlier_is_taken():
    found = matched("patient_id,exam_date,sbp\na,2021-04-01,120\na,2021-04-09,140\n", ["a1"], ["2021-04-05"])
    assert found.values()["sbp"].tolist() == [120]


def test_several_visits_and_nothing_that_says_which_is_no_conflict_of_ids():
    found = matched(VISITS, ["a1", "b1"], ["", ""])
    assert found.status.tolist() == ["which", "matched"]
    (why,) = found.why
    assert "several visits" in str(why)
    assert "2021-04-01" in str(why)


def test_a_row_without_a_visit_serves_where_no_dated_one_is_near():
    text = "patient_id,exam_date,sbp\na,2021-04-01,120\na,,125\n"
    found = matched(text, ["a1", "a2"], ["2021-04-02", "2023-01-01"])
    assert found.values()["sbp"].tolist() == [120, 125]


def test_a_row_that_names_the_photograph_stays_whatever_its_date():
    text = "photograph,exam_date,sbp\na1.jpg,2021-04-01,120\n"
    found = matched(text, ["a1.jpg"], ["2021-07-01"], [""])
    assert found.values()["sbp"].tolist() == [120]
    assert [fault.fault for fault in found.faults if fault.row] == ["far"]


@pytest.mark.parametrize(("measured", "taken"), [("Visit 1", "v1"), ("2", "Visit 02"), ("baseline", "Baseline")])
def test_words_for_visits_meet(measured, taken):
    found = matched(f"patient_id,visit,sbp\na,{measured},120\na,9,140\n", ["a1"], [taken])
    assert found.values()["sbp"].tolist() == [120]


def test_a_folder_that_is_a_year_means_the_visit_of_that_year():
    found = matched(VISITS, ["a1", "a2"], ["2021", "2022"])
    assert found.values()["sbp"].tolist() == [120, 140]


def test_two_visits_of_one_person_are_not_two_answers():
    assert not [fault for fault in truth.load(VISITS.encode(), "t.csv").faults if fault.fault == "conflict"]


@pytest.mark.parametrize(
    "names",
    [
        ["a_20210401_R.jpg", "a_20220410_R.jpg"],
        ["a 2021-04-01.jpg", "a 2022-04-10.jpg"],
        ["2021.04.01/a.png", "2022.04.10/a.png"],
        ["a_令和3年4月1日.png", "a_令和4年4月10日.png"],
        ["R3.4.1/a.png", "R4.4.10/a.png"],
        ["a_01Apr2021.png", "a_10Apr2022.png"],
        ["a_1.4.2021.jpg", "a_10.4.2022.jpg"],
        ["a-20210401093012.dcm", "a-20220410101500.dcm"],
    ],
)
def test_dates_in_names_are_visits(names):
    assert truth.visits_in_names(names).tolist() == ["2021-04-01", "2022-04-10"]


@pytest.mark.parametrize(
    "names",
    [
        ["export_20230401_a.jpg", "export_20230401_b.jpg"],  # one date in all names says nothing
        ["a_19600401.jpg", "b_20010401.jpg"],  # dates of birth
        ["a_20210401_20220410.jpg", "b_20210401_20220410.jpg"],  # which of two?
        ["P20210001.jpg", "P20210002.jpg"],  # numbers
        ["a_2021040112.jpg", "a_2021040113.jpg"],
        ["a.jpg", "b_20210401.jpg", "c.jpg"],
    ],
)
def test_what_is_no_visit_is_left_alone(names):
    assert set(truth.visits_in_names(names).tolist()) == {""}
