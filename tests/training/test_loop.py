"""The loop: goes on after a kill as if never stopped, and several processes are one."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fundus_core import jobs
from fundus_core.errors import UsageError
from fundus_core.models import weights
from fundus_core.training import layers, learning_curve, loop

ROOT = Path(__file__).resolve().parents[2]
TOY = str(Path(__file__).with_name("toy.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def largest_difference(one, two):
    assert one.keys() == two.keys()
    return max(float((one[name].double() - two[name].double()).abs().max()) for name in one)


@pytest.fixture(scope="module")
def whole(toy, tmp_path_factory):
    """A training that nobody interrupts."""
    return toy.train(tmp_path_factory.mktemp("training") / "whole", toy.plan(precision="bf16"))


def dying(monkeypatch, stop_after):
    """Let the loop die within its next step but so many."""
    step, taken = loop.Learner._step, []

    def dies(self, batches):
        taken.append(1)
        if len(taken) > stop_after:
            raise KeyboardInterrupt
        return step(self, batches)

    monkeypatch.setattr(loop.Learner, "_step", dies)


def test_layers_freeze_thaw_and_learn_slower_below_and_a_resumed_training_is_the_same(toy, tmp_path, monkeypatch):
    changes = {"frozen": 2, "thaw": 1, "layer_decay": 0.5, "grow": 0.5, "weight_decay": 0.0, "ema": 0.0}
    plan = toy.plan(pretrained="a" * 64, checkpoint_seconds=0.0, **changes)
    first = {name: value.clone() for name, value in toy.begun(plan).body.state_dict().items()}
    whole = toy.train(tmp_path / "whole", plan)
    with monkeypatch.context() as patch:
        dying(patch, 16)
        with pytest.raises(KeyboardInterrupt):
            toy.train(tmp_path / "broken", plan)
    assert largest_difference(whole.best, toy.train(tmp_path / "broken", plan).best) == 0.0
    where = layers.depths(whole.network.body)
    last = {name.removeprefix("body."): value for name, value in whole.average.weights.items()}
    moved = {name: float((last[name] - first[name]).abs().max()) for name in where}
    assert all((moved[name] == 0) == (depth < 2) for name, depth in where.items())
    mean = "layer1.0.bn1.running_mean"
    assert torch.equal(last[mean], first[mean]), "nor does normalisation change there"
    scales = [group["scale"] for group in whole.optimiser.param_groups]
    assert scales == sorted(scales, reverse=True)
    assert scales[0] == 1.0
    assert scales[-1] == 0.5 ** max(where.values())


def test_in_the_first_epochs_the_outputs_alone_learn(toy, tmp_path):
    plan = toy.plan(epochs=1, thaw=1, pretrained="a" * 64, ema=0.0)
    first = {name: value.clone() for name, value in toy.begun(plan).body.state_dict().items()}
    learnt = toy.train(tmp_path, plan).network.body.state_dict()
    assert {name for name in learnt if not torch.equal(learnt[name], first[name])} == {"fc.weight", "fc.bias"}


def test_a_training_says_how_far_it_is_stops_when_told_and_goes_on(toy, tmp_path):
    plan = toy.plan(epochs=1)
    jobs.stop(tmp_path)
    with pytest.raises(UsageError, match="was stopped"):
        toy.train(tmp_path, plan)
    now = jobs.stage(tmp_path)
    assert (now.name, now.done, now.total) == ("learning", 1, 14)
    assert not now.over
    assert replace(now, started=0.0).over
    (tmp_path / jobs.STOP).unlink()
    toy.train(tmp_path, plan)
    row = learning_curve.curve(tmp_path)[0]
    assert row["epoch"] == 0
    assert row["validation_loss"] > 0


def test_a_training_ends_with_its_minutes_and_keeps_what_was_best_by_then(toy, tmp_path):
    learner = toy.train(tmp_path, toy.plan(epochs=40, minutes=1e-6))
    state = learner.progress
    assert (state.late, state.finished, state.epoch, len(state.history)) == (True, True, 1, 1)
    assert state.history[0]["training_loss"] > 0.2, "the loss of one step, not its share of an epoch"
    assert learner.best
    again = toy.train(tmp_path, toy.plan(epochs=40, minutes=1e-6))
    assert again.progress.history == state.history, "called again, it is over"


def test_the_rate_falls_with_the_minutes_where_the_machine_is_slower_than_was_thought(toy, tmp_path, monkeypatch):
    """A training that its minutes end has learnt at falling rates; one in time keeps the schedule of its steps."""
    passed = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: passed[0])
    step, rates = loop.Learner._step, []

    def slowly(self, batches):
        told = step(self, batches)
        passed[0] += slow
        rates.append(self.optimiser.param_groups[0]["lr"] / self.plan.learning_rate)
        return told

    monkeypatch.setattr(loop.Learner, "_step", slowly)
    slow = 0.0
    plan = toy.plan(epochs=2, minutes=1.0, warmup=0.0)
    toy.train(tmp_path / "in time", plan)
    due = [loop.rate(plan, done, len(rates)) / plan.learning_rate for done in range(len(rates))]
    assert rates == pytest.approx(due)
    rates.clear()
    slow = 60 * loop.LEARNING / 10  # ten steps are all that there is time for
    learner = toy.train(tmp_path / "slow", plan)
    assert learner.progress.late
    assert len(rates) == pytest.approx(11, abs=1)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.05 < rates[4]


def test_learning_ends_earlier_where_reading_the_unseen_takes_long(toy, tmp_path, monkeypatch):
    passed, each = [0.0], 0.25
    monkeypatch.setattr(loop.time, "monotonic", lambda: passed[0])
    plan = toy.plan(epochs=40, minutes=1.0)
    data, network = toy.data(plan), toy.begun(plan)
    rows = data.rows("validation")

    def slowly(network, crops, *given):
        passed[0] += each * len(crops)
        return predict(network, crops, *given)

    predict = loop.predict
    monkeypatch.setattr(loop, "predict", slowly)
    deck = toy.Deck(data.crops, data.rows("train"), data.wanted(), plan)
    learner = loop.Learner(network, deck, data.scale, plan, loop.engine())
    validation = toy.Batch(data.crops.pixels[0, rows], data.wanted()[rows])
    learner.fit(validation, tmp_path, "key", progress=False, unread=100)
    assert learner.progress.late
    assert passed[0] + 100 * each <= 60 + each * len(rows), "but for the epoch that was under way"
    assert passed[0] > 20


def test_a_validation_counts_people_and_who_knows_nothing_has_a_loss_of_1(toy):
    plan = toy.plan()
    data, network = toy.data(plan), toy.begun(plan)
    deck = toy.Deck(data.crops, data.rows("train"), data.wanted(), plan)
    learner = loop.Learner(network, deck, data.scale, plan, loop.engine())
    rows = deck.rows
    whole = toy.Batch(data.crops.pixels[0, rows], deck.wanted[rows])
    assert learner._judged(torch.zeros(whole.wanted.shape), whole) == pytest.approx(1, rel=1e-5)
    # a person's photograph taken ten times, a tenth each, changes nothing
    raw = torch.from_numpy(np.random.default_rng(0).normal(size=whole.wanted.shape).astype(np.float32))
    times = np.where(np.arange(len(rows)) == 3, 10, 1)
    many = toy.Batch(whole.crops, whole.wanted.repeat(times, axis=0), np.repeat(1 / times, times))
    said = learner._judged(torch.from_numpy(raw.numpy().repeat(times, axis=0)), many)
    assert said == pytest.approx(learner._judged(raw, whole), rel=1e-5)


@pytest.mark.parametrize("stop_after", [1, 20])
def test_interrupted_anywhere_and_resumed_gives_the_same_weights(toy, whole, tmp_path, monkeypatch, stop_after):
    plan = toy.plan(precision="bf16", checkpoint_seconds=0.0)
    with monkeypatch.context() as patch:
        dying(patch, stop_after)
        with pytest.raises(KeyboardInterrupt):
            toy.train(tmp_path / "broken", plan)
    again = toy.train(tmp_path / "broken", plan)
    assert largest_difference(whole.best, again.best) == 0.0
    losses = [[row["validation_loss"] for row in one.progress.history] for one in (whole, again)]
    assert losses[0] == losses[1]


def test_killed_with_signal_9_and_resumed_gives_the_same_weights(toy, whole, tmp_path):
    command = [sys.executable, TOY, str(tmp_path), '{"precision": "bf16", "checkpoint_seconds": 0.0}']
    process = subprocess.Popen(command, env=ENVIRONMENT, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (tmp_path / loop.CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = toy.train(tmp_path, toy.plan(precision="bf16", checkpoint_seconds=0.0))
    assert largest_difference(whole.best, resumed.best) == 0.0


def test_two_processes_are_one_with_twice_the_accumulation(toy, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, TOY, str(tmp_path / "two"), '{"drop_rate": 0.0, "epochs": 1}', "2"]
    here = {**ENVIRONMENT, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    subprocess.run(command, env=here, cwd=ROOT, check=True, capture_output=True)
    two = weights.read(tmp_path / "two" / "final.safetensors")
    one = toy.train(tmp_path / "one", toy.plan(accumulate=2, drop_rate=0.0, epochs=1))
    # Sums in another order: single precision's rounding, grown over the steps.
    assert largest_difference(one.best, two) < 1e-4
    moved = toy.train(tmp_path / "half", toy.plan(accumulate=1, drop_rate=0.0, epochs=1))
    assert largest_difference(moved.best, two) > 1e-2


def test_another_plan_in_the_folder_is_refused(toy, tmp_path):
    toy.train(tmp_path, toy.plan(epochs=1))
    with pytest.raises(UsageError, match="another plan"):
        toy.train(tmp_path, toy.plan(epochs=1, learning_rate=1e-3))


def test_training_learns_what_the_colour_tells(toy, tmp_path):
    learner = toy.train(tmp_path, toy.plan(epochs=6, drop_rate=0.0))
    losses = [row["validation_loss"] for row in learner.progress.history]
    assert losses[-1] < 0.6 * losses[0]


def test_patience_ends_a_training_that_gets_no_better(toy, tmp_path):
    learner = toy.train(tmp_path, toy.plan(epochs=9, patience=0, learning_rate=0.5, drop_rate=0.0))
    assert learner.progress.epoch < 9
    assert learner.progress.finished


def test_recomputed_activations_give_the_same_gradients(toy, tmp_path):
    # Batch normalisation's running statistics see every photograph twice; weights and gradients do not change.
    plain = toy.train(tmp_path / "a", toy.plan(epochs=1, drop_rate=0.0))
    again = toy.train(tmp_path / "b", toy.plan(epochs=1, drop_rate=0.0, checkpointing=True))
    for (name, one), (_, two) in zip(plain.network.named_parameters(), again.network.named_parameters(), strict=True):
        torch.testing.assert_close(one, two, msg=name)


def test_the_rate_rises_and_falls_once(toy):
    plan = toy.plan()
    rates = [loop.rate(plan, step, 200) for step in range(200)]
    top = rates.index(max(rates))
    assert rates[top] == plan.learning_rate
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 0.01 * plan.learning_rate
