"""Twenty cards of the sample model, each made wrong in one to three lines: which of them does measuring mend?

``python tests/checking/wrong_cards.py OUT.jsonl --photographs 400 200 100``: about ten minutes on one core; with
``--one-eye`` one photograph each of so many people. A card that was asked about before is not asked about again, so
that an interrupted call goes on. What comes of a card is

- ``right``: every line that was made wrong says again what it did, so that values differ from the right card's by no
  more than a fifth of the target's spread;
- ``unsure``: some line was left wrong, and is named among what was not told apart or of which nobody is sure;
- ``WRONG``: a line was changed to what is wrong, or a wrong one called confirmed, and nothing was said of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fundus_core import truth as truths  # noqa: E402
from fundus_core.checking import try_readings  # noqa: E402
from fundus_core.checking.scoring import FEWEST, Line, Sample  # noqa: E402
from fundus_core.checking.trial import Trial, _told  # noqa: E402
from fundus_core.images import sources  # noqa: E402
from fundus_core.journey import examine  # noqa: E402
from fundus_core.models import card_files, registry  # noqa: E402
from fundus_core.models.card import Card, Golden  # noqa: E402
from fundus_core.records import Status  # noqa: E402
from fundus_core.retina import CropRule  # noqa: E402
from fundus_core.targets import TARGETS  # noqa: E402

SIDE = 512
NEAR = 0.2
"""Of a target's spread: values that differ by no more (root mean square) come from the same lines."""
_PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
Change = Callable[[Card], Card]


def fed(**lines: object) -> Change:
    """Change what the network is fed."""
    return lambda card: replace(card, input=replace(card.input, **lines))


def line(*targets: str, **lines: object) -> Change:
    """Change lines of outputs, of all where none is named."""

    def change(card: Card) -> Card:
        return replace(
            card,
            outputs=tuple(
                replace(one, **lines) if not targets or one.target in targets else one for one in card.outputs
            ),
        )

    return change


def divided(target: str, factor: float, shift: float = 0.0) -> Change:
    """Give an output's line in another unit."""

    def change(card: Card) -> Card:
        outputs = (
            replace(one, scale=one.scale / factor, offset=(one.offset - shift) / factor)
            if one.target == target
            else one
            for one in card.outputs
        )
        return replace(card, outputs=tuple(outputs))

    return change


def other_class(card: Card) -> Card:
    """Let sex mean the other one."""
    return replace(
        card,
        outputs=tuple(
            replace(one, scale=-one.scale, offset=-one.offset) if one.target == "sex" else one for one in card.outputs
        ),
    )


def named(**exchanged: str) -> Change:
    """Name outputs otherwise, each with the lines of its new name as a card written in that order has them."""

    def change(card: Card) -> Card:
        by = {one.target: one for one in card.outputs}
        return replace(card, outputs=tuple(by[exchanged.get(one.target, one.target)] for one in card.outputs))

    return change


def built(**options: object) -> Change:
    """Build the network otherwise."""
    return lambda card: replace(card, backbone_options={**card.backbone_options, **options})


UNSCALED = line("sbp", "dbp", "glucose", "waist", "bmi", "age", scale=1.0, offset=0.0)
BYTES, UNIT = fed(value_range=(0.0, 255.0), **_PLAIN), fed(value_range=(0.0, 1.0), **_PLAIN)
SIGNED = fed(value_range=(-1.0, 1.0), **_PLAIN)
WRONG: dict[str, list[Change]] = {
    "colours": [fed(channels="bgr")],
    "range 0..255": [BYTES],
    "size 96": [fed(size=96)],
    "rim .15": [fed(margin=0.15)],
    "dbp and waist exchanged": [named(dbp="waist", waist="dbp")],
    "sbp and dbp exchanged": [named(sbp="dbp", dbp="sbp")],
    "sex inverted": [other_class],
    "glucose in mmol/L": [divided("glucose", 18.016)],
    "standardised outputs": [UNSCALED],
    "silu for relu": [built(activation="silu")],
    "standardised, colours": [UNSCALED, fed(channels="bgr")],
    "rim .1, range -1..1": [fed(margin=0.1), SIGNED],
    "colours, age and waist exchanged": [fed(channels="bgr"), named(age="waist", waist="age")],
    "size 224, sex inverted": [fed(size=224), other_class],
    "range 0..1, glucose in mmol/L, colours": [UNIT, divided("glucose", 18.016), fed(channels="bgr")],
    "maximum for average": [built(global_pool="max")],
    "three names turned": [named(sbp="waist", waist="bmi", bmi="sbp")],
    "size 128, range -1..1, sex inverted": [fed(size=128), SIGNED, other_class],
    "waist in inches, rim .2": [divided("waist", 2.54), fed(margin=0.2)],
    "age without scale, colours, sbp and bmi exchanged": [
        line("age", scale=1.0, offset=0.0), fed(channels="bgr"), named(sbp="bmi", bmi="sbp"),
    ],
}  # fmt: skip


