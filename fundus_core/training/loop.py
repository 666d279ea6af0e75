"""The loop: from batches to weights, in one process or in several under ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import contextlib
import math
import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from fundus_core import processes
from fundus_core.errors import UsageError
from fundus_core.jobs import Notice
from fundus_core.models.networks import Network
from fundus_core.records import Floats
from fundus_core.tables import write_csv
from fundus_core.training import layers
from fundus_core.training.batches import Batch, Deck
from fundus_core.training.learning_curve import LOG
from fundus_core.training.objective import Scale, losses
from fundus_core.training.plan import Plan
from fundus_core.training.running import RunningStatistics
from fundus_core.training.state import Average, Progress, Weights, load, save

CHECKPOINT = "checkpoint.pt"
"""Name of the file from which training goes on."""
LEARNING = 0.95
"""Share of the minutes after which nothing more is learnt; the rest is for reading the people it has not seen, more of
it where an epoch's reading shows that it takes longer."""


def engine(*, changing: bool = False) -> Accelerator:
    """Return the engine that places and spreads; on the CPU where there is no GPU.

    ``changing``: whether other layers learn in one epoch than in another.
    """
    spread = DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=changing)
    return Accelerator(cpu=not torch.cuda.is_available(), kwargs_handlers=[spread])


def keep_memory() -> None:
    """Let glibc keep what it frees: activations asked of the system anew in each step take a tenth of its work."""
    processes.set_malloc(M_MMAP_MAX=0, M_TRIM_THRESHOLD=2**31 - 1)


