"""Keras files become models of our own that say what the original says."""

import json
import re

import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from fundus_core.errors import CardError, UsageError
from fundus_core.inference import open_predictor
from fundus_core.models import networks
from fundus_core.models.importing import import_model
from fundus_core.models.importing.efficientnet import number_from
from tests.models import files

keras = pytest.importorskip("keras")
if keras.backend.backend() != "torch":
    pytest.skip("Keras runs on another backend in this process.", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own
SIDE = 32
THREE = ("sbp", "dbp", "bmi")


def hidden_head(x):
    x = keras.layers.Dense(6, activation="relu")(keras.layers.Dropout(0.3)(x))
    return keras.layers.Dense(3)(x)


@pytest.fixture(scope="module")
def hidden_b0():
    """An EfficientNet-B0 with a hidden layer, dropout and one output of three numbers."""
    return files.efficientnet(SIDE, hidden_head)


@pytest.fixture(scope="module")
def kept(hidden_b0, tmp_path_factory):
    """That network in both formats, and the archive imported."""
    folder = tmp_path_factory.mktemp("kept")
    for ending in ("keras", "h5"):
        hidden_b0.save(folder / f"model.{ending}")
    card, report = import_model(folder / "model.keras", files.write_card(folder, THREE), folder=folder / "models")
    return folder, card, report


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def predicted(card, home):
    """What the app will say, through the same door as every prediction."""
    values = open_predictor(card, device="cpu", cache=home / "cache").predict(files.crops(card.input.size)).values
    return np.stack([values[target] for target in card.targets], axis=1)


@torch.no_grad()
def read_back(card):
    """What the mapped network says, without the seconds that a graph takes to make."""
    return networks.build(card)(torch.from_numpy(files.crops(card.input.size)))[0].double().numpy()


def same(one, other, tolerance=1e-4):
    assert np.abs(one - other).max() <= tolerance * np.abs(other).max()


def test_an_efficientnet_becomes_timms_and_says_the_same(hidden_b0, kept, home):
    _, card, report = kept
    assert (card.runtime, card.backbone, card.input.size) == ("timm", "tf_efficientnet_b0", SIDE)
    assert card.backbone_options["hidden"] == [[6, "relu"]]
    assert report.difference < 1e-4
    said = predicted(card, home)
    same(said, files.answer(hidden_b0, files.crops(SIDE)))
    assert np.ptp(said, axis=0).min() > 1e-4 * np.abs(said).max()


def test_both_formats_of_keras_give_the_same_weights(kept, home):
    folder, card, _ = kept
    other, _ = import_model(folder / "model.h5", files.write_card(home, THREE))
    assert other.weights.sha256 == card.weights.sha256


def test_input_arithmetic_inside_the_file_moves_into_the_card(kept):
    _, card, _ = kept
    assert card.input.value_range == (0.0, 1.0)
    np.testing.assert_allclose(card.input.mean, [0.4, 0.3, 0.2], rtol=1e-5)
    np.testing.assert_allclose(card.input.std, np.sqrt([0.05, 0.06, 0.04]), rtol=1e-5)
    assert not {"input.mean", "input.std"} & set(card.unverified)
    assert "input.value_range" in card.unverified  # a training may have fed it 0 to 1 all the same


def test_what_nobody_confirmed_is_listed(kept):
    _, card, report = kept
    assert {"input.channels", "input.resample", "outputs.sbp.scale"} <= set(card.unverified)
    assert report.unverified == card.unverified


def test_weights_alone_are_mapped_once_the_hidden_layer_is_explained(hidden_b0, home):
    hidden_b0.save_weights(home / "model.weights.h5")
    with pytest.raises(CardError, match=r"hidden = \[\[6, \"relu\"\]\]"):
        import_model(home / "model.weights.h5", files.write_card(home, THREE, fed="size = 32"))
    told = files.write_card(home, THREE, fed="size = 32", top='backbone_options = { hidden = [[6, "relu"]] }')
    card, report = import_model(home / "model.weights.h5", told)
    assert report.difference is None
    same(read_back(card), files.answer(hidden_b0, files.crops(SIDE)))


def as_keras_2(model, path, extra=()):
    """The file that Keras 2's ``save_weights`` writes: a group for every layer, which HDF5 lists by the alphabet."""
    with h5py.File(path, "w") as file:
        layers = [layer for layer in model.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            names = ("mean", "variance", "count") if layer.name.startswith("normalization") else None
            values = layer.weights if names is None else [layer.adapt_mean, layer.adapt_variance, torch.tensor(0)]
            for place, value in enumerate(values):
                name = names[place] if names else value.path.rsplit("/", 1)[-1]
                number = getattr(value, "value", value).detach().cpu().numpy()
                file.create_dataset(f"{layer.name}/{layer.name}/{name}:0", data=number)
        for name, value in extra:
            file.create_dataset(name, data=value)
    return path


@pytest.mark.parametrize(
    "heads", [("sbp", "dbp", "age"), ("out_9", "out_10", "a")], ids=["names of targets", "other names"]
)
def test_heads_of_weights_alone_keep_the_networks_order_and_not_the_alphabets(heads, home):
    """In a file of Keras 2 groups lie in the alphabet's order; the order of the outputs stands in ``layer_names``."""
    model = files.efficientnet(SIDE, lambda x: [keras.layers.Dense(1, name=name)(x) for name in heads])
    path = as_keras_2(model, home / "weights.h5")
    card, _ = import_model(path, files.write_card(home, ("sbp", "dbp", "age"), fed="size = 32"))
    same(read_back(card), files.answer(model, files.crops(SIDE)))
    if heads[0] == "sbp":
        with pytest.raises(CardError, match="in the order sbp, dbp, age"):
            import_model(path, files.write_card(home, ("age", "dbp", "sbp"), fed="size = 32"), replace=True)


def by_class(model, path):
    """The file that ``save_weights`` of tf_keras writes: layers by their class and number, without their names."""
    counts: dict[str, int] = {}
    with h5py.File(path, "w") as file:
        for layer in model.layers:
            kind = {"DepthwiseConv2D": "depthwise_conv2d", "Conv2D": "conv2d", "Dense": "dense"}.get(
                type(layer).__name__
            )
            kind = kind or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__).lower()
            place, counts[kind] = counts.get(kind, 0), counts.get(kind, 0) + 1
            plain = kind != "normalization"
            values = layer.weights if plain else [layer.adapt_mean, layer.adapt_variance, torch.tensor(0)]
            for k, value in enumerate(values):
                number = getattr(value, "value", value).detach().cpu().numpy()
                file.create_dataset(f"layers/{kind}{f'_{place}' if place else ''}/vars/{k}", data=number)
    return path


def test_weights_by_class_and_number_are_put_back_under_their_layers_names(home):
    model = files.efficientnet(SIDE, lambda x: [keras.layers.Dense(1)(x) for _ in range(2)])
    path = by_class(model, home / "model.weights.h5")
    card, report = import_model(path, files.write_card(home, ("sbp", "dbp"), fed="size = 32"))
    same(read_back(card), files.answer(model, files.crops(SIDE)))
    assert {"outputs", "input.value_range", "backbone_options"} <= set(report.unverified)
    small = next(twin for twin in report.twins if "fed 0 to 1" in twin.words)
    assert small.differences["sbp"] > 0


def test_weights_alone_of_which_a_part_would_be_left_out_are_refused(hidden_b0, home):
    extra = [(f"head_bn/head_bn/{name}:0", np.ones(6)) for name in ("gamma", "beta", "moving_mean", "moving_variance")]
    path = as_keras_2(hidden_b0, home / "weights.h5", extra)
    told = files.write_card(home, THREE, fed="size = 32", top='backbone_options = { hidden = [[6, "relu"]] }')
    with pytest.raises(CardError, match="'head_bn'"):
        import_model(path, told)


def test_two_classes_become_the_probability_of_the_second(home):
    model = files.efficientnet(SIDE, keras.layers.Dense(2, activation="softmax"))
    nested = keras.Sequential([keras.Input((SIDE, SIDE, 3)), model])
    nested.save(home / "model.keras")
    card, _ = import_model(home / "model.keras", files.write_card(home, ["sex"]))
    assert card.outputs[0].link == "sigmoid"
    same(read_back(card)[:, 0], files.answer(model, files.crops(SIDE))[:, 1])


def test_several_outputs_keep_their_order_and_their_last_functions(home):
    heads = {"sbp": "linear", "sex": "sigmoid", "glucose": "exponential"}
    model = files.efficientnet(
        SIDE, lambda x: [keras.layers.Dense(1, activation=end, name=name)(x) for name, end in heads.items()]
    )
    model.save(home / "model.h5")
    card, report = import_model(home / "model.h5", files.write_card(home, heads))
    assert report.names == tuple(heads)
    assert [output.link for output in card.outputs] == ["identity", "sigmoid", "exp"]
    same(read_back(card), files.answer(model, files.crops(SIDE)))
    with pytest.raises(CardError, match="order sbp, sex, glucose"):
        import_model(home / "model.h5", files.write_card(home, ["sex", "sbp", "glucose"]), replace=True)


AROUND_ZERO = "value_range = [-1.0, 1.0]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]"


def small_network():
    """A network that is no EfficientNet."""
    given = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.ReLU(6)(keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, strides=2)(given)))
    x = keras.layers.BatchNormalization()(keras.layers.DepthwiseConv2D(3, padding="same")(x))
    x = keras.layers.Dense(1, activation="sigmoid")(keras.layers.GlobalAveragePooling2D()(x))
    return files.randomise(keras.Model(given, x))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_any_other_network_is_kept_as_a_graph(ending, home):
    model = small_network()
    model.save(home / f"model.{ending}")
    card, _ = import_model(home / f"model.{ending}", files.write_card(home, ["sex"], fed=AROUND_ZERO))
    assert card.runtime == "openvino"
    same(predicted(card, home), files.answer(model, files.crops(SIDE) / 127.5 - 1))


