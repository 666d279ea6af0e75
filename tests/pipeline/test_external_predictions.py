# ruff: noqa: E501 - a shape on one line
"""Tables of predictions as strangers have them: every shape gives the numbers that pandas finds in the values behind it.

Attacked by writing one small invented study in as many ways as people keep such tables: the two eyes in rows or side
by side, targets in rows or columns, models in rows, columns or files, headings and codings in two languages, units,
separators, encodings, workbooks. Whatever the shape, the error is that of the values from which it was written.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fundus_core import pipeline
from fundus_core.analyses import Settings
from fundus_core.errors import FundusError
from fundus_core.evaluation import evaluate
from fundus_core.pipeline import Asked, ScoredFiles

MGDL = 18.016


def study() -> pd.DataFrame:
    """Rows of 30 invented people, both eyes each: measured, and predicted by a good and by a poor model."""
    rng = np.random.default_rng(7)
    people = pd.DataFrame(
        {
            "patient": [f"K{100 + i}" for i in range(30)],
            "sbp": rng.normal(128, 15, 30).round(0),
            "glucose": rng.normal(105, 18, 30).round(0),
            "age": rng.integers(35, 80, 30),
            "sex": rng.integers(0, 2, 30),
        }
    )
    rows = people.loc[people.index.repeat(2)].reset_index(drop=True)
    rows["eye"] = ["right", "left"] * 30
    rows["photo"] = rows.patient + np.where(rows.eye == "right", "_R.jpg", "_L.jpg")
    for target, spread in (("sbp", 9.0), ("glucose", 11.0), ("age", 3.0)):
        rows[f"{target}_hat"] = (rows[target] + rng.normal(1, spread, 60)).round(3)
        rows[f"{target}_poor"] = (rows[target] + rng.normal(-2, 2 * spread, 60)).round(3)
    rows["p_female"] = np.clip(0.25 + 0.5 * rows.sex + rng.normal(0, 0.2, 60), 0.01, 0.99).round(4)
    return rows


DATA = study()


def mae(data: pd.DataFrame, target: str, predicted: str) -> float:
    """Mean absolute error over people, by pandas alone."""
    people = data.groupby("patient")[[target, predicted]].mean()
    return float((people[predicted] - people[target]).abs().mean())


@dataclass(frozen=True)
class Shape:
    """One way to keep the study."""

    file: Callable[[], bytes]
    expected: dict[str, float] = field(default_factory=lambda: {"sbp": mae(DATA, "sbp", "sbp_hat")})
    truth: Callable[[], bytes] | None = None
    asked: Asked = field(default_factory=Asked)
    people: int = 30


def csv(frame: pd.DataFrame, *, encoding: str = "utf-8", **options: object) -> Callable[[], bytes]:
    return lambda: frame.to_csv(index=False, **options).encode(encoding)


def book(**sheets: pd.DataFrame) -> Callable[[], bytes]:
    def write() -> bytes:
        stream = io.BytesIO()
        with pd.ExcelWriter(stream, engine="openpyxl") as writer:
            for name, frame in sheets.items():
                frame.to_excel(writer, sheet_name=name, index=False)
        return stream.getvalue()

    return write


def named(**columns: str) -> pd.DataFrame:
    """The study's columns under other headings."""
    return DATA[list(columns.values())].set_axis(list(columns), axis=1)


ALL = {t: mae(DATA, t, f"{t}_hat") for t in ("sbp", "glucose", "age")}
POOR = {"sbp": mae(DATA, "sbp", "sbp_poor")}
PEOPLE = DATA.groupby("patient", as_index=False).first()
BASE = named(patient_id="patient", SBP="sbp", SBP_pred="sbp_hat")
LONG = pd.concat(
    [
        named(id="patient", side="eye", y_true=t, y_pred=f"{t}_hat").assign(target=word)
        for t, word in (("sbp", "SBP"), ("glucose", "血糖"), ("age", "Age"))
    ]
)
BY_MODEL = pd.concat(
    [
        named(photo="photo", subject="patient", model="patient", sbp_true="sbp", sbp_pred=column).assign(model=name)
        for name, column in (("B7", "sbp_hat"), ("MobileNet", "sbp_poor"))
    ]
)
EYES_WIDE = DATA.pivot(index="patient", columns="eye", values="sbp_hat").reset_index()
EYES_WIDE = EYES_WIDE.merge(PEOPLE[["patient", "sbp"]])[["patient", "sbp", "right", "left"]]
MEASURED = csv(PEOPLE[["patient", "sbp", "glucose", "age"]].rename(columns={"patient": "ID"}))
MMOL = named(pid="patient", g="glucose", h="glucose_hat").assign(g=lambda f: f.g / MGDL, h=lambda f: f.h / MGDL)

