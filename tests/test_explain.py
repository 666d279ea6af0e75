"""Where a model looks: maps that must find what is known to matter, and a test that must unmask those that do not."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fundus_core import __main__, explain, journey, pipeline
from fundus_core.errors import UsageError
from fundus_core.explain.deletion import DRAWS, FRACTIONS, Deletion, Eraser
from fundus_core.explain.field_of_view import blurred, field_of, strongest, vessel_like
from fundus_core.explain.gradients import Gradients
from fundus_core.explain.saliency import LARGE_PX, occlude
from fundus_core.images import source_at
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, registry, weights
from fundus_core.records import RetinaBounds
from fundus_core.retina import CropRule, crop

SIDE = 96
ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPH = ROOT / "data" / "sample" / "photographs" / "P0002_L.jpg"
SMALL = {"channels": [8, 8, 16, 16], "stem_width": 8}


def cut(pixels, margin=0.0):
    bounds = RetinaBounds(SIDE / 2, SIDE / 2, SIDE / 2, SIDE, SIDE)
    return crop(pixels, bounds, CropRule(SIDE, margin=margin))


def eye(seed=0):
    """A crop with texture of every size and one dark line, black outside the field."""
    random = np.random.default_rng(seed)
    pixels = np.clip(random.normal((170, 100, 50), 14, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    pixels[:, 30:33] = pixels[:, 30:33] // 3
    return cut(pixels)


def box(pixels):
    """The model of the tests: how much the green channel varies in one box; nothing else matters to it."""
    return {"sbp": pixels[:, 55:75, 40:60, 1].astype(float).std(axis=(1, 2)), "age": np.full(len(pixels), 50.0)}


BOX = np.zeros((SIDE, SIDE), bool)
BOX[55:75, 40:60] = True


def graph_card(**changes):
    base = card_files.read(registry.BUNDLED / "joir-metabolic-b7.toml")
    outputs = (base.outputs[0], replace(base.outputs[0], target="age", unit="years"))
    return replace(base, runtime="openvino", input=replace(base.input, size=SIDE), outputs=outputs, **changes)


def timm_card(folder, side=SIDE):
    torch.manual_seed(1)
    digest = weights.write(networks.body("resnet10t", 2, SMALL), folder / "weights.safetensors")
    card = graph_card(
        id="toy",
        backbone="resnet10t",
        backbone_options=SMALL,
        weights=cards.WeightsFile("weights.safetensors", digest, ""),
        rendered=True,
        features="",
        unverified=(),
        folder=folder,
    )
    return replace(card, runtime="timm", input=replace(card.input, size=side))


# The field, blur and vessels --------------------------------------------------------------------------------------


def test_the_field_of_a_crop_is_what_is_not_blacked_out():
    whole = cut(np.full((SIDE, SIDE, 3), 200, np.uint8), margin=0.3)
    lit = whole.pixels.min(axis=2) > 100
    assert np.mean(field_of(whole) != lit) < 0.02


def test_blurring_leaves_an_even_field_as_it_is_up_to_its_rim():
    even = cut(np.full((SIDE, SIDE, 3), (180, 90, 40), np.uint8))
    assert np.abs(blurred(even.pixels, field_of(even)).astype(int) - even.pixels).max() <= 1


def test_a_dark_line_is_like_a_vessel_and_a_bright_one_is_not():
    for level, found in ((40, True), (160, False)):
        pixels = np.full((SIDE, SIDE, 3), 100, np.uint8)
        pixels[:, 47:49] = level
        marked = vessel_like(pixels, np.ones((SIDE, SIDE), bool))
        assert bool(marked[:, 47:49].mean() > 0.9) is found


def test_the_strongest_share_has_that_area_and_lies_in_the_field():
    field = field_of(eye())
    chosen = strongest(np.random.default_rng(0).normal(size=field.shape), field, 0.2)
    assert chosen.sum() == round(0.2 * field.sum())
    assert not (chosen & ~field).any()


# Occlusion and the deletion test ----------------------------------------------------------------------------------


def test_occlusion_finds_the_box_that_matters():
    moved = occlude(eye().pixels, field_of(eye()), box)
    assert np.abs(moved["sbp"])[BOX].sum() > 0.5 * np.abs(moved["sbp"]).sum()
    assert not moved["age"].any()


def test_a_map_of_what_matters_beats_chance_and_its_opposite_does_not():
    eraser = Eraser(eye().pixels, field_of(eye()), box)
    chance = tuple(one["sbp"] for one in eraser.curves(eraser.random(4.0, draws=19, seed=0)))
    box_, rest, contrast = (one["sbp"] for one in eraser.curves([BOX * 1.0, ~BOX * 1.0, eraser.contrast(4.0)]))
    right, wrong = (Deletion(FRACTIONS, one, contrast, chance) for one in (box_, rest))
    assert right.meaningful
    assert right.ratio > 2
    assert not wrong.meaningful
    assert wrong.ratio < 1


def test_random_maps_pass_the_deletion_test_about_as_often_as_chance_says():
    """Of 20 exchangeable maps each is the best in one of twenty: 20 tries give 1 on average, 6 almost never."""
    passed = 0
    for seed in range(20):
        eraser = Eraser(eye(seed).pixels, field_of(eye(seed)), box)
        curves = [one["sbp"] for one in eraser.curves(eraser.random(4.0, draws=20, seed=seed))]
        passed += Deletion(FRACTIONS, curves[0], (0.0,) * len(FRACTIONS), tuple(curves[1:])).meaningful
    assert passed < 6


def test_a_map_that_only_traces_contrast_is_no_evidence():
    """However much it beats chance: this model reads contrast everywhere, and any edge detector finds that."""
    curves = {"salient": (1.0,) * 6, "contrast": (1.0,) * 6, "random": ((0.1,) * 6,) * 19}
    traced = Deletion(FRACTIONS, **curves)
    assert traced.ratio == traced.contrast_ratio == pytest.approx(10)
    assert not traced.meaningful
    assert Deletion(FRACTIONS, **{**curves, "salient": (1.1,) * 6}).meaningful


def test_a_model_that_ignores_the_photograph_has_an_empty_map_that_means_nothing():
    found = explain.saliency(graph_card(), eye(), ["age"], predict=box)["age"]
    assert not found.map.any()
    assert found.deletion.salient == (0.0,) * len(FRACTIONS)
    assert np.isnan(found.deletion.ratio)
    assert not found.deletion.meaningful


# Whole maps -------------------------------------------------------------------------------------------------------


def test_a_map_lies_inside_the_retina_between_0_and_1():
    found = explain.saliency(graph_card(), eye(), predict=box)["sbp"]
    assert found.method == "occlusion"
    assert found.map.shape == (SIDE, SIDE)
    assert found.map.dtype == np.float32
    assert (found.map.min(), found.map.max()) == (0.0, 1.0)
    assert not found.map[~field_of(eye())].any()
    assert found.deletion.meaningful
    assert found.share_inside > 0.95


def test_a_large_network_is_asked_once_for_each_map_and_judged_at_that_share():
    asked = []

    def predict(pixels):
        asked.append(len(pixels))
        return box(pixels)

    side = LARGE_PX + 4
    bounds = RetinaBounds(side / 2, side / 2, side / 2, side, side)
    whole = crop(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8), bounds, CropRule(side))
    card = graph_card()
    large = replace(card, input=replace(card.input, size=side))
    found = explain.saliency(large, whole, ["sbp"], predict=predict)["sbp"].deletion
    assert found.fractions == (0.2,)
    assert len(found.random) == DRAWS
    assert asked[-1] == 1 + 1 + DRAWS  # the map, contrast, and the random ones


def test_a_model_that_looks_outside_the_retina_is_told_by_the_share_inside():
    def corner(pixels):
        return {"sbp": pixels[:, :12, :12].mean(axis=(1, 2, 3)), "age": np.zeros(len(pixels))}

    found = explain.saliency(graph_card(), eye(), ["sbp"], predict=corner)["sbp"]
    assert found.share_inside < found.area_inside / 2


def test_integrated_gradients_add_up_to_the_difference_of_the_outputs(tmp_path):
    network = Gradients(timm_card(tmp_path))
    seen, without = eye().pixels, blurred(eye().pixels, field_of(eye()))
    for output, slope in enumerate(network.integrated(seen, without, (0, 1))):
        with torch.no_grad():
            raw = network.split(torch.from_numpy(np.stack([seen, without]).astype(np.float32)))[:, output]
        total = (slope * (seen.astype(float) - without)).sum()
        assert total == pytest.approx(float(raw[0] - raw[1]), abs=0.05 * float(raw.abs().max()))


def test_the_split_network_is_the_network(tmp_path):
    card = timm_card(tmp_path)
    crops = torch.from_numpy(np.stack([eye(0).pixels, eye(1).pixels]))
    with torch.no_grad():
        torch.testing.assert_close(Gradients(card).split(crops.float()), networks.build(card).network(crops)[0])


def test_an_activation_map_adds_up_to_the_output_where_the_head_is_linear(tmp_path):
    network = Gradients(timm_card(tmp_path))
    last = network.split.network.body.get_classifier()
    with torch.no_grad():
        raw = network.split(torch.from_numpy(eye().pixels.astype(np.float32))[None])[0]
    for output, plane in enumerate(network.cams(eye().pixels, (0, 1))):
        cells = (SIDE // 32) ** 2
        assert plane.mean() * cells == pytest.approx(float(raw[output] - last.bias[output]), rel=1e-4)


@pytest.mark.parametrize("method", ["integrated_gradients", "grad_cam"])
def test_methods_by_gradients_give_maps_of_a_network(tmp_path, method):
    card = timm_card(tmp_path)
    reader = networks.build(card)

    def predict(crops):
        with torch.no_grad():
            values = reader(torch.from_numpy(crops))[0].double().numpy()
        return {"sbp": values[:, 0], "age": values[:, 1]}

    found = explain.saliency(card, eye(), ["age"], predict=predict, method=method, draws=3)
    assert list(found) == ["age"]
    assert found["age"].method == method
    assert found["age"].map.max() == 1.0
    assert 0 < found["age"].share_inside <= 1
    assert found["age"].value == pytest.approx(predict(eye().pixels[None])["age"][0])


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"targets": ["waist"]}, "does not predict waist; its targets are sbp, age"),
        ({"method": "guess"}, "no method 'guess'; use auto or one of"),
        ({"method": "grad_cam"}, "graph without gradients; use the method 'occlusion'"),
    ],
)
def test_what_does_not_fit_the_card_is_refused_in_one_sentence(keywords, sentence):
    with pytest.raises(UsageError, match=sentence):
        explain.saliency(graph_card(), eye(), predict=box, **keywords)


# Files, command, and the process that must not hold torch ----------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A working folder with one small model of random weights."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "models" / "toy"
    folder.mkdir(parents=True)
    card_files.write(timm_card(folder), folder / "card.toml")
    return home


def test_an_explanation_is_written_as_it_was_made(tmp_path, home, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(home))
    made = pipeline.explain(str(PHOTOGRAPH), "toy", ["sbp"], tmp_path / "out")
    told = json.loads((tmp_path / "out" / "explanation.json").read_text())
    drawn = cv2.imread(str(tmp_path / "out" / "sbp_map.png"), cv2.IMREAD_GRAYSCALE)
    assert np.abs(drawn / 255 - made.maps["sbp"].map).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(cv2.imread(str(tmp_path / "out" / "crop.png"), cv2.IMREAD_COLOR_RGB), made.crop)
    assert told["targets"]["sbp"]["deletion"]["ratio"] == made.maps["sbp"].deletion.ratio
    for name in ("photograph", "sha256", "model", "weights_sha256", "note", "scale", "origin_x", "origin_y"):
        assert told[name] == getattr(made, name)
    assert "rendered" in told["note"]
    seen = journey.examine(source_at(str(PHOTOGRAPH)))
    middle = (np.array([SIDE / 2, SIDE / 2]) / made.scale) + (made.origin_x, made.origin_y)
    assert middle == pytest.approx((seen.bounds.cx, seen.bounds.cy), abs=2 / made.scale)


def test_a_photograph_that_is_refused_has_a_reason_and_no_map(tmp_path, home, monkeypatch, capsys):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(home))
    (tmp_path / "notes.jpg").write_bytes(b"no photograph")
    arguments = ["explain", str(tmp_path / "notes.jpg"), "--model", "toy", "--out", str(tmp_path / "out")]
    assert __main__.main(arguments) == 1
    assert "failed" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "explanation.json").read_text())
    assert told["reason"]
    assert told["targets"] == {}


@pytest.mark.parametrize(
    ("photograph", "model", "target", "sentence"),
    [
        ("nowhere.jpg", "toy", "sbp", "'nowhere.jpg' is not a file"),
        (str(PHOTOGRAPH), "none", "sbp", "There is no model 'none'"),
        (str(PHOTOGRAPH), "toy", "waist", "does not predict waist"),
    ],
)
def test_a_call_at_fault_writes_nothing(tmp_path, home, monkeypatch, capsys, photograph, model, target, sentence):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(home))
    out = tmp_path / "out"
    assert __main__.main(["explain", photograph, "--model", model, "--target", target, "--out", str(out)]) == 2
    assert sentence in capsys.readouterr().err
    assert not out.exists()


def test_the_process_that_asks_gets_the_maps_without_torch(home):
    code = (
        "import sys; from fundus_core import pipeline\n"
        f"found = pipeline.ask_explanation({str(PHOTOGRAPH)!r}, 'toy', ['age'])\n"
        "print(found.status, found.maps['age'].map.shape, 'torch' in sys.modules)\n"
        "from fundus_core.pipeline import explanation as kept\n"
        "one = kept._WARM._child; pipeline.warm_up('toy')\n"
        f"pipeline.ask_explanation({str(PHOTOGRAPH)!r}, 'toy', ['age'])\n"
        "same = kept._WARM._child is one; kept._WARM.end(); print(same, kept._WARM._child)"
    )
    environment = {"FUNDUS_LAB_HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:2] == [f"predicted ({SIDE}, {SIDE}) False", "True None"], done.stderr
