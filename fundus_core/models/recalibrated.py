"""A recalibration kept as a model of its own: the same weights under a card that holds the line.

The line goes into each output's scale, offset and interval, so that nothing which asks a model has to know of it: with
``v = k x + o`` and ``v' = a + b v`` the new scale is ``b k``, the new offset ``a + b o``, ends of intervals are ``b``
times as far and widen ``1 / b`` as fast, since ``v' - (a + b o) = b (v - o)``. Of a yes/no target the same is true of
the log odds before the sigmoid. Applied twice the lines compose.
"""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fundus_core import owner_only
from fundus_core.errors import CardError, UsageError, say
from fundus_core.evaluation import FittedLine, log_odds, person_ids
from fundus_core.models import card_files, registry
from fundus_core.models.card import Card, Line, Output, Recalibrated
from fundus_core.models.fitted_people import hashes
from fundus_core.records import CohortTable, Floats, Labels, Prediction
from fundus_core.targets import TARGETS

_UNKNOWN = (math.nan, math.nan)


def line_of(fitted: FittedLine) -> Line:
    """Return a fitted line as a card holds it."""
    ends = [
        (one.low, one.high) if one.low is not None and one.high is not None else _UNKNOWN
        for one in (fitted.intercept, fitted.slope)
    ]
    values = (fitted.intercept.value or 0.0, fitted.slope.value or 0.0)
    return Line(fitted.target, values[0], ends[0], values[1], ends[1], fitted.people)


def applied(line: Line, values: Floats) -> Floats:
    """Return recalibrated values; probabilities stay between 0 and 1."""
    if not TARGETS[line.target].binary:
        return np.asarray(line.intercept + line.slope * values)
    return np.asarray(1 / (1 + np.exp(-(line.intercept + line.slope * log_odds(values)))))


def steps_from(card: Card, model: str, card_sha256: str = "") -> Sequence[Recalibrated]:
    """Return the recalibrations that lead from a model to a card, the latest last; none where no way does.

    Args:
        card: Of the recalibrated model.
        model: Id of one that it was made of.
        card_sha256: Of that model's card; empty where nobody knows it.
    """
    for place, step in reversed(list(enumerate(card.recalibrated))):
        if step.model == model and card_sha256 in ("", step.card_sha256):
            return card.recalibrated[place:]
    return ()


def derived(steps: Sequence[Recalibrated], found: Mapping[str, Prediction]) -> dict[str, Prediction]:
    """Return by target what the recalibrated model would predict where the other predicted this.

    A line moves the ends of an interval as it moves the value; a probability has none. Log odds within a millionth of
    0 or 1 are those of the millionth.
    """
    made = dict(found)
    for line in (line for step in steps for line in step.lines if line.target in made):
        one = made[line.target]
        value, low, high = applied(line, np.array([one.value, one.low, one.high])).tolist()
        made[line.target] = Prediction(value, *(_UNKNOWN if TARGETS[line.target].binary else (low, high)))
    return made