SHAPES = {
    "together": Shape(csv(BASE)),
    "pred first": Shape(csv(named(pid="patient", pred_sbp="sbp_hat", sbp="sbp"))),
    "hat": Shape(csv(named(subject="patient", eye="eye", sbp_hat="sbp_hat", sbp_obs="sbp"))),
    "glued": Shape(csv(named(ID="patient", predSBP="sbp_hat", trueSBP="sbp"))),
    "words": Shape(csv(named(Patient="patient", **{"Predicted systolic": "sbp_hat", "Systolic BP": "sbp"}))),
    "several targets": Shape(
        csv(named(id="patient", SBP="sbp", SBP_pred="sbp_hat", Glu="glucose", Glu_pred="glucose_hat", Age="age", Age_pred="age_hat")),
        ALL,
    ),
    "truth says it": Shape(csv(named(id="patient", SBP="sbp_hat", SBP_true="sbp"))),
    "japanese": Shape(csv(named(患者ID="patient", 左右="eye", 収縮期血圧_推定="sbp_hat", 収縮期血圧_実測="sbp"))),
    "japanese brackets": Shape(csv(named(**{"受診者番号": "patient", "最高血圧（予測値）": "sbp_hat", "最高血圧（真値）": "sbp"}))),
    "cp932": Shape(csv(named(患者ID="patient", 推定収縮期血圧="sbp_hat", 収縮期血圧="sbp"), encoding="cp932")),
    "utf-16 tabs": Shape(csv(BASE, encoding="utf-16", sep="\t")),
    "semicolons": Shape(csv(BASE, sep=";", decimal=",")),
    "bom": Shape(csv(BASE, encoding="utf-8-sig")),
    "workbook": Shape(book(Sheet1=BASE)),
    "workbook with a cover": Shape(book(表紙=pd.DataFrame({"この表について": ["説明"]}), 結果=BASE)),
    "bare": Shape(csv(named(id="patient", y_true="sbp", y_pred="sbp_hat")), asked=Asked(target="sbp")),
    "bare japanese": Shape(csv(named(番号="patient", 真値="sbp", 予測="sbp_hat")), asked=Asked(target="sbp", columns=("番号=patient_id",))),
    "long": Shape(csv(LONG), ALL),
    "long with people": Shape(csv(LONG.assign(site="A", error=1.0)), ALL),
    "models in rows": Shape(csv(BY_MODEL), POOR, asked=Asked(model="MobileNet")),
    "models in columns": Shape(csv(named(id="patient", SBP="sbp", SBP_pred_B7="sbp_hat", SBP_pred_MobileNet="sbp_poor")), POOR, asked=Asked(model="mobilenet")),
    "models without a mark": Shape(csv(named(id="patient", SBP_true="sbp", SBP_B7="sbp_hat", SBP_MobileNet="sbp_poor")), asked=Asked(model="B7")),
    "numbered models": Shape(csv(named(id="patient", SBP="sbp", SBP_pred_1="sbp_hat", SBP_pred_2="sbp_poor")), POOR, asked=Asked(model="2")),
    "eyes side by side": Shape(csv(EYES_WIDE.rename(columns={"patient": "ID", "right": "SBP_pred_R", "left": "SBP_pred_L"}))),
    "photographs": Shape(csv(named(filename="photo", patient_id="patient", sbp="sbp", sbp_pred="sbp_hat"))),
    "two files": Shape(csv(named(ID="patient", eye="eye", sbp="sbp_hat", glucose="glucose_hat")), {t: ALL[t] for t in ("sbp", "glucose")}, MEASURED),
    "two files, marked": Shape(csv(named(ID="patient", sbp_pred="sbp_hat")), truth=MEASURED),
    "two files, one workbook each": Shape(book(a=named(ID="patient", 収縮期血圧="sbp_hat")), truth=book(b=PEOPLE[["patient", "sbp"]].rename(columns={"patient": "患者番号", "sbp": "収縮期血圧"}))),
    "two files, photographs": Shape(csv(named(画像名="photo", SBP="sbp_hat")), truth=MEASURED),
    "copied along": Shape(csv(named(ID="patient", sbp="sbp_hat", age="age")), truth=MEASURED),
    "mmol": Shape(csv(MMOL.set_axis(["pid", "glucose (mmol/L)", "glucose_pred (mmol/L)"], axis=1)), {"glucose": ALL["glucose"]}),
    "mmol one side": Shape(
        csv(MMOL.assign(g=DATA.glucose).set_axis(["pid", "glucose (mg/dL)", "glucose_pred_mmol_L"], axis=1)), {"glucose": ALL["glucose"]}
    ),
    "mmol unsaid": Shape(csv(MMOL.set_axis(["pid", "glucose", "glucose_pred"], axis=1)), {"glucose": ALL["glucose"]}),
    "a repeated row": Shape(csv(pd.concat([BASE, BASE.iloc[[3, 8]]]))),
    "nobody named": Shape(
        csv(PEOPLE[["sbp", "sbp_hat"]].rename(columns={"sbp_hat": "sbp_pred"})),
        {"sbp": float((PEOPLE.sbp_hat - PEOPLE.sbp).abs().mean())},
        asked=Asked(rows_are_people=True),
    ),
    "told": Shape(csv(named(who="patient", a="sbp", b="sbp_hat")), asked=Asked(columns=("who=patient_id", "a=sbp measured", "b=sbp predicted"))),
}  # fmt: skip


