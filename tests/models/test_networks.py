"""Networks: what belongs to a model lies inside it; weights load without executing anything."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fundus_core.errors import CardError
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, out_of_distribution, registry, weights
from fundus_core.models.importing import initial_weights

SMALL = {"channels": [8, 8, 16, 16], "stem_width": 8}


def crops(count=3, side=32, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def network(**keywords):
    torch.manual_seed(0)
    return networks.Network(networks.body("resnet10t", 2, SMALL), **keywords).eval()


def make_card(folder, body):
    """A card for a small network whose weights lie in the folder."""
    base = card_files.read(registry.BUNDLED / "joir-metabolic-b7.toml")
    digest = weights.write(body, folder / "weights.safetensors")
    return replace(
        base,
        backbone="resnet10t",
        backbone_options=SMALL,
        input=replace(base.input, size=32),
        outputs=(replace(base.outputs[0], scale=20.0, offset=120.0), replace(base.outputs[1], link="exp", scale=0.1)),
        weights=cards.WeightsFile("weights.safetensors", digest, ""),
        folder=folder,
    )


@torch.no_grad()
def test_swapped_channels_under_a_bgr_card_are_the_same_photograph():
    keywords = {"mean": (0.4, 0.3, 0.2), "std": (0.3, 0.2, 0.1)}
    rgb, bgr = network(**keywords), network(**keywords, bgr=True)
    torch.testing.assert_close(rgb(crops())[0], bgr(crops().flip(-1))[0])
    assert not torch.allclose(rgb(crops())[0], bgr(crops())[0])


@torch.no_grad()
@pytest.mark.parametrize(
    ("backbone", "options", "side"),
    [
        ("resnet10t", SMALL, 32),
        ("swin_tiny_patch4_window7_224", {"img_size": 32, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}, 32),
        ("vit_tiny_patch16_224", {"img_size": 32, "embed_dim": 8, "depth": 1, "num_heads": 2}, 32),
    ],
    ids=["a map", "a map with its channels last", "tokens"],
)
def test_a_mirrored_network_means_what_is_seen_of_a_photograph_and_its_mirror_image(backbone, options, side):
    bodies = []
    for told in ({}, {"mirrored": True}):
        torch.manual_seed(0)
        bodies.append(networks.body(backbone, 2, {**options, **told}).eval())
    once, both = (networks.Network(body).eval() for body in bodies)
    pixels = crops(side=side)
    given = pixels.permute(0, 3, 1, 2).float()
    there, mirrored = (once.body.forward_features(values) for values in (given, given.flip(-1)))
    if there.ndim == 4:
        axis = -1 if backbone == "resnet10t" else -2
        torch.testing.assert_close(bodies[1].forward_features(given), (there + mirrored.flip(axis)) / 2)
    torch.testing.assert_close(both(pixels)[0], both(pixels.flip(2))[0])
    if backbone == "resnet10t":
        torch.testing.assert_close(both(pixels)[0], (once(pixels)[0] + once(pixels.flip(2))[0]) / 2)
    assert not torch.allclose(once(pixels)[0], once(pixels.flip(2))[0], rtol=1e-3)


@torch.no_grad()
def test_range_mean_and_spread_are_what_they_say():
    seen = {}
    reader = network(value_range=(-1.0, 1.0), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    reader.body.forward_features = lambda x: seen.setdefault("x", x) * 0 + 1
    reader.body.forward_head = lambda x, pre_logits: x.mean(dim=(2, 3))
    reader.body.get_classifier = lambda: torch.nn.Identity()
    pixels = crops()
    reader(pixels)
    expected = (pixels.double() / 255 * 2 - 1 - torch.tensor([0.1, 0.2, 0.3])) / torch.tensor([0.5, 0.6, 0.7])
    torch.testing.assert_close(seen["x"].permute(0, 2, 3, 1).double(), expected.double(), atol=1e-6, rtol=1e-6)


def test_links_turn_raw_outputs_into_units():
    links = networks.Links(["identity", "exp", "sigmoid"], [2.0, 1.0, 3.0], [10.0, 0.5, 0.0])
    values = links(torch.tensor([[1.0, 2.0, 0.0]]))
    torch.testing.assert_close(values, torch.tensor([[12.0, float(np.exp(2.5)), 0.5]]))


@torch.no_grad()
def test_a_card_builds_the_network_whose_weights_it_names(tmp_path):
    own = network()
    card = make_card(tmp_path, own.body)
    raw, pooled = own(crops())
    values, features_again = networks.build(card)(crops())
    torch.testing.assert_close(values[:, 0], raw[:, 0] * 20 + 120)
    torch.testing.assert_close(values[:, 1], torch.exp(raw[:, 1] * 0.1))
    torch.testing.assert_close(features_again, pooled)


def test_other_weights_than_the_card_names_are_refused(tmp_path):
    card = make_card(tmp_path, network().body)
    weights.write(networks.body("resnet10t", 2, SMALL), tmp_path / "weights.safetensors")
    with pytest.raises(CardError, match="another file"):
        networks.build(card)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(CardError, match="has no weights here"):
        networks.build(card)


def test_weights_of_another_network_are_refused_with_the_first_names(tmp_path):
    card = make_card(tmp_path, networks.body("resnet10t", 3, SMALL))
    with pytest.raises(CardError, match=r"do not fit.*fc\.weight"):
        networks.build(card)


@pytest.mark.parametrize(
    ("backbone", "options", "message"),
    [("resnet999", {}, "timm knows no network"), ("resnet10t", {"chanels": 3}, "cannot be built")],
)
def test_a_network_that_does_not_exist_is_refused(backbone, options, message):
    with pytest.raises(CardError, match=message):
        networks.body(backbone, 1, options)


class Evil:
    """What a stranger's pickle would do."""

    def __reduce__(self):
        return Path.touch, (Path(Evil.target),)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.bin"])
