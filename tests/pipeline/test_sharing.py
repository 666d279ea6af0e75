"""A result that leaves as a file, and a comparison with files of others, from the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from fundus_core import evaluation
from fundus_core.__main__ import main
from fundus_core.pipeline import read_shared
from tests.pipeline.test_compare_files import write

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Path:
    """Three clinics' folders; two of them wrote what may be shared."""
    top = tmp_path_factory.mktemp("sites")
    for seed, name in enumerate("abc"):
        inputs = write(top / f"in_{name}", seed=seed, bias=seed, people=60)
        said = [
            "--predictions",
            f"{inputs}/predictions.csv",
            "--truth",
            f"{inputs}/truth.csv",
            "--out",
            f"{top}/{name}",
        ]
        told = [] if name == "c" else ["--share", f"{top}/{name}.json", "--share-name", f"Clinic {name}"]
        assert main(["evaluate", *said, *told]) == 0
    return top


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_two_files_and_a_folder_give_the_meta_analysis_of_three_folders(sites, capsys):
    given = [f"a={sites}/a.json", f"b={sites}/b.json", f"c={sites}/c"]
    assert main(["compare", *given, "--out", f"{sites}/files", "--draws", "50"]) == 0
    said = capsys.readouterr().out
    assert "Over 3 sites and 180 people" in said
    assert "A shared result holds no people" in said
    folders = [f"{name}={sites}/{name}" for name in "abc"]
    assert main(["compare", *folders, "--out", f"{sites}/all", "--draws", "50", "--different-people"]) == 0
    one, other = (rows(sites / name / "sites.csv") for name in ("files", "all"))
    hidden = {
        name
        for file in "ab"
        for name, why in read_shared(sites / f"{file}.json").targets["sbp"].why.items()
        if why == "small"
    }
    for row, same in zip(one, other, strict=True):
        for key in ("value", "low", "high", "new_site_low", "tau") if row["estimate"] not in hidden else ():
            assert (row[key] or "nan") == (same[key] or "nan") or float(row[key]) == pytest.approx(
                float(same[key]), abs=1e-6
            )
    report = (sites / "files" / "report.html").read_text(encoding="utf-8")
    assert "mean over sites" in report
    assert "A shared result holds no people" in report
    assert json.loads((sites / "files" / "comparison.json").read_text(encoding="utf-8"))["cohorts"] == ["c", "a", "b"]


def test_files_of_different_models_are_pointed_out(sites, capsys):
    for name, model in (("a", "one"), ("b", "another")):
        told = read_shared(sites / f"{name}.json")
        told = replace(told, identity=replace(told.identity, model=model))
        (sites / f"{model}.json").write_text(evaluation.as_text(told), encoding="utf-8")
    given = [f"a={sites}/one.json", f"b={sites}/another.json"]
    assert main(["compare", *given, "--out", f"{sites}/others"]) == 0
    assert "Read by different models: a: one; b: another. What differs may be" in capsys.readouterr().out
    assert main(["compare", f"a={sites}/a.json", f"c={sites}/c", "--out", f"{sites}/alike", "--draws", "50"]) == 0
    assert "different models" not in capsys.readouterr().out


def test_nothing_of_a_person_is_in_the_file(sites):
    text = (sites / "a.json").read_text(encoding="utf-8")
    truth = [line.split(",") for line in (sites / "in_a" / "truth.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert not [word for name, value in truth for word in (name, name[:4], value[:9]) if word in text]
    assert evaluation.as_text(read_shared(sites / "a.json")) + "\n" == text


def test_a_name_at_fault_leaves_nothing_behind(sites, capsys):
    said = ["--predictions", f"{sites}/in_a/predictions.csv", "--truth", f"{sites}/in_a/truth.csv"]
    told = ["--out", f"{sites}/none", "--share", f"{sites}/none.json", "--share-name", "P001's"]
    assert main(["evaluate", *said, *told]) == 2
    assert "cannot name a site" in capsys.readouterr().err
    assert not (sites / "none").exists()
    assert not (sites / "none.json").exists()


def test_a_file_that_is_none_is_one_sentence(sites, capsys):
    (sites / "x.json").write_text("{}", encoding="utf-8")
    assert main(["compare", f"a={sites}/x.json", f"c={sites}/c", "--out", f"{sites}/no"]) == 2
    assert "'x.json' is no shared result" in capsys.readouterr().err
    assert not (sites / "no").exists()
