"""No input may give a person the row of another: tables of ids that look alike, however they were made.

Attacked by making, from a few ids, their look-alikes in case, zeros, width, composition and fractions, and putting
any of them on either side.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.analyses import make_ids_unique
from fundus_core.deidentify import Pseudonyms
from fundus_core.evaluation import from_values
from fundus_core.identity import OF_IDS, folded, joinable, spaces_of_ids
from fundus_core.truth import TruthTable, load, match

SEEDS = ["ab1", "P0012", "12", "3", "é7", "か゛", "ガ1", "NA", "null", "x"]


def alike(word: str) -> list[str]:
    """Spellings that somebody might take for the same id."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)
    circled = "".join(chr(0x2460 + int(c) - 1) if c in "123456789" else c for c in word)
    other = [word.upper(), word.swapcase(), f"0{word}", f"00{word}", f"{word}.0", wide, circled]
    return [word, *other, *(unicodedata.normalize(form, word) for form in ("NFC", "NFD", "NFKC"))]


IDS = st.sampled_from(sorted({spelt for seed in SEEDS for spelt in alike(seed)}))
PEOPLE = st.lists(IDS, min_size=1, max_size=8, unique=True)


def table(heading: str, words: Sequence[str]) -> TruthTable:
    out = io.StringIO()
    csv.writer(out).writerows([[heading, "SBP"], *([word, 100 + i] for i, word in enumerate(words))])
    return load(out.getvalue().encode(), "table")


@given(ours=PEOPLE, theirs=PEOPLE)
@settings(max_examples=100, deadline=None)
def test_nobody_gets_another_persons_row(ours: list[str], theirs: list[str]) -> None:
    truth = table("patient_id", ours)
    found = match(truth, [f"{i}.png" for i in range(len(theirs))], patient_ids=theirs, key="patient")
    for stated, value in zip(theirs, found.values()["sbp"], strict=True):
        assert (stated in ours) is bool(np.isfinite(value))
        assert not np.isfinite(value) or ours[int(value) - 100] == stated


@given(ours=PEOPLE, theirs=PEOPLE)
@settings(max_examples=100, deadline=None)
def test_what_a_person_allows_is_one_to_one_and_merges_nobody(ours: list[str], theirs: list[str]) -> None:
    truth = table("patient_id", ours)
    names = [f"{i}.png" for i in range(len(theirs))]
    found = match(truth, names, patient_ids=theirs, key="patient", fold=True)
    rows = found.line[found.line >= 0]
    assert len(set(rows.tolist())) == len(rows), "two people of one side got one row"
    for stated, row in zip(theirs, found.line, strict=True):
        if stated in ours:
            assert ours[row] == stated, "written alike comes first"
        elif row >= 0:
            kinds = match(truth, names, patient_ids=theirs, key="patient").joinable.kinds
            assert folded(ours[row], kinds) == folded(stated, kinds)
            for side in (ours, theirs):
                assert len({folded(word, kinds) for word in side}) == len(side)


@given(ours=PEOPLE, theirs=PEOPLE)
@settings(max_examples=100, deadline=None)
def test_nobody_gets_another_persons_row_by_a_files_name(ours: list[str], theirs: list[str]) -> None:
    truth = table("patient_id", ours)
    found = match(truth, [f"{who}_R.png" for who in theirs])
    for stated, value in zip(theirs, found.values()["sbp"], strict=True):
        assert not np.isfinite(value) or ours[int(value) - 100] == stated


@given(ours=PEOPLE, theirs=PEOPLE)
@settings(max_examples=100, deadline=None)
def test_no_photograph_gets_another_photographs_row(ours: list[str], theirs: list[str]) -> None:
    truth = table("photograph", [f"{name}.png" for name in ours])
    found = match(truth, [f"{name}.png" for name in theirs])
    for stated, value in zip(theirs, found.values()["sbp"], strict=True):
        assert (stated in ours) is bool(np.isfinite(value))
        assert not np.isfinite(value) or ours[int(value) - 100] == stated


@given(people=PEOPLE)
def test_each_id_has_a_pseudonym_of_its_own(people: list[str]) -> None:
    made = Pseudonyms(bytes(16))
    assert len({made.patient(who) for who in people}) == len(people)
    assert len({made.photograph(f"{who}.png") for who in people}) == len(people)


@given(st.lists(IDS, max_size=12), st.lists(IDS, max_size=12))
def test_joining_is_the_same_from_both_sides_and_in_any_order(one: list[str], other: list[str]) -> None:
    there = {(b, a) for a, b in joinable(other, one).pairs}
    assert set(joinable(one, other).pairs) == there == set(joinable(one[::-1], other[::-1]).pairs)


@given(IDS)
def test_overlooking_twice_is_overlooking_once(word: str) -> None:
    assert folded(folded(word, OF_IDS), OF_IDS) == folded(word, OF_IDS)


@pytest.mark.parametrize("left_out", ["", "P9.png"])
def test_a_name_that_leads_to_another_person_than_a_list_states_leads_nowhere(left_out: str) -> None:
    truth = table("patient_id", ["0012", "12"])
    found = match(truth, ["12_L.png", "12_R.png"], patient_ids=["0012", left_out], eyes=["left", "right"])
    assert found.values()["sbp"][0] in (100.0,) or np.isnan(found.values()["sbp"][0])
    other = load(b"photograph,patient_id,SBP\na.png,A,1\nb.png,B,120\n", "t")
    crossed = match(other, ["a.png", "b.png"], patient_ids=["B", "B"])
    assert crossed.status.tolist() == ["conflict", "matched"]


NAMES = st.sampled_from(["a", "a/b", "b", "1", "1/a", "２"])
COHORT = st.dictionaries(
    st.sampled_from("pqrst"), st.sampled_from(["1", "b/1", "/1", "01", "１", "NA", ""]), max_size=5
)


@given(st.dictionaries(NAMES, COHORT, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_cohorts_side_by_side_pool_nobody_whom_no_photograph_joins(cohorts: dict[str, dict[str, str]]) -> None:
    """Names of cohorts and ids with slashes were tried to meet in one word; two pairs of a cohort and its selection."""
    people = {name: list(owners.values()) for name, owners in cohorts.items()}
    tables = {
        name: from_values("sbp", [1.0] * len(ids), [1.0] * len(ids), patient_id=ids) for name, ids in people.items()
    }
    apart = make_ids_unique(tables, {name: np.array(list(owners), dtype=np.str_) for name, owners in cohorts.items()})
    spaces = spaces_of_ids({name: (ids, list(cohorts[name])) for name, ids in people.items()})
    for one, mine in people.items():
        for other, theirs in people.items():
            for here, who in zip(apart[one].patient_id, mine, strict=True):
                for there, whom in zip(apart[other].patient_id, theirs, strict=True):
                    same = who == whom and (one == other or spaces[one] == spaces[other] or who == "")
                    assert (here == there) is same


@given(COHORT, COHORT)
def test_a_photograph_under_two_ids_joins_no_cohorts(one: dict[str, str], other: dict[str, str]) -> None:
    found = spaces_of_ids({"a": (one.values(), one), "b": (other.values(), other)})
    torn = any(one[sha] != other[sha] for sha in one.keys() & other.keys() if one[sha] and other[sha])
    assert not torn or found["a"] != found["b"]
