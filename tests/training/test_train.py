"""From photographs and tables to a model that inference can ask, along the app's own path."""

import csv
import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from fundus_core import truth
from fundus_core.errors import TruthError, UsageError
from fundus_core.inference import open_predictor
from fundus_core.models import card_files
from fundus_core.synthetic import synthesise
from fundus_core.training import Label, Material, Plan, cache, table
from fundus_core.training.command import materials, plan, run
from fundus_core.training.fit import train

SMALL = {"channels": [4, 4, 8, 8], "stem_width": 4}
PLAN = Plan(
    targets=("sbp", "sex"),
    truth_prefix="expected_",
    auxiliary=("z_age",),
    backbone="resnet10t",
    backbone_options=SMALL,
    size=48,
    epochs=1,
    batch=4,
    accumulate=1,
    copies=2,
    shares=(0.15, 0.25, 0.25),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    synthesise(14, 3, folder, size=224)
    (folder / "photographs" / "note.jpg").write_bytes(b"no photograph")
    return folder


@pytest.fixture(scope="module")
def material(cohort):
    return Material(cohort / "photographs", cohort / "truth.csv", cohort / "latents.csv")


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    path = train([material], out, PLAN, label=Label("toy", rendered=True, command="train it"), progress=False)
    return card_files.read(path)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_card_names_its_weights_inputs_and_maker(trained):
    assert trained.targets == ("sbp", "sex")
    assert [output.link for output in trained.outputs] == ["identity", "sigmoid"]
    assert trained.rendered
    assert trained.command == "train it"
    assert trained.weights.sha256 == hashlib.sha256(trained.weights_path.read_bytes()).hexdigest()
    assert trained.rule.size == 48
    assert {result.target for result in trained.results} <= {"sbp", "sex"}


def test_inference_reproduces_the_golden_example(trained, tmp_path):
    crop = np.asarray(Image.open(trained.folder / trained.golden.file))
    assert hashlib.sha256(crop.tobytes()).hexdigest() == trained.golden.sha256
    said = open_predictor(trained, device="cpu", cache=tmp_path).predict(crop[None])
    for name, value in trained.golden.outputs.items():
        assert float(said.values[name][0]) == pytest.approx(value, abs=trained.golden.tolerance * max(1, abs(value)))
    assert np.isfinite(said.distance).all()


def test_the_split_keeps_people_together_and_stands_beside_the_weights(trained):
    parts = {}
    for row in rows(trained.folder / "split.csv"):
        parts.setdefault(row["patient_id"], set()).add(row["part"])
    assert len(parts) == 14
    assert all(len(part) == 1 for part in parts.values())


def test_metrics_and_predictions_are_those_of_the_test_part(trained):
    tested = {row["photograph"] for row in rows(trained.folder / "split.csv") if row["part"] == "test"}
    predicted = rows(trained.folder / "predictions.csv")
    assert {row["photograph"] for row in predicted} == tested
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    assert metrics["targets"]["sbp"]["n_photographs"] == len(tested)


def test_called_again_it_is_done_and_keeps_its_crops(trained, material):
    before = trained.weights_path.read_bytes(), (trained.folder / "crops" / "crops.npy").stat().st_mtime_ns
    train([material], trained.folder, PLAN, label=Label("toy", rendered=True, command="train it"), progress=False)
    after = trained.weights_path.read_bytes(), (trained.folder / "crops" / "crops.npy").stat().st_mtime_ns
    assert before == after


def test_interrupted_cutting_goes_on_and_refusals_are_listed(material, tmp_path, monkeypatch):
    found = table.read([material], {"sbp": "sbp"})
    sources = [found.sources[0], table.Source("broken.jpg", lambda: b"no photograph"), *found.sources[1:3]]
    recipe = cache.Recipe(cache.retina.CropRule(32), 1, (40, 95), 1)
    monkeypatch.setattr(cache, "_CHUNK", 1)
    cut, count = cache._cut, []

    def dies(recipe, source):
        count.append(source.name)
        if len(count) == 3:
            raise KeyboardInterrupt
        return cut(recipe, source)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_cut", dies)
        with pytest.raises(KeyboardInterrupt):
            cache.fill(sources, recipe, tmp_path, "key", progress=False)
    # a kill may tear the last line: it must neither count nor join the one that is written next
    torn = tmp_path / "photographs.csv"
    torn.write_bytes(torn.read_bytes() + b"2,a.jpg,acc")
    crops = cache.fill(sources, recipe, tmp_path, "key", progress=False)
    assert crops.accepted.tolist() == [True, False, True, True]
    assert not crops.pixels[0, 1].any()
    assert crops.pixels[0, 3].any()
    assert [row["status"] for row in rows(tmp_path / "photographs.csv")] == ["accepted", "failed", *["accepted"] * 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("photograph,patient_id\nP0001_L.jpg,1\n", "has no column 'sbp'"),
        ("photograph,sbp\nP0001_L.jpg,high\n", "'high' is not a number"),
        ("photograph,sbp\nother.jpg,120\n", "None of the"),
        ("photograph,sbp\nP0001_L.jpg,120\nP0001_L.jpg,121\n", "different things of 1 photographs, 'P0001_L.jpg'"),
        ("height,sbp\n170,120\n", "no column names the photograph or the patient"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_sentence(cohort, tmp_path, content, message):
    (tmp_path / "truth.csv").write_text(content, encoding="utf-8")
    material = Material(cohort / "photographs", tmp_path / "truth.csv")
    with pytest.raises(TruthError, match=message):
        table.read([material], {"sbp": "sbp"})


LIKE_TRUTH = {
    "another unit": ("glucose", "glucose", "photograph,glucose\nP0001_L.jpg,5.4\nP0002_L.jpg,7\nP0003_L.jpg,6.1\n"),
    "inches": ("waist", "waist (inches)", "photograph,waist (inches)\nP0001_L.jpg,32\nP0002_L.jpg,40\n"),
    "Japanese": ("sbp", "sbp", "ファイル名,患者ID,収縮期血圧\nP0001_L.jpg,A,120\nP0002_L.jpg,B,131\n"),
    "by heading": ("sbp", "収縮期血圧", "ファイル名;収縮期血圧\nP0001_L.jpg;120,5\nP0002_L.jpg;131\n"),
    "both pressures": ("dbp", "dbp", "photograph,血圧\nP0001_L.jpg,120/80\nP0002_L.jpg,140/95\n"),
    "worked out": ("bmi", "bmi", "photograph,height,weight\nP0001_L.jpg,170,60\nP0002_L.jpg,160,70\n"),
    "words for sex": ("sex", "sex", "photograph,sex\nP0001_L.jpg,女子\nP0002_L.jpg,1:男\n"),
    "by person": ("sbp", "sbp", "patient_id,sbp\nP0001,120\nP0002,131\n"),
}


@pytest.mark.parametrize(("target", "column", "text"), LIKE_TRUTH.values(), ids=LIKE_TRUTH)
def test_what_is_learnt_is_what_an_evaluation_reads(cohort, tmp_path, target, column, text):
    path = tmp_path / "truth.csv"
    path.write_bytes(text.encode("cp932"))
    found = table.read([Material(cohort / "photographs", path)], {target: column})
    measured = truth.match(truth.load(path), found.names)
    assert len(found.names) >= 2
    np.testing.assert_array_equal(found.values[target], measured.values()[target])


@pytest.mark.parametrize("told", ["01", "p1", "１"])
def test_training_gives_nobody_the_row_of_another(cohort, tmp_path, told):
    (tmp_path / "list.csv").write_text(f"path,patient_id\n{cohort / 'photographs' / 'P0001_L.jpg'},{told}\n")
    (tmp_path / "truth.csv").write_text("patient_id,sbp\n1,120\nP1,130\n", encoding="utf-8")
    with pytest.raises(TruthError, match="None of the 1"):
        table.read([Material(tmp_path / "list.csv", tmp_path / "truth.csv")], {"sbp": "sbp"})


def test_a_coding_that_only_a_person_knows_is_not_learnt(cohort, tmp_path):
    (tmp_path / "truth.csv").write_text("photograph,sex\nP0001_L.jpg,1\nP0002_L.jpg,2\n", encoding="utf-8")
    with pytest.raises(TruthError, match="column 'sex'"):
        table.read([Material(cohort / "photographs", tmp_path / "truth.csv")], {"sex": "sex"})


def test_a_missing_value_is_nan_and_words_for_sex_are_read(cohort, tmp_path):
    (tmp_path / "truth.csv").write_text(
        "photograph,sex\nP0001_L.jpg,F\nP0001_R.jpg,\nP0002_L.jpg,男\n", encoding="utf-8"
    )
    found = table.read([Material(cohort / "photographs", tmp_path / "truth.csv")], {"sex": "sex"})
    np.testing.assert_array_equal(found.values["sex"], [1.0, np.nan, 0.0])
    assert found.patients == found.names


def options(*words):
    from argparse import ArgumentParser

    from fundus_core.training.command import add_options

    parser = ArgumentParser()
    add_options(parser)
    return parser.parse_args(["--photographs", "a", "--truth", "t.csv", "--out", "o", *words])


def test_options_that_are_not_given_keep_the_published_recipe():
    assert plan(options()) == Plan()


def test_options_become_the_plan():
    words = ["--targets", "age, sex", "--option", "channels=(8,16)", "--option", "stem_type=deep", "--size", "64"]
    made = plan(options(*words, "--shares", "0.1", "0.2", "0.1", "--no-checkpointing", "--learning-rate", "1e-4"))
    assert made.targets == ("age", "sex")
    assert made.backbone_options == {"channels": (8, 16), "stem_type": "deep"}
    assert (made.size, made.shares, made.checkpointing, made.learning_rate) == (64, (0.1, 0.2, 0.1), False, 1e-4)


def test_a_folder_without_its_table_is_refused():
    with pytest.raises(UsageError, match="one table for each folder"):
        materials(options("--join", "x.csv", "y.csv"))
    with pytest.raises(UsageError, match="NAME=VALUE"):
        plan(options("--option", "channels"))


def test_several_backbones_are_compared_on_the_same_split_in_one_table(material, tmp_path):
    other = ["--photographs", str(material.photographs), "--truth", str(material.truth), "--out", str(tmp_path)]
    words = [*other, "--backbone", "resnet10t,resnet18", "--targets", "sbp", "--option", "channels=(4,4,8,8)"]
    words += ["--size", "32", "--epochs", "1", "--batch", "4", "--accumulate", "1", "--shares", "0.15", "0.25", "0.25"]
    path = run(options(*words), words, progress=False)
    table_rows = rows(path)
    assert [row["backbone"] for row in table_rows] == ["resnet10t", "resnet18"]
    assert all(float(row["value"]) > 0 and row["low"] == row["high"] == "" for row in table_rows), "too few people"
    splits = [(tmp_path / name / "split.csv").read_text() for name in ("resnet10t", "resnet18")]
    assert splits[0] == splits[1]
