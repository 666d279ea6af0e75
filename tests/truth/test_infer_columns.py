# ruff: noqa: E501 - lists of headings read better on one line each
from __future__ import annotations

import numpy as np
import pytest

from fundus_core.tables.headings import understand
from fundus_core.tables.table import as_csv
from fundus_core.truth import Column, TruthTable, apply, propose, read_table


def column(text: str, heading: str) -> Column:
    proposal = propose(read_table(text.encode(), "x"))
    return next(one for one in proposal.columns if one.heading == heading)


def truth(text: str) -> TruthTable:
    table = read_table(text.encode(), "x")
    return apply(table, propose(table))


HEADINGS = {
    "sbp": "SBP|sbp|Systolic|systolic_bp|SystolicBP|Systolic blood pressure (mmHg)|sys_bp|収縮期血圧|最高血圧|血圧（上）|血圧_収縮期|平均収縮期血圧",
    "dbp": "DBP|Diastolic|diastolic_bp|DiastolicBP|拡張期血圧|最低血圧|血圧(下)|血圧 最低|拡張期血圧値",
    "glucose": "glucose|Blood sugar|FPG|FBS|BS|GLU|fasting_glucose|血糖|血糖値|空腹時血糖|空腹時血糖値(mg/dl)|随時血糖|グルコース",
    "waist": "waist|WC|AC|waist_cm|Waist circumference|abdominal circumference|腹囲|ウエスト|ウエスト周囲径|腹囲(cm)",
    "bmi": "BMI|bmi|Body mass index|ＢＭＩ|体格指数|BMI (kg/m2)",
    "age": "age|Age|age_years|Age at exam|年齢|年齢（歳）|満年齢|受診時年齢",
    "sex": "sex|Gender|性別|性|sex_code|男女",
    "height": "height|身長|身長(cm)|Height_cm|body height",
    "weight": "weight|体重|体重（kg）|body_weight",
    "photograph": "photograph|filename|file_name|Image|image_path|img|画像名|ファイル名|眼底写真|画像ファイル",
    "patient_id": "patient_id|PatientID|Patient No.|subject|ID|患者ID|患者番号|被験者番号|症例番号|MRN|カルテ番号",
    "eye": "eye|laterality|Side|左右|左右眼|患眼|OD/OS|R/L",
    "birth_date": "DOB|date_of_birth|birthdate|生年月日",
    "exam_date": "exam_date|visit date|撮影日|検査日|健診日",
    "personal": "name|Patient Name|氏名|患者氏名|フリガナ|住所|address|phone|電話番号|email|備考|comment|担当医",
    "covariate": "HbA1c|HbA1c(%)|ヘモグロビンA1c|尿糖|降圧薬|BP medication|hypertension|高血圧|糖尿病|diabetes|眼圧|IOP|age group"
    "|年齢区分|腹囲判定|waist-hip ratio|sbp_pred|sbp_low|insulin|pulse pressure|平均血圧|胸囲|血糖降下薬|SBP SD|medication for glucose",
    "": "site|camera|defect|smoking|喫煙|HDLC|TG|METS|eGFR|部署|L|x1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "heading"), [(role, word) for role, words in HEADINGS.items() for word in words.split("|")]
)
def test_what_headings_mean(role: str, heading: str) -> None:
    assert understand(heading).role == role


@pytest.mark.parametrize(
    ("heading", "eye"),
    [
        *[(h, "right") for h in ("SBP_R", "photo_right", "Photograph OD", "右眼画像", "画像(右)", "画像R", "R_image", "right eye image")],
        *[(h, "left") for h in ("SBP_L", "photo-left", "os_filename", "左眼ファイル名", "画像（左眼）", "OS画像")],
        *[(h, "") for h in ("SBP", "左右", "glucose mmol/L", "glucose_mmol_L", "HDL", "color", "R/L")],
    ],
)  # fmt: skip
def test_the_eye_in_headings(heading: str, eye: str) -> None:
    assert understand(heading).eye == eye


@pytest.mark.parametrize(
    ("heading", "coding"),
    [
        ("性別（1:男性 2:女性）", {"1": "male", "2": "female"}),
        ("性別(男1女2)", {"1": "male", "2": "female"}),
        ("性別(男=1、女=2)", {"1": "male", "2": "female"}),
        ("sex (1=male, 2=female)", {"1": "male", "2": "female"}),
        ("Sex (F=1, M=0)", {"1": "female", "0": "male"}),
        ("sex 0:M 1:F", {"0": "male", "1": "female"}),
        ("左右(1右2左)", {"1": "right", "2": "left"}),
        ("SBP (mm Hg)", {}),
        ("sex", {}),
    ],
)
def test_codings_in_headings(heading: str, coding: dict[str, str]) -> None:
    assert dict(understand(heading).coding) == coding


