"""A table for people loses no row and no number that matters, and says every remark once."""

import pytest

from fundus_core.analyses import layout, table_one
from fundus_core.evaluation import Characteristic


def row(**more):
    """A difference as it is exported."""
    usual = {
        "target": "sbp",
        "score": "mae",
        "first": "Clinic",
        "second": "Van",
        "difference": 1.234,
        "difference_low": -0.5,
        "difference_high": 2.9,
        "difference_note": "",
        "test": "Welch's t test",
        "p": 0.2,
        "p_adjusted": 0.0004,
        "q": None,
        "correction": "Holm",
    }
    return {**usual, **more}


def test_an_interval_stands_beside_its_value():
    made = layout([row()])
    assert made.head == ("Target", "Estimate", "First", "Second", "Difference", "p, corrected")
    assert made.body == (("SBP", "MAE (mmHg)", "Clinic", "Van", "+1.23 (−0.50 to +2.90)", "< 0.001"),)


def test_remarks_that_all_rows_share_stand_once_below():
    made = layout([row(), row(second="Bus")])
    assert made.notes == ("Welch's t test", "Holm")
    assert "Notes" not in made.head


def test_remarks_of_single_rows_are_named_by_letters():
    made = layout([row(), row(difference=None, difference_note="too few people", test="")])
    assert made.head[-1] == "Notes"
    assert [cells[-1] for cells in made.body] == ["a b", "c b"]
    assert made.notes == ("a: Welch's t test", "b: Holm", "c: Too few people")
    assert made.body[1][4] == "–"


@pytest.mark.parametrize("count", [0, 1, 40])
def test_no_row_is_lost(count):
    assert len(layout([row(first=str(n), test=f"test {n}") for n in range(count)]).body) == count


def test_a_column_without_any_value_is_left_out():
    assert "Effect size" not in layout([row(effect=None, effect_low=None, effect_high=None)]).head


def person(cohort, **more):
    usual = {"variable": "sbp", "category": "", "unit": "mmHg", "n": 20, "missing": 0}
    return Characteristic(cohort, **{**usual, "mean": 130.4, "sd": 17.2, "share": None, **more})


def test_table_one_translates_its_own_words_and_no_strangers():
    """A column may be called like a word of ours, and hold one."""
    theirs = person("Clinic", variable="eye_side", category="left", unit="", mean=None, sd=None, share=0.5)
    ours = person("Clinic", variable="refused", unit="", mean=None, sd=None)
    made = table_one([ours, person("Clinic"), theirs], say=str.upper)
    assert [cells[0] for cells in made.body] == ["REFUSED", "SBP (MMHG)", "eye_side: left"]


def test_table_one_has_a_column_per_cohort():
    category = {"variable": "site", "category": "north_east", "unit": "", "mean": None, "sd": None}
    made = table_one(
        [
            person("Clinic"),
            person("Clinic", n=5, share=0.25, **category),
            person("Van", n=18, missing=2, mean=99.5),
        ]
    )
    assert made.head == ("", "Clinic", "Van")
    assert made.body == (
        ("SBP (mmHg)", "130.40 (17.20)", "99.50 (17.20), n = 18"),
        ("site: north_east", "5 (25.0 %)", "–"),
    )
