"""Symptoms are named for what is wrong, and for nothing else; their lines would put it right."""

import tomllib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fundus_core.checking import diagnose, diagnose_output, probe
from fundus_core.errors import CardError
from fundus_core.models import card as cards
from fundus_core.models import card_files, registry

GENERATOR = np.random.default_rng(0)
TRUE = {
    "sbp": GENERATOR.normal(130, 16, 200),
    "glucose": GENERATOR.normal(96, 14, 200),
    "waist": GENERATOR.normal(84, 11, 200),
    "sex": (GENERATOR.random(200) < 0.5).astype(float),
}


def a_card(target):
    base = card_files.read(registry.BUNDLED / ("joir-sex-b7.toml" if target == "sex" else "joir-metabolic-b7.toml"))
    output = next(output for output in base.outputs if output.target == target)
    return replace(base, outputs=(replace(output, link="identity", scale=1.0, offset=0.0),))


def good(target):
    """What a model of moderate skill says: half way to the mean, with an error of its own."""
    true = TRUE[target]
    noise = np.random.default_rng(1).normal(0, 0.2 * true.std(), len(true))
    said = true.mean() + 0.5 * (true - true.mean()) + noise
    return np.clip(said, 0.01, 0.99) if target == "sex" else said


def found(target, values, *, truth=True, swapped=None, flipped=None):
    names = {target: np.asarray(values, float)}
    other = {target: values if swapped is None else swapped}
    mirror = {target: values if flipped is None else flipped}
    measured = {target: TRUE[target]} if truth else {}
    return diagnose.find(diagnose_output.Answers(a_card(target), names, other, mirror, measured))


def repaired(symptom, values):
    """Values after the symptom's lines were put into the card."""
    output = tomllib.loads("\n".join(symptom.lines))["outputs"][0]
    linear = output.get("scale", 1.0) * values + output.get("offset", 0.0)
    return {"identity": lambda x: x, "exp": np.exp, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}[
        output.get("link", "identity")
    ](linear)


@pytest.mark.parametrize("target", TRUE)
@pytest.mark.parametrize("truth", [True, False])
def test_a_model_that_is_right_has_no_symptom(target, truth):
    assert found(target, good(target), truth=truth) == ()


@pytest.mark.parametrize(
    ("target", "code", "spoil"),
    [
        ("sbp", "standardised", lambda x: (x - 130) / 16),
        ("waist", "standardised", lambda x: (x - 40) / 140),
        ("sbp", "unit", lambda x: x / 7.50062),
        ("glucose", "unit", lambda x: x / 18.016),
        ("waist", "unit", lambda x: x / 2.54),
        ("waist", "unit", lambda x: x / 100),
        ("glucose", "log", np.log),
        ("sbp", "shifted", lambda x: x + 60),
        ("sex", "inverted", lambda x: 1 - x),
        ("sex", "unit", lambda x: 100 * x),
        ("sex", "out_of_range", lambda x: np.log(x / (1 - x))),
    ],
)
def test_what_was_spoilt_is_named_and_its_lines_put_it_right(target, code, spoil):
    spoilt = spoil(good(target))
    (symptom,) = found(target, spoilt)
    assert (symptom.code, symptom.target) == (code, target)
    mended = repaired(symptom, spoilt)
    assert found(target, mended) == ()
    assert abs(mended.mean() - TRUE[target].mean()) < 0.15 * TRUE[target].std()


@pytest.mark.parametrize("value", [0.0, 0.3, 130.0])
def test_one_number_for_all_is_called_constant(value):
    (symptom,) = found("sbp", np.full(200, value))
    assert symptom.code == "constant"
    assert not symptom.lines


def test_numbers_that_are_none_are_named():
    values = good("sbp")
    values[:3] = np.nan
    assert [symptom.code for symptom in found("sbp", values)] == ["not_finite"]


def test_without_truth_a_standardised_output_is_seen_but_no_scale_made_up():
    (symptom,) = found("sbp", (good("sbp") - 130) / 16, truth=False)
    assert (symptom.code, symptom.lines) == ("standardised", ())


def test_colours_in_the_other_order_are_proposed_where_the_truth_says_so():
    noise = 130 + np.random.default_rng(2).normal(0, 8, 200)
    symptom = found("sbp", noise, swapped=good("sbp"))[-1]
    assert symptom.code == "channels"
    assert 'channels = "bgr"' in symptom.lines
    assert found("sbp", good("sbp"), swapped=noise) == ()


def test_a_strong_change_under_a_mirror_is_named():
    codes = [symptom.code for symptom in found("sbp", good("sbp"), flipped=good("sbp")[::-1])]
    assert codes == ["flip"]


def test_few_photographs_say_nothing():
    few = {"sbp": np.zeros(diagnose_output.FEWEST - 1)}
    assert diagnose.find(diagnose_output.Answers(a_card("sbp"), few, few, few, {})) == ()


def test_the_order_of_photographs_does_not_matter():
    order = np.random.default_rng(3).permutation(200)
    spoilt = (good("sbp") - 130) / 16
    (one,) = found("sbp", spoilt)
    names = {"sbp": spoilt[order]}
    truth = {"sbp": TRUE["sbp"][order]}
    (other,) = diagnose.find(diagnose_output.Answers(a_card("sbp"), names, names, names, truth))
    assert one == other


# The golden example -----------------------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path):
    """A card with a golden example, and a model that says the mean of the crop."""
    import hashlib

    from PIL import Image

    crop = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(crop).save(tmp_path / "golden.png")
    outputs = {"sbp": float(crop.mean())}
    golden = cards.Golden("golden.png", hashlib.sha256(crop.tobytes()).hexdigest(), outputs, 1e-3)
    return replace(a_card("sbp"), golden=golden, folder=tmp_path)


def saying(factor):
    return SimpleNamespace(
        predict=lambda crops: SimpleNamespace(values={"sbp": factor * crops.mean(axis=(1, 2, 3))}),
    )


def test_the_golden_example_passes_only_within_its_tolerance(example):
    assert [line.passed for line in probe.golden(example, saying(1.0))] == [True]
    assert [line.passed for line in probe.golden(example, saying(1.0005))] == [True]
    assert [line.passed for line in probe.golden(example, saying(1.002))] == [False]


def test_another_picture_than_the_cards_is_refused(example):
    (example.folder / "golden.png").write_bytes(b"no picture")
    with pytest.raises(CardError, match="cannot be read"):
        probe.golden(example, saying(1.0))
    (example.folder / "golden.png").unlink()
    with pytest.raises(CardError, match="cannot be read"):
        probe.golden(example, saying(1.0))
