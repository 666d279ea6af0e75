"""What a line of the fine-tuning recipe is worth, on rendered eyes made harder: a minute on one core a training.

    python -m fundus_core synthesise --people 260 --seed 17 --size 200 --defects .1 --out A        (and --seed 18, B)
    python tests/training/ablations.py OUT.jsonl --weights FILE --cohorts A B --plans '{}' '{"learning_rate": 0.0016}'

Every photograph gets a camera of its own (cast, gamma, contrast, fall of light, blur, noise); the ages of those who are
learnt from are off by 8 years (standard deviation), and an eighth of them has the other sex, as tables have it. Judged
on the 200 people of the sample cohort by their true age and sex, each photograph read once and beside its mirror image.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fundus_core import retina  # noqa: E402
from fundus_core.images import decode  # noqa: E402
from fundus_core.tables import records_from_csv  # noqa: E402
from fundus_core.training import fit, loop, objective  # noqa: E402
from fundus_core.training.batches import Batch, Deck  # noqa: E402
from fundus_core.training.cache import Crops  # noqa: E402
from fundus_core.training.plan import FINE_TUNING, Plan  # noqa: E402

SIDE, LEARNING, JUDGING = 80, 200, 40
"""Pixels; people who are learnt from, and who choose the epoch."""


def harder(crop: np.ndarray, luck: np.random.Generator) -> np.ndarray:
    """Return a crop as a camera of its own takes it."""
    lit = crop.any(-1, keepdims=True)
    x = (crop.astype(np.float32) / 255) ** np.exp(luck.normal(0, 0.18))
    x *= np.exp(luck.normal(0, 0.12, 3)) * np.exp(luck.normal(0, 0.15))
    middle = x[lit[..., 0]].mean(0)
    x = middle + (x - middle) * luck.uniform(0.5, 0.95)
    angle, along = luck.uniform(0, 2 * np.pi), np.linspace(-0.5, 0.5, len(x))
    fall = 0.5 + np.cos(angle) * along[None, :] + np.sin(angle) * along[:, None]
    x *= (1 - luck.uniform(0, 0.35) * fall)[..., None]
    x = cv2.GaussianBlur(x.astype(np.float32), (0, 0), luck.uniform(0.3, 0.8)) + luck.normal(0, 0.02, x.shape)
    return (np.clip(x, 0, 1) * 255 * lit).astype(np.uint8)


def eyes(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the crops of a cohort, age and sex side by side, and whose they are."""
    pixels, values, people = [], [], []
    rows = records_from_csv((folder / "truth.csv").read_text(encoding="utf-8").splitlines(keepends=True))[1]
    for row in rows:
        name = row["photograph"]
        photograph = decode((folder / "photographs" / name).read_bytes(), name).pixels
        crop = retina.crop(photograph, retina.find(photograph), retina.CropRule(SIDE)).pixels
        pixels.append(harder(crop, np.random.default_rng(2 * int(row["patient_id"][1:]) + ("L" in name))))
        values.append((float(row["age"]), float(row["sex"])))
        people.append(f"{folder.name} {row['patient_id']}")
    return np.stack(pixels), np.array(values), np.array(people)


def scores(raw: np.ndarray, age: objective.Scale, values: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Return the age error over that of the median, its correlation, and the AUC of sex, of people."""
    _, whose = np.unique(people, return_inverse=True)
    read, sex, true, female = (
        np.bincount(whose, column) / np.bincount(whose)
        for column in (raw[:, 0] * age.spread + age.centre, raw[:, 1], values[:, 0], values[:, 1])
    )
    ratio = np.abs(read - true).mean() / np.abs(np.median(true) - true).mean()
    auc = (sex[female > 0.5][:, None] > sex[female < 0.5]).mean()
    found = {"ratio": ratio, "r": np.corrcoef(read, true)[0, 1], "auc": auc}
    return {name: round(float(value), 4) for name, value in found.items()}


def trained(changes: dict[str, object], weights: Path, seed: int, given: tuple, judge: tuple) -> dict[str, object]:
    """Train with the recipe but for some lines, and judge what came of it."""
    pixels, values, people = given
    luck, ids = np.random.default_rng(seed), np.unique(people)
    whose = np.searchsorted(ids, people)
    part = luck.permutation(len(ids))[whose]
    told = values.copy()
    told[:, 0] += luck.normal(0, 8, len(ids))[whose]
    told[:, 1] = np.where(luck.random(len(ids))[whose] < 1 / 8, 1 - told[:, 1], told[:, 1])
    plan = replace(Plan(**FINE_TUNING), targets=("age", "sex"), size=SIDE, epochs=12, minutes=0.0, seed=seed)
    plan, network, _ = fit.begin(replace(plan, **changes), weights, told=False)
    learnt, chosen = part < LEARNING, (part >= LEARNING) & (part < LEARNING + JUDGING)
    scale = objective.scales({"age": told[learnt, 0], "sex": told[learnt, 1]})
    wanted = objective.standardise({"age": told[:, 0], "sex": told[:, 1]}, scale)
    all_there = np.ones(len(pixels), dtype=bool)
    deck = Deck(Crops(pixels[None], all_there, all_there), np.flatnonzero(learnt), wanted, plan)
    learner = loop.Learner(network, deck, scale, plan, loop.engine(changing=True))
    began = time.process_time()
    with tempfile.TemporaryDirectory() as room:
        learner.fit(Batch(pixels[chosen], wanted[chosen]), Path(room), "ablation", progress=False)
    network.load_state_dict(learner.best)
    once, mirrored = (
        loop.predict(network, np.ascontiguousarray(crops), loop.device(), "float32")
        for crops in (judge[0], judge[0][:, :, ::-1])
    )
    said = {"once": scores(once, scale[0], *judge[1:]), "both": scores((once + mirrored) / 2, scale[0], *judge[1:])}
    curve = [round(row["validation_loss"], 3) for row in learner.progress.history]
    return {"plan": changes, "seed": seed, **said, "validation": curve, "seconds": round(time.process_time() - began)}


def main() -> None:
    """Train with each plan and seed, and write a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--cohorts", type=Path, nargs="+", required=True)
    parser.add_argument("--plans", type=json.loads, nargs="+", default=[{}])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    given = tuple(np.concatenate(parts) for parts in zip(*map(eyes, asked.cohorts), strict=True))
    judge = eyes(ROOT / "data" / "sample")
    for seed in asked.seeds:
        for changes in asked.plans:
            line = json.dumps(trained(changes, asked.weights, seed, given, judge))
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
