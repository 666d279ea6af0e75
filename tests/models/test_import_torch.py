"""State dicts, TorchScript and ONNX become models of our own that say what the original says."""

import re

import numpy as np
import onnx
import pytest
import timm
import torch
from safetensors.torch import save_file

from fundus_core.errors import CardError, UsageError
from fundus_core.inference import open_predictor
from fundus_core.models import networks
from fundus_core.models.importing import ambiguities, for_outputs, import_model, torch_files, transformers_names
from tests.models import files

SIDE = 32
FED = files.UNIT + f"\nsize = {SIDE}"
TINY = 'backbone = "resnet10t"\nbackbone_options = { channels = [8, 8, 16, 16], stem_width = 8 }'
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of TorchScript


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return networks.body("resnet10t", 2, {"channels": [8, 8, 16, 16], "stem_width": 8}).eval()


def predicted(card, home):
    values = open_predictor(card, device="cpu", cache=home / "cache").predict(files.crops(SIDE)).values
    return np.stack([values[target] for target in card.targets], axis=1)


@torch.no_grad()
def read_back(card, crops):
    """What the network says, without the seconds that a graph of it takes to make."""
    return networks.build(card)(torch.from_numpy(crops))[0].double().numpy()


@torch.no_grad()
def expected(network):
    return network(torch.from_numpy(files.crops(SIDE)).permute(0, 3, 1, 2) / 255).double().numpy()


def same(one, other):
    assert np.abs(one - other).max() <= 1e-4 * np.abs(other).max()


@pytest.mark.parametrize("prefix", ["", "model.", "model.net."])
@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth", "checkpoint.pt"])
def test_a_state_dict_with_a_timm_name(prefix, name, tiny, home):
    state = {prefix + key: value.contiguous() for key, value in tiny.state_dict().items()}
    if name.endswith("safetensors"):
        save_file(state, home / name)
    else:
        torch.save({"state_dict": state} if name.startswith("checkpoint") else state, home / name)
    card, report = import_model(home / name, files.write_card(home, ["sbp", "bmi"], top=TINY, fed=FED))
    assert report.difference is None
    if not prefix:
        same(predicted(card, home), expected(tiny))


def test_safetensors_are_known_by_their_content(tiny, home):
    save_file({key: value.contiguous() for key, value in tiny.state_dict().items()}, home / "weights.bin")
    card, _ = import_model(home / "weights.bin", files.write_card(home, ["sbp", "bmi"], top=TINY, fed=FED))
    assert card.ready


def test_what_a_state_dict_does_not_say_is_asked_for(tiny, home):
    torch.save(tiny.state_dict(), home / "weights.pt")
    with pytest.raises(CardError, match="add 'backbone'"):
        import_model(home / "weights.pt", files.write_card(home, ["sbp", "bmi"], fed=FED))
    with pytest.raises(CardError, match=r"add 'input\.size'"):
        import_model(home / "weights.pt", files.write_card(home, ["sbp", "bmi"], top=TINY, fed=files.UNIT))
    with pytest.raises(CardError, match=r"'input\.value_range', 'input\.mean', 'input\.std'"):
        import_model(home / "weights.pt", files.write_card(home, ["sbp", "bmi"], top=TINY, fed="size = 32"))


def test_weights_of_another_network_are_refused(tiny, home):
    torch.save(tiny.state_dict(), home / "weights.pt")
    with pytest.raises(CardError, match="do not fit"):
        import_model(home / "weights.pt", files.write_card(home, ["sbp", "bmi"], top='backbone = "resnet18"', fed=FED))


@pytest.mark.parametrize("whole", [False, True])
def test_efficientnet_pytorch_pads_as_at_its_native_size_or_as_the_file_holds(whole, home, monkeypatch):
    efficientnet_pytorch = pytest.importorskip("efficientnet_pytorch")
    torch.manual_seed(0)
    network = efficientnet_pytorch.EfficientNet.from_name("efficientnet-b0", num_classes=1, image_size=201).eval()
    monkeypatch.setattr(ambiguities, "MOST", 0)
    torch.save(network if whole else network.state_dict(), home / "weights.pth")
    card, report = import_model(home / "weights.pth", files.write_card(home, ["age"], fed=FED))
    assert card.backbone == "tf_efficientnet_b0"
    assert any("in their order" in note for note in report.notes)
    if whole:
        assert "padded_at" in card.backbone_options
        same(read_back(card, files.crops(SIDE)), expected(network))
    else:
        assert card.backbone_options["padded_at"] == 224


