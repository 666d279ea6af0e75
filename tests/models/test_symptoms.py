"""Symptoms: a wrong card is named and mended, a right one is left alone."""

import re
from dataclasses import replace

import numpy as np
import pytest

from fundus_core.models import card as cards
from fundus_core.models import registry, symptoms

COUNT = 200
GENERATOR = np.random.default_rng(0)
CROPS = GENERATOR.integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
RED = CROPS[..., 0].mean(axis=(1, 2))
SIGNAL = (RED - RED.mean()) / RED.std()


def make(target, *, scale=1.0, offset=0.0, link="identity", channels="rgb"):
    """A card of one output."""
    base = cards.read(registry.BUNDLED / ("joir-sex-b7.toml" if target == "sex" else "joir-metabolic-b7.toml"))
    one = next(output for output in base.outputs if output.target == target)
    output = replace(one, scale=scale, offset=offset, link=link)
    return replace(base, outputs=(output,), input=replace(base.input, channels=channels))


def asker(card, network):
    """Run a network (crops in the card's channel order to raw outputs) as the card says."""

    def ask(crops):
        output = card.outputs[0]
        given = crops if card.input.channels == "rgb" else crops[..., ::-1]
        linear = output.scale * network(given) + output.offset
        return {output.target: 1 / (1 + np.exp(-linear)) if output.link == "sigmoid" else linear}

    return ask


def red(crops):
    """Standardised mean of the first channel: what the toy networks read."""
    return (crops[..., 0].mean(axis=(1, 2)) - RED.mean()) / RED.std()


def truth_of(centre, spread):
    return centre + spread * (0.8 * SIGNAL + 0.6 * np.random.default_rng(1).normal(size=COUNT))


TRUTH = {
    "sbp": truth_of(130, 17),
    "glucose": truth_of(96, 14),
    "waist": truth_of(84, 11),
    "sex": (SIGNAL + 0.5 * np.random.default_rng(2).normal(size=COUNT) > 0).astype(float),
}

RIGHT = {
    "sbp": lambda crops: 130 + 14 * red(crops),
    "glucose": lambda crops: 96 + 11 * red(crops),
    "waist": lambda crops: 84 + 9 * red(crops),
    "sex": lambda crops: 2 * red(crops),
}

CASES = [
    ("standardised", "sbp", {}, lambda crops: 0.8 * red(crops)),
    ("standardised", "waist", {}, lambda crops: 0.5 + 0.1 * red(crops)),
    ("unit", "glucose", {}, lambda crops: RIGHT["glucose"](crops) / 18.016),
    ("unit", "waist", {}, lambda crops: RIGHT["waist"](crops) / 2.54),
    ("unit", "sbp", {}, lambda crops: RIGHT["sbp"](crops) / 7.50062),
    ("bias", "sbp", {"offset": -40.0}, RIGHT["sbp"]),
    ("inverted", "sex", {"link": "sigmoid"}, lambda crops: -RIGHT["sex"](crops)),
    ("logit", "sex", {}, RIGHT["sex"]),
    ("twice", "sex", {"link": "sigmoid"}, lambda crops: 1 / (1 + np.exp(-RIGHT["sex"](crops)))),
    ("channels", "sbp", {}, lambda crops: RIGHT["sbp"](crops[..., ::-1])),
]


def mended(card, lines):
    """The card with its proposed lines followed."""
    for line in lines:
        key, value = re.fullmatch(r"(\S+) = (.+)", line).groups()
        value = value.strip('"') if '"' in value else float(value)
        if key == "input.channels":
            card = replace(card, input=replace(card.input, channels=value))
        else:
            card = replace(card, outputs=(replace(card.outputs[0], **{key.rsplit(".", 1)[1]: value}),))
    return card


@pytest.mark.parametrize("target", RIGHT)
def test_a_right_card_shows_no_symptom(target):
    card = make(target, link="sigmoid" if target == "sex" else "identity")
    assert symptoms.check(card, asker(card, RIGHT[target]), CROPS, TRUTH) == ()


@pytest.mark.parametrize(("code", "target", "changes", "network"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_wrong_card_is_named_and_its_own_lines_mend_it(code, target, changes, network):
    card = make(target, **changes)
    found = symptoms.check(card, asker(card, network), CROPS, TRUTH)
    assert found[0].code == code
    assert found[0].target == target
    better = mended(card, found[0].lines)
    left = symptoms.check(better, asker(better, network), CROPS, TRUTH)
    assert [symptom for symptom in left if symptom.code != "few"] == []


def test_an_inverted_scale_is_named():
    card = make("sbp")
    found = symptoms.check(card, asker(card, lambda crops: 130 - 14 * red(crops)), CROPS, TRUTH)
    assert [symptom.code for symptom in found] == ["inverted"]


@pytest.mark.parametrize(("value", "code"), [(130.0, "constant"), (np.nan, "not_finite")])
def test_an_output_that_says_nothing_is_the_only_finding(value, code):
    card = make("sbp")
    found = symptoms.check(card, asker(card, lambda crops: np.full(len(crops), value)), CROPS, TRUTH)
    assert [symptom.code for symptom in found] == [code]


def test_a_network_of_one_side_is_named():
    card = make("sbp")
    weight = np.linspace(-1, 1, 16)
    found = symptoms.check(card, asker(card, lambda c: 130 + 3 * (c[..., 0].mean(axis=1) @ weight)), CROPS, {})
    assert "flip" in [symptom.code for symptom in found]


def test_without_truth_only_the_range_is_judged():
    card = make("sbp")
    found = symptoms.check(card, asker(card, lambda crops: 20 + red(crops)), CROPS, {})
    assert [symptom.code for symptom in found] == ["few", "range"]


def test_the_golden_example_is_replayed():
    card = make("sbp")
    ask = asker(card, RIGHT["sbp"])
    said = float(ask(CROPS[:1])["sbp"][0])
    right = replace(card, golden=cards.Golden("g.png", "", {"sbp": said}, 1e-3))
    assert symptoms.golden(right, ask, CROPS[0]) == ()
    wrong = replace(card, golden=cards.Golden("g.png", "", {"sbp": said * 1.01}, 1e-3))
    assert [symptom.code for symptom in symptoms.golden(wrong, ask, CROPS[0])] == ["golden"]