def test_a_pickle_that_would_execute_code_is_refused_and_nothing_executed(tmp_path, name):
    Evil.target = str(tmp_path / "executed")
    path = tmp_path / name
    torch.save({"a": Evil()}, path)
    with pytest.raises(CardError, match="would execute code"):
        weights.read(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CardError):
        weights.read(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"junk", b"\x80\x02.", bytes(200)])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_damaged_file_is_one_sentence(tmp_path, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(CardError, match="weights"):
        weights.read(path)


def test_a_state_dict_reads_from_torch_and_from_safetensors_alike(tmp_path):
    body = networks.body("resnet10t", 2, SMALL)
    torch.save({"state_dict": {f"module.{k}": v for k, v in body.state_dict().items()}}, tmp_path / "w.pt")
    weights.write(body, tmp_path / "w.safetensors")
    one, two = weights.read(tmp_path / "w.pt"), weights.read(tmp_path / "w.safetensors")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_backbone_begins_with_foreign_weights_except_the_outputs(tmp_path):
    donor = networks.body("resnet10t", 5, SMALL)
    weights.write(donor, tmp_path / "w.safetensors")
    own = networks.body("resnet10t", 2, SMALL)
    given = weights.read(tmp_path / "w.safetensors")
    initial_weights.load(own, given, "w.safetensors")
    assert torch.equal(own.conv1[0].weight, donor.conv1[0].weight)
    with pytest.raises(CardError, match="do not fit"):
        initial_weights.load(networks.body("resnet18", 2), given, "w.safetensors")
    del given["layer2.0.bn1.running_var"]
    with pytest.raises(CardError, match="do not fit"):
        initial_weights.load(own, given, "w.safetensors")


def test_distance_is_one_at_the_limit_and_does_not_depend_on_units(tmp_path):
    generator = np.random.default_rng(0)
    mix = generator.normal(size=(6, 6))
    training, held_out = generator.normal(size=(4000, 6)) @ mix, generator.normal(size=(4000, 6)) @ mix
    statistics = out_of_distribution.measure(training, held_out, shrink=0.0)
    distance = statistics.distance(held_out)
    assert np.mean(distance > 1) == pytest.approx(0.01, abs=0.002)
    assert statistics.distance(training.mean(axis=0)[None])[0] == pytest.approx(0, abs=1e-9)
    turned = out_of_distribution.measure(training @ mix + 3, held_out @ mix + 3, shrink=0.0)
    np.testing.assert_allclose(turned.distance(held_out @ mix + 3), distance, rtol=1e-6)
    out_of_distribution.write(statistics, tmp_path / "f.safetensors")
    np.testing.assert_allclose(
        out_of_distribution.read(tmp_path / "f.safetensors").distance(held_out), distance, rtol=1e-4
    )


def test_statistics_that_cannot_be_read_are_one_sentence(tmp_path):
    (tmp_path / "f.safetensors").write_bytes(b"junk")
    for name in ("f.safetensors", "none.safetensors"):
        with pytest.raises(CardError, match="cannot be read"):
            out_of_distribution.read(tmp_path / name)
