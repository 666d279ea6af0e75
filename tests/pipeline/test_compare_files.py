"""Cohorts from folders: who is the same person, what is written, what is told."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fundus_core.analyses import Settings, make_ids_unique, unanswered
from fundus_core.errors import UsageError
from fundus_core.evaluation import from_values
from fundus_core.pipeline import compare


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
    apart = make_ids_unique(tables, {"a": np.array(["x", "y"]), "b": np.array(["z", ""])})
    assert not set(apart["a"].patient_id) & set(apart["b"].patient_id)


def test_the_same_photograph_under_the_same_id_is_the_same_person() -> None:
    tables = {name: from_values("sbp", [1, 2], [1, 2], patient_id=["1", "2"]) for name in "ab"}
    apart = make_ids_unique(tables, {"a": np.array(["x", "y"]), "b": np.array(["z", "y"])})
    assert set(apart["a"].patient_id) == set(apart["b"].patient_id)


def test_a_planted_bias_is_reported_and_files_are_written(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", seed=1), write(tmp_path / "b", seed=2, bias=6)
    found = compare(
        {"one": one, "other": other}, tmp_path / "out", Settings(draws=300, margins={"sbp": 2.0}), same_people=False
    )
    bias = next(each for each in found.targets["sbp"].differences if each.score == "bias")
    assert bias.p is not None
    assert bias.p < 0.01
    content = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert content["cohorts"] == ["one", "other"]
    assert "not a medical device" in content["notice"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Case-mix-adjusted comparison" in page
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http-equiv", "")
    assert (tmp_path / "out" / "equivalence.csv").read_text(encoding="utf-8").count("\n") == 3


def test_the_same_call_gives_the_same_report(tmp_path: Path) -> None:
    sides = {"one": write(tmp_path / "a", seed=1), "other": write(tmp_path / "b", seed=2)}
    pages = []
    for name in ("first", "second"):
        compare(sides, tmp_path / name / "out", Settings(draws=100), same_people=False)
        pages.append((tmp_path / name / "out" / "report.html").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]


def test_a_folder_without_predictions_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no predictions\.csv"):
        compare({"a": tmp_path, "b": tmp_path}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_published_figures_and_a_recalibration_stand_beside_the_cohorts(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", seed=1, bias=6), write(tmp_path / "b", seed=2, bias=6)
    compare({"one": one, "other": other}, tmp_path / "out", Settings(draws=100), same_people=False)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    forest = next(part for part in page.split("<svg role") if part.startswith('="img" aria-label="MAE (mmHg)'))
    assert "JOIR 2025" in forest
    assert "context, not a ranking" in page
    with (tmp_path / "out" / "recalibration.csv").open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    assert [(line["fitted_on"], line["tested_on"]) for line in lines] == [("one", "other"), ("other", "one")]
    assert all(abs(float(line["bias_after"])) < 3 < float(line["bias_before"]) for line in lines)
    assert all("not a medical device" in line["notice"] for line in lines)


def test_a_line_is_never_tested_on_its_own_people(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", seed=1), write(tmp_path / "b", seed=1)
    for folder in (one, other):
        lines = (folder / "predictions.csv").read_text().splitlines()
        hashed = [f"{line},{'sha256' if not k else k}" for k, line in enumerate(lines)]
        (folder / "predictions.csv").write_text("\n".join(hashed) + "\n")
    compare({"one": one, "other": other}, tmp_path / "out", Settings(draws=100), same_people=False)
    table = (tmp_path / "out" / "recalibration.csv").read_text(encoding="utf-8")
    assert table.count("were used to fit the recalibration") >= 2


def test_cohorts_without_any_truth_are_compared_by_their_predictions(tmp_path: Path) -> None:
    sides = {"one": write(tmp_path / "a", seed=1), "other": write(tmp_path / "b", seed=2, bias=20)}
    for folder in sides.values():
        (folder / "truth.csv").unlink()
    found = compare(sides, tmp_path / "out", Settings(draws=100), same_people=False)
    assert not found.targets
    assert (tmp_path / "out" / "shift.csv").is_file()
    assert not (tmp_path / "out" / "recalibration.csv").exists()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "no errors to compare" in page
    assert "Wasserstein" in page


def test_each_side_says_how_its_rows_were_matched_and_why_few_were(tmp_path: Path) -> None:
    """Attacked with a table of one side whose ids look alike in letter case only: no row is used, and it is said."""
    one, other = write(tmp_path / "a", seed=1), write(tmp_path / "b", seed=2)
    lines = (other / "truth.csv").read_text(encoding="utf-8").replace("photograph", "patient_id").splitlines()
    (other / "truth.csv").write_text(
        "\n".join(line.replace(".jpg", "").lower() for line in lines[:40]), encoding="utf-8"
    )
    said: list[str] = []
    with pytest.raises(UsageError, match="p000"):
        compare({"one": one, "other": other}, tmp_path / "out", Settings(draws=50), say=said.append)
    assert said
    assert all(one.startswith("one: ") for one in said)
    compare(
        {"one": one, "other": other},
        tmp_path / "out",
        Settings(draws=50),
        say=said.append,
        fold=True,
        same_people=False,
    )
    assert any("39 of 60" in one for one in said if one.startswith("other: "))


def test_ids_in_common_without_a_photograph_are_asked_about(tmp_path: Path) -> None:
    sides = {"one": write(tmp_path / "a", seed=1), "other": write(tmp_path / "b", seed=1)}
    with pytest.raises(UsageError, match=r"'one' and 'other' have 60 patient ids in common.*--same-people or"):
        compare(sides, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    apart = compare(sides, tmp_path / "apart", Settings(draws=50), same_people=False)
    same = compare(sides, tmp_path / "same", Settings(draws=50), same_people=True)
    assert [list(found.in_both.values()) for found in (apart, same)] == [[0], [60]]
    values = [{n: r.estimates["mae"].value for n, r in f.targets["sbp"].results.items()} for f in (apart, same)]
    assert values[0] == values[1], "who is who changes no estimate, only what is drawn together"


@pytest.mark.parametrize(
    ("ids", "asked"),
    [(("1", "2"), 2), (("2", "3"), 1), (("3", "4"), 0), (("", ""), 0), (("c.jpg", "d.jpg"), 0)],
)
def test_only_ids_of_patients_are_in_common(ids: tuple[str, str], asked: int) -> None:
    tables = {
        name: replace(from_values("sbp", [1, 2], [1, 2], patient_id=who), photograph=np.array(["c.jpg", "d.jpg"]))
        for name, who in {"a": ["1", "2"], "b": list(ids)}.items()
    }
    sha256 = {"a": np.array(["x", "y"]), "b": np.array(["z", ""])}
    assert sum(unanswered(tables, sha256, {}).values()) == asked
    for same in (True, False):
        assert not unanswered(tables, sha256, {frozenset("ab"): same})
    one_in_both = {"a": np.array(["x", "y"]), "b": np.array(["x", "y"])}
    assert not unanswered(tables, one_in_both, {}) or ids != ("1", "2")


CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "stats" / "same_people"


@pytest.mark.skipif(not CASE.is_dir(), reason="the cases handed over are not here")
def test_the_case_that_was_handed_over(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="150 patient ids in common"):
        compare({"A": CASE / "A", "B": CASE / "B"}, tmp_path / "out")
