"""Lines of outputs are found one by one: no clear change carries an unclear one, and units follow the card's line."""

from dataclasses import replace

import numpy as np
import pytest

from fundus_core.checking import scoring, trial, try_outputs
from fundus_core.models import registry
from fundus_core.targets import TARGETS

PEOPLE = 160
TARGETS_READ = ("sbp", "dbp", "age", "waist")


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    sample = registry.models(tmp_path_factory.mktemp("none"))["sample-rendered"]
    return replace(sample, outputs=tuple(one for one in sample.outputs if one.target in TARGETS_READ))


class Said(trial.Trial):
    """A network that answers what it is told to, by the pooling of its card."""

    __slots__ = ("answers",)

    def raw(self, card, half, *, few=False):
        return self.answers[card.backbone_options.get("global_pool", "avg")][self.rows(half, few=few)]


@pytest.fixture
def tried(card):
    """Pressures that cannot be told from one another, age and waist that can; each output in the card's own scale."""
    generator = np.random.default_rng(4)
    signal = generator.normal(size=(PEOPLE, 4))
    signal[:, card.targets.index("dbp")] = signal[:, card.targets.index("sbp")]
    lines = [(one.scale, one.offset) for one in card.outputs]
    noisy = signal + generator.normal(0, 0.7, signal.shape)
    truth = np.stack([scale * noisy[:, k] + offset for k, (scale, offset) in enumerate(lines)], axis=1)
    made = Said(np.zeros((PEOPLE, 2, 2, 3)), scoring.Sample(truth, np.arange(PEOPLE), (False,) * 4), card.targets, None)
    made.answers = {"avg": signal + generator.normal(0, 0.05, signal.shape)}
    return made


def exchanged(card, one, two):
    names = {one: two, two: one}
    named = [names.get(output.target, output.target) for output in card.outputs]
    outputs = (replace(o, target=t, unit=TARGETS[t].unit) for o, t in zip(card.outputs, named, strict=True))
    return replace(card, outputs=tuple(outputs))


def test_a_clear_exchange_is_found_and_one_that_cannot_be_told_stays_open(tried, card):
    for wrong in (exchanged(card, "age", "waist"), exchanged(exchanged(card, "age", "waist"), "sbp", "dbp")):
        order, open_ = try_outputs.order_of(tried, wrong)
        mended = try_outputs.reordered(wrong, tried.targets, order)
        assert mended.targets.index("age") == card.targets.index("age")
        assert mended.targets[:2] == wrong.targets[:2], "what cannot be told is left as it stands"
        assert len(open_) == 1
        assert "blood pressure" in str(open_[0]["words"])


@pytest.mark.parametrize(("target", "factor"), [("waist", 2.54), ("sbp", 7.50062)])
def test_another_unit_behind_the_cards_own_scale_is_named_exactly(target, factor, tried, card):
    place = card.targets.index(target)
    own = card.outputs[place]
    factor = min((unit.factor for unit in TARGETS[target].units[1:]), key=lambda one: abs(one - factor))
    outputs = list(card.outputs)
    outputs[place] = replace(own, scale=own.scale / factor, offset=own.offset / factor)
    wrong = replace(card, outputs=tuple(outputs))
    mended, fitted = try_outputs.lines(tried, wrong, wrong, tried.targets)
    assert not fitted
    assert mended.outputs[place].scale == pytest.approx(own.scale, rel=1e-9)
    assert mended.outputs[place].offset == pytest.approx(own.offset, rel=1e-9)


def test_one_line_of_the_network_that_puts_all_values_in_place_goes_before_a_line_for_each(tried, card):
    other = replace(card, backbone_options={**card.backbone_options, "global_pool": "max"})
    tried.answers["max"] = 3 + 2.5 * tried.answers["avg"]
    assert try_outputs.without_strangers(tried, other, other, {"the average": card, "none": other}) == "the average"
    assert not try_outputs.without_strangers(tried, card, card, {"the maximum": other})
    wrong, fitted = try_outputs.lines(tried, other, other, tried.targets)
    assert set(fitted) == set(card.targets), "what would be proposed without it"
    again = try_outputs.fitted_again(tried, other, wrong, fitted)
    assert again.outputs[2].scale == pytest.approx(card.outputs[2].scale / 2.5, rel=0.25)
