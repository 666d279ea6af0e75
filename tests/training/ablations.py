"""What a line of the fine-tuning recipe is worth, on rendered eyes made harder: five minutes on one core a training.

    python -m fundus_core synthesise --people 1050 --seed 17 --size 200 --defects .1 --out A
    python -m fundus_core synthesise --people 400 --seed 18 --size 200 --defects .1 --out B
    python tests/training/ablations.py OUT.jsonl --weights FILE --learn A --judge B --plans '{}' '{"drop_rate": 0}'

Every photograph gets a camera of its own (cast, gamma, contrast, fall of light, blur, noise); the ages of those who are
learnt from are off by 12 years (standard deviation), and a fifth of them has the other sex, so that no more can be read
than r .7 and AUC .8, as from real photographs. Judged on other people: age error over the median's, r, and AUC of sex,
by true age and sex, which tell recipes apart best, each photograph read once and beside its mirror image; how far the
latter lie from the first plan's (95 % over the people who judge); the same by what such a table says of them;
validation losses; CPU seconds. A plan that the file holds is not trained again.
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

SIDE, EPOCHS = 80, 12
YEARS, OTHERS = 12.0, 0.2
"""By which tables are off: standard deviation of ages; share of people whose sex is the other one."""


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
    """Return the crops of a cohort, age and sex side by side, and whose they are; kept beside it."""
    kept = folder / f"harder{SIDE}.npz"
    if kept.is_file():
        with np.load(kept) as held:
            return held["pixels"], held["values"], held["people"]
    pixels, values, people = [], [], []
    rows = records_from_csv((folder / "truth.csv").read_text(encoding="utf-8").splitlines(keepends=True))[1]
    for row in rows:
        name = row["photograph"]
        photograph = decode((folder / "photographs" / name).read_bytes(), name).pixels
        crop = retina.crop(photograph, retina.find(photograph), retina.CropRule(SIDE)).pixels
        pixels.append(harder(crop, np.random.default_rng(2 * int(row["patient_id"][1:]) + ("L" in name))))
        values.append((float(row["age"]), float(row["sex"])))
        people.append(f"{folder.name} {row['patient_id']}")
    np.savez(kept, pixels=np.stack(pixels), values=np.array(values), people=np.array(people))
    return eyes(folder)


def told(values: np.ndarray, people: np.ndarray, luck: np.random.Generator) -> np.ndarray:
    """Return age and sex as a table has them."""
    ids, whose = np.unique(people, return_inverse=True)
    said = values.copy()
    said[:, 0] += luck.normal(0, YEARS, len(ids))[whose]
    said[:, 1] = np.where(luck.random(len(ids))[whose] < OTHERS, 1 - said[:, 1], said[:, 1])
    return said


def by_person(values: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the means of a person's photographs (people x columns)."""
    _, whose = np.unique(people, return_inverse=True)
    return np.stack([np.bincount(whose, column) / np.bincount(whose) for column in values.T], axis=1)


