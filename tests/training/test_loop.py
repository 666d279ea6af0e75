"""The loop: goes on after a kill as if never stopped, and several processes are one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from fundus_core.errors import UsageError
from fundus_core.models import weights
from fundus_core.training import loop

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


@pytest.mark.parametrize("stop_after", [1, 14, 20])
def test_interrupted_anywhere_and_resumed_gives_the_same_weights(toy, whole, tmp_path, monkeypatch, stop_after):
    plan = toy.plan(precision="bf16")
    step, taken = loop.Learner._step, []

    def dies(self, batches):
        taken.append(1)
        if len(taken) > stop_after:
            raise KeyboardInterrupt
        return step(self, batches)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Learner, "_step", dies)
        with pytest.raises(KeyboardInterrupt):
            toy.train(tmp_path / "broken", plan)
    again = toy.train(tmp_path / "broken", plan)
    assert largest_difference(whole.best, again.best) == 0.0
    losses = [[row["validation_loss"] for row in one.progress.history] for one in (whole, again)]
    assert losses[0] == losses[1]


def test_killed_with_signal_9_and_resumed_gives_the_same_weights(toy, tmp_path):
    command = [sys.executable, TOY, str(tmp_path), "4", "1"]
    process = subprocess.Popen(command, env=ENVIRONMENT, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (tmp_path / loop.CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    plan = toy.plan(epochs=4, accumulate=1, drop_rate=0.0)
    resumed, whole = toy.train(tmp_path, plan), toy.train(tmp_path / "whole", plan)
    assert largest_difference(whole.best, resumed.best) == 0.0


def test_two_processes_are_one_with_twice_the_accumulation(toy, tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    launch += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    subprocess.run(
        [*launch, TOY, str(tmp_path / "two"), "2", "1"], env=ENVIRONMENT, cwd=ROOT, check=True, capture_output=True
    )
    two = weights.read(tmp_path / "two" / "final.safetensors")
    one = toy.train(tmp_path / "one", toy.plan(accumulate=2, drop_rate=0.0))
    # Sums in another order: single precision's rounding, grown over the steps.
    assert largest_difference(one.best, two) < 1e-4
    moved = toy.train(tmp_path / "half", toy.plan(accumulate=1, drop_rate=0.0))
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
