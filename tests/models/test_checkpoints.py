"""Checkpoints as trainings leave them say what the network that wrote them says, or are refused by a name.

Attacked: every form holds weights under which a wrong reading is far off (heads differ, averaged and plain weights
differ, heads lie in another order than the card's); each answer is compared with torch's own.
"""

import argparse
import json
import pathlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from fundus_core.errors import CardError
from fundus_core.models import networks, pickles
from fundus_core.models.checkpoints import Module
from fundus_core.models.importing import architectures, beside, import_model, strangers, transformers_names
from tests.models import files

SIDE = 32
FED = files.UNIT + f"\nsize = {SIDE}\nchannels = 'rgb'"
TINY = 'backbone = "resnet10t"\nbackbone_options = { channels = [8, 8, 16, 16], stem_width = 8 }'
TARGETS = ["sbp", "dbp", "glucose", "waist", "bmi"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FUNDUS_LAB_HOME", str(tmp_path / "home"))
    return tmp_path


def tiny(outputs=2, seed=0):
    torch.manual_seed(seed)
    return networks.body("resnet10t", outputs, {"channels": [8, 8, 16, 16], "stem_width": 8}).eval()


class Wrapped(nn.Module):
    """A backbone and a head of one's own."""

    def __init__(self, head, backbone=None):
        super().__init__()
        self.backbone = tiny(0) if backbone is None else backbone
        self.head = head
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 2)

    def forward(self, x):
        x = self.backbone(x)
        return (
            torch.cat([self.head[t](x) for t in TARGETS], 1) if isinstance(self.head, nn.ModuleDict) else self.head(x)
        )


@torch.no_grad()
def said(network):
    return network.eval()(torch.from_numpy(files.crops(SIDE)).permute(0, 3, 1, 2) / 255).double().numpy()


def brought(home, content, targets, *, top=TINY, fed=FED, old=False, **more):
    path = home / "weights.pt"
    if not isinstance(content, Path):
        torch.save(content, path, _use_new_zipfile_serialization=not old)
    else:
        path = content
    card, report = import_model(path, files.write_card(home, targets, top=top, fed=fed), replace=True, **more)
    with torch.no_grad():
        values = networks.build(card)(torch.from_numpy(files.crops(SIDE)))[0].double().numpy()
    return values, report


def same(one, other):
    assert np.abs(one - other).max() <= 1e-4 * max(np.abs(other).max(), 1e-9)


FORMS = {
    "state dict": lambda m: m.state_dict(),
    "the network whole": lambda m: m,
    "whole, on several GPUs": lambda m: nn.DataParallel(m),
    "in a mapping": lambda m: {"net": m, "epoch": 3},
    **{f"under {key}": (lambda m, key=key: {key: m.state_dict(), "epoch": 3}) for key in ("net", "teacher", "params")},
    "deep": lambda m: {"checkpoint": {"state": {"weights": m.state_dict()}}, "rng_state": torch.get_rng_state()},
    "with arguments": lambda m: {
        "model": m.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=pathlib.Path("/x")),
        "best": np.float64(3.2),
        "history": np.arange(3.0),
        "optimizer": torch.optim.AdamW(m.parameters()).state_dict(),
    },
    "Lightning": lambda m: {
        "state_dict": {f"model._orig_mod.{k}": v for k, v in m.state_dict().items()}
        | {"val_mae.sum_abs_error": torch.tensor(3.0), "loss_fn.pos_weight": torch.ones(2)},
        "hyper_parameters": {"root": pathlib.Path("/data"), "fold": np.int64(1)},
        "callbacks": {"best": {"best_model_score": torch.tensor(0.3)}},
    },
}