def test_every_column_has_confidence_and_reason() -> None:
    table = read_table("id,SBP,AC,x,氏名,血糖値\n1,120,85,z,あ,95\n".encode(), "x")
    for one in propose(table).columns:
        assert 0 <= one.confidence <= 1
        assert one.reason.endswith(".")


def test_stature_turns_a_coding_round_or_bears_it_out() -> None:
    rows = [f"{i},{1 + i % 2},{172 - 13 * (i % 2) + i % 5},120" for i in range(30)]
    fits = column("\n".join(["id,sex,height,SBP", *rows]), "sex")
    assert fits.needs_confirmation
    assert "height fits" in fits.reason
    rows = [f"{i},{i % 2},{160 + 13 * (i % 2) + i % 5},120" for i in range(30)]
    against = column("\n".join(["id,sex,height,SBP", *rows]), "sex")
    assert against.needs_confirmation
    assert "contradicts" in against.reason


def test_personal_data_are_named_and_never_kept() -> None:
    found = truth("id,SBP,氏名,生年月日,contact,Ward\n1,120,山田,1960-01-01,a@b.jp,3\n2,121,佐藤,1961-01-01,c@d.jp,4\n")
    assert set(found.covariates) == {"Ward"}
    assert any("氏名" in note and "contact" in note for note in found.notes)
    text = as_csv(found.faults) + " ".join(found.notes)
    for word in ("山田", "佐藤", "1960", "a@b.jp"):
        assert word not in text


def test_rows_in_any_order_give_the_same_values_in_that_order() -> None:
    rng = np.random.default_rng(1)
    rows = [f"p{i}.jpg,{rng.normal(130, 15):.1f},{rng.normal(5.4, 0.5):.2f},{'MF'[i % 2]}" for i in range(40)]
    order = rng.permutation(40)
    one = truth("\n".join(["photo,SBP,glucose,sex", *rows]))
    other = truth("\n".join(["photo,SBP,glucose,sex", *(rows[i] for i in order)]))
    for name, values in one.values.items():
        np.testing.assert_array_equal(values[order], other.values[name])


def test_columns_in_any_order_give_the_same_values() -> None:
    one = truth("id,SBP,DBP,身長,体重\n1,120,80,170,70\n")
    other = truth("体重,DBP,SBP,身長,id\n70,80,120,170,1\n")
    assert {name: values[0] for name, values in one.values.items()} == {n: v[0] for n, v in other.values.items()}


def test_a_hundred_implausible_values_are_a_hundred_faults_with_their_rows() -> None:
    rows = [f"{i},{999 if i % 2 else 120}" for i in range(200)]
    found = truth("\n".join(["id,SBP", *rows]))
    assert [fault.row for fault in found.faults if fault.fault == "implausible"] == list(range(3, 202, 2))


def test_age_counts_whole_and_broken_years() -> None:
    found = truth(
        "id,DOB,exam date,SBP\n1,1960-04-01,2020-04-01,120\n2,1960-04-01,2020-10-01,121\n3,2030-01-01,2020-01-01,122\n"
    )
    np.testing.assert_allclose(found.values["age"], [60, 60.5, np.nan], atol=0.01)
    assert [(fault.row, fault.fault) for fault in found.faults] == [(4, "implausible")]


def test_month_first_dates_are_told_by_a_day_beyond_twelve() -> None:
    found = truth("id,DOB,exam date,SBP\n1,04/30/1960,10/30/2020,120\n2,04/01/1960,10/01/2020,121\n")
    np.testing.assert_allclose(found.values["age"], [60.5, 60.5], atol=0.01)
    unsure = truth("id,DOB,exam date,SBP\n1,04/03/1960,10/03/2020,120\n")
    assert {fault.fault for fault in unsure.faults} == {"ambiguous_date"}


def test_body_mass_index_from_any_units() -> None:
    for text in (
        "id,height,weight\n1,170,70\n",
        "id,height,weight\n1,1.7,70\n",
        "id,height (in),weight (lb)\n1,66.929,154.324\n",
    ):
        assert truth(text).values["bmi"][0] == pytest.approx(70 / 1.7**2, rel=1e-4)
