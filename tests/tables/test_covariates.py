"""Columns beside the targets: lipids, HbA1c and drugs are known by their headings and read whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_core.tables.covariates import MEASURES, further, measure_of

HEADINGS = {
    "hdl": ("HDL", "HDL-C", "HDL_C (mg/dL)", "hdl_mmol_l", "HDLコレステロール(mg/dl)", "HDL cholesterol", "30760-0.0"),
    "triglycerides": ("TG", "Triglycerides [mmol/L]", "中性脂肪", "空腹時中性脂肪(mg/dL)", "トリグリセリド"),
    "hba1c": ("HbA1c", "HbA1c(NGSP)(%)", "hba1c_mmol_mol", "ヘモグロビンA1c", "HbA1c [IFCC]", "A1c"),
    "pressure_drug": (
        "BP_meds",
        "antihypertensive",
        "treatment for hypertension",
        "降圧薬",
        "服薬1(血圧)",
        "高血圧治療",
    ),
    "lipid_drug": ("lipid_drug", "cholesterol medication", "コレステロールを下げる薬", "脂質異常症治療薬"),
    "glucose_drug": ("diabetes_meds", "on_insulin", "血糖を下げる薬", "インスリン注射又は血糖を下げる薬"),
    "": (
        *("non-HDL-C", "LDL/HDL ratio", "TG/HDL", "随時中性脂肪", "HbA1c (JDS)", "HbA1c_pred", "statin", "insulin"),
        *("sbp", "血圧", "glucose", "hypertension", "降圧薬名", "antihypertensive_class", "bp method", "medication"),
        *("intraocular pressure treatment", "hypertension or diabetes treated", "untreated bp"),
    ),
}


@pytest.mark.parametrize(("heading", "measure"), [(one, name) for name, of in HEADINGS.items() for one in of])
def test_headings(heading, measure):
    assert measure_of(heading) == measure


def read(heading, *words):
    (found,) = further({heading: np.array(words)})
    return found


@pytest.mark.parametrize(
    ("heading", "words", "values"),
    [
        ("HDL-C (mmol/L)", ("1.5", ""), (1.5 * 38.67, np.nan)),
        ("HDL-C", ("1.5", "1,2"), (1.5 * 38.67, 1.2 * 38.67)),
        ("HDL", ("58", "1.5 mmol/L"), (58, 1.5 * 38.67)),
        ("中性脂肪", ("１５０", "未測定"), (150, np.nan)),
        ("TG (mmol/L)", ("1.7", "2"), (1.7 * 88.57, 2 * 88.57)),
        ("HbA1c", ("38", "42"), (0.09148 * 38 + 2.152, 0.09148 * 42 + 2.152)),
        ("HbA1c (%)", ("5.6 %", "6.1"), (5.6, 6.1)),
        ("降圧薬", ("有", "無", ""), (1, 0, np.nan)),
        ("降圧薬(1:はい 2:いいえ)", ("1", "2"), (1, 0)),
        ("bp_meds", ("1.0", "0.0", "nan"), (1, 0, np.nan)),
    ],
)
def test_cells_become_numbers_in_one_unit(heading, words, values):
    found = read(heading, *words)
    assert found.used
    assert found.values == pytest.approx(np.array(values, dtype=float), nan_ok=True)


@pytest.mark.parametrize(
    ("heading", "words", "why"),
    [
        ("HDL-C (mg/dL)", ("1.5", "1.2"), "are not in mg/dL"),
        ("降圧薬", ("1", "2"), "'2' is neither yes nor no"),
        ("bp_meds", ("no", "amlodipine"), "'amlodipine' is neither yes nor no"),
        ("bp_meds", ("", "NA"), "no cell says anything"),
        ("HDL", ("high", "low"), "no cell holds a plausible number"),
        ("TG", ("120", "1.7 g/L"), "a cell has a unit that it cannot have"),
    ],
)
def test_what_would_be_read_in_part_is_not_used(heading, words, why):
    found = read(heading, *words)
    assert not found.used
    assert why in found.note
    assert np.isnan(found.values).all()


def test_two_columns_of_one_number_are_refused_and_two_of_drugs_taken_together():
    both = further({"HDL": np.array(["55"]), "HDL-C": np.array(["54"])})
    assert [one.used for one in both] == [False, False]
    tables = {"diabetes_drug": np.array(["yes", "no", ""]), "on insulin": np.array(["no", "no", "no"])}
    (found,) = further(tables)
    assert found.values == pytest.approx(np.array([1, 0, np.nan]), nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(
    heading=st.sampled_from([one for of in HEADINGS.values() for one in of]),
    words=st.lists(st.text(max_size=8), max_size=4),
)
def test_whatever_strangers_write_is_plausible_or_missing(heading, words):
    for found in further({heading: np.array(words, dtype=np.str_)}):
        known = found.values[np.isfinite(found.values)]
        of = MEASURES[found.measure]
        assert ((known >= of.low) & (known <= of.high)).all()
        assert found.note