@pytest.mark.parametrize("old", [False, True], ids=["today", "before 1.6"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_whatever_lies_around_the_weights_they_are_found(form, old, home):
    network = tiny()
    values, report = brought(home, form(network), ["sbp", "bmi"], old=old)
    same(values, said(network))
    assert "0 others" not in report.notes


def heads(order):
    torch.manual_seed(1)
    return nn.ModuleDict({target: nn.Linear(16, 1) for target in order})


@pytest.mark.parametrize("whole", [True, False])
def test_heads_named_after_targets_go_to_them_in_whatever_order_they_lie(whole, home):
    network = Wrapped(heads(reversed(TARGETS)))
    values, report = brought(home, network if whole else network.state_dict(), TARGETS)
    same(values, said(network))
    assert report.names == tuple(TARGETS)


def test_heads_named_after_other_targets_are_refused(home):
    with pytest.raises(CardError, match="name as outputs"):
        brought(home, Wrapped(heads(TARGETS)).state_dict(), ["sbp", "dbp", "glucose", "waist", "age"])


def test_backbone_and_head_in_mappings_of_their_own(home):
    network = Wrapped(nn.Linear(16, 2))
    parts = {"backbone": network.backbone.state_dict(), "regressor": network.head.state_dict()}
    values, _ = brought(home, parts, ["sbp", "bmi"])
    same(values, said(network))


DEEP = {
    "hidden": lambda: nn.Sequential(nn.Linear(16, 6), nn.SiLU(), nn.Dropout(), nn.Linear(6, 2)),
    "normalised behind": lambda: nn.Sequential(nn.Linear(16, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)),
    "normalised after": lambda: nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.BatchNorm1d(6, 1e-3), nn.Linear(6, 2)),
    "one width": lambda: nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 2)),
    "no bias": lambda: nn.Sequential(nn.Dropout(0.1), nn.Linear(16, 2, bias=False)),
}


@pytest.mark.parametrize("make", DEEP.values(), ids=DEEP)
def test_what_a_whole_networks_head_does_between_its_layers_is_read_from_it(make, home):
    torch.manual_seed(2)
    network = Wrapped(make())
    values, _ = brought(home, network, ["sbp", "bmi"])
    same(values, said(network))


@pytest.mark.parametrize("kind", ["hidden", "normalised after"])
def test_what_follows_a_hidden_layer_of_a_state_dict_is_asked_for(kind, home):
    torch.manual_seed(2)
    with pytest.raises(CardError, match="hidden ="):
        brought(home, Wrapped(DEEP[kind]()).state_dict(), ["sbp", "bmi"])


