"""From photographs and tables to a model that inference can ask, along the app's own path."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas
import pytest
import timm
import torch
from PIL import Image

from fundus_core import jobs, truth
from fundus_core.errors import CardError, TruthError, UsageError
from fundus_core.inference import open_predictor
from fundus_core.models import card_files, weights
from fundus_core.models.importing import initial_weights
from fundus_core.synthetic import synthesise
from fundus_core.training import Label, Material, Plan, cache, data, table
from fundus_core.training.command import materials, plan, run
from fundus_core.training.fit import begin, train
from fundus_core.training.loop import CHECKPOINT
from fundus_core.training.plan import FINE_TUNING, Running

SMALL = {"channels": [4, 4, 8, 8], "stem_width": 4}
PLAN = Plan(
    targets=("sbp", "sex"),
    truth_prefix="expected_",
    auxiliary=("z_age",),
    backbone="resnet10t",
    backbone_options={**SMALL, "mirrored": True},
    size=48,
    epochs=1,
    batch=4,
    accumulate=1,
    copies=2,
    shares=(0.15, 0.25, 0.25),
)

QUIET = Running(progress=False)


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
    path = train([material], out, PLAN, label=Label("toy", rendered=True, command="train it"), how=QUIET)
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
    said = open_predictor(trained, device="cpu", cache=tmp_path).predict(np.stack([crop, crop[:, ::-1]]))
    for name, value in trained.golden.outputs.items():
        assert said.values[name][1] == pytest.approx(said.values[name][0], rel=1e-4), "looked at both ways"
        assert float(said.values[name][0]) == pytest.approx(value, abs=trained.golden.tolerance * max(1, abs(value)))
    assert np.isfinite(said.distance).all()


def test_the_split_keeps_people_together_and_stands_beside_the_weights(trained):
    parts = {}
    for row in rows(trained.folder / "split.csv"):
        parts.setdefault(row["patient_id"], set()).add(row["part"])
    assert len(parts) == 14
    assert all(len(part) == 1 for part in parts.values())


def test_the_card_keeps_how_it_was_trained(trained):
    log = rows(trained.folder / "log.csv")
    assert "by epoch, on " in trained.training
    assert f"{float(log[0]['validation_loss']):.3f}; the weights of epoch 1 were kept" in trained.training
    assert jobs.stage(trained.folder).name == "done"


def test_metrics_and_predictions_are_those_of_the_test_part(trained):
    tested = {row["photograph"] for row in rows(trained.folder / "split.csv") if row["part"] == "test"}
    predicted = rows(trained.folder / "predictions.csv")
    assert {row["photograph"] for row in predicted} == tested
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    assert metrics["targets"]["sbp"]["n_photographs"] == len(tested)


def test_what_only_the_training_needed_goes_with_its_end(trained, material, tmp_path):
    """Tables that a page wrote for it hold patients' values, and would outlive their cohort."""
    out = shutil.copytree(trained.folder, tmp_path / "again")
    (jobs.given(out) / "truth.csv").write_text("photograph,sbp")
    train([material], out, PLAN, label=Label("toy", rendered=True), how=Running(progress=False, tidy=True))
    assert (out / "card.toml").is_file()
    assert not [name for name in (jobs.GIVEN, "crops", CHECKPOINT) if (out / name).exists()]


def test_called_again_it_is_done_and_keeps_its_crops(trained, material):
    before = trained.weights_path.read_bytes(), (trained.folder / "crops" / "crops.npy").stat().st_mtime_ns
    train([material], trained.folder, PLAN, label=Label("toy", rendered=True, command="train it"), how=QUIET)
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
            cache.fill(sources, recipe, tmp_path, "key", QUIET)
    # a kill may tear the last line: it must neither count nor join the one that is written next
    torn = tmp_path / "photographs.csv"
    torn.write_bytes(torn.read_bytes() + b"2,a.jpg,acc")
    crops = cache.fill(sources, recipe, tmp_path, "key", QUIET)
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


def test_a_sheet_a_coding_eye_columns_and_visits_are_read_as_in_an_evaluation(cohort, tmp_path):
    path = tmp_path / "truth.xlsx"
    rows = {"exam date": ["2020-05-01", "2024-05-01", "2024-05-01"], "ID": ["P0001", "P0001", "P0002"]}
    rows |= {"SBP right": [120, 140, 131], "SBP left": [121, 141, 132], "gender": [1, 1, 2]}
    with pandas.ExcelWriter(path) as book:
        pandas.DataFrame({"note": ["nothing here"]}).to_excel(book, sheet_name="about", index=False)
        pandas.DataFrame(rows).to_excel(book, sheet_name="values", index=False)
    listed = tmp_path / "list.csv"
    eyes = [(who, eye) for who in ("P0001", "P0002") for eye in "LR"]
    lines = [f"{cohort / 'photographs' / f'{who}_{eye}.jpg'},{who},{eye},2024-05-03" for who, eye in eyes]
    listed.write_text("path,patient_id,eye,visit\n" + "\n".join(lines) + "\n", encoding="utf-8")
    reading = table.Reading("values", ("gender=1=male,2=female",))
    found = table.read([Material(listed, path, None, reading)], {"sbp": "sbp", "sex": "sex"})
    np.testing.assert_array_equal(found.values["sbp"], [141, 140, 132, 131])
    np.testing.assert_array_equal(found.values["sex"], [0, 0, 1, 1])
    measured = truth.match(
        truth.load(path, sheet="values", said=reading.columns), found.names, patient_ids=found.patients,
        eyes=["left", "right"] * 2, visits=["2024-05-03"] * 4,
    )  # fmt: skip
    np.testing.assert_array_equal(found.values["sbp"], measured.values()["sbp"])


