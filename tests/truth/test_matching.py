from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundus_core.errors import TruthError
from fundus_core.truth import Match, TruthTable, load, match


def table(*lines: str) -> TruthTable:
    return load("\n".join(lines).encode(), "table")


PHOTOGRAPHS = ["site_a/P0001_R.jpg", "site_a/P0001_L.jpg", "site_b/P0002_R.jpg"]


def sbp(found: Match) -> list[float]:
    return found.values()["sbp"].tolist()


@pytest.mark.parametrize(
    "names",
    [
        ["site_a/P0001_R.jpg", "site_a/P0001_L.jpg", "site_b/P0002_R.jpg"],
        ["site_a\\P0001_R.jpg", "site_a\\P0001_L.jpg", "site_b\\P0002_R.jpg"],
        ["C:\\eyes\\site_a\\P0001_R.jpg", "C:\\eyes\\site_a\\P0001_L.jpg", "D:\\site_b\\P0002_R.jpg"],
        ["P0001_R.jpg", "site_a/P0001_L.jpg", "P0002_R.jpg "],
        ["P0001_R", "P0001_L", "P0002_R"],
    ],
)
def test_a_photograph_is_found_by_as_much_of_its_name_as_is_written(names: list[str]) -> None:
    found = match(table("photograph,SBP", *(f"{name},{120 + i}" for i, name in enumerate(names))), PHOTOGRAPHS)
    assert found.key == "photograph"
    assert sbp(found) == [120, 121, 122]
    assert found.faults == ()
    assert found.photographs[found.line < 0].tolist() == []
    assert found.unmatched_rows == ()


@pytest.mark.parametrize(
    ("names", "kinds"),
    [
        (["P0001_R.jpg", "P0001_L.JPG", "p0002_r.jpg"], ("case",)),
        (["P0001_R.tif", "P0001_L.png", "P0002_R.dcm"], ("ending",)),
        (["Ｐ0001_Ｒ.jpg", "P0001_L.jpg", "P0002_R.jpg"], ("width",)),
        (["old/P0001_R.jpg", "old/P0001_L.jpg", "D:\\x\\P0002_R.jpg"], ("folder",)),
    ],
)
def test_a_name_written_otherwise_is_joined_only_when_a_person_says_so(
    names: list[str], kinds: tuple[str, ...]
) -> None:
    truth = table("photograph,SBP", *(f"{name},{120 + i}" for i, name in enumerate(names)))
    found = match(truth, PHOTOGRAPHS)
    assert found.joinable.kinds == kinds
    assert np.isnan(sbp(found)).sum() == len(found.joinable.pairs)
    assert "spelling" in {fault.fault for fault in found.faults}
    said = match(truth, PHOTOGRAPHS, fold=True)
    assert sbp(said) == [120, 121, 122]
    assert said.faults == ()


def test_composed_and_decomposed_letters_are_one_name_where_a_person_says_so() -> None:
    truth = table("photograph,SBP", "M\u00fcller.jpg,120", "か\u3099.jpg,130")
    names = ["Mu\u0308ller.jpg", "\u304c.jpg"]
    assert match(truth, names).joinable.kinds == ("composition",)
    assert sbp(match(truth, names, fold=True)) == [120, 130]


def test_a_spreadsheet_may_have_eaten_the_leading_zeros() -> None:
    truth, names = table("photo,SBP", "1,120", "2,130"), ["0001.jpg", "0002.jpg"]
    assert np.isnan(sbp(match(truth, names))).all()
    assert sbp(match(truth, names, fold=True)) == [120, 130]


def test_a_name_in_another_folder_is_another_photograph() -> None:
    truth = table("photograph,SBP", "a/img1.jpg,120", "b/img1.jpg,130")
    assert np.isnan(sbp(match(truth, ["c/img1.jpg"], fold=True))).all(), "two could be meant"
    found = match(truth, ["img1.jpg", "b/img1.jpg"])
    np.testing.assert_array_equal(sbp(found), [120, 130])


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_and_photographs_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"p{i}.jpg" for i in range(20)]
    truth = table("photo,SBP", *(f"p{i}.jpg,{100 + i}" for i in rng.permutation(20)))
    order = rng.permutation(20)
    assert sbp(match(truth, [names[i] for i in order])) == [100.0 + i for i in order]