NORMALISED = {
    "after its activation": lambda: (nn.Linear(16, 6), nn.ReLU(), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 2)),
    "first": lambda: (nn.BatchNorm1d(16), nn.Dropout(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 2)),
    "first and after": lambda: (
        nn.BatchNorm1d(16), nn.Linear(16, 6, bias=False), nn.ReLU(), nn.BatchNorm1d(6), nn.Linear(6, 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", NORMALISED.values(), ids=NORMALISED)
def test_a_normalised_head_of_a_state_dict_is_read_where_the_card_says_the_activation(make, home):
    torch.manual_seed(2)
    network = Wrapped(nn.Sequential(*make()))
    top = f'{TINY[:-2]}, hidden = [[6, "relu"]] }}'
    values, report = brought(home, network.state_dict(), ["sbp", "bmi"], top=top)
    same(values, said(network))
    behind = any("stands behind the normalisation" in twin.words for twin in report.twins)
    assert behind == isinstance(network.head[-3], nn.BatchNorm1d) or isinstance(network.head[-2], nn.BatchNorm1d)


def test_a_normalisation_of_which_nobody_knows_what_stands_before_it_is_refused(home):
    torch.manual_seed(2)
    head = nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.Dropout(), nn.BatchNorm1d(6), nn.Linear(6, 2))
    with pytest.raises(CardError, match="what stands before it"):
        brought(home, Wrapped(head).state_dict(), ["sbp", "bmi"])


def test_a_head_without_a_bias_is_read_and_said_to_have_lost_one_perhaps(home):
    torch.manual_seed(2)
    network = Wrapped(nn.Linear(16, 2, bias=False))
    values, report = brought(home, network.state_dict(), ["sbp", "bmi"])
    same(values, said(network))
    assert any("lost" in twin.words for twin in report.twins)
    _, report = brought(home, Wrapped(nn.Linear(16, 2)).state_dict(), ["sbp", "bmi"])
    assert not any("lost" in twin.words for twin in report.twins)


@pytest.mark.parametrize("names", [("sbp", "reg"), ("out", "bmi"), ("body_mass_index", "systolic_bp_1")])
def test_heads_of_which_one_is_named_after_nothing_go_to_what_is_left(names, home):
    torch.manual_seed(1)
    network = Wrapped(nn.ModuleDict({name: nn.Linear(16, 1) for name in names}))
    x = network.backbone.eval()(torch.from_numpy(files.crops(SIDE)).permute(0, 3, 1, 2) / 255)
    wanted = names if names[0] != "body_mass_index" else names[::-1]
    values, report = brought(home, network.state_dict(), ["sbp", "bmi"])
    same(values, torch.cat([network.head[name](x) for name in wanted], 1).detach().double().numpy())
    assert report.names == ("sbp", "bmi")


def test_mean_and_spread_of_the_targets_within_a_network_are_said_as_lines_of_the_card(home):
    network = tiny()
    more = {**network.state_dict(), "target_mean": torch.tensor([120.0, 23]), "target_std": torch.tensor([15.0, 3])}
    values, report = brought(home, more, ["sbp", "bmi"])
    same(values, said(network))
    assert any("sbp: scale = 15, offset = 120" in twin.words for twin in report.twins)


@pytest.mark.parametrize("part", ["_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_orig_mod"])
def test_what_torch_wraps_around_modules_is_no_part_of_their_names(part, home):
    network = tiny()
    state = {f"{part}.{key.replace('layer1.', f'layer1.{part}.')}": one for key, one in network.state_dict().items()}
    values, _ = brought(home, state, ["sbp", "bmi"])
    same(values, said(network))


def test_arrays_of_numpy_are_tensors_too(home):
    network = tiny()
    values, _ = brought(home, {key: one.numpy() for key, one in network.state_dict().items()}, ["sbp", "bmi"])
    same(values, said(network))


def test_two_logits_become_the_probability_of_the_second_class(home):
    network = Wrapped(nn.Linear(16, 2))
    values, report = brought(home, network.state_dict(), ["sex"])
    same(values, torch.softmax(torch.from_numpy(said(network)), 1)[:, 1:].numpy())
    assert "outputs.sex.scale" in report.unverified
    assert any("other class" in twin.words for twin in report.twins)


def test_a_tensor_without_a_place_is_refused_by_its_name_and_can_be_left_out_on_purpose(home):
    network = tiny()
    more = {**network.state_dict(), "queue_mean": torch.ones(2), "decoder.weight": torch.ones(5, 7)}
    with pytest.raises(CardError, match="queue_mean"):
        brought(home, more, ["sbp", "bmi"])
    with pytest.raises(CardError, match="decoder"):
        brought(home, more, ["sbp", "bmi"], without=["queue_mean"])
    values, _ = brought(home, more, ["sbp", "bmi"], without=["queue_mean", "decoder"])
    same(values, said(network))


SETS = {
    "beside": lambda one, two: {"state_dict": one, "state_dict_ema": two},
    "nested": lambda one, two: {"model": one, "ema": {"module": two, "decay": 0.999}},
    "teacher": lambda one, two: {"student": one, "teacher": {f"module.{key}": value for key, value in two.items()}},
    "in one": lambda one, two: {
        "state_dict": {f"net.{k}": v for k, v in one.items()} | {f"ema_net.{k}": v for k, v in two.items()}
    },
}


@pytest.mark.parametrize("form", SETS.values(), ids=SETS)
def test_averaged_and_plain_weights_are_a_choice(form, home):
    plain, averaged = tiny(), tiny(seed=5)
    content = form(dict(plain.state_dict()), dict(averaged.state_dict()))
    for choice, network in {"": averaged, "ema": averaged, "plain": plain}.items():
        values, report = brought(home, content, ["sbp", "bmi"], choice=choice)
        same(values, said(network))
        other = next(twin for twin in report.twins if twin.key == "weights.file")
        assert "weights.file" in report.unverified
        assert other.differences["sbp"] > 0
    with pytest.raises(CardError, match="say which with --weights"):
        brought(home, content, ["sbp", "bmi"], choice="third")


def test_an_ensemble_is_asked_about(home):
    with pytest.raises(CardError, match="say which with --weights"):
        brought(home, {"a": tiny().state_dict(), "b": tiny(seed=4).state_dict()}, ["sbp", "bmi"])


DAMAGED = {
    "no mark": b"\x80\x04]e.",
    "a name that is no text": b"\x80\x04]\x94" + b"2\x86" * 40 + b"\x8c\x01a\x93.",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_pickle_is_refused_at_once(content):
    """The second would be written out as 2 to the power of 40 things."""
    with pytest.raises(CardError, match="damaged"):
        pickles.read_bytes(content, "weights.pt")


STRANGERS = {
    "before the outputs": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(16, 2)), "'head.0' (tanh)"),
    "of another shape": (lambda: nn.Sequential(nn.Linear(16, 6), nn.ELU(0.5), nn.Linear(6, 2)), "alpha=0.5"),
    "of no known name": (lambda: nn.Sequential(nn.Linear(16, 6), nn.LeakyReLU(), nn.Linear(6, 2)), "LeakyReLU"),
}