def test_a_lite_network_is_no_b_of_the_same_names():
    donor = networks.body("tf_efficientnet_lite1", 1)
    kinds = {"conv_pw": "_expand_conv", "conv_pwl": "_project_conv", "conv_dw": "_depthwise_conv"}
    renamed = {
        re.sub(r"conv_(pwl?|dw|stem|head)", lambda found: kinds.get(found[0], f"_{found[0]}"), key): value
        for key, value in donor.state_dict().items()
    }
    assert torch_files.efficientnet(renamed) == "tf_efficientnet_lite1"


@pytest.mark.parametrize("kind", ["vit", "swin", "convnext"])
def test_torchvisions_names_are_put_into_timms(kind):
    models = pytest.importorskip("torchvision").models
    torch.manual_seed(0)
    widths, depths = (8, 16, 16, 24), (1, 2, 1, 1)
    settings = [models.convnext.CNBlockConfig(*one) for one in zip(widths, (*widths[1:], None), depths, strict=True)]
    theirs, ours, side = {
        "vit": lambda: (
            models.VisionTransformer(32, 16, 2, 3, 48, 96, num_classes=2),
            timm.models.VisionTransformer(32, 16, num_classes=2, embed_dim=48, depth=2, num_heads=3, mlp_ratio=2),
            32,
        ),
        "swin": lambda: (
            models.SwinTransformer([4, 4], 24, [2, 2], [2, 4], [7, 7], num_classes=2),
            timm.models.SwinTransformer(112, num_classes=2, embed_dim=24, depths=(2, 2), num_heads=(2, 4)),
            112,
        ),
        "convnext": lambda: (
            models.ConvNeXt(settings, num_classes=2),
            timm.models.ConvNeXt(num_classes=2, depths=depths, dims=widths),
            64,
        ),
    }[kind]()
    for name, value in theirs.named_parameters():  # torchvision draws outputs and scales as nought
        torch.nn.init.normal_(value, 1.0 if "norm" in name or "ln" in name else 0.0, 0.2)
    given, _ = transformers_names.renamed({f"net.{name}": value for name, value in theirs.state_dict().items()})
    ours.load_state_dict(given)
    pixels = torch.rand(2, 3, side, side)
    with torch.no_grad():
        same(ours.eval()(pixels).numpy(), theirs.eval()(pixels).numpy())


@pytest.mark.filterwarnings("ignore")  # torchvision's own
@pytest.mark.parametrize("number", [0, 5])
def test_torchvisions_padding_and_epsilon_are_kept(number, home, monkeypatch):
    """Names and shapes of its EfficientNets are those of two other networks, which answer plausibly and otherwise."""
    monkeypatch.setattr(ambiguities, "MOST", 0)  # how far others would differ is asked elsewhere
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    network = getattr(torchvision.models, f"efficientnet_b{number}")(weights=None, num_classes=2).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # so that epsilon matters
            torch.nn.init.uniform_(module.running_var, 0.01, 0.02)
            torch.nn.init.constant_(module.weight, 0.15)
    torch.save(network.state_dict(), home / "weights.pth")
    card, _ = import_model(home / "weights.pth", files.write_card(home, ["sbp", "bmi"], fed=FED))
    assert card.backbone == f"efficientnet_b{number}"
    same(read_back(card, files.crops(SIDE)), expected(network))
    told = files.write_card(home, ["sbp", "bmi"], top=f'backbone = "tf_efficientnet_b{number}"', fed=FED)
    with pytest.raises(CardError, match=f"Name the backbone 'efficientnet_b{number}'"):
        import_model(home / "weights.pth", told, replace=True)