def device() -> torch.device:
    """Return where a training runs."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def reduced(precision: str, device: torch.device) -> torch.autocast:
    """Return the context in which a network runs in bfloat16, or one that changes nothing."""
    native = torch.cuda.is_bf16_supported if device.type == "cuda" else torch.cpu._is_avx512_bf16_supported
    enabled = precision == "bf16" or (precision == "auto" and native())
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


class Learner:
    """A network that is being trained."""

    def __init__(
        self, network: Network, deck: Deck, scale: Sequence[Scale], plan: Plan, accelerator: Accelerator
    ) -> None:
        """Prepare optimiser, average and schedule."""
        self.plan, self.deck, self.accelerator = plan, deck, accelerator
        self.binary = [one.binary for one in scale]
        self.network = network.to(accelerator.device).to(memory_format=torch.channels_last)
        if plan.checkpointing:
            cast(nn.Module, network.body).set_grad_checkpointing(True)  # type: ignore[operator]
        self.passes = plan.accumulate * accelerator.num_processes
        self.steps = deck.steps(self.passes)
        known = np.isfinite(deck.wanted[deck.rows]).mean(axis=0)
        self.weight = torch.tensor(1 / np.maximum(known, 1e-3) / known.size, device=accelerator.device).float()
        self.odds = torch.tensor([one.odds for one in scale], device=accelerator.device)
        self.optimiser = torch.optim.AdamW(layers.groups(network.body, plan), lr=plan.learning_rate)
        with warnings.catch_warnings():
            # Accelerate passes an argument that torch is about to rename.
            warnings.simplefilter("ignore", FutureWarning)
            self.model: nn.Module = accelerator.prepare_model(network)
        self.average = Average(network, plan.ema)
        self.progress = Progress()
        self.best: Weights = {}
        self.ignorant = self._ignorant()
        self.until, self.allowed, self.gone = math.inf, math.inf, 0.0
        self.end, self.unread = math.inf, 0
        keep_memory()

    def fit(
        self, validation: Batch, out: Path, key: str, *, progress: bool = True, spent: float = 0.0, unread: int = 0
    ) -> Progress:
        """Train to the end, beginning where a checkpoint of the same plan and data (key) stands in the folder.

        The validation judges every epoch; it is standardised like the training values. Where the plan has minutes, of
        which ``spent`` seconds are gone, it ends with the step in which they are over but for the time that reading
        ``unread`` photographs takes afterwards.
        """
        self._resume(out / CHECKPOINT, key)
        total, state = self.plan.epochs * self.steps, self.progress
        if self.plan.minutes:
            self.allowed = 60 * LEARNING * self.plan.minutes - spent
            self.until = time.monotonic() + self.allowed - state.seconds
            self.end, self.unread = self.until + 60 * (1 - LEARNING) * self.plan.minutes, unread
        hidden = not (progress and self.accelerator.is_main_process)
        self.notice = Notice(out) if self.accelerator.is_main_process else None
        slow = 0.1 if os.isatty(2) else 15
        bar: tqdm[Any] = tqdm(
            total=total, initial=state.epoch * self.steps + state.step, mininterval=slow, disable=hidden
        )
        with bar:
            while not state.finished:
                self._epoch(bar, out / CHECKPOINT, key)
                self._judge(validation)
                if self.notice is not None:
                    write_csv(out / LOG, list(state.history[0]), (list(row.values()) for row in state.history))
                bar.set_postfix({k: f"{v:.4f}" for k, v in state.history[-1].items() if "loss" in k})
                self._checkpoint(out / CHECKPOINT, key)
        return state

    def _epoch(self, bar: tqdm[Any], path: Path, key: str) -> None:
        state, engine = self.progress, self.accelerator
        self.model.train()
        layers.thaw(self.network.body, self.plan, state.epoch)
        batches = self.deck.batches(
            state.epoch, state.step, passes=self.passes, rank=engine.process_index, world=engine.num_processes
        )
        started = written = time.monotonic()
        while state.step < self.steps and not state.late:
            state.loss_sum += self._step(batches)
            state.step += 1
            now = time.monotonic()
            state.seconds, started = state.seconds + now - started, now
            bar.update()
            self._tell(path, key)
            if now - written > self.plan.checkpoint_seconds:
                self._checkpoint(path, key)
                written = time.monotonic()

    def _tell(self, path: Path, key: str) -> None:
        """Say how far it is; where it shall stop, keep what was learnt first."""
        if self.notice is None:
            return
        state, total = self.progress, self.plan.epochs * self.steps
        try:
            self.notice.say("learning", state.epoch * self.steps + state.step, total)
        except UsageError:
            self._checkpoint(path, key)
            raise

    def _step(self, batches: Iterable[Batch]) -> float:
        done, total_steps = self.progress.epoch * self.steps + self.progress.step, self.plan.epochs * self.steps
        # Where the machine is slower than was measured the rate falls with the minutes, so that they end at a low one.
        place = max(done, int(self.gone * total_steps))
        for group in self.optimiser.param_groups:
            group["lr"] = group["scale"] * rate(self.plan, place, total_steps)
        self.optimiser.zero_grad(set_to_none=True)
        running = RunningStatistics(self.network) if self.accelerator.num_processes > 1 else None
        total = torch.zeros_like(self.weight)
        for turn, batch in zip(range(self.plan.accumulate), batches, strict=False):
            last = turn == self.plan.accumulate - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                with reduced(self.plan.precision, self.accelerator.device):
                    raw, _ = self.model(torch.from_numpy(batch.crops).to(self.accelerator.device))
                loss = self._loss(raw, batch) / self.plan.accumulate
                self.accelerator.backward(loss.sum())
            total += loss.detach()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip)
        self.optimiser.step()
        if running is not None:
            running.join(self.accelerator)
        self.average.update(self.network, done)
        gone = 1 - (self.until - time.monotonic()) / self.allowed if self.plan.minutes else 0.0
        clock = torch.tensor([gone > 1, gone], device=total.device)  # all processes end with the same step
        *joined, over, self.gone = cast(Tensor, self.accelerator.reduce(torch.cat([total, clock]), "mean")).tolist()
        self.progress.late = over > 0
        return float((torch.tensor(joined, device=total.device) / self.ignorant).sum()) / len(self.weight)

    def _loss(self, raw: Tensor, batch: Batch) -> Tensor:
        """Return each column's loss, missing values made good for; they are added up."""
        each = losses(raw.float(), torch.from_numpy(batch.wanted).to(raw.device), self.binary, self.odds)
        return each.mean(dim=0) * self.weight

    def _ignorant(self) -> Tensor:
        """Return each column's loss on the training part where nothing is read from the photographs."""
        wanted = self.deck.wanted[self.deck.rows]
        nothing = torch.zeros(wanted.shape, device=self.weight.device)
        return self._loss(nothing, Batch(self.deck.crops.pixels[:0], wanted)).clamp(min=1e-6)

    def _judged(self, raw: Tensor, batch: Batch) -> float:
        """Return the loss over the loss of who knows nothing, the columns' mean; each by its known values."""
        wanted = torch.from_numpy(batch.wanted).to(raw.device)
        each = losses(raw, wanted, self.binary, self.odds)
        shares = torch.ones(len(wanted)) if batch.weight is None else torch.from_numpy(batch.weight).float()
        known = shares.to(raw.device)[:, None] * torch.isfinite(wanted)
        found = (each * known).sum(dim=0) / known.sum(dim=0).clamp(min=1e-6)
        # an ignorant loss is one of a part's columns together, each of which counts for one part of them
        return float((found / (self.ignorant * len(self.weight))).mean())

    def _judge(self, validation: Batch) -> None:
        """Score the averaged weights, keep the best, end the epoch."""
        state = self.progress
        own = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.weights)
        began = time.monotonic()
        answer = predict(self.network, validation.crops, self.weight.device, self.plan.precision)
        each = (time.monotonic() - began) / max(len(answer), 1)
        self.until = min(self.until, self.end - each * (len(answer) + self.unread))
        self.network.load_state_dict(own)
        raw = torch.from_numpy(answer.astype(np.float32)).to(self.weight.device)
        loss = self._judged(raw, validation)
        state.history.append(
            {
                "epoch": float(state.epoch),
                "training_loss": state.loss_sum / max(state.step, 1),
                "validation_loss": loss,
                "seconds": round(state.seconds, 1),
            }
        )
        if loss < state.best_loss:
            state.best_loss, state.best_epoch = loss, state.epoch
            self.best = {name: value.clone() for name, value in self.average.weights.items()}
        state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0
        waited = state.epoch - state.best_epoch > self.plan.patience
        state.finished = state.epoch >= self.plan.epochs or waited or state.late

    def _checkpoint(self, path: Path, key: str) -> None:
        # No waiting for the others here: clocks differ, and whoever waited alone would wait for ever.
        if self.accelerator.is_main_process:
            content = {
                "key": key,
                "network": self.network.state_dict(),
                "average": self.average.weights,
                "best": self.best,
                "optimiser": self.optimiser.state_dict(),
                "progress": asdict(self.progress),
                "luck": torch.get_rng_state(),
            }
            save(path, content)

    def _resume(self, path: Path, key: str) -> None:
        if not path.is_file():
            return
        content = load(path, key)
        self.network.load_state_dict(cast(Mapping[str, Tensor], content["network"]))
        self.average.weights = _moved(content["average"], self.accelerator.device)
        self.best = _moved(content["best"], self.accelerator.device)
        self.optimiser.load_state_dict(cast(dict[str, object], content["optimiser"]))
        for name, value in cast(dict[str, object], content["progress"]).items():
            setattr(self.progress, name, value)
        torch.set_rng_state(cast(Tensor, content["luck"]))