@pytest.mark.parametrize(("make", "named"), STRANGERS.values(), ids=STRANGERS)
def test_a_function_that_the_network_here_does_not_have_is_named(make, named, home):
    """Each was left out in silence once, with answers that were far off."""
    with pytest.raises(CardError) as found:
        brought(home, Wrapped(make()), ["sbp", "bmi"])
    assert named in str(found.value)


def test_a_whole_networks_own_functions_beside_its_layers_are_named_and_its_pooling_is_kept(home):
    network = Wrapped(nn.Linear(16, 2))
    network.last = nn.Sigmoid()
    with pytest.raises(CardError, match=r"'last' \(Sigmoid\).*--without last"):
        brought(home, network, ["sbp", "bmi"])
    values, _ = brought(home, network, ["sbp", "bmi"], without=["last"])
    same(values, said(network))
    values, _ = brought(home, altered(act_layer=nn.SiLU), ["sbp", "bmi"])
    same(values, said(altered(act_layer=nn.SiLU)))
    both = networks.body("resnet10t", 2, {"channels": [8, 8, 16, 16], "stem_width": 8, "global_pool": "catavgmax"})
    values, _ = brought(home, both, ["sbp", "bmi"])
    same(values, said(both.eval()))


@pytest.mark.parametrize(
    "more", [{"targets": ["bmi", "sbp"]}, {"args": argparse.Namespace(labels="BMI,SBP")}], ids=["list", "words"]
)
def test_an_order_of_outputs_that_the_file_states_is_held_against_the_cards(more, home):
    content = {"state_dict": tiny().state_dict(), **more}
    with pytest.raises(CardError, match="in the order bmi, sbp"):
        brought(home, content, ["sbp", "bmi"])
    _, report = brought(home, content, ["bmi", "sbp"])
    assert "outputs" not in report.unverified


SCALED = {
    "arrays": {"y_mean": np.array([120.0, 24.0]), "y_std": torch.tensor([10.0, 3.0])},
    "lists": {"args": argparse.Namespace(target_mean=[120.0, 24.0], target_std=(10.0, 3.0))},
    "by target": {"norm": {"sbp": {"mean": 120.0, "std": 10.0}, "bmi": {"mean": 24.0, "std": 3.0}}},
}