@pytest.mark.filterwarnings("ignore")  # torchvision's own
@pytest.mark.parametrize("version", ["v2", "v3_small"])
def test_torchvisions_mobilenets_are_known_without_a_name(version, home, monkeypatch):
    monkeypatch.setattr(ambiguities, "MOST", 0)
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    network = getattr(torchvision.models, f"mobilenet_{version}")(weights=None, num_classes=2).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # so that epsilon matters
            torch.nn.init.uniform_(module.running_var, 0.01, 0.02)
            torch.nn.init.constant_(module.weight, 0.15)
    torch.save({f"net.{name}": value for name, value in network.state_dict().items()}, home / "weights.pth")
    card, report = import_model(home / "weights.pth", files.write_card(home, ["sbp", "bmi"], fed=FED))
    assert card.backbone == {"v2": "mobilenetv2_100", "v3_small": "mobilenetv3_small_100"}[version]
    same(read_back(card, files.crops(SIDE)), expected(network))
    assert any("epsilon" in twin.words or "activation" in twin.words for twin in report.twins)


def test_hidden_layers_of_a_state_dict_are_given_by_the_card(home):
    options = {"channels": (8, 8, 16, 16), "stem_width": 8, "hidden": ((5, "tanh"),)}
    network = networks.body("resnet10t", 1, options).eval()
    torch.save(network.state_dict(), home / "weights.pt")
    top = TINY.replace("stem_width = 8 }", 'stem_width = 8, hidden = [[5, "tanh"]] }')
    card, _ = import_model(home / "weights.pt", files.write_card(home, ["sbp"], top=top, fed=FED))
    same(predicted(card, home), expected(network))


@pytest.mark.parametrize("hidden", ["5", '[[5, "softmax"]]', '[["relu", 5]]'])
def test_a_hidden_layer_that_means_nothing_is_refused(hidden, tiny, home):
    torch.save(tiny.state_dict(), home / "weights.pt")
    top = TINY.replace("stem_width = 8 }", f"stem_width = 8, hidden = {hidden} }}")
    with pytest.raises(CardError, match="hidden"):
        import_model(home / "weights.pt", files.write_card(home, ["sbp", "bmi"], top=top, fed=FED))


def test_torchscript_is_looked_through_and_becomes_a_graph(tiny, home):
    torch.jit.trace(tiny, torch.zeros(1, 3, SIDE, SIDE)).save(str(home / "model.ts"))
    card, report = import_model(home / "model.ts", files.write_card(home, ["sbp", "bmi"], fed=FED))
    assert card.runtime == "openvino"
    assert report.difference < 1e-4
    assert any("TorchScript is a program" in note for note in report.notes)
    same(predicted(card, home), expected(tiny))


