from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from fundus_core.tables import units
from fundus_core.targets import TARGETS
from fundus_core.truth import apply, propose, read_table


def test_factors_against_their_definitions() -> None:
    assert units.unit("sbp", "kPa").factor == pytest.approx(1000 / constants.torr, rel=1e-5)
    assert units.unit("waist", "in").factor == pytest.approx(constants.inch * 100)
    assert units.unit("weight", "lb").factor == pytest.approx(constants.pound)
    glucose = 6 * 12.011 + 12 * 1.008 + 6 * 15.999
    assert units.unit("glucose", "mmol/L").factor == pytest.approx(glucose / 10, rel=1e-4)
    assert units.unit("age", "days").factor == pytest.approx(1 / 365.2425)
    assert units.unit("glucose", "kg") is None


def test_every_target_has_its_own_unit_first() -> None:
    for target in TARGETS.values():
        assert units.UNITS[target.id][0].name == target.unit
        assert units.UNITS[target.id][0].factor == 1


@pytest.mark.parametrize("quantity", [name for name in units.UNITS if name != "sex"])
def test_units_of_one_quantity_are_told_apart_by_their_numbers(quantity: str) -> None:
    """An ordinary column, written in any unit that numbers can show, is recognised as that unit and no other."""
    ordinary = {"sbp": 128, "dbp": 77, "blood_pressure": 128, "glucose": 98, "waist": 84, "bmi": 23, "age": 60}
    middle = {**ordinary, "height": 163, "weight": 61}[quantity]
    for unit in units.UNITS[quantity]:
        if unit.low <= unit.high:
            found = units.fitting(quantity, np.array([middle / unit.factor]))
            assert [one.name for one in found] == [unit.name]


@pytest.mark.parametrize(
    ("heading", "unit", "written", "expected"),
    [
        ("glucose [mmol/l]", "mmol/L", "5.5", 99.088),
        ("Glucose mmol/L", "mmol/L", "5.5", 99.088),
        ("血糖値（ｍｍｏｌ／Ｌ）", "mmol/L", "5.5", 99.088),
        ("血糖値 ㎎/㎗", "mg/dL", "99", 99),
        ("SBP_kPa", "kPa", "16", 120.01),
        ("SBP (cmHg)", "cmHg", "12", 120),
        ("waist (inches)", "in", "33", 83.82),
        ('waist (")', "in", "33", 83.82),
        ("腹囲㎝", "cm", "84", 84),
        ("waist, mm", "mm", "840", 84),
        ("age [months]", "months", "720", 60),
        ("BMI kg/m^2", "kg/m²", "23", 23),
    ],
)
def test_units_in_headings(heading: str, unit: str, written: str, expected: float) -> None:
    table = read_table(f'id;"{heading.replace(chr(34), chr(34) * 2)}"\n1;{written}\n'.encode(), "x")
    proposal = propose(table)
    assert proposal.columns[1].unit == unit
    truth = apply(table, proposal)
    (values,) = truth.values.values()
    assert values[0] == pytest.approx(expected, rel=1e-4)
    assert (len(truth.notes) == 1) == (written != f"{expected:g}")


def test_a_conversion_is_never_silent() -> None:
    for text in ("id,glucose\n1,5.5\n2,6\n", "id,glucose (mmol/L)\n1,5.5\n", "id,glucose\n1,99 mg/dL\n2,5 mmol/L\n"):
        table = read_table(text.encode(), "x")
        assert any("mmol/L to mg/dL (× 18.016)" in note for note in apply(table, propose(table)).notes)