@pytest.mark.parametrize("more", SCALED.values(), ids=SCALED)
def test_numbers_that_turn_standardised_outputs_back_are_named_with_their_lines(more, home):
    _, report = brought(home, {"state_dict": tiny().state_dict(), **more}, ["sbp", "bmi"])
    twin = next(twin for twin in report.twins if twin.key == "outputs.scale")
    assert "sbp: scale = 10, offset = 120, bmi: scale = 3, offset = 24" in twin.words
    assert twin.differences["sbp"] > 50
    assert "outputs.scale" in report.unverified


def altered(**options):
    torch.manual_seed(0)
    return networks.body("resnet10t", 2, {"channels": [8, 8, 16, 16], "stem_width": 8, **options}).eval()


SILENT = {
    "activation": ({"act_layer": nn.SiLU}, "activation silu", 'activation = "silu"'),
    "epsilon": ({"eps": 1e-3}, "epsilon of 0.001", "eps = 1e-3"),
}


@pytest.mark.parametrize("kind", SILENT)
def test_what_leaves_no_numbers_in_a_state_dict_is_another_reading_that_a_card_can_state(kind, home):
    """Each was read as timm's usual network once, in silence."""
    options, words, told = SILENT[kind]
    network = altered(**options)
    values, report = brought(home, network.state_dict(), ["sbp", "bmi"])
    twin = next(twin for twin in report.twins if words in twin.words)
    assert "backbone_options" in report.unverified
    assert twin.differences["sbp"] > 0
    assert any("leaves no numbers" in twin.words for twin in report.twins)
    values, report = brought(home, network.state_dict(), ["sbp", "bmi"], top=TINY.replace("= 8 }", f"= 8, {told} }}"))
    same(values, said(network))
    assert not any(words in twin.words for twin in report.twins)


def test_numbers_of_a_whole_networks_own_modules_are_taken_or_refused_by_their_place(home):
    values, report = brought(home, altered(eps=1e-3), ["sbp", "bmi"])
    same(values, said(altered(eps=1e-3)))
    assert any("with eps = 0.001" in note for note in report.notes)
    assert not {"backbone", "backbone_options"} & set(report.unverified)
    other = altered()
    other.layer1[0].conv2.dilation = other.layer1[0].conv2.padding = (2, 2)
    with pytest.raises(CardError, match=r"'layer1\.0\.conv2' \(Conv2d\) with padding = \(2, 2\), where"):
        brought(home, other, ["sbp", "bmi"])


def test_a_class_of_a_strangers_own_computes_by_code_that_no_file_holds(home):
    class Halved(Wrapped):
        def forward(self, x):
            return self.head(self.backbone(x) / 2)

    Halved.__qualname__ = Halved.__name__
    globals()["Halved"] = Halved
    _, report = brought(home, Halved(nn.Linear(16, 2)), ["sbp", "bmi"])
    assert any("Halved" in twin.words and "forward" in twin.words for twin in report.twins)
    assert "backbone_options" in report.unverified


def test_the_normalisation_of_hidden_layers_is_left_open(home):
    network = Wrapped(DEEP["normalised behind"]())
    network.head[1].eps = 1e-3
    told = TINY.replace("= 8 }", '= 8, hidden = [[6, "relu"]] }')
    _, report = brought(home, network.state_dict(), ["sbp", "bmi"], top=told)
    assert any("epsilon of 1e-3" in twin.words for twin in report.twins)


# Networks told from their tensors, and their twins -------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
def test_a_network_is_told_from_its_tensors_and_its_twin_is_named_unless_its_classes_settle_it(whole, home):
    torch.manual_seed(0)
    network = timm.create_model("efficientnet_b0", num_classes=1).eval()
    if whole:
        content = network
    else:
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, home / "w.safetensors")
        content = home / "w.safetensors"
    values, report = brought(home, content, ["age"], top="")
    assert ("backbone" in report.unverified) is not whole
    if whole:
        assert report.backbone == "efficientnet_b0"
        same(values, said(network))
    else:
        assert {report.backbone, *(twin.words for twin in report.twins)} >= {"tf_efficientnet_b0"}
        twin = next(twin for twin in report.twins if "'efficientnet_b0'" in twin.words)
        assert twin.differences["age"] > 0
        assert "Nothing in the file rules out" in twin.sentence


