"""Cohorts from folders: who is the same person, what is written, what is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fundus_core.errors import UsageError
from fundus_core.evaluation import from_values
from fundus_core.pipeline import compare
from fundus_core.pipeline.comparing import told_apart


def write(folder: Path, *, seed: int, bias: float = 0.0, spread: float = 17.0, people: int = 60) -> Path:
    draw = np.random.default_rng(seed)
    folder.mkdir()
    truth = draw.normal(130, spread, people)
    made = truth + bias + draw.normal(0, 8, people)
    names = [f"P{k:03d}" for k in range(people)]
    lines = [f"{who}.jpg,{who},predicted,{value!r}" for who, value in zip(names, made.tolist(), strict=True)]
    (folder / "predictions.csv").write_text("photograph,patient_id,status,sbp\n" + "\n".join(lines) + "\n")
    lines = [f"{who}.jpg,{value!r}" for who, value in zip(names, truth.tolist(), strict=True)]
    (folder / "truth.csv").write_text("photograph,sbp\n" + "\n".join(lines) + "\n")
    return folder


def test_equal_ids_of_two_clinics_are_two_people() -> None:
    tables = {name: from_values("sbp", [1, 2], [1, 2], patient_id=["1", "2"]) for name in "ab"}
    apart = told_apart(tables, {"a": np.array(["x", "y"]), "b": np.array(["z", ""])})
    assert not set(apart["a"].patient_id) & set(apart["b"].patient_id)


def test_the_same_photograph_under_the_same_id_is_the_same_person() -> None:
    tables = {name: from_values("sbp", [1, 2], [1, 2], patient_id=["1", "2"]) for name in "ab"}
    apart = told_apart(tables, {"a": np.array(["x", "y"]), "b": np.array(["z", "y"])})
    assert set(apart["a"].patient_id) == set(apart["b"].patient_id)


def test_a_planted_bias_is_reported_and_files_are_written(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", seed=1), write(tmp_path / "b", seed=2, bias=6)
    found = compare({"one": one, "other": other}, tmp_path / "out", draws=300, margins={"sbp": 2.0})
    bias = next(each for each in found.targets["sbp"].differences if each.score == "bias")
    assert bias.p_adjusted is not None
    assert bias.p_adjusted < 0.01
    content = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert content["cohorts"] == ["one", "other"]
    assert "not a medical device" in content["notice"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "On common ground" in page
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http-equiv", "")
    assert (tmp_path / "out" / "equivalence.csv").read_text(encoding="utf-8").count("\n") == 3


def test_the_same_call_gives_the_same_report(tmp_path: Path) -> None:
    sides = {"one": write(tmp_path / "a", seed=1), "other": write(tmp_path / "b", seed=2)}
    pages = []
    for name in ("first", "second"):
        compare(sides, tmp_path / name / "out", draws=100)
        pages.append((tmp_path / name / "out" / "report.html").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_a_folder_without_predictions_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no predictions\.csv"):
        compare({"a": tmp_path, "b": tmp_path}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