def test_every_photograph_has_one_status_and_every_row_is_used_or_listed() -> None:
    truth = table("photo,SBP", "a.jpg,120", "a.jpg,140", "b.jpg,130", "b.jpg,130", "c.jpg,131", "gone.jpg,132")
    found = match(truth, ["a.jpg", "b.jpg", "x/c.jpg", "y/c.jpg", "new.jpg"])
    assert found.status.tolist() == ["conflict", "matched", "ambiguous", "ambiguous", "unmatched"]
    np.testing.assert_array_equal(sbp(found), [np.nan, 130, np.nan, np.nan, np.nan])
    assert {(f.fault, f.value) for f in found.faults if f.value and not f.row} == {
        ("conflict", "a.jpg"),
        ("ambiguous", "x/c.jpg"),
        ("ambiguous", "y/c.jpg"),
        ("unmatched_photograph", "new.jpg"),
    }
    assert 7 in {fault.row for fault in found.faults if fault.fault == "unmatched_row"}
    assert found.photographs[found.line < 0].tolist() == ["a.jpg", "x/c.jpg", "y/c.jpg", "new.jpg"]
    lines = list(csv.DictReader(io.StringIO(found.as_csv())))
    assert [line["row"] for line in lines] == ["", "4", "", "", ""]


def test_patient_and_eye_from_a_manifest() -> None:
    truth = table("patient_id,eye,SBP,site", "0001,R,120,A", "0001,L,121,A", "0002,R,130,B")
    ids, eyes = ["0001", "0001", "0002"], ["left", "right", "right"]
    found = match(truth, ["x.jpg", "y.jpg", "z.jpg"], patient_ids=ids, eyes=eyes)
    assert (found.key, sbp(found)) == ("patient_and_eye", [121, 120, 130])
    assert found.eye().tolist() == eyes
    assert found.patient_id().tolist() == ["0001", "0001", "0002"]
    assert found.covariates()["site"].tolist() == ["A", "A", "B"]


def test_one_row_per_person_serves_both_eyes() -> None:
    found = match(table("patient_id,SBP", "P0001,120", "P0002,130"), PHOTOGRAPHS)
    assert (found.key, sbp(found)) == ("patient_in_name", [120, 120, 130])


def test_patient_and_eye_are_read_from_names() -> None:
    truth = table("patient_id,eye,SBP", "P0001,R,120", "P0001,L,121", "P0002,R,130")
    found = match(truth, PHOTOGRAPHS)
    assert (found.key, sbp(found)) == ("patient_and_eye_in_name", [120, 121, 130])


@pytest.mark.parametrize(
    "name",
    ["img00208509_00_1R.jpg", "00208509/OD.jpg", "208509-left-macula.png", "208509左.jpg", "folder/208509/IMG_1.jpg"],
)
def test_patients_in_names_of_many_kinds(name: str) -> None:
    ids = {"img00208509_00_1R.jpg": "img00208509", "00208509/OD.jpg": "00208509"}
    truth = table("patient_id,SBP", f"{ids.get(name, '208509')},120", "77,130")
    assert sbp(match(truth, [name])) == [120]


def test_a_row_about_both_eyes_serves_the_eye_without_a_row() -> None:
    truth = table("patient_id,eye,SBP", "1,R,120", "2,OU,130", "3,L,140")
    found = match(truth, ["a", "b", "c"], patient_ids=["1", "2", "3"], eyes=["right", "left", "left"])
    assert (found.key, sbp(found)) == ("patient_and_eye", [120, 130, 140])


def test_zeros_that_tell_patients_apart_are_kept() -> None:
    truth = table("patient_id,SBP", "012,120", "12,130")
    assert sbp(match(truth, ["a", "b"], patient_ids=["12", "012"])) == [130, 120]


class Shout:
    """A pseudonymiser that a reader of the test can follow."""

    def patient(self, patient_id: str, /) -> str:
        return f"P-{patient_id * 2}"

    def photograph(self, name: str, /) -> str:
        return f"F-{name.upper()}"