def test_a_backbone_without_outputs_is_refused_with_what_it_is_good_for(home):
    with pytest.raises(CardError, match="without any outputs"):
        brought(home, tiny(0).state_dict(), ["sbp"])


# Other boxes around the same weights --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # torch's own, of its exporter
def test_an_exported_program_gives_its_weights_and_is_not_run(home):
    network = tiny()
    torch.export.save(torch.export.export(network, (torch.zeros(1, 3, SIDE, SIDE),)), home / "program.pt2")
    values, report = brought(home, home / "program.pt2", ["sbp", "bmi"])
    same(values, said(network))
    assert report.format.startswith("torch exported program")
    assert not any(twin.key.startswith("backbone") for twin in report.twins)  # its graph leaves nothing to guess


class Scaled(nn.Module):
    """Does to what goes in, or comes out, of which no tensor tells."""

    def __init__(self, network, place):
        super().__init__()
        self.network, self.place = network, place

    def forward(self, x):
        return self.network(x * 2 - 1) if self.place == "before" else self.network(x) * 15 + 120


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda: networks.body("resnet10t", 2, {"channels": [8, 8, 16, 16], "stem_width": 8, "global_pool": "max"}),
            "",
        ),
        (lambda: Scaled(tiny(), "before"), "does 'mul"),
        (lambda: Scaled(tiny(), "behind"), "does 'mul"),
    ],
    ids=["pooled otherwise", "scaled before", "scaled behind"],
)
def test_the_graph_of_an_exported_program_is_held_against_the_network(make, told, home):
    torch.manual_seed(0)
    network = make().eval()
    program = torch.export.export(network, (torch.zeros(1, 3, SIDE, SIDE),))
    torch.export.save(program, home / "program.pt2")
    if told:
        with pytest.raises(CardError, match=told):
            brought(home, home / "program.pt2", ["sbp", "bmi"])
    else:
        values, _ = brought(home, home / "program.pt2", ["sbp", "bmi"])
        same(values, said(network))


def transformer(kind):
    if kind == "vit":
        return timm.models.VisionTransformer(32, 8, num_classes=2, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2)
    if kind == "swin":
        return timm.models.SwinTransformer(
            32, 2, num_classes=2, embed_dim=12, depths=(2, 1), num_heads=(2, 4), window_size=4
        )
    return timm.models.ConvNeXt(
        num_classes=2, depths=(1, 2, 1, 1), dims=(8, 12, 16, 24), use_grn=True, ls_init_value=None
    )


@pytest.mark.parametrize("kind", ["vit", "swin", "convnext"])
def test_a_transformer_of_no_known_size_is_told_from_its_shapes(kind, home):
    torch.manual_seed(3)
    network = transformer(kind).eval()
    for value in network.parameters():
        nn.init.normal_(value, std=0.3)
    if kind == "vit":
        with pytest.raises(CardError, match=r"embed_dim = 24, depth = 2, mlp_ratio = 2\.0, num_heads = \.\.\."):
            brought(home, network.state_dict(), ["sbp", "bmi"], top="")
    values, _ = brought(home, network if kind == "vit" else network.state_dict(), ["sbp", "bmi"], top="")
    same(values, said(network))


@pytest.mark.parametrize(
    ("depth", "listed", "side"),
    [(1.0, [], 224), (1.1, [16], 240), (1.2, [5, 8, 16], 260), (1.4, [5, 18], 300), (1.8, [6], 380),
     (2.2, [13, 27], 456), (2.6, [31], 528), (3.1, [18], 600), (1.1, [], 64), (1.7, [], None)],
)  # fmt: skip
def test_an_efficientnet_of_transformers_pads_as_at_its_native_side(depth, listed, side):
    """The lists are those of the ``config.json`` of google/efficientnet-b0 to b7 (transformers' own conversion)."""
    assert transformers_names.padded_at(depth, listed) == side


