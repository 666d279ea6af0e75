"""The end of a training: weights without their scaffold, intervals, statistics, a golden example, metrics, card."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fundus_core import evaluation
from fundus_core.models import card as cards
from fundus_core.models import card_files, out_of_distribution, weights
from fundus_core.models.networks import Links, Network, Reader, body
from fundus_core.records import CohortTable, Floats, Status
from fundus_core.tables import write_csv
from fundus_core.targets import TARGETS, records
from fundus_core.training.conformal import growth, interval
from fundus_core.training.data import Data
from fundus_core.training.layers import normalisation
from fundus_core.training.objective import Scale
from fundus_core.training.plan import Label, Plan
from fundus_core.training.split import PARTS
from fundus_core.training.state import Progress

WEIGHTS, FEATURES, GOLDEN = "weights.safetensors", "features.safetensors", "golden.png"
"""Names of the files beside the card."""

_MOST_FEATURES = 4000
_NAN = (math.nan, math.nan)
_Told = tuple[tuple[float, float, float], tuple[float, float, float], str]
"""Mean and spread of what the network is fed, and how it was trained."""


def finish(network: Network, data: Data, out: Path, plan: Plan, label: Label, progress: Progress) -> Path:
    """Write everything that a model needs to be used, and return the path of its card.

    The network is trained, its best weights loaded, with outputs for ``plan.columns``.
    """
    reader = _reader(network, data.scale, plan)
    digest = weights.write(reader.network.body, out / WEIGHTS)
    answers = {part: _read(reader, data, part) for part in ("train", "validation", "calibration", "test")}
    outside = np.concatenate([answers[part].features for part in ("validation", "calibration", "test")])
    out_of_distribution.write(out_of_distribution.measure(answers["train"].features, outside), out / FEATURES)
    outputs = _outputs(reader, answers, data, plan)
    table = _table(answers["test"], data, outputs)
    scored = evaluation.evaluate(table)
    (out / "metrics.json").write_text(json.dumps(scored.as_json(), indent=1), encoding="utf-8")
    _write_predictions(out / "predictions.csv", table)
    told = (*normalisation(network.body, plan), _training(data, plan, progress))
    card = _card(data, plan, label, digest, outputs, told)
    golden = _golden(reader, data, out, plan)
    path = out / "card.toml"
    card_files.write(replace(card, golden=golden, results=_results(scored, plan), folder=out), path)
    return path


@dataclass(frozen=True, slots=True)
class _Answers:
    rows: NDArray[np.intp]
    values: Floats
    features: Floats


def _reader(network: Network, scale: tuple[Scale, ...], plan: Plan) -> Reader:
    """Cut the auxiliary outputs off and put the links on."""
    kept = body(plan.backbone, len(plan.targets), plan.backbone_options)
    own = kept.state_dict()
    trained = {name: value.detach().cpu() for name, value in network.body.state_dict().items()}
    kept.load_state_dict({name: _first(value, own[name]) for name, value in trained.items()})
    used = scale[: len(plan.targets)]
    links = Links(
        ["sigmoid" if s.binary else "identity" for s in used],
        [s.spread for s in used],
        [math.log(s.odds) if s.binary else s.centre for s in used],
    )
    mean, std = normalisation(kept, plan)
    return Reader(Network(kept, mean=mean, std=std), links).eval().to(memory_format=torch.channels_last)


def _first(value: Tensor, like: Tensor) -> Tensor:
    return value if value.shape == like.shape else value[: like.shape[0]].clone()


@torch.no_grad()
def _read(reader: Reader, data: Data, part: str) -> _Answers:
    """Ask the finished reader about the photographs of a part, in float32."""
    rows = data.rows(part)
    if part == "train":
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_FEATURES)).astype(int)]
    values, pooled = [], []
    for first in range(0, len(rows), 64):
        crops = torch.from_numpy(np.array(data.crops.pixels[0, rows[first : first + 64]]))
        answer = reader(crops)
        values.append(answer[0].numpy())
        pooled.append(answer[1].numpy())
    return _Answers(rows, np.concatenate(values).astype(np.float64), np.concatenate(pooled).astype(np.float64))


def _outputs(reader: Reader, answers: Mapping[str, _Answers], data: Data, plan: Plan) -> tuple[cards.Output, ...]:
    """Describe every output, its interval from the calibration part, its interval's growth from the training part."""
    links = reader.links
    plain = [
        cards.Output(name, TARGETS[name].unit, links.links[k], float(links.scale[k]), float(links.offset[k]), _NAN, 0.0)
        for k, name in enumerate(plan.targets)
    ]
    return tuple(one if TARGETS[one.target].binary else _bounded(one, k, answers, data) for k, one in enumerate(plain))


def _bounded(output: cards.Output, column: int, answers: Mapping[str, _Answers], data: Data) -> cards.Output:
    values = {part: answer.values[:, column] for part, answer in answers.items()}
    residuals = {part: data.measured[output.target][answers[part].rows] - values[part] for part in answers}
    wide = replace(output, growth=growth(values["train"], residuals["train"], output.offset))
    patients = [data.table.patients[row] for row in answers["calibration"].rows]
    return replace(wide, interval=interval(residuals["calibration"] / wide.widening(values["calibration"]), patients))