def test_layers_that_kerass_own_applications_bring_are_read_and_nothing_else_of_their_modules(home):
    from keras.src.applications import convnext, inception_resnet_v2

    given = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same")(given)
    y = convnext.StochasticDepth(0.5)(convnext.LayerScale(0.3, 4)(keras.layers.Dense(4, activation="gelu")(x)))
    x = inception_resnet_v2.CustomScaleLayer(0.2)([x, y])
    x = keras.layers.Dense(1, activation="sigmoid")(keras.layers.GlobalAveragePooling2D()(x))
    model = files.randomise(keras.Model(given, x))
    model.save(home / "model.keras")
    card, _ = import_model(home / "model.keras", files.write_card(home, ["sex"], fed=AROUND_ZERO))
    same(predicted(card, home), files.answer(model, files.crops(SIDE) / 127.5 - 1))

    def elsewhere(description):
        layers = description["config"]["layers"]
        next(one for one in layers if one["class_name"] == "Conv2D")["module"] = "keras.src.applications.convnext"

    files.rewritten(home / "model.keras", home / "other.keras", elsewhere)
    with pytest.raises(CardError, match=r"convnext\.Conv2D', which is no part of Keras"):
        import_model(home / "other.keras", files.write_card(home, ["sex"], fed=AROUND_ZERO), replace=True)


