"""Laws of selections: parts of a cohort that add up to it, found by what made them and by nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fundus_core import evaluation
from fundus_core.errors import UsageError
from fundus_core.evaluation import from_values, person_ids, select_rows, selected, selected_rows, split, unit_names
from fundus_core.records import Rule
from tests.evaluation.conftest import cohort

TABLE = cohort(80, seed=3)
SOME = np.unique(TABLE.patient_id)[::3]
RULES = (
    Rule(statuses=("refused",)),
    Rule(eye="left"),
    Rule(quality=0.5),
    Rule(text="P001"),
    Rule(column="site", words=("A", "C")),
    Rule(column="age", words=("50 to <60",)),
    Rule(level="patient", names=tuple(SOME)),
    Rule(level="eye", names=tuple(f"{who} · right" for who in SOME)),
    Rule(level="photograph", names=tuple(TABLE.photograph[:9])),
    Rule(column="site", words=("A",), eye="right", quality=0.2),
)


def scores(table, target="sbp", draws=50):
    return evaluation.evaluate(table, targets=[target], draws=draws).targets[target]


def test_a_selection_of_everything_is_the_cohort():
    whole = scores(TABLE)
    for rule in (Rule(), Rule(level="patient", names=tuple(TABLE.patient_id)), Rule(column="site", words=tuple("ABC"))):
        assert scores(selected(TABLE, rule)).estimates == whole.estimates


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.as_json()[:40])
def test_a_selection_and_its_rest_share_out_the_photographs(rule):
    mine, others = selected_rows(TABLE, rule), selected_rows(TABLE, replace(rule, rest=True))
    assert 0 < mine.sum() < len(TABLE)
    assert (mine ^ others).all()


def test_a_selection_of_people_and_its_rest_share_out_the_people_and_their_errors():
    rule = Rule(level="patient", names=tuple(SOME))
    mine, others = (selected(TABLE, replace(rule, rest=rest)) for rest in (False, True))
    assert not set(mine.patient_id) & set(others.patient_id)
    parts = [scores(table) for table in (mine, others)]
    whole = scores(TABLE)
    assert sum(part.n_patients for part in parts) == whole.n_patients
    together = sum(part.n * part.estimates["mae"].value for part in parts) / whole.n
    assert together == pytest.approx(whole.estimates["mae"].value, abs=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.as_json()[:40])
def test_the_order_of_rows_changes_neither_who_is_selected_nor_a_digit(rule):
    turned = select_rows(TABLE, np.random.default_rng(0).permutation(len(TABLE)))
    assert set(selected(turned, rule).photograph) == set(selected(TABLE, rule).photograph)
    assert scores(selected(turned, rule)).estimates == scores(selected(TABLE, rule)).estimates


@pytest.mark.parametrize("rule", [*RULES, Rule(), Rule(eye="left", rest=True)], ids=lambda rule: rule.as_json()[:40])
def test_a_rule_survives_being_written_down(rule):
    assert Rule.from_json(rule.as_json()) == rule


@pytest.mark.parametrize("text", ["", "[1]", "3", '{"colour": "red"}', json.dumps({"names": 3, "what": 1})])
def test_what_another_version_wrote_is_refused(text):
    with pytest.raises(UsageError, match="another version"):
        Rule.from_json(text)


def test_each_field_says_what_numpy_says():
    assert selected_rows(TABLE, Rule(eye="left")).tolist() == (TABLE.eye == "left").tolist()
    low = selected_rows(replace(TABLE, quality=np.full(len(TABLE), np.nan)), Rule(quality=0.1))
    assert not low.any(), "a quality that nobody measured is not at least anything"
    found = selected_rows(TABLE, Rule(text="p0012"))
    assert found.tolist() == [who == "P0012" for who in TABLE.patient_id]
    nameless = replace(TABLE, patient_id=np.full(len(TABLE), ""))
    one = Rule(level="patient", names=(TABLE.photograph[0],))
    assert selected(nameless, one).photograph.tolist() == [TABLE.photograph[0]]


def test_names_are_those_of_figures():
    """The names that a lasso brings are found again in the table."""
    assert set(unit_names(TABLE, "patient")) == set(person_ids(TABLE))
    assert f"{TABLE.patient_id[0]} · {TABLE.eye[0]}" == unit_names(TABLE, "eye")[0]


# Splits --------------------------------------------------------------------------------------------------------


def test_parts_are_the_subgroups_and_hold_everybody():
    found = split(TABLE, "site")
    subgroups = evaluation.subgroups(TABLE, "site", "sbp", draws=50)
    for group in subgroups.groups:
        part = scores(selected(TABLE, found.parts[group.name]))
        assert part.estimates["mae"].value == pytest.approx(group.estimates["mae"].value, abs=1e-12)
        assert part.n_patients == group.n_patients
    assert sum(selected_rows(TABLE, rule).sum() for rule in found.parts.values()) == len(TABLE)
    assert found.remarks == ()


def test_a_person_at_two_sites_is_drawn_once_and_noticed():
    """Attacked with a camera that changes from photograph to photograph of a person."""
    parts = {word: selected(TABLE, rule) for word, rule in split(TABLE, "camera").parts.items()}
    both = set(parts["X"].patient_id[parts["X"].status == "predicted"])
    both &= set(parts["Y"].patient_id[parts["Y"].status == "predicted"])
    assert both
    assert evaluation.compare(parts, targets=["sbp"], draws=50).in_both == {("X", "Y"): len(both)}


def test_missing_values_are_a_part_and_small_parts_are_left_out_by_name_and_number():
    people = np.unique(TABLE.patient_id, return_inverse=True)[1]
    words = np.select([people < 25, people < 50, people < 53], ["A", "", "tiny"], "B")
    found = split(replace(TABLE, covariates={"site": words}), "site")
    assert list(found.parts) == ["A", "B", "not stated"]
    assert found.remarks == ("Left out, with fewer than 20 people each: tiny (3).",)


def test_a_column_of_many_words_or_of_one_group_is_refused_with_what_was_found():
    names = replace(TABLE, covariates={"name": TABLE.photograph, "one": np.full(len(TABLE), "A")})
    with pytest.raises(UsageError, match="at most 8 parts"):
        split(names, "name")
    with pytest.raises(UsageError, match=r"A \(79\); choose"):
        split(names, "one")
    with pytest.raises(UsageError, match="no column 'nowhere'"):
        split(names, "nowhere")


def test_pictures_of_a_kind_are_selected_and_a_rule_keeps_them():
    table = from_values("sbp", [120.0, 130, 140], [1.0, 2, 3])
    table = replace(table, kind=np.array(["colour", "stretched", ""]))
    rule = Rule.from_json(Rule(kinds=("stretched",)).as_json())
    assert selected_rows(table, rule).tolist() == [False, True, False]
