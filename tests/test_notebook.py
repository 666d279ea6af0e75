"""The Python face on pandas data, and the notebook that shows it: its cells are run as they stand, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import fundus_core
from fundus_core.errors import FundusError

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = pd.DataFrame(
    {"id": ["a", "a", "b", "c"], "SBP": [120, 120, 131, 118], "SBP_pred": [124.5, 126.5, 128.0, 121.25]}
)
MAE = (abs(125.5 - 120) + abs(128.0 - 131) + abs(121.25 - 118)) / 3


def test_the_notebook_runs_from_its_first_cell_to_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "data" / "sample")
    book = json.loads(Path("predictions.ipynb").read_text(encoding="utf-8"))
    names: dict[str, object] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102 - our own notebook
    measured, predicted = (pd.read_csv(f"{name}.csv") for name in ("truth", "predictions"))
    both = predicted[predicted.status == "predicted"].merge(measured, on="photograph", suffixes=("_p", ""))
    people = both.groupby("patient_id")[["sbp_p", "sbp"]].mean()
    found = names["found"].evaluation.targets["sbp"].estimates["mae"].value  # type: ignore[attr-defined]
    assert found == pytest.approx((people.sbp_p - people.sbp).abs().mean(), abs=1e-9)


def test_a_frame_is_scored_as_a_file_is_whatever_its_index() -> None:
    for frame in (PEOPLE, PEOPLE.set_index("id"), PEOPLE.sample(frac=1, random_state=1)):
        found = fundus_core.evaluate(frame, draws=20)
        assert found.evaluation.targets["sbp"].estimates["mae"].value == pytest.approx(MAE, abs=1e-9)
        assert found.table("sbp")["estimate"].tolist()[0] in found._repr_html_()


def test_two_frames_and_what_must_be_said() -> None:
    bare = PEOPLE.set_axis(["who", "y_true", "y_pred"], axis=1)
    with pytest.raises(FundusError, match="which target"):
        fundus_core.evaluate(bare)
    said = fundus_core.evaluate(bare, target="sbp", columns={"who": "patient_id"}, draws=20)
    apart = fundus_core.evaluate(PEOPLE[["id", "SBP_pred"]], PEOPLE[["id", "SBP"]].drop_duplicates(), draws=20)
    for found in (said, apart):
        assert found.evaluation.targets["sbp"].estimates["mae"].value == pytest.approx(MAE, abs=1e-9)
    table = fundus_core.compare({"said": said, "apart": apart}, draws=20, same_people=True).table("estimates", "sbp")
    assert set(table["cohort"]) == {"said", "apart"}
    with pytest.raises(FundusError, match="same_people=True or False"):
        fundus_core.compare({"said": said, "apart": apart}, draws=20)
    with pytest.raises(FundusError, match="two cohorts"):
        fundus_core.compare({"said": said})


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evaluates'"):
        fundus_core.evaluates  # noqa: B018 - asking is the test