@pytest.mark.parametrize("count", ["n", 1])
@pytest.mark.parametrize("end", ["Softmax", "Sigmoid", None])
def test_onnx_with_any_or_one_photograph_at_a_time(count, end, home):
    weights = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    helper = onnx.helper
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["raw" if end else "y"]),
        *([helper.make_node(end, ["raw"], ["y"])] if end else []),
    ]
    ends = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [count, 3, SIDE, SIDE]), ("y", [count, 2]))]
    tensor = onnx.numpy_helper.from_array(weights, "w")
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (home / "model.onnx").write_bytes(model.SerializeToString())
    targets = ["sex"] if end == "Softmax" else ["sbp", "bmi"]
    card, _ = import_model(home / "model.onnx", files.write_card(home, targets, fed=files.UNIT))
    raw = (files.crops(SIDE) / 255).mean(axis=(1, 2)) @ weights
    links = {"Softmax": np.exp(raw)[:, 1:] / np.exp(raw).sum(axis=1, keepdims=True), "Sigmoid": 1 / (1 + np.exp(-raw))}
    same(predicted(card, home), links.get(end, raw))
    assert card.input.size == SIDE
    assert card.input.layout == "nchw"


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.uint8], ids=["half", "double", "bytes"])
@pytest.mark.parametrize("name", ["model.onnx", "model.bin"])
def test_onnx_of_other_numbers_under_any_name(kind, name, home):
    """Half and double once ended in a traceback; what takes bytes wants them as they are."""
    floats = np.float32 if kind == np.uint8 else kind
    weights = np.random.default_rng(0).normal(size=(3, 2)).astype(floats)
    helper, code = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=code(np.dtype(floats))),
        helper.make_node("ReduceMean", ["c"], ["p"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["p", "w"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", code(np.dtype(kind)), ["n", 3, SIDE, SIDE])
    said = helper.make_tensor_value_info("y", code(np.dtype(floats)), ["n", 2])
    graph = helper.make_graph(nodes, "g", [given], [said], [onnx.numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (home / name).write_bytes(model.SerializeToString())
    if kind == np.uint8:  # fed 0 to 1 it would see 0 and 1 alone
        with pytest.raises(CardError, match=r"whole numbers of 0 to 255 \(uint8\); the card would feed it 0 to 1"):
            import_model(home / name, files.write_card(home, ["sbp", "bmi"], fed=files.UNIT))
    fed = "" if kind == np.uint8 else files.UNIT
    card, _ = import_model(home / name, files.write_card(home, ["sbp", "bmi"], fed=fed))
    wanted = (files.crops(SIDE) / (1 if kind == np.uint8 else 255)).mean(axis=(1, 2)) @ weights.astype(float)
    assert np.abs(predicted(card, home) - wanted).max() <= (3e-3 if kind == np.float16 else 1e-4) * np.abs(wanted).max()


@pytest.mark.parametrize("act", [torch.nn.LeakyReLU(0.2), torch.nn.PReLU(), torch.nn.Softplus()], ids=str)
@pytest.mark.parametrize("half", [False, True])
def test_torchscript_of_other_activations_and_of_half_numbers(act, half, home):
    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(3, 6, 3, 2),
        act,
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(6, 2),
    ]
    network = torch.nn.Sequential(*layers).eval()
    for value in network.parameters():
        value.data = value.data.half().float()
    zeros = torch.zeros(1, 3, SIDE, SIDE)
    traced = torch.jit.trace(network.half(), zeros.half()) if half else torch.jit.trace(network, zeros)
    traced.save(str(home / "network.pt"))
    card, _ = import_model(home / "network.pt", files.write_card(home, ["sbp", "bmi"], fed=FED))
    same(predicted(card, home), expected(network.float()))


@pytest.mark.parametrize("name", ["our best (v2).pth", "ours.safetensors", "epoch=7.ckpt"])
def test_a_file_without_a_card_says_what_it_would_with_one(name, home):
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=2).eval()
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    if name.endswith("safetensors"):
        save_file(state, home / name)
    else:
        torch.save({"state_dict": {f"net.{key}": value for key, value in state.items()}}, home / name)
    card, _ = import_model(home / name, for_outputs(home / name, ["bmi", "sex"]))
    assert card.id in ("our-best--v2", "ours", "epoch-7")
    assert (card.backbone, card.input.size, card.targets) == ("tf_efficientnet_lite0", 224, ("bmi", "sex"))
    doubted = {"outputs", "outputs.bmi.scale", "outputs.sex.link", "backbone"}
    doubted |= {f"input.{key}" for key in ("size", "channels", "value_range", "mean", "std", "margin", "resample")}
    assert doubted <= set(card.unverified), "nothing that the file does not say is taken for known"
    crops = files.crops(224, 1)
    mean, std = (np.array(one, dtype=np.float32) for one in (card.input.mean, card.input.std))
    with torch.no_grad():
        raw = network(torch.from_numpy((crops / np.float32(255) - mean) / std).permute(0, 3, 1, 2)).double().numpy()
    same(read_back(card, crops), np.stack([raw[:, 0], 1 / (1 + np.exp(-raw[:, 1]))], axis=1))


@pytest.mark.parametrize("targets", [["sbp", "sbp"], ["sbp", "blood"], [""]])
def test_outputs_that_are_no_targets_are_refused_by_name(targets, home):
    with pytest.raises(UsageError, match=f"'{targets[-1]}'|twice"):
        for_outputs(home / "ours.pth", targets)


def test_too_few_targets_without_a_card_are_refused(tiny, home):
    lite = timm.create_model("tf_efficientnet_lite0", num_classes=2)
    torch.save(lite.state_dict(), home / "ours.pth")
    with pytest.raises(CardError, match="gives 2 values per photograph"):
        import_model(home / "ours.pth", for_outputs(home / "ours.pth", ["sbp"]))
    assert not (home / "home" / "models" / "ours").exists()
