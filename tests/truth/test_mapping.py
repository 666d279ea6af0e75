from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.errors import TruthError
from fundus_core.records import Eye
from fundus_core.tables.table import Fault
from fundus_core.truth import Column, Proposal, apply, as_csv, coding_from, load, propose, read_table

DATA = b"id,SBP,glucose,sex\n1,120,5.5,1\n2,130,6.1,2\n"


def test_a_saved_mapping_comes_back_and_gives_the_same_values() -> None:
    table = read_table(DATA, "x")
    decided = propose(table).change("sex", coding={"1": "female", "2": "male"})
    again = Proposal.from_json(decided.to_json())
    assert again.columns == decided.columns
    one, other = apply(table, decided), load(DATA, "y", proposal=again)
    for name, values in one.values.items():
        np.testing.assert_array_equal(values, other.values[name])
    np.testing.assert_array_equal(one.values["sex"], [1, 0])


def test_confirming_one_column_leaves_the_others() -> None:
    proposal = propose(read_table(b"id,eye,sex,SBP\n1,1,1,120\n2,2,2,121\n", "x"))
    assert [column.heading for column in proposal.unconfirmed] == ["eye", "sex"]
    assert [column.heading for column in proposal.confirm("sex").unconfirmed] == ["eye"]
    assert proposal.confirm().unconfirmed == ()


def test_what_is_not_confirmed_is_not_used_and_said() -> None:
    table = read_table(DATA, "x")
    truth = apply(table, propose(table))
    assert "sex" not in truth.values
    assert [(fault.column, fault.fault) for fault in truth.faults if fault.fault == "unconfirmed"] == [
        ("sex", "unconfirmed")
    ]
    np.testing.assert_array_equal(apply(table, propose(table).confirm()).values["sex"], [0, 1])


def test_a_mapping_for_other_columns_is_refused() -> None:
    proposal = propose(read_table(DATA, "x"))
    with pytest.raises(TruthError, match=r"no column glucose, which the mapping names; there are id, SBP"):
        apply(read_table(b"id,SBP\n1,120\n", "y"), proposal)


def test_a_mapping_does_not_mind_width_and_case_and_says_what_it_leaves_out() -> None:
    proposal = propose(read_table(b"id,SBP\n1,120\n", "x"))
    truth = apply(read_table("ＩＤ,sbp,new\n1,120,z\n".encode(), "y"), proposal)
    np.testing.assert_array_equal(truth.values["sbp"], [120])
    assert truth.covariates == {}
    assert any("left out: new" in note for note in truth.notes)


def test_a_mapping_used_on_a_table_in_another_unit_is_doubted() -> None:
    proposal = propose(read_table(b"id,glucose\n1,95\n2,101\n", "x"))
    truth = apply(read_table(b"id,glucose\n1,5.2\n2,5.8\n3,6\n", "y"), proposal)
    assert {fault.fault for fault in truth.faults} >= {"unit_doubtful", "mixed_units"}
    assert not np.isfinite(truth.values["glucose"]).any()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"role": "pulse"}, "is no role"),
        ({"unit": "furlongs"}, "the units of glucose are mg/dL, mmol/L, g/L"),
        ({"unit": "cm"}, "cannot be in 'cm'"),
    ],
)
def test_a_change_that_cannot_be_is_refused(changes: dict[str, str], sentence: str) -> None:
    proposal = propose(read_table(DATA, "x"))
    with pytest.raises(TruthError, match=sentence):
        proposal.change("glucose", **changes)
    with pytest.raises(TruthError, match="No column is called 'weight'"):
        proposal.change("weight", role="bmi")


def test_a_unit_is_understood_as_people_write_it() -> None:
    column = propose(read_table(DATA, "x")).change("glucose", unit="MMOL/l").columns[2]
    assert (column.unit, column.confidence, column.needs_confirmation) == ("mmol/L", 1, False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "{}", '{"columns": 3}', '{"columns": [3]}', '{"columns": [{}]}'),
        '{"columns": [{"heading": "a", "role": "king"}]}',
        '{"columns": [{"heading": "a", "role": "sbp", "colour": 1}]}',
        '{"columns": [{"heading": 7, "role": "sbp"}]}',
        '{"columns": [{"heading": "a", "role": "sbp", "unit": "acre"}]}',
        '{"columns": [{"heading": "a", "role": "sbp", "eye": "third"}]}',
        '{"columns": [{"heading": "a", "role": "sex", "coding": [1]}]}',
    ],
)
def test_a_saved_mapping_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TruthError):
        Proposal.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["columns", "heading", "role"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_mapping_or_a_truth_error(value: object) -> None:
    try:
        proposal = Proposal.from_json(json.dumps(value))
    except TruthError:
        return
    assert all(isinstance(column, Column) for column in proposal.columns)


def test_a_saved_mapping_is_used_for_the_next_table_whatever_else_that_has() -> None:
    saved = propose(read_table(DATA, "x")).change("sex", coding={"1": "female", "2": "male"})
    newer = propose(read_table(b"ID ,sbp,site,Sex\n1,120,A,1\n2,130,B,2\n", "y"))
    used = newer.reuse(Proposal.from_json(saved.to_json()))
    assert [column.heading for column in used.columns] == ["ID", "sbp", "site", "Sex"]
    assert used.columns[3].coding == {"1": "female", "2": "male"}
    assert not used.unconfirmed
    assert used.columns[2] == newer.columns[2]
    assert newer.reuse(newer) == newer


def test_codings_in_words() -> None:
    column = Column("sex", "sex", coding={"1": "male", "2": "female"})
    assert column.coded == "1 = male, 2 = female"
    assert coding_from(column.coded) == column.coding
    with pytest.raises(TruthError, match="write it as"):
        coding_from("1 = king")


def test_what_is_said_of_the_table_follows_what_a_person_chose() -> None:
    proposed = propose(read_table(b"nr,SBP\na1,120\na2,130\n", "t.csv")).change("nr", role="ignored")
    assert any("choose one" in note for note in proposed.notes)
    assert not proposed.change("nr", role="patient_id").notes


def test_levels() -> None:
    assert Proposal((Column("a", "photograph"), Column("b", "eye"))).level == "photograph"
    assert Proposal((Column("a", "patient_id"), Column("b", "sbp", eye=Eye.LEFT))).level == "eye"
    assert Proposal((Column("a", "patient_id"), Column("b", "sbp"))).level == "person"


def test_faults_as_a_table_run_no_formula() -> None:
    text = as_csv([Fault(0, "SBP", "=cmd|' /C calc'!A0", "not_a_number", 'Say "no", please.')])
    assert text == (
        'row,column,value,fault,what_to_do\r\n,SBP,\'=cmd|\' /C calc\'!A0,not_a_number,"Say ""no"", please."\r\n'
    )
