"""A card that is wrong in one to three lines is found by measuring; a right one is left as it is.

Attacked: truth is what the network says under the right card, drowned in as much noise again, so that only the right
reading agrees best; every wrong card answers plausibly. Noise alone must never be taken for a finding.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from fundus_core.checking import change_card, identify_card, scoring, trial, try_readings
from fundus_core.errors import CardError
from fundus_core.models import card as cards
from fundus_core.models import card_files, networks, registry, weights
from fundus_core.targets import TARGETS

PEOPLE = 240
OPTIONS = {"channels": [8, 8, 16, 16], "stem_width": 8}
LINES = {"sbp": (12.0, 128.0), "dbp": (7.0, 77.0), "glucose": (9.0, 96.0), "sex": (4.0, 0.0)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def right(place):
    """A small network whose outputs have a spread of 1, with its right card."""
    torch.manual_seed(3)
    body = networks.body("resnet10t", 4, OPTIONS).eval()
    folder = place / "small"
    folder.mkdir()
    outputs = tuple(
        cards.Output(t, TARGETS[t].unit, "sigmoid" if t == "sex" else "identity", *LINES[t], (math.nan, math.nan), 0.0)
        for t in LINES
    )
    sample = registry.models(place / "none")["sample-rendered"]
    card = replace(
        sample, id="small", rendered=False, outputs=outputs, backbone_options=OPTIONS, features="", results=(),
        input=replace(sample.input, size=64), golden=cards.Golden("", "", {}, 1e-3), folder=folder,
        unverified=("input.channels", "input.value_range", "outputs"),
    )  # fmt: skip
    raw = _raw(body, card, masters())
    with torch.no_grad():
        last = body.get_classifier()
        spread = torch.tensor(raw.std(axis=0), dtype=torch.float32)
        last.weight /= spread[:, None]
        last.bias.copy_((last.bias - torch.tensor(raw.mean(axis=0), dtype=torch.float32)) / spread)
    sha = weights.write(body, folder / "weights.safetensors")
    card = replace(card, weights=replace(card.weights, sha256=sha))
    card_files.write(card, folder / "card.toml")
    return card


def masters():
    generator = np.random.default_rng(5)
    coarse = generator.uniform(0, 255, (PEOPLE, 6, 6, 3))
    shade = generator.uniform(0.2, 1, (PEOPLE, 1, 1, 3))
    big = np.kron(coarse * shade, np.ones((1, 16, 16, 1)))
    return np.clip(big + generator.normal(0, 12, big.shape), 0, 255).astype(np.uint8)


def _raw(body, card, crops):
    network = networks.Network(
        body, value_range=card.input.value_range, mean=card.input.mean, std=card.input.std, bgr=False
    )
    made = trial.Trial(crops, scoring.Sample(np.zeros((len(crops), 1)), np.arange(len(crops)), (False,)), (), None)
    with torch.no_grad():
        return network(torch.from_numpy(made._crops(card, np.arange(len(crops)))))[0].double().numpy()


@pytest.fixture(scope="module")
def given(right, place):
    crops = masters()
    reader = networks.build(right)
    raw = _raw(reader.network.body, right, crops)
    generator = np.random.default_rng(8)
    truth = {}
    for k, (target, (scale, offset)) in enumerate(LINES.items()):
        noisy = raw[:, k] + generator.normal(0, 1, PEOPLE)
        truth[target] = (noisy > 0).astype(float) if target == "sex" else scale * noisy + offset
    folder = place / "given"
    folder.mkdir()
    np.save(folder / "masters.npy", crops)
    np.savez(folder / "truth.npz", **truth)
    np.save(folder / "people.npy", np.arange(PEOPLE))
    return folder


def found(card, given, place):
    plain = json.loads(json.dumps(cards.as_plain(card)))
    said = try_readings.identify(card=plain, beside=str(card.folder), given=str(given), folder=str(place))
    return identify_card._report(card, said)


def fed(**changes):
    return lambda card: replace(card, input=replace(card.input, **changes))


def line(target, **changes):
    return lambda card: replace(
        card, outputs=tuple(replace(one, **changes) if one.target == target else one for one in card.outputs)
    )


def exchanged(one, other):
    def change(card):
        names = {one: other, other: one}
        named = [names.get(output.target, output.target) for output in card.outputs]
        outputs = [replace(o, target=t, unit=TARGETS[t].unit) for o, t in zip(card.outputs, named, strict=True)]
        return replace(card, outputs=tuple(outputs))

    return change


WRONG = {
    "colours": [fed(channels="bgr")],
    "range": [fed(value_range=(0.0, 255.0), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))],
    "rim": [fed(margin=0.2)],
    "order": [exchanged("sbp", "dbp")],
    "no scale": [line("sbp", scale=1.0, offset=0.0)],
    "unit": [line("glucose", scale=9.0 / 18.016, offset=96.0 / 18.016)],
    "other class": [line("sex", scale=-4.0)],
    "three": [fed(channels="bgr"), exchanged("dbp", "glucose"), line("sex", scale=-4.0)],
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_right_lines_are_found(wrong, right, given, place):
    card = right
    for change in wrong:
        card = change(card)
    report = found(card, given, place)
    mended = card_files.parse(report.card, card.folder, "found")
    assert mended.targets == right.targets
    assert mended.input.channels == right.input.channels
    assert mended.input.value_range == right.input.value_range
    assert mended.input.margin == pytest.approx(right.input.margin)
    for one, other in zip(mended.outputs, right.outputs, strict=True):
        assert one.scale == pytest.approx(other.scale, rel=0.3)
        assert one.offset == pytest.approx(other.offset, rel=0.05, abs=0.3)
    assert report.changes
    assert all(report.results[target]["r_after"][0] > 0.4 for target in LINES)


@pytest.mark.slow
def test_a_right_card_is_left_as_it_is_and_says_what_it_is_sure_of(right, given, place):
    report = found(right, given, place)
    assert not report.changes
    assert {"input.channels", "outputs"} <= set(report.confirmed)
    assert any("nothing is proposed" in sentence for sentence in report.sentences)
    assert any("Not told apart" in sentence for sentence in report.sentences)


@pytest.mark.slow
def test_truth_that_has_nothing_to_do_with_the_photographs_changes_nothing(right, given, place, tmp_path):
    for name in ("masters.npy", "people.npy"):
        (tmp_path / name).symlink_to(given / name)
    with np.load(given / "truth.npz") as columns:
        shuffled = np.random.default_rng(1).permutation(PEOPLE)
        np.savez(tmp_path / "truth.npz", **{name: columns[name][shuffled] for name in columns.files})
    report = found(right, tmp_path, place)
    assert not report.changes
    assert any("shows no relation" in sentence for sentence in report.sentences)


@pytest.mark.slow
def test_what_was_found_is_applied_recorded_and_undone(right, given, place):
    card = fed(channels="bgr")(right)
    card_files.write(card, right.folder / "card.toml")
    report = found(card, given, place)
    new = change_card.apply(report, "invented eyes", folder=place)
    assert new.input.channels == "rgb"
    assert new.measured[-1].keys == tuple(dict.fromkeys(["input.channels", *new.measured[-1].keys]))
    assert f"{PEOPLE} photographs of {PEOPLE} people" in new.measured[-1].on
    assert "invented eyes" in new.measured[-1].on
    assert "input.channels" not in new.unverified
    kept = registry.find("small", place)
    assert (kept.input, kept.measured, kept.unverified) == (new.input, new.measured, new.unverified)
    assert change_card.undo("small", folder=place).input.channels == "bgr"
    assert change_card.undo("small", folder=place).input.channels == "rgb"


def test_lines_are_written_by_hand_confirmed_and_undone(right, place):
    start = replace(right, unverified=("input.channels", "input.margin", "outputs.sbp.scale"))
    card_files.write(start, right.folder / "card.toml")
    lines = ["input.channels=bgr", "outputs.sbp.scale=2.5", "input.value_range=[-1.0, 1.0]"]
    new = change_card.edit("small", lines, folder=place)
    assert (new.input.channels, new.input.value_range) == ("bgr", (-1.0, 1.0))
    assert new.outputs[new.targets.index("sbp")].scale == 2.5
    assert new.unverified == ("input.margin",)
    assert change_card.undo("small", folder=place).unverified == start.unverified
    confirmed = change_card.edit("small", [f"input.channels={right.input.channels}"], folder=place)
    assert confirmed.input == right.input
    assert "input.channels" not in confirmed.unverified
    turned = change_card.edit("small", [f"outputs={','.join(right.targets[::-1])}"], folder=place)
    assert turned.targets == right.targets[::-1]
    assert turned.outputs[0].scale == right.outputs[0].scale
    for line in ("input.colour=bgr", "outputs.sbp=2", "weights.file=x", "input.channels", "outputs=sbp"):
        with pytest.raises(CardError, match="no line of this card"):
            change_card.edit("small", [line], folder=place)
    with pytest.raises(CardError):
        change_card.edit("small", ["input.size=9000"], folder=place)


def test_no_reading_of_the_input_is_tried_twice(right):
    for card in (right, replace(right, input=replace(right.input, channels="bgr"))):
        inputs = [card.input, *(step.card.input for step in trial.other_ranges(card))]
        assert all(one not in inputs[:place] for place, one in enumerate(inputs))
        assert len(inputs) == 2 * len({(one.value_range, one.mean) for one in inputs})
