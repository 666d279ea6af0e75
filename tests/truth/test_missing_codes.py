"""A heap of one value is asked about: codes for missing among plausible values, and nothing that people really have.

Attacked with codes of every kind in columns of every target, with rounded values and digits that readers prefer, with
persons photographed many times, and with samples so large that every small departure shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fundus_core import truth

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
RNG = np.random.default_rng(5)


def table(**columns: object) -> truth.Table:
    frame = pd.DataFrame(columns)
    frame.insert(0, "patient_id", [f"P{n:05d}" for n in range(len(frame))])
    return truth.read_table(frame.to_csv(index=False).encode(), "t.csv")


def coded(read: truth.Table, heading: str) -> dict[str, str]:
    return next(dict(c.coding) for c in truth.propose(read).columns if c.heading == heading)


def some(values: np.ndarray, code: float, share: float = 0.1) -> np.ndarray:
    return np.where(RNG.random(len(values)) < share, code, values)


@pytest.mark.parametrize(
    ("heading", "mean", "sd", "decimals", "code"),
    [
        ("SBP", 128, 15, 0, 99),
        ("SBP", 128, 15, 1, 88),
        ("DBP", 80, 10, 0, 77),
        ("DBP", 80, 10, 1, 99),
        ("age", 55, 11, 0, 99),
        ("waist", 86, 10, 1, 77),
        ("glucose", 98, 16, 0, 99),
        ("glucose (mmol/L)", 5.5, 0.9, 1, 9),
        ("BMI", 23, 3, 1, 66),
        ("weight", 62, 11, 1, 99),
    ],
)
def test_a_code_for_missing_is_asked_about(heading: str, mean: float, sd: float, decimals: int, code: float) -> None:
    values = np.round(RNG.normal(mean, sd, 200), decimals)
    read = table(**{heading: some(values, code), "x": 1})
    assert coded(read, heading) == {f"{code:g}": "missing"}
    assert coded(table(**{heading: values, "x": 1}), heading) == {}
    proposal = truth.propose(read)
    assert [column.heading for column in proposal.unconfirmed] == [heading]
    if heading != "weight":
        held, sure = (truth.apply(read, one).values for one in (proposal, proposal.confirm()))
        assert not held, "not used before somebody has decided"
        (measured,) = sure.values()
        assert np.isnan(measured).sum() == (pd.to_numeric(read.columns[1]) == code).sum()


@pytest.mark.parametrize("n", [60, 400, 20_000])
@pytest.mark.parametrize(("step", "mean", "sd"), [(1, 128, 16), (2, 98, 12), (1, 55, 14), (5, 90, 12), (0.1, 9.5, 2)])
def test_what_people_have_is_no_heap(n: int, step: float, mean: float, sd: float) -> None:
    for seed in range(4):
        values = np.random.default_rng((seed, n)).normal(mean, sd, n)
        assert truth.missing_codes.heap(np.round(np.round(values / step) * step, 1)) is None


def test_one_person_with_many_photographs_is_no_heap() -> None:
    values = np.round(RNG.normal(128, 15, 100))
    who = [f"P{n}" for n in range(100)] + ["P0"] * 30
    frame = pd.DataFrame({"patient_id": who, "sbp": [99.0, *values[1:], *[99.0] * 30]})
    assert coded(truth.read_table(frame.to_csv(index=False).encode(), "t.csv"), "sbp") == {}


def test_a_person_says_on_the_command_line_what_the_heap_is() -> None:
    values = some(np.round(RNG.normal(128, 15, 200)), 99)
    data = pd.DataFrame({"patient_id": range(200), "sbp": values}).to_csv(index=False).encode()
    gone = truth.load(data, "t.csv", said=["sbp=99=missing"])
    assert np.isfinite(gone.values["sbp"]).sum() == (values != 99).sum()
    assert any(note.startswith(f"'sbp': {(values == 99).sum()} cells count as missing") for note in gone.notes)
    assert np.isfinite(truth.load(data, "t.csv", said=["sbp=measured"]).values["sbp"]).all()


@pytest.mark.parametrize("code", ["9", "99", "77"])
def test_a_code_among_those_of_sex_counts_as_missing(code: str) -> None:
    read = table(sex=["F", "M", code] * 4, sbp=range(110, 122))
    found = truth.apply(read, truth.propose(read))
    np.testing.assert_array_equal(found.values["sex"], [1, 0, np.nan] * 4)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases handed over are not here")
def test_the_case_that_was_handed_over() -> None:
    data = (CASES / "tables" / "f_missing_99.csv").read_bytes()
    proposal = truth.propose(truth.read_table(data, "f.csv"))
    assert [c.heading for c in proposal.unconfirmed] == ["age", "sbp", "dbp", "glucose", "waist"]
    frame = pd.read_csv(CASES / "tables" / "f_missing_99.csv")
    lines = truth.apply(truth.read_table(data, "f.csv"), proposal.confirm())
    np.testing.assert_array_equal(lines.values["glucose"], frame["glucose"].where(frame["glucose"] != 99))