@pytest.mark.parametrize("name", ["keras2.h5", "keras2.keras", "saved_model.zip", "keras2.tflite"])
def test_files_that_tensorflow_wrote_say_what_tensorflow_said(name, home):
    fed = "value_range = [0.0, 255.0]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]"
    card, _ = import_model(files.DATA / name, files.write_card(home, ["sbp", "sex"], fed=fed))
    pictures = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    values = open_predictor(card, device="cpu").predict(pictures).values
    expected = np.array(json.loads((files.DATA / "expected.json").read_text()))
    same(np.stack([values["sbp"], values["sex"]], axis=1), expected, 1e-5)


def test_a_tensorflow_lite_file_of_eight_bits_is_refused_with_what_can_be_done_with_it(home):
    """OpenVINO reads it and answers plausibly: with weights of that kind a quarter of the largest value off."""
    told = files.write_card(home, ("sbp", "sex"), fed=files.UNIT + "\nsize = 32")
    with pytest.raises(CardError, match=r"computes in eight bits.*table of predictions"):
        import_model(files.DATA / "keras2_eight_bits.tflite", told)


@pytest.mark.parametrize("small", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_scale_behind_a_sigmoid_is_applied_to_the_sigmoid(small, home):
    model = small_network() if small else files.efficientnet(SIDE, keras.layers.Dense(1, activation="sigmoid"))
    model.save(home / "model.keras")
    wanted = files.write_card(home, ["sbp"], fed=AROUND_ZERO if small else "")
    wanted.write_text(wanted.read_text() + "scale = 100.0\noffset = 80.0\n")
    card, _ = import_model(home / "model.keras", wanted)
    crops = files.crops(SIDE) / 127.5 - 1 if small else files.crops(SIDE)
    same(predicted(card, home), 80 + 100 * files.answer(model, crops))


def test_the_golden_example_is_what_the_original_says(hidden_b0, kept):
    _, card, _ = kept
    crop = np.asarray(Image.open(card.folder / card.golden.file))
    expected = files.answer(hidden_b0, crop[None])[0]
    np.testing.assert_allclose([card.golden.outputs[target] for target in THREE], expected, rtol=1e-5)


def test_a_model_is_replaced_on_purpose_only(kept):
    folder, card, _ = kept
    with pytest.raises(UsageError, match="already"):
        import_model(folder / "model.keras", folder / "wanted.toml", folder=folder / "models")
    again, _ = import_model(folder / "model.keras", folder / "wanted.toml", folder=folder / "models", replace=True)
    assert again.weights.sha256 == card.weights.sha256


def test_a_card_of_another_network_or_number_of_outputs_is_refused(kept, home):
    folder, _, _ = kept
    with pytest.raises(CardError, match=r"gives 3 values.*names 2"):
        import_model(folder / "model.h5", files.write_card(home, ["sbp", "dbp"]))
    with pytest.raises(CardError, match="tf_efficientnet_b3"):
        import_model(folder / "model.h5", files.write_card(home, THREE, top='backbone = "tf_efficientnet_b3"'))
    assert not (home / "home" / "models" / "brought").exists()


@pytest.mark.parametrize("number", range(8))
def test_every_efficientnet_is_told_from_its_channels_and_blocks(number):
    with torch.device("meta"):  # shapes are asked for, not weights
        body = networks.body(f"tf_efficientnet_b{number}", 1)
    blocks = sum(len(stage) for stage in body.blocks)
    assert number_from(body.conv_stem.out_channels, blocks, body.num_features) == number


@pytest.mark.parametrize("kind", ["keras", "h5", "mapped"])
def test_outputs_under_keys_are_named_by_them_whatever_their_layers_are_called(kind, home):
    def head(x):
        return {name: keras.layers.Dense(1, name=f"d{k}")(x) for k, name in enumerate(("sbp", "dbp", "bmi"))}

    if kind == "mapped":
        model = files.efficientnet(SIDE, head)
    else:
        given = keras.Input((SIDE, SIDE, 3))
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Conv2D(6, 3, strides=2)(given))
        model = files.randomise(keras.Model(given, head(keras.layers.GlobalMaxPooling2D()(x))))
    path = home / f"model.{'h5' if kind == 'h5' else 'keras'}"
    model.save(path)
    names = ("bmi", "dbp", "sbp")
    card, report = import_model(path, files.write_card(home, names, fed=files.UNIT))
    with torch.no_grad():
        answer = model(torch.from_numpy(files.crops(SIDE).astype(np.float32) / 255))
    wanted = np.concatenate([answer[name].numpy() for name in names], axis=1)
    assert report.names == names
    same(predicted(card, home), wanted)