def scores(read: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the age error over that of the median, its correlation, and the AUC of sex, of people."""
    ratio = np.abs(read[:, 0] - true[:, 0]).mean() / np.abs(np.median(true[:, 0]) - true[:, 0]).mean()
    auc = (read[true[:, 1] > 0.5, 1][:, None] > read[true[:, 1] < 0.5, 1]).mean()
    return np.array([ratio, np.corrcoef(read[:, 0], true[:, 0])[0, 1], auc])


def beside(read: np.ndarray, first: np.ndarray, true: np.ndarray) -> list[list[float]]:
    """Return the ends of the 95 % intervals by which scores differ from the first plan's, people drawn 1,000 times."""
    luck = np.random.default_rng(1)
    draws = [luck.integers(0, len(true), len(true)) for _ in range(1000)]
    gaps = np.array([scores(read[rows], true[rows]) - scores(first[rows], true[rows]) for rows in draws])
    return np.quantile(gaps, [0.025, 0.975], axis=0).T.round(3).tolist()


def trained(
    changes: dict[str, object], weights: Path, seed: int, given: tuple, judge: tuple, choosing: int
) -> dict[str, object]:
    """Train with the recipe but for some lines; return what is read of the people who judge, once and mirrored."""
    pixels, values, people = given
    luck, ids = np.random.default_rng(seed), np.unique(people)
    part = luck.permutation(len(ids))[np.searchsorted(ids, people)]
    said = told(values, people, luck)
    plan = replace(Plan(**FINE_TUNING), targets=("age", "sex"), size=SIDE, epochs=EPOCHS, minutes=0.0, seed=seed)
    plan, network, _ = fit.begin(replace(plan, **changes), weights, told=False)
    learnt, chosen = part >= choosing, part < choosing
    scale = objective.scales({"age": said[learnt, 0], "sex": said[learnt, 1]})
    wanted = objective.standardise({"age": said[:, 0], "sex": said[:, 1]}, scale)
    all_there = np.ones(len(pixels), dtype=bool)
    deck = Deck(Crops(pixels[None], all_there, all_there), np.flatnonzero(learnt), wanted, plan)
    learner = loop.Learner(network, deck, scale, plan, loop.engine(changing=True))
    began = time.process_time()
    with tempfile.TemporaryDirectory() as room:
        learner.fit(Batch(pixels[chosen], wanted[chosen]), Path(room), "ablation", progress=False)
    network.load_state_dict(learner.best)
    once, mirrored = (
        by_person(loop.predict(network, np.ascontiguousarray(crops), loop.device(), "float32"), judge[2])
        for crops in (judge[0], judge[0][:, :, ::-1])
    )
    curve = [round(row["validation_loss"], 3) for row in learner.progress.history]
    spent = round(time.process_time() - began)
    read = {"once": once, "both": (once + mirrored) / 2}
    years = {k: v * (scale[0].spread, 1) + (scale[0].centre, 0) for k, v in read.items()}
    return {"validation": curve, "seconds": spent, **{k: v.round(3).tolist() for k, v in years.items()}}


def row(line: dict[str, object], first: dict[str, object], judge: tuple) -> str:
    """Return a line of the table: scores, and how far they lie from the first plan's."""
    true = by_person(judge[1], judge[2])
    table = by_person(told(*judge[1:], np.random.default_rng(0)), judge[2])
    once, both, as_first = np.array(line["once"]), np.array(line["both"]), np.array(first["both"])
    cells = [json.dumps(line["plan"]), str(line["seed"])]
    cells += [" ".join(f"{score:.3f}" for score in scores(*pair)) for pair in ((once, true), (both, true))]
    cells += [" ".join(f"{low:+.3f}..{high:+.3f}" for low, high in beside(both, as_first, true))]
    cells += [" ".join(f"{score:.3f}" for score in scores(both, table)), " ".join(map(str, line["validation"]))]
    return " | ".join([*cells, str(line["seconds"])])


def main() -> None:
    """Train with each plan and seed that the file does not hold yet, and print a line of the table for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--learn", type=Path, nargs="+", required=True, help="folders of those who are learnt from")
    parser.add_argument("--judge", type=Path, default=ROOT / "data" / "sample", help="folder of those who judge")
    parser.add_argument("--choosing", type=int, default=150, help="people of the former who choose the epoch")
    parser.add_argument("--plans", type=json.loads, nargs="+", default=[{}])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    given = tuple(np.concatenate(parts) for parts in zip(*map(eyes, asked.learn), strict=True))
    judge = eyes(asked.judge)
    lines = asked.out.read_text(encoding="utf-8").splitlines() if asked.out.is_file() else []
    held = {json.dumps([line["plan"], line["seed"]]): line for line in map(json.loads, lines)}
    for seed in asked.seeds:
        for changes in asked.plans:
            key = json.dumps([changes, seed])
            if key not in held:
                made = trained(changes, asked.weights, seed, given, judge, asked.choosing)
                held[key] = {"plan": changes, "seed": seed, **made}
                with asked.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(held[key]) + "\n")
            first = held[json.dumps([asked.plans[0], seed])]
            sys.stdout.write(row(held[key], first, judge) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