def scored(shape: Shape, folder: Path) -> ScoredFiles:
    (folder / "made.csv").write_bytes(shape.file())
    measured = None
    if shape.truth:
        measured = folder / "measured.csv"
        measured.write_bytes(shape.truth())
    return pipeline.score_files(folder / "made.csv", measured, Settings(draws=20), asked=shape.asked)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_numbers_of_the_values_behind_it(tmp_path: Path, name: str) -> None:
    found = scored(SHAPES[name], tmp_path)
    targets = found.evaluation.targets
    assert {t for t, one in targets.items() if one.n} == set(SHAPES[name].expected)
    for target, expected in SHAPES[name].expected.items():
        assert targets[target].estimates["mae"].value == pytest.approx(expected, abs=1e-9), found.predictions.notes
        assert targets[target].n_patients == SHAPES[name].people


SEX = named(id="patient", sex="sex", p="p_female").assign(sex=lambda f: f.sex.map({1: "F", 0: "M"}))
ASKED = {
    "two columns, no word": (named(id="patient", SBP_a="sbp", SBP_b="sbp_hat"), Asked(), "which is predicted"),
    "the same heading twice": (named(id="patient", **{"SBP pred": "sbp_hat", "SBP": "sbp", "pred SBP": "sbp_poor"}), Asked(), "which is it"),
    "several models in columns": (named(id="patient", SBP="sbp", SBP_pred_A="sbp_hat", SBP_pred_B="sbp_poor"), Asked(), "'A', 'B'.* --model"),
    "several models in rows": (BY_MODEL, Asked(), "'B7', 'MobileNet'"),
    "no such model": (BY_MODEL, Asked(model="B8"), "no 'B8'"),
    "models unnamed": (BY_MODEL.drop(columns="model"), Asked(), "stands in rows 2 and 62|rows 2, 62"),
    "whose probability": (SEX.rename(columns={"p": "sex_pred"}), Asked(), "1 = female, or 1 = male"),
    "per cent or not": (SEX.assign(p=SEX.p * 100).rename(columns={"p": "female_pred"}), Asked(), "per cent"),
    "of what": (named(id="patient", y_true="sbp", y_pred="sbp_hat"), Asked(), "which target"),
    "standardised": (named(id="patient", SBP="sbp", SBP_pred="sbp_hat").assign(SBP_pred=np.linspace(-2, 2, 60)), Asked(), "standardised"),
    "nobody": (named(SBP="sbp", SBP_pred="sbp_hat"), Asked(), "patient's id"),
    "nothing predicted": (named(id="patient", SBP="sbp"), Asked(), "--truth"),
    "nothing measured": (named(id="patient", SBP_pred="sbp_hat"), Asked(), "--truth"),
    "a word": (BASE.assign(SBP_pred=["high", *BASE.SBP_pred[1:]]), Asked(), "row 2, column 'SBP_pred': found 'high'"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_what_cannot_be_told_is_refused_in_a_sentence_that_says_what_to_pass(tmp_path: Path, name: str) -> None:
    frame, asked, told = ASKED[name]
    with pytest.raises(FundusError, match=told) as caught:
        scored(Shape(csv(frame), asked=asked), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("heading", "values", "columns"),
    [
        ("p_female", DATA.p_female, ()),
        ("P(male)", 1 - DATA.p_female, ()),
        ("女性確率", DATA.p_female, ()),
        ("female_pred (%)", DATA.p_female * 100, ()),
        ("sex_pred", (DATA.p_female * 100).map("{:.4f}%".format), ("sex_pred=sex predicted female %",)),
        ("sex_prob", 1 - DATA.p_female, ("sex_prob=sex predicted male",)),
    ],
)
def test_probabilities_of_either_sex_in_either_scale(
    tmp_path: Path, heading: str, values: pd.Series, columns: tuple[str, ...]
) -> None:
    frame = SEX.drop(columns="p").assign(**{heading: values})
    found = scored(Shape(csv(frame), asked=Asked(columns=columns)), tmp_path).evaluation.targets["sex"]
    people = DATA.groupby("patient")[["sex", "p_female"]].mean()
    right = ((people.p_female >= 0.5) == (people.sex == 1)).mean()
    assert found.estimates["accuracy"].value == pytest.approx(right, abs=1e-9)
    assert found.estimates["brier"].value == pytest.approx(((people.p_female - people.sex) ** 2).mean(), abs=1e-9)


@pytest.mark.parametrize("ends", ["low high", "sd", "下限 上限"])
def test_intervals_give_their_coverage(tmp_path: Path, ends: str) -> None:
    half = 1.6448536269514722 * 8
    low, high = DATA.sbp_hat - half, DATA.sbp_hat + half
    more = (
        {"SBP_pred_sd": 8.0}
        if ends == "sd"
        else dict(zip([f"SBP_{end}" for end in ends.split()], (low, high), strict=True))
    )
    found = scored(Shape(csv(BASE.assign(**more))), tmp_path)
    inside = ((low <= DATA.sbp) & (DATA.sbp <= high)).mean()
    photographs = evaluate(found.table, level="photograph", targets=["sbp"]).targets["sbp"].estimates
    assert photographs["coverage"].value == pytest.approx(inside, abs=1e-9)
    assert found.evaluation.targets["sbp"].estimates["interval_width"].value < 2 * half


def test_a_prediction_that_no_person_has_counts_all_the_same(tmp_path: Path) -> None:
    frame = BASE.assign(SBP_pred=[-40.0, *BASE.SBP_pred[1:]])
    found = scored(Shape(csv(frame)), tmp_path)
    assert found.evaluation.targets["sbp"].n_patients == 30
    assert any("outside 60 to 260" in note for note in found.predictions.notes)


@pytest.mark.usefixtures("undrawn")
def test_what_evaluate_writes_can_be_compared(tmp_path: Path) -> None:
    for name in ("B7", "MobileNet"):
        (tmp_path / f"{name}.csv").write_bytes(csv(BY_MODEL)())
        pipeline.evaluate(tmp_path / f"{name}.csv", None, tmp_path / name, Settings(draws=20), asked=Asked(model=name))
    both = {name: tmp_path / name for name in ("B7", "MobileNet")}
    found = pipeline.compare(both, tmp_path / "both", Settings(draws=20), same_people=True)
    values = {name: one.estimates["mae"].value for name, one in found.targets["sbp"].results.items()}
    assert values == pytest.approx({"B7": ALL["sbp"], "MobileNet": POOR["sbp"]}, abs=1e-9)


def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path) -> None:
    shape = SHAPES["several targets"]
    frame = pd.read_csv(io.BytesIO(shape.file()))
    turned = frame.sample(frac=1, random_state=3)[list(frame.columns[::-1])]
    one, other = (scored(replace(shape, file=csv(f)), tmp_path).evaluation for f in (frame, turned))
    assert {t: r.estimates for t, r in one.targets.items()} == {t: r.estimates for t, r in other.targets.items()}
