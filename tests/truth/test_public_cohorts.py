"""Tables of public cohorts as they are handed out: UK Biobank by field numbers, ODIR with both eyes in a row.

Attacked with every way in which UK Biobank writes a field, readings and visits that repeat, and its coding of sex,
which is the other way round than everybody else's.
"""

from __future__ import annotations

import numpy as np
import pytest

from fundus_core import truth

WAYS = {
    "showcase": "{0}-{1}.{2}",
    "r": "f.{0}.{1}.{2}",
    "stata": "n_{0}_{1}_{2}",
    "platform": "p{0}_i{1}_a{2}",
}


def read(head: list[str], *rows: str) -> truth.TruthTable:
    table = truth.read_table("\n".join([",".join(head), *rows]).encode(), "t.csv")
    return truth.apply(table, truth.propose(table))


@pytest.mark.parametrize("way", WAYS)
def test_fields_of_uk_biobank(way: str) -> None:
    fields = [(31, 0, 0), (21003, 0, 0), (4080, 0, 1), (4080, 0, 0), (4080, 1, 0), (93, 0, 0), (4079, 0, 0)]
    fields += [(21001, 0, 0), (48, 0, 0), (30740, 0, 0)]
    head = ["eid", *(WAYS[way].format(*field) for field in fields)]
    found = read(
        head,
        "1000012,0,55,128,131,150,99,80,24.1,82,4.9",
        "1000013,1,61,138,141,,99,85,27.2,97,5.3",
        "1000020,1,48,118,120,,99,75,22,80,5",
    )
    expected = {"sex": [1, 0, 0], "age": [55, 61, 48], "sbp": [131, 141, 120], "dbp": [80, 85, 75]}
    expected |= {"bmi": [24.1, 27.2, 22], "waist": [82, 97, 80], "glucose": [4.9 * 18.016, 5.3 * 18.016, 5 * 18.016]}
    assert found.patient_id.tolist() == ["1000012", "1000013", "1000020"]
    for name, values in expected.items():
        np.testing.assert_allclose(found.values[name], values, rtol=1e-12, err_msg=name)


def test_a_field_without_visit_and_numbers_that_are_no_field() -> None:
    found = read(["eid", "p31", "p21022", "p4080_i0"], "1,1,55,131", "2,0,61,141")
    np.testing.assert_array_equal(found.values["sex"], [0, 1])
    np.testing.assert_array_equal(found.values["sbp"], [131, 141])
    other = read(["id", "SBP", "x31", "x4080"], "1,120,0,7", "2,130,1,8")
    assert list(other.values) == ["sbp"]


@pytest.mark.parametrize("sexes", [("Female", "Male"), ("female", "male"), ("F", "M")])
def test_odir(sexes: tuple[str, str]) -> None:
    head = ["ID", "Patient Age", "Patient Sex", "Left-Fundus", "Right-Fundus", "Left-Diagnostic Keywords"]
    found = read(
        head, f"0,69,{sexes[0]},0_left.jpg,0_right.jpg,cataract", f"1,57,{sexes[1]},1_left.jpg,1_right.jpg,normal"
    )
    lines = dict(
        zip(found.photograph, zip(found.eye, found.values["age"], found.values["sex"], strict=True), strict=True)
    )
    assert lines["0_left.jpg"] == ("left", 69, 1)
    assert lines["1_right.jpg"] == ("right", 57, 0)


def test_the_registrys_contest() -> None:
    head = ["filename", "age", "AC", "SBP", "DBP", "HDLC", "TG", "BS", "METS"]
    found = read(
        head, "img00208509_00_1R.jpg,55,82.5,131,80,60,101,98,0", "img00208510_00_1L.jpg,61,97,141,85,50,150,110,1"
    )
    expected = {"age": [55, 61], "waist": [82.5, 97], "sbp": [131, 141], "dbp": [80, 85], "glucose": [98, 110]}
    assert {name: values.tolist() for name, values in found.values.items()} == expected
    assert found.photograph.tolist() == ["img00208509_00_1R.jpg", "img00208510_00_1L.jpg"]