def _table(answers: _Answers, data: Data, outputs: Sequence[cards.Output]) -> CohortTable:
    """The test part as evaluation reads it."""
    rows, count = answers.rows, len(answers.rows)
    values = {output.target: answers.values[:, k] for k, output in enumerate(outputs)}
    ends = {o.target: [end * o.widening(values[o.target]) for end in o.interval] for o in outputs}
    return CohortTable(
        photograph=np.array(data.table.names, dtype=np.str_)[rows],
        patient_id=np.array(data.table.patients, dtype=np.str_)[rows],
        eye=np.array([""] * count),
        status=np.array([str(Status.PREDICTED)] * count),
        reason=np.array([""] * count),
        quality=np.full(count, np.nan),
        out_of_distribution=np.full(count, np.nan),
        truth={target: data.measured[target][rows] for target in values},
        predicted=values,
        low={target: values[target] + ends[target][0] for target in values},
        high={target: values[target] + ends[target][1] for target in values},
    )


def _write_predictions(path: Path, table: CohortTable) -> None:
    names = list(table.predicted)
    head = ["photograph", "patient_id", *(f"{k}{t}" for t in names for k in ("true_", "predicted_"))]
    sides = [side[t] for t in names for side in (table.truth, table.predicted)]
    numbers = (["" if math.isnan(side[row]) else f"{side[row]:.6g}" for side in sides] for row in range(len(table)))
    write_csv(path, head, ([*who, *row] for *who, row in zip(table.photograph, table.patient_id, numbers, strict=True)))


def _golden(reader: Reader, data: Data, out: Path, plan: Plan) -> cards.Golden:
    """Keep one photograph of the test part and what the model says about it."""
    crop = np.array(data.crops.pixels[0, data.rows("test")[0]])
    Image.fromarray(crop).save(out / GOLDEN, optimize=True)
    with torch.no_grad():
        said = reader(torch.from_numpy(crop[None]))[0][0]
    outputs = {target: round(float(said[k]), 5) for k, target in enumerate(plan.targets)}
    return cards.Golden(GOLDEN, hashlib.sha256(crop.tobytes()).hexdigest(), outputs, 1e-3)


def _results(scored: evaluation.Evaluation, plan: Plan) -> tuple[cards.Result, ...]:
    """The headline per target, on people who took no part in training."""
    results = []
    for name in plan.targets:
        measure = "accuracy" if TARGETS[name].binary else "mae"
        estimate = scored.targets[name].estimates.get(measure) if name in scored.targets else None
        if estimate is not None and estimate.value is not None:
            on = f"{scored.targets[name].n_patients} people of the test part, patient level"
            results.append(cards.Result(name, measure, round(estimate.value, 4), on, "metrics.json beside the card"))
    return tuple(results)


def _card(
    data: Data, plan: Plan, label: Label, digest: str, outputs: tuple[cards.Output, ...], told: _Told
) -> cards.Card:
    mean, std, training = told
    return cards.Card(
        id=label.id,
        title=label.title or f"{plan.backbone} for {', '.join(TARGETS[name].short for name in plan.targets)}",
        summary=label.summary,
        rendered=label.rendered,
        runtime="timm",
        backbone=plan.backbone,
        backbone_options=dict(plan.backbone_options),
        input=cards.Input(plan.size, "area", 0.0, "rgb", "nchw", (0.0, 1.0), mean, std),
        outputs=outputs,
        weights=cards.WeightsFile(WEIGHTS, digest, ""),
        features=FEATURES,
        precision=cards.Precision("float32", math.nan),
        training=training,
        command=label.command,
        seed=plan.seed,
        results=(),
        licence=label.licence,
        terms=label.terms,
        citation="",
        acknowledgement="",
        unverified=(),
        golden=cards.Golden("", "", {}, 1e-3),
        brought=records(plan.targets),
        folder=Path(),
    )


def _training(data: Data, plan: Plan, progress: Progress) -> str:
    people = {part: len({data.table.patients[row] for row in data.rows(part)}) for part in PARTS}
    refused = int(np.count_nonzero(~data.crops.accepted))
    beside = f", {len(plan.auxiliary)} auxiliary outputs" if plan.auxiliary else ""
    begun = f", begun with the weights of sha256 {plan.pretrained[:16]}" if plan.pretrained else ""
    flagged = int(np.count_nonzero(~data.crops.accepted[data.rows("train")]))
    kept = f", of which {flagged} were learnt from all the same" if flagged else ""
    late = f", ended by its {plan.minutes:g} minutes" if progress.late else ""
    curve = " ".join(f"{row['validation_loss']:.3f}" for row in progress.history)
    return (
        f"{len(data.rows('train'))} photographs of {people['train']} people, {plan.epochs} epochs at most{late}, "
        f"{plan.size} px{beside}{begun}; test part {people['test']} people; {refused} photographs refused or "
        f"failed{kept}. Validation loss by epoch, on {people['validation']} people (1: nothing is read from the "
        f"photographs): {curve}; the weights of epoch {progress.best_epoch + 1} were kept. Intervals from "
        f"{people['calibration']} people. Data and plan {data.key}."
    )