def _output(output: Output, line: Line) -> Output:
    """Return an output with a line in it.

    Raises:
        UsageError: What follows its scale and offset is not what the line is about.
    """
    if output.link != ("sigmoid" if TARGETS[output.target].binary else "identity"):
        raise UsageError(
            "The card gives '{target}' by the link '{link}', behind which a recalibration cannot be written into it; "
            "recalibrate other targets, or a model whose card has '{wanted}' there.",
            target=output.target,
            link=output.link,
            wanted="sigmoid" if TARGETS[output.target].binary else "identity",
        )
    low, high = output.interval
    return replace(
        output,
        scale=line.slope * output.scale,
        offset=line.intercept + line.slope * output.offset,
        interval=_UNKNOWN if TARGETS[output.target].binary else (line.slope * low, line.slope * high),
        growth=output.growth / line.slope,
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """What a recalibration was fitted to, and what came of it."""

    cohort: str
    """Its name."""
    when: str
    """Day, as 2026-11-29."""
    lines: tuple[Line, ...]
    """By target."""
    table: CohortTable
    """A row per photograph of the people that the lines were fitted to."""
    sha256: Labels
    """Of each photograph's bytes; empty where unknown."""


def composed(card: Card, fit: Fit, new_id: str) -> Card:
    """Return the card of the recalibrated model; its files are yet to be put beside it.

    What was published of recalibrated targets is not true of it and goes.
    """
    of = {line.target: line for line in fit.lines}
    outputs = tuple(_output(one, of[one.target]) if one.target in of else one for one in card.outputs)
    expected = {
        name: float(applied(of[name], np.array(value))) if name in of else value
        for name, value in card.golden.outputs.items()
    }
    step = Recalibrated(
        model=card.id,
        card_sha256=card.sha256,
        cohort=fit.cohort,
        when=fit.when,
        level="patient",
        people=len(np.unique(person_ids(fit.table))),
        lines=fit.lines,
        fitted=f"fitted-{len(card.recalibrated) + 1}.json",
        fitted_sha256="",
    )
    golden = replace(card.golden, outputs=expected)
    return replace(
        card,
        id=new_id,
        title=f"{new_id} · {card.title.rsplit(' · ', 1)[-1]}",
        outputs=outputs,
        golden=golden,
        results=tuple(one for one in card.results if one.target not in of),
        recalibrated=(*card.recalibrated, step),
    )


def keep(card: Card, fit: Fit, new_id: str, folder: Path | None = None) -> Card:
    """Make a model out of a card and a recalibration, and put it among the user's own; all of it or nothing.

    Raises:
        UsageError: The id is taken or none, an output cannot hold its line, or nobody could be recognised again.
        CardError: A file of the model cannot be read.
    """
    home = folder or registry.home()
    if new_id in registry.shelf(home).cards or (home / new_id).exists():
        raise UsageError("There is a model '{id}' already; choose another id.", id=new_id)
    if new_id.startswith(".") or not new_id or not all(c.isalnum() or c in "-_." for c in new_id):
        raise UsageError("'{id}' is no id; it must be of letters, digits, '-', '_' and '.'.", id=new_id)
    made = composed(card, fit, new_id)
    owner_only.folder(home)
    with tempfile.TemporaryDirectory(dir=home, prefix=".recalibrating-") as room:
        here = Path(room) / "kept"
        owner_only.folder(here)
        _copy(card, here)
        text = json.dumps(hashes(fit.table, fit.sha256, fit.cohort), indent=1) + "\n"
        *earlier, step = made.recalibrated
        owner_only.write(here / step.fitted, text.encode())
        step = replace(step, fitted_sha256=hashlib.sha256(text.encode()).hexdigest())
        made = replace(made, recalibrated=(*earlier, step), folder=here)
        card_files.write(made, here / "card.toml")
        card_files.read(here / "card.toml")  # what cannot be read again is not kept
        here.rename(home / new_id)
    return card_files.read(home / new_id / "card.toml")


def _copy(card: Card, here: Path) -> None:
    """Copy every file that a card names; weights that are not there are left to be brought."""
    files = [card.golden.file, card.features, *(step.fitted for step in card.recalibrated)]
    if card.ready:
        weights = Path(card.weights.file)
        files += [card.weights.file, *([str(weights.with_suffix(".bin"))] if weights.suffix == ".xml" else [])]
    try:
        for name in filter(None, files):
            owner_only.folder((here / name).parent)
            shutil.copyfile(card.folder / name, here / name)
            owner_only.close(here / name)
    except OSError as error:
        raise CardError(
            "A file of the model '{id}' cannot be copied ({strerror}); import the model again.",
            id=card.id,
            strerror=error,
        ) from error


def provenance(card: Card) -> Sequence[str]:
    """Return what each recalibration of a card was, a sentence each, the latest last."""
    words = (
        "Recalibrated from '{model}' on '{cohort}' ({when}; {people:,} people, one observation each); never tested on "
        "these people."
    )
    return [
        say(words, model=step.model, cohort=step.cohort, when=step.when, people=step.people)
        for step in card.recalibrated
    ]


def lines_in_words(step: Recalibrated) -> Sequence[str]:
    """Return what a recalibration did to each of its targets, with 95 % intervals."""
    return [
        say(
            "{target}: intercept {intercept:.4g} ({low:.4g} to {high:.4g}), slope {slope:.4g} ({slope_low:.4g} to "
            "{slope_high:.4g}), {people:,} people",
            target=say(TARGETS[line.target].short),
            intercept=line.intercept,
            low=line.intercept_interval[0],
            high=line.intercept_interval[1],
            slope=line.slope,
            slope_low=line.slope_interval[0],
            slope_high=line.slope_interval[1],
            people=line.people,
        )
        for line in step.lines
    ]


def in_words(card: Card) -> Sequence[str]:
    """Return all that is to be said of a card's recalibrations: each, and under it what it did to each target."""
    both = zip(provenance(card), card.recalibrated, strict=True)
    return [words for first, step in both for words in (first, *lines_in_words(step))]