def _moved(weights: object, device: torch.device) -> Weights:
    return {name: value.to(device) for name, value in cast(Weights, weights).items()}


def rate(plan: Plan, step: int, total: int) -> float:
    """Return the learning rate of a step: a linear rise, then half a cosine to a hundredth of a per cent.

    >>> plan = Plan(learning_rate=1.0, warmup=0.1)
    >>> [round(rate(plan, step, 100), 2) for step in (0, 9, 55, 99)]
    [0.1, 1.0, 0.5, 0.0]
    """
    rise = max(1.0, plan.warmup * total)
    if step < rise:
        return plan.learning_rate * min(1.0, (step + 1) / rise)
    return plan.learning_rate * max(1e-4, 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, total - rise))))


@torch.no_grad()
def predict(network: Network, crops: NDArray[np.uint8], device: torch.device, precision: str) -> Floats:
    """Return raw outputs (n x columns) of crops (n x S x S x 3) in evaluation mode."""
    was_training = network.training
    network.eval()
    raw = []
    for first in range(0, len(crops), 64):
        part = torch.from_numpy(np.ascontiguousarray(crops[first : first + 64])).to(device)
        with reduced(precision, device):
            answer, _features = network(part)
        raw.append(answer.float().cpu().numpy())
    network.train(was_training)
    return np.concatenate(raw).astype(np.float64)