@pytest.mark.parametrize(("size", "fits"), [(64, True), (48, False), (32, True)])
def test_a_swin_that_pads_before_it_shifts_is_refused_where_it_pads(size, fits):
    table = torch.zeros(9, 2)  # windows of 2
    given = {"swin.x": table}
    found = {"patch_embed.proj.weight": torch.zeros(8, 3, 4, 4)}
    found |= {f"layers.{k}.blocks.0.attn.relative_position_bias_table": table for k in range(3)}
    if fits:
        transformers_names.check_windows(given, found, size, "x")
    else:
        with pytest.raises(CardError, match="multiples of 32"):
            transformers_names.check_windows(given, found, size, "x")
    transformers_names.check_windows(found, found, 48, "x")  # timm's own


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"id2label": {"0": "bmi", "1": "sbp"}}, "in the order bmi, sbp"),
        ({"model_type": "resnet", "downsample_in_bottleneck": True}, "export it as ONNX"),
        ({"id2label": {"0": "sbp", "1": "bmi"}}, ""),
    ],
    ids=["another order", "another network", "this order"],
)
def test_what_a_config_beside_the_weights_says_is_heeded(said, why, home):
    network, folder = tiny(), home / "folder"
    folder.mkdir()
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(said))
    for path in (folder, folder / "model.safetensors"):
        if why:
            with pytest.raises(CardError, match=why):
                brought(home, path, ["sbp", "bmi"])
        else:
            assert brought(home, path, ["sbp", "bmi"])[1].names == ("sbp", "bmi")


@pytest.mark.parametrize(
    ("name", "target"),
    [("HbA1c", ""), ("head_1_sbp", "sbp"), ("fasting_plasma_glucose_head", "glucose"), ("waistHead2", "waist"),
     ("bodyMassIndex", "bmi"), ("hba1c_head", "hba1c")],
)  # fmt: skip
def test_a_head_is_named_after_what_its_whole_name_says(name, target):
    targets = [*TARGETS, "hba1c"] if target == "hba1c" else TARGETS
    assert beside.target_of(name, targets) == target


@pytest.mark.parametrize("kind", ["aside", "turned", "neither"])
def test_an_inception_leaves_its_second_outputs_and_is_refused_where_it_turns_its_input(kind):
    given = {"Mixed_5b.branch1x1.conv.weight": 1} | ({"AuxLogits.fc.weight": 1} if kind == "aside" else {})
    modules = [Module("", "torchvision.models.inception.Inception3", {"transform_input": kind == "turned"})]
    if kind == "turned":
        with pytest.raises(CardError, match="transform_input"):
            strangers.without_aside(given, modules, "x")
    else:
        kept, notes = strangers.without_aside(given, modules, "x")
        assert list(kept) == ["Mixed_5b.branch1x1.conv.weight"]
        assert bool(notes) == (kind == "aside")


def test_a_folder_as_timm_leaves_it_says_which_network_it_is(home):
    folder = home / "folder"
    folder.mkdir()
    torch.manual_seed(0)
    network = timm.create_model("mobilenetv3_small_050", num_classes=1).eval()
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"architecture": "mobilenetv3_small_050", "num_classes": 1}')
    values, report = brought(home, folder, ["age"], top="")
    assert report.backbone == "mobilenetv3_small_050"
    same(values, said(network))