def test_an_age_of_1_among_adults_is_said_before_it_is_learnt(cohort, tmp_path):
    ages = [1, 1, *range(30, 60)]
    lines = [f"P{k + 1:04d}_L.jpg,{age}" for k, age in enumerate(ages)]
    (tmp_path / "truth.csv").write_text("photograph,age\n" + "\n".join(lines) + "\n", encoding="utf-8")
    read = [
        Material(cohort / "photographs", tmp_path / "truth.csv", None, table.Reading(columns=said))
        for said in ((), ("age=1=missing",))
    ]
    found, told = (table.read([one], {"age": "age"}) for one in read)
    assert any("age: 2 cells say 1, far from every other value" in note for note in found.notes)
    assert not any("far from" in note for note in told.notes)
    assert np.isnan(told.values["age"]).sum() == 2


def test_photographs_that_fail_a_check_teach_but_do_not_judge(trained, material, tmp_path):
    found = data.matched([material], PLAN)
    every = np.ones(len(found.names), bool)
    refused = np.arange(len(every)) % 3 > 0
    pixels = np.zeros((1, len(every), 4, 4, 3), np.uint8)
    part = np.array([("train", "test")[k % 2] for k in range(len(every))])
    for gate in (True, False):
        made = data.Data(found, {}, cache.Crops(pixels, refused, every), part, (), "", gate)
        assert set(made.rows("test")) == set(np.flatnonzero((part == "test") & refused))
        assert set(made.rows("train")) == set(np.flatnonzero((part == "train") & (refused | (not gate))))


def other_names(body):
    """A lite network's tensors by the names of ``EfficientNet-PyTorch``, which its B0 has as well."""
    ends = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}
    first = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
    inner = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1"}
    inner |= {"conv_pwl": "_project_conv", "bn3": "_bn2"}
    blocks = {
        (s, k): at for at, (s, k) in enumerate((s, k) for s, stage in enumerate(body.blocks) for k in range(len(stage)))
    }

    def renamed(name):
        part, *rest = name.split(".")
        if part != "blocks":
            return ".".join([ends[part], *rest])
        at = blocks[int(rest[0]), int(rest[1])]
        return ".".join([f"_blocks.{at}", (inner if at else first)[rest[2]], *rest[3:]])

    return {renamed(name): value for name, value in body.state_dict().items()}


def test_weights_by_another_librarys_names_begin_a_training_or_are_refused_before_anything_is_cut(
    material, tmp_path, monkeypatch
):
    # a process with limits is opened elsewhere (tests/models/test_confined_import.py): a busy machine is no fault here
    monkeypatch.setattr(initial_weights, "tensors", weights.read)
    donor = timm.create_model("tf_efficientnet_lite0", num_classes=5)
    torch.save(other_names(donor), tmp_path / "w.pth")
    plan, network, notes = begin(Plan(**FINE_TUNING), tmp_path / "w.pth", told=False)
    assert plan.backbone == "tf_efficientnet_lite0"
    assert plan.pretrained == hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    assert any("in their order" in note for note in notes)
    own = network.body.state_dict()
    for name, value in donor.state_dict().items():
        assert name.startswith("classifier") or torch.equal(own[name], value), name
    assert not any(value.any() for value in network.body.get_classifier().parameters()), "begins at median and share"
    assert network.value_scale.tolist() == pytest.approx([1 / 127.5] * 3), "as these weights are fed"
    with pytest.raises(CardError, match="give --backbone tf_efficientnet_lite0"):
        train([material], tmp_path / "out", replace(plan, backbone="resnet18"), how=Running(tmp_path / "w.pth"))
    assert not (tmp_path / "out").exists()


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


def test_options_that_are_not_given_keep_the_recipe():
    assert plan(options()) == Plan()
    begun = plan(options("--pretrained", "w.pth", "--epochs", "3"))
    assert begun == Plan(**{**FINE_TUNING, "epochs": 3})
    once = plan(options("--pretrained", "w.pth", "--option", "mirrored=False", "--option", "stem_type=deep"))
    assert once.backbone_options == {"mirrored": False, "stem_type": "deep"}


def test_every_option_says_what_it_is():
    from argparse import ArgumentParser

    from fundus_core.training.command import add_options

    parser = ArgumentParser()
    add_options(parser)
    assert all(action.help for action in parser._actions)
    text = " ".join(parser.format_help().split())
    assert "--minutes N" in text
    assert "(0.0; with --pretrained 60.0)" in text


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
