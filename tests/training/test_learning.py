"""Batches, losses, augmentation, budgets and intervals: laws first."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from fundus_core.errors import TruthError, UsageError
from fundus_core.training import budget
from fundus_core.training.augment import augment
from fundus_core.training.batches import Deck
from fundus_core.training.cache import Crops
from fundus_core.training.conformal import growth, interval
from fundus_core.training.objective import losses, scales, standardise
from fundus_core.training.plan import FINE_TUNING, Plan


@pytest.fixture
def deck():
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 50, 16, 16, 3), dtype=np.uint8)
    wanted = np.arange(50, dtype=np.float32)[:, None]
    every = np.ones(50, bool)
    return Deck(Crops(pixels, every, every), np.arange(0, 50), wanted, Plan(seed=4, batch=4, size=16, augment=1.0))


def content(batches):
    return [(batch.crops.tobytes(), batch.wanted.ravel().tolist()) for batch in batches]


def test_batches_from_a_step_on_are_the_tail_of_the_epoch(deck):
    whole = content(deck.batches(2, 0, passes=2))
    assert content(deck.batches(2, 3, passes=2)) == whole[6:]


def test_processes_share_out_what_one_process_sees_in_turn(deck):
    whole = content(deck.batches(1, 0, passes=4))
    shares = [content(deck.batches(1, 0, passes=4, rank=rank, world=2)) for rank in range(2)]
    joined = [batch for step in range(len(whole) // 4) for share in shares for batch in share[2 * step : 2 * step + 2]]
    assert joined == whole


def test_an_epoch_shows_every_photograph_at_most_once_and_the_next_in_another_order(deck):
    seen = [row for _, rows in content(deck.batches(0, 0, passes=1)) for row in rows]
    assert len(seen) == len(set(seen)) == 48
    assert seen != [row for _, rows in content(deck.batches(1, 0, passes=1)) for row in rows]


def test_augmentation_keeps_shape_is_fixed_by_its_generator_and_stops_at_strength_0():
    crop = np.zeros((48, 48, 3), np.uint8)
    crop[8:40, 8:40] = np.random.default_rng(0).integers(40, 200, (32, 32, 3))
    for seed in range(40):
        changed = augment(crop, 1.0, np.random.default_rng(seed))
        assert changed.shape == crop.shape
        assert changed.dtype == np.uint8
        assert (changed == augment(crop, 1.0, np.random.default_rng(seed))).all()
        assert abs(float(changed.mean()) / float(crop.mean()) - 1) < 0.2
        assert augment(crop, 0.0, np.random.default_rng(seed)) is crop
        stronger = augment(crop, 2.0, np.random.default_rng(seed))
        assert stronger.shape == crop.shape
        assert stronger[:4, :4].mean() < 8, "black stays black, as far as JPEG keeps it"
        assert abs(float(stronger.mean()) / float(crop.mean()) - 1) < 0.5


def test_a_missing_value_weighs_nothing_and_gives_no_gradient():
    raw = torch.zeros((3, 2), requires_grad=True)
    wanted = torch.tensor([[1.0, float("nan")], [float("nan"), 1.0], [0.5, 0.0]])
    each = losses(raw, wanted, [False, True])
    each.sum().backward()
    assert each[0, 1] == each[1, 0] == 0
    assert raw.grad[0, 1] == raw.grad[1, 0] == 0
    assert raw.grad[0, 0] != 0
    assert torch.isfinite(raw.grad).all()


def test_both_sides_of_a_probability_weigh_alike_and_the_odds_give_the_share_back():
    # the best constant logit of weighed cross entropy is 0 whatever the share; with the odds it is the share again
    wanted = torch.tensor([[1.0]] * 3 + [[0.0]] * 9)
    scale = scales({"sex": wanted[:, 0].double().numpy()})[0]
    raw = torch.zeros((12, 1), requires_grad=True)
    each = losses(raw, wanted, [True], torch.tensor([scale.odds]))
    each.sum().backward()
    each = each.detach()
    assert float(raw.grad.sum()) == pytest.approx(0, abs=1e-6)
    assert float(each[:3].sum()) == pytest.approx(float(each[3:].sum()), rel=1e-6)
    assert float(each.mean()) == pytest.approx(np.log(2), rel=1e-6)
    assert 1 / (1 + np.exp(-np.log(scale.odds))) == pytest.approx(0.25)


def test_an_epoch_learns_from_its_own_side_and_the_later_half_from_the_whole(deck):
    plan = replace(deck.plan, size=64, epochs=4, grow=0.5, augment=0.0)
    pixels = np.random.default_rng(1).integers(0, 256, (1, 50, 64, 64, 3), dtype=np.uint8)
    grown = replace(deck, crops=replace(deck.crops, pixels=pixels), plan=plan)
    sides = [next(iter(grown.batches(epoch, 0, passes=1))).crops.shape[1] for epoch in range(4)]
    assert sides == [32, 48, 64, 64]
    mean = [
        next(iter(grown.batches(0, 0, passes=1))).crops.mean(),
        next(iter(grown.batches(2, 0, passes=1))).crops.mean(),
    ]
    assert mean[0] == pytest.approx(mean[1], abs=3)


def test_losses_are_those_of_torch():
    raw, wanted = torch.randn(50, 2), torch.rand(50, 2)
    each = losses(raw, wanted, [True, False]).mean(dim=0)
    torch.testing.assert_close(each[0], functional.binary_cross_entropy_with_logits(raw[:, 0], wanted[:, 0]))
    torch.testing.assert_close(each[1], functional.huber_loss(raw[:, 1], wanted[:, 1]))


def test_scaling_is_robust_to_outliers_and_leaves_probabilities_alone():
    values = np.random.default_rng(0).normal(130, 17, 4000)
    wild = np.where(np.arange(4000) % 100 == 0, 1e6, values)
    scale = scales({"sbp": wild, "sex": np.array([0.0, 1.0, 0.2])})
    assert scale[0].centre == pytest.approx(130, abs=1)
    assert scale[0].spread == pytest.approx(17, rel=0.05)
    assert standardise({"sbp": values[:3], "sex": np.array([0.0, 1.0, np.nan])}, scale)[:2, 1].tolist() == [0, 1]


@pytest.mark.parametrize(("name", "column"), [("sbp", [120.0, 120.0]), ("sex", [1.0, 2.0]), ("age", [np.nan, 50.0])])
def test_a_column_that_teaches_nothing_is_refused(name, column):
    with pytest.raises(TruthError, match=name):
        scales({name: np.array(column)})


def test_intervals_cover_new_people_as_promised_also_skewed_ones():
    generator = np.random.default_rng(1)
    covered, below = [], []
    for _ in range(200):
        person = generator.gamma(2, size=400)
        residual = np.repeat(person, 2) + 0.3 * generator.normal(size=800)
        low, high = interval(residual[:400], [str(k // 2) for k in range(400)])
        covered.append(np.mean((residual[400:] >= low) & (residual[400:] <= high)))
        below.append(np.mean(residual[400:] < low))
    assert np.mean(covered) == pytest.approx(0.905, abs=0.01)
    assert np.mean(below) == pytest.approx(0.05, abs=0.01)


def test_an_interval_mirrors_with_its_residuals_and_ignores_the_order_of_rows():
    generator = np.random.default_rng(2)
    residual, patients = generator.gamma(2, size=300), np.array([str(k // 3) for k in range(300)])
    low, high = interval(residual, patients)
    assert interval(-residual, patients) == (-high, -low)
    order = generator.permutation(300)
    assert interval(residual[order], patients[order]) == (low, high)


def test_too_few_people_promise_nothing():
    assert np.isnan(interval(np.arange(10.0), [str(k) for k in range(10)])).all()
    assert np.isnan(interval(np.array([]), [])).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": ()}, "Nothing to learn"),
        ({"targets": ("weight",)}, "no target 'weight'"),
        ({"precision": "fp8"}, "bf16 or float32"),
        ({"size": 0}, "may be 0 with minutes"),
        ({"layer_decay": 0.0}, "layer decay must lie"),
        ({"shares": (0.5, 0.5, 0.1)}, "must be positive"),
        ({"epochs": 0}, "at least 1"),
    ],
)
def test_a_plan_that_cannot_be_trained_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        Plan(**changes)


def test_the_digest_follows_everything_that_changes_the_result():
    assert Plan().digest() == Plan(checkpoint_seconds=1.0).digest()
    assert len({Plan().digest(), Plan(seed=2).digest(), Plan().digest("other data")}) == 3


def test_errors_that_grow_with_the_value_widen_its_interval_and_even_ones_do_not():
    generator = np.random.default_rng(3)
    value = generator.uniform(80, 140, 4000)
    noise = generator.normal(size=4000)
    assert growth(value, 10 * noise * (1 + 0.02 * (value - 100)), 100.0) == pytest.approx(0.02, abs=0.004)
    assert growth(value, 10 * noise, 100.0) == 0.0
    assert growth(value[:10], noise[:10], 100.0) == 0.0


ASKED = Plan(**FINE_TUNING)
SPEED = budget.Speed(learning=20.0, reading=60.0, cutting=40.0)


def seconds(size, epochs, speed, photographs, plan=ASKED):
    """What a training takes by its definition, photograph by photograph."""
    grown = replace(plan, size=size, epochs=epochs)
    areas = [(grown.side(epoch) / 160) ** 2 for epoch in range(epochs)]
    learnt = photographs * (1 - sum(plan.shares)) * sum(areas) / speed.learning
    judged = photographs * plan.shares[0] * epochs * (size / 160) ** 2 / speed.reading
    closing = 2 * photographs * (size / 160) ** 2 / speed.reading  # of each photograph its mirror image as well
    return learnt + judged + photographs / speed.cutting + closing


@pytest.mark.parametrize("photographs", [300, 5044, 60_000])
@pytest.mark.parametrize("factor", [0.3, 1.0, 10.0])
def test_what_is_chosen_fits_into_the_minutes_and_one_step_more_does_not(photographs, factor):
    speed = budget.Speed(*(factor * getattr(SPEED, name) for name in ("learning", "reading", "cutting")))
    size, epochs = budget.choose(ASKED, speed, photographs)
    room = budget.KEPT * 3600
    fits = seconds(size, epochs, speed, photographs) <= room
    assert fits or (size, epochs) == (96, 1), "the least there is"
    assert epochs == 30 or seconds(size, epochs + 1, speed, photographs) > room
    assert size in (96, 512) or epochs >= 12
    assert size == 512 or seconds(size + 32, 12, speed, photographs) > room


def test_what_somebody_says_is_kept_and_the_rest_fits_it():
    assert budget.choose(replace(ASKED, size=320), SPEED, 5044)[0] == 320
    size, epochs = budget.choose(replace(ASKED, epochs=20), SPEED, 5044)
    assert epochs == 20
    assert size < budget.choose(replace(ASKED, epochs=8), SPEED, 5044)[0]