def looked_at(folder: Path, *, one_eye: bool) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Return the sample cohort as measuring sees it: larger crops, truth by target and people; kept in a folder."""
    kept = folder / "sample.npz"
    if not kept.is_file():
        seen = [(one, examine(one, [CropRule(SIDE)])) for one in sources([ROOT / "data/sample/photographs"])]
        good = [(one, found) for one, found in seen if found.status is Status.ACCEPTED]
        names = [one.name for one, _ in good]
        found = truths.match(truths.load(ROOT / "data/sample/truth.csv"), names)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            kept, masters=np.stack([one.crops[0].pixels for _, one in good]), people=found.patient_id(),
            **{f"truth {t}": column for t, column in found.values().items()},
        )  # fmt: skip
    with np.load(kept) as held:
        measured = {name.removeprefix("truth "): held[name] for name in held.files if name.startswith("truth ")}
        people = held["people"]
        rows = np.sort(np.unique(people, return_index=True)[1]) if one_eye else np.arange(len(people))
        return held["masters"][rows], {name: column[rows] for name, column in measured.items()}, people[rows]


class Kept(Trial):
    """A trial that keeps what each reading says of all photographs: most of the twenty cards share most of them."""

    __slots__ = ("every", "folder_kept")

    def raw(self, card: Card, half: int, *, few: bool = False) -> np.ndarray:
        bare = replace(card, features="", outputs=(), measured=(), unverified=(), golden=Golden("", "", {}, 1e-3))
        path = self.folder_kept / (hashlib.sha256(_told(bare).encode()).hexdigest()[:24] + ".npy")
        lines = tuple(replace(one, link="identity", scale=1.0, offset=0.0) for one in card.outputs)
        said = np.load(path) if path.is_file() else np.full((len(self.every), len(lines)), np.nan)
        rows = self.rows(half, few=few)
        new = rows[np.isnan(said[rows, 0])]
        if len(new):
            said[new] = self._asked(replace(bare, outputs=lines), self._crops(card, new))
            np.save(path, said)
        return said[rows]

    def _crops(self, card: Card, rows: np.ndarray) -> np.ndarray:
        here, self.masters = self.masters, self.every
        try:
            return super()._crops(card, rows)
        finally:
            self.masters = here


def asked(
    card: Card, masters: np.ndarray, measured: dict[str, np.ndarray], people: np.ndarray, count: int, folder: Path
) -> tuple[Trial, dict[str, object]]:
    """Measure a card on the first ``count`` photographs."""
    targets = tuple(target for target in card.targets if target in measured)
    truth = np.stack([measured[target][:count] for target in targets], axis=1)
    binary = tuple(TARGETS[target].binary for target in targets)
    sample = Sample(truth, np.unique(people[:count], return_inverse=True)[1], binary)
    room = folder / f"room-{os.getpid()}"  # several of these may run beside each other
    trial = Kept(masters[:count], sample, targets, room)
    trial.every, trial.folder_kept = masters, folder / f"readings-{len(masters)}"
    for place in (room, trial.folder_kept):
        place.mkdir(exist_ok=True)
    return trial, json.loads(json.dumps(try_readings._found(trial, card), default=float))


def differences(trial: Trial, one: Card, other: Card) -> dict[str, float]:
    """By target: how far the values of two cards lie apart, in the spread of its truth."""
    found = {}
    truth = trial.part(1)[0]
    for k, target in enumerate(trial.targets):
        values = []
        for card in (one, other):
            place = card.targets.index(target)
            output = card.outputs[place]
            values.append(Line(output.link, output.scale, output.offset)(trial.raw(card, 1)[:, place]))
        found[target] = float(np.sqrt(np.mean((values[0] - values[1]) ** 2)) / np.nanstd(truth[:, k]))
    return found


def verdict(trial: Trial, right: Card, wrong: Card, found: dict[str, object]) -> tuple[str, list[str]]:
    """Return what came of a card, and why."""
    final = card_files.parse(found["card"], right.folder, right.id)
    far = {target: gap for target, gap in differences(trial, right, final).items() if gap > NEAR}
    doubted = {str(one["key"]) for one in (*found["open"], *found["dropped"])} | set(found["unsure"])
    whys, silent = [f"{target} {gap:.2f} SD off" for target, gap in far.items()], False
    for key in ("channels", "value_range", "mean", "size", "margin", "resample"):
        have, want, had = (getattr(card.input, key) for card in (final, right, wrong))
        near = have == want if key != "size" else abs(have / want - 1) < 0.08
        if key == "margin":
            near = abs(have - want) < 0.03
        if not near:
            whys.append(f"input.{key} {had} -> {have}, right is {want}")
            name = "input.value_range" if key == "mean" else f"input.{key}"
            silent |= name not in doubted and bool(set(found["changes"]) & {name} or name in found["confirmed"])
    if final.backbone_options != right.backbone_options:
        whys.append(f"backbone_options {dict(final.backbone_options)}")
        silent |= "backbone_options" not in doubted
    if final.targets != right.targets:
        whys.append(f"order {final.targets}")
        silent |= "outputs" not in doubted
    named = {one.target: one for one in final.outputs}
    lines = differences(trial, right, replace(right, outputs=tuple(named[target] for target in right.targets)))
    for target in far:  # by its own line, not by what the network is fed, of which is told above
        place = final.targets.index(target)
        changed = lines[target] > NEAR and any(key.startswith(f"outputs[{place}]") for key in found["changes"])
        silent |= changed and f"outputs[{place}].scale" not in doubted and target not in found["silent"]
    if not whys:
        return "right", []
    return ("WRONG" if silent else "unsure"), whys


def results(path: Path, counts: list[int], only: str, *, one_eye: bool) -> Iterator[dict[str, object]]:
    """Ask about every card that a file does not hold yet, with so many photographs."""
    held = [json.loads(one) for one in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    done = {(one["card"], one["photographs"]) for one in held}
    right = registry.models(path.parent / "none")["sample-rendered"]
    masters, measured, people = looked_at(path.parent, one_eye=one_eye)
    for count in counts:
        for name, changes in WRONG.items():
            if (name, count) in done or (only and only not in name):
                continue
            if len(np.unique(people[:count])) < 2 * FEWEST:
                yield {"card": name, "photographs": count, "said": "refused", "why": ["too few people"]}
                continue
            wrong = right
            for change in changes:
                wrong = change(wrong)
            began = time.process_time()
            trial, found = asked(wrong, masters, measured, people, count, path.parent)
            said, why = verdict(trial, right, wrong, found)
            spent = round(time.process_time() - began, 1)
            yield {"card": name, "photographs": count, "said": said, "why": why, "seconds": spent} | {
                key: found.get(key)
                for key in ("changes", "confirmed", "open", "dropped", "fitted", "unsure", "shifted", "silent")
            }


def main() -> None:
    """Ask, and write a line for each card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--photographs", type=int, nargs="+", default=[400])
    parser.add_argument("--only", default="", help="cards whose name holds this")
    parser.add_argument("--one-eye", action="store_true", help="one photograph of each person")
    arguments = parser.parse_args()
    for one in results(arguments.out, arguments.photographs, arguments.only, one_eye=arguments.one_eye):
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(one) + "\n")
        sys.stdout.write(f"{one['photographs']} {one['card']}: {one['said']} {'; '.join(one['why'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
