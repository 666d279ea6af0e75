"""What a reader of an evaluation must be told: what the software knows, and what only the author can say.

Two lists of items, in words of our own: TRIPOD+AI (Collins et al. 2024, doi:10.1136/bmj-2023-078378; 27 items, 52 with
their letters, of which 9a, 12a to c, 15, 22, 27a and b are about development alone) and CLAIM (Mongan et al. 2020,
doi:10.1148/ryai.2020200029; 42 items; its update of 2024, doi:10.1148/ryai.240300, has 44 in another numbering: it asks
besides for the acquisition protocol, tests on internal data, and where software, model and data are). The wording is
ours: answer the originals when submitting.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fundus_core import __version__
from fundus_core.errors import joined, say
from fundus_core.models.card import Card
from fundus_core.report.content import Subject
from fundus_core.report.paper import outcome
from fundus_core.targets import TARGETS

AUTHOR = say("to be filled in by you")
"""Stands where only the author knows."""
Known = Callable[[Subject], str]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a report must say."""

    number: str
    """Of the list, with its letters."""
    asked: str
    """What must be said, in words of our own."""
    known: Known | None = None
    """What the software knows of a cohort; ``None`` where that says nothing here."""
    text: str = ""
    """What it knows of every cohort; empty, without ``known``, where only the author does."""


@dataclass(frozen=True, slots=True)
class Checklist:
    """One list."""

    name: str
    """As its authors call it."""
    source: str
    """Who published it, with its DOI."""
    items: tuple[Item, ...]
    """In its order."""

    def answered(self, subject: Subject) -> list[tuple[str, str, str, bool]]:
        """Return number, question, answer, and whether something is left to the author."""
        answered = ((each, each.known(subject) if each.known else each.text or AUTHOR) for each in self.items)
        return [(each.number, each.asked, said, AUTHOR in said) for each, said in answered]


def _model(subject: Subject) -> str:
    if not subject.cards:
        model = subject.model or say("not named in the predictions")
        return say("model '{model}', without a card here; {author}", model=model, author=AUTHOR)
    words = "{title} ({id}), weights SHA-256 {hash}…"
    cards = subject.cards
    return joined([say(words, title=say(one.title), id=one.id, hash=one.weights.sha256[:16]) for one in cards], ";")


def _network(subject: Subject) -> str:
    return "; ".join(f"{card.id}: {card.backbone}" for card in subject.cards) or AUTHOR


def _training(subject: Subject) -> str:
    return joined([say("{id}: {what}", id=card.id, what=say(card.training)) for card in subject.cards], ";") or AUTHOR


def _preprocessing(subject: Subject) -> str:
    return joined(list(map(_input, subject.cards)), ";") or AUTHOR


def _input(card: Card) -> str:
    given = card.input
    first = say(
        "{id}: field of view cut out, black outside, {size} px by {resample}, {channels}",
        id=card.id,
        size=given.size,
        resample=given.resample,
        channels=given.channels.upper(),
    )
    partly = any(key.startswith("input") for key in card.unverified)
    return joined([first, say("partly unverified")], "") if partly else first


def _flow(subject: Subject) -> str:
    flow = subject.flow
    first = say(
        "under “Photographs and people”: {n} {n:photograph|photographs} of {people} {people:person|people}; "
        "{predicted} predicted",
        n=flow.photographs,
        people=flow.people,
        predicted=flow.predicted,
    )
    return joined([first, *(say("{n:,} {why}", n=n, why=outcome(why)) for why, n in flow.reasons.items())], "")


def _sizes(subject: Subject) -> str:
    sizes = [
        say(
            "{name}: {people} {people:person|people}, {n} {n:photograph|photographs}",
            name=say(TARGETS[name].short),
            people=result.n_patients,
            n=result.n_photographs,
        )
        for name, result in subject.evaluation.targets.items()
    ]
    return joined([*sizes, say("how it was chosen: {author}", author=AUTHOR)], ";")


def _analysis(subject: Subject) -> str:
    return say(
        "unit of analysis: {level}; each estimate's own interval over people, named in its table; differences by "
        "{draws} draws, seed {seed}",
        level=say(subject.evaluation.level),
        draws=subject.evaluation.draws,
        seed=subject.evaluation.seed,
    )


def _plan(subject: Subject) -> str:
    stated = subject.study.plan
    if stated is None:
        return say("no plan was stated here beforehand; {author}", author=AUTHOR)
    words = "analysis plan “{title}”, SHA-256 {hash}; {order}"
    return say(words, title=stated.plan.title, hash=stated.plan.sha256, order=stated.order)


def _subgroups(subject: Subject) -> str:
    columns = [say(name.replace("_", " ")) for name in subject.study.columns]
    if not columns:
        return say("no column cuts this cohort; {author}", author=AUTHOR)
    return say("errors in subgroups by {columns}", columns=columns)


def _performance(_subject: Subject) -> str:
    return say(
        "MAE, RMSE, bias, R² (1 − SSE/SST), r, CCC or AUC and accuracy, with intervals and baselines, per target"
    )


def _calibration(_subject: Subject) -> str:
    return say("intercept and slope, tenths of the prediction and a smooth curve, per target")


def _truth(subject: Subject) -> str:
    return (
        joined([subject.data, say("How and when each was measured: {author}", author=AUTHOR)])
        if subject.data
        else AUTHOR
    )


def _software(_subject: Subject) -> str:
    return say("Fundus Lab {version}; replay.json makes the same numbers again", version=__version__)


_KNOWN: Mapping[str, Known] = {
    "model": _model, "network": _network, "training": _training, "preprocessing": _preprocessing, "flow": _flow,
    "sizes": _sizes, "analysis": _analysis, "plan": _plan, "subgroups": _subgroups, "performance": _performance,
    "calibration": _calibration, "truth": _truth, "software": _software,
}  # fmt: skip
_FILE = tomllib.loads(Path(__file__).with_name("checklists.toml").read_text(encoding="utf-8"))


def _item(n: str, asked: str, known: str = "", text: str = "", *, rest: bool = False) -> Item:
    """Return an item as the file has it; ``rest``: a part of it is left to the author."""
    if rest:
        known_of = _KNOWN[known]
        return Item(
            n, asked, lambda subject: say("{known}; the rest: {author}", known=known_of(subject), author=AUTHOR)
        )
    return Item(n, asked, _KNOWN.get(known), say(text, **({"author": AUTHOR} if "{author}" in text else {})))


CHECKLISTS: Sequence[Checklist] = tuple(
    Checklist(each["name"], each["source"], tuple(_item(**item) for item in each["items"])) for each in _FILE.values()
)
"""In the order of the report."""