def test_pseudonyms() -> None:
    truth = table("photo,SBP", "a.jpg,120", "b.jpg,130")
    found = match(truth, ["F-B.JPG", "F-A.JPG"], pseudonyms=Shout())
    assert (found.key, sbp(found)) == ("pseudonym", [130, 120])
    truth = table("patient_id,eye,SBP", "1,R,120", "2,L,130")
    ids, eyes = ["P-22", "P-11"], ["left", "right"]
    found = match(truth, ["x", "y"], patient_ids=ids, eyes=eyes, pseudonyms=Shout())
    assert (found.key, sbp(found)) == ("pseudonym_and_eye", [130, 120])


def test_disagreements_are_shown_and_not_resolved() -> None:
    truth = table("photo,patient_id,eye,SBP", "a.jpg,1,R,120", "b.jpg,2,L,130")
    found = match(truth, ["a.jpg", "b.jpg"], patient_ids=["1", "3"], eyes=["left", "left"])
    assert sbp(found) == [120, 130]
    assert {(fault.row, fault.fault) for fault in found.faults} == {(2, "eye_disagrees"), (3, "patient_disagrees")}


def test_a_wide_table_of_photographs() -> None:
    truth = table("患者ID,右眼画像,左眼画像,収縮期血圧,拡張期血圧", "1,a_r.jpg,a_l.jpg,120,80", "2,b_r.jpg,,130,85")
    found = match(truth, ["a_l.jpg", "a_r.jpg", "b_r.jpg"])
    assert sbp(found) == [120, 120, 130]
    assert found.eye().tolist() == ["left", "right", "right"]
    assert found.unmatched_rows == ()


def test_the_key_can_be_chosen_and_a_wrong_one_is_refused_with_a_sentence() -> None:
    truth = table("photo,SBP", "a.jpg,120")
    assert match(truth, ["a.jpg"], key="photograph").key == "photograph"
    with pytest.raises(TruthError, match=r"cannot be matched by 'patient'.* photograph\."):
        match(truth, ["a.jpg"], key="patient")


def test_no_photographs_at_all() -> None:
    found = match(table("photo,SBP", "a.jpg,120"), [])
    assert found.unmatched_rows == (2,)
    assert sbp(found) == []


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(90, 180)), min_size=1, max_size=12),
    st.permutations("abcdefg"),
)
def test_a_photograph_has_truth_only_where_all_its_rows_agree(
    rows: list[tuple[str, int]], photographs: list[str]
) -> None:
    truth = table("photo,SBP", *(f"{name}.jpg,{value}" for name, value in rows))
    found = match(truth, [f"{name}.jpg" for name in photographs])
    for name, value, line in zip(photographs, found.values()["sbp"], found.line, strict=True):
        said = {v for n, v in rows if n == name}
        assert (line >= 0) == (len(said) == 1)
        assert not np.isfinite(value) or said == {value}


def test_lines_in_the_order_of_photographs_say_what_the_match_says() -> None:
    """Attacked by photographs without a line, one line for two eyes, and lines of nobody."""
    data = b"patient_id,visit,SBP,site\nA,2020-01-01,120,north\nB,2020-01-02,130,south\nC,2020-01-03,140,\n"
    found = match(
        load(data), ["1.png", "2.png", "3.png", "4.png"], patient_ids=["B", "A", "B", "X"],
        visits=["2020-01-02", "2020-01-05", "", ""],
    )  # fmt: skip
    lean = found.by_photograph()
    assert lean.values().keys() == found.values().keys()
    for name, values in found.values().items():
        np.testing.assert_array_equal(lean.values()[name], values)
    assert {name: words.tolist() for name, words in lean.covariates().items()} == {
        name: words.tolist() for name, words in found.covariates().items()
    }
    for of in ("patient_id", "eye", "visit"):
        assert getattr(lean, of)().tolist() == getattr(found, of)().tolist()
    assert (lean.reason, lean.as_csv(), lean.faults) == (found.reason, found.as_csv(), found.faults)
    assert (lean.line >= 0).tolist() == (found.line >= 0).tolist()