def test_a_transformer_that_means_its_patches_is_read_so(home):
    torch.manual_seed(0)
    make = {"num_classes": 1, "img_size": 32, "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 2}
    network = timm.create_model("vit_tiny_patch16_224", global_pool="avg", **make).eval()
    options = ", ".join(f"{key} = {value}" for key, value in make.items() if key not in ("num_classes", "img_size"))
    top = f'backbone = "vit_tiny_patch16_224"\nbackbone_options = {{ {options} }}'
    kept = {"model": network.state_dict(), "args": argparse.Namespace(nb_classes=1)}
    values, _ = brought(home, kept, ["age"], top=top)  # the card's size makes as many patches
    same(values, said(network))
    with pytest.raises(CardError, match=r"does not fit 48 px.*usually of 224 px"):
        brought(home, kept, ["age"], top=top, fed="size = 48\n" + files.UNIT)


def test_a_large_transformer_that_means_its_patches_is_told_from_its_tensors():
    """As the masked autoencoders of the field are fine-tuned: the mean is normalised, and the tokens are not."""
    with torch.device("meta"):
        network = timm.create_model("vit_large_patch16_224", num_classes=1, global_pool="avg")
    given = network.state_dict()
    assert "fc_norm.weight" in given
    assert architectures.name_of(given) == "vit_large_patch16_224"


def test_what_transformers_wrote_says_what_transformers_said(home):
    """Its own names, query and key and value apart, another epsilon, GELU approximated, heads that timm has not."""
    folder = files.DATA / "transformers_vit"
    told = 'backbone = "vit_tiny_patch16_224"\n'
    told += "backbone_options = { img_size = 32, patch_size = 8, embed_dim = 16, depth = 2, mlp_ratio = 2.0 }"
    wanted = np.array(json.loads((folder / "expected.json").read_text()))
    values, report = brought(home, folder, ["sbp", "bmi"], top=told)
    same(values, wanted)
    values, _ = brought(home, folder / "model.safetensors", ["sbp", "bmi"], top="")  # its config.json lies beside it
    same(values, wanted)
    alone = Path(shutil.copy(folder / "model.safetensors", home / "alone.safetensors"))
    with pytest.raises(CardError, match=r"patch_size = 8, embed_dim = 16, depth = 2, mlp_ratio = 2\.0, num_heads = "):
        brought(home, alone, ["sbp", "bmi"], top="")
    told = told.replace(" }", ", num_heads = 2 }")
    values, report = brought(home, alone, ["sbp", "bmi"], top=told)
    assert np.abs(values - wanted).max() > 1e-3
    assert "backbone_options" in report.unverified
    assert {"gelu_tanh", "epsilon", "heads"} <= {word for twin in report.twins for word in twin.words.split()}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("convnext.encoder.stages.1.downsampling_layer.0.weight", "stages.1.downsample.0.weight"),
        ("convnext.encoder.stages.0.layers.2.pwconv1.bias", "stages.0.blocks.2.mlp.fc1.bias"),
        ("swin.encoder.layers.0.downsample.reduction.weight", "layers.1.downsample.reduction.weight"),
        ("resnet.encoder.stages.1.layers.0.layer.1.convolution.weight", "layer2.0.conv2.weight"),
        ("model.resnet.encoder.stages.0.layers.0.shortcut.normalization.bias", "layer1.0.downsample.1.bias"),
        ("vit.encoder.layer.3.attention.output.dense.weight", "blocks.3.attn.proj.weight"),
        ("vit.encoder.layer.3.output.dense.weight", "blocks.3.mlp.fc2.weight"),
    ],
)
def test_names_of_transformers_become_timms(theirs, ours):
    before, kind = re.fullmatch(r"(.*?)(vit|swin|convnext|resnet)\..*", theirs).groups()
    start = f"{before}{kind}.{'embedder.embedder' if kind == 'resnet' else 'embeddings'}.x"
    made, _ = transformers_names.renamed({start: torch.zeros(1), theirs: torch.ones(1)})
    assert ours in made


def test_every_network_of_timms_stands_in_the_table_of_twins():
    """Of one that is missing nobody hears that its tensors are another's too: half of them were, once."""
    rows = [line.split() for line in architectures.TABLE.read_text(encoding="ascii").splitlines()[1:]]
    listed = [name for _, *names in rows for name in names]
    assert len(listed) == len(set(listed))
    assert not set(timm.list_models()) - set(listed)
    assert "efficientnet_lite0" in architectures.alike("tf_efficientnet_lite0")
