"""What a reader of an evaluation must be told: what the software knows, and what only the author can say.

After TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378), CLAIM (Mongan et al. 2020, doi:10.1148/ryai.2020200029; update
2024) and the Bland-Altman items of Abu-Arafeh et al. 2016. The numbering is ours: check it against the originals
before submitting.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fundus_core.errors import say
from fundus_core.report.content import Subject
from fundus_core.targets import TARGETS

_AUTHOR = "the author must fill in"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a report must say."""

    topic: str
    """In a few words."""
    asked: str
    """What must be said."""
    known: Callable[[Subject], str] | None
    """What the software knows; ``None`` where only the author does."""


def answers(subject: Subject) -> list[tuple[str, str, str, bool]]:
    """Return topic, question, answer, and whether the author must fill it in."""
    return [
        (item.topic, item.asked, item.known(subject) if item.known else _AUTHOR, item.known is None) for item in ITEMS
    ]


def _model(subject: Subject) -> str:
    if not subject.cards:
        return f"model '{subject.model or 'not named in the predictions'}', without a card here; {_AUTHOR}"
    return "; ".join(f"{card.title} ({card.id}), weights SHA-256 {card.weights.sha256[:16]}…" for card in subject.cards)


def _preprocessing(subject: Subject) -> str:
    return (
        "; ".join(
            f"{card.id}: field of view cut out, black outside, {card.input.size} px by {card.input.resample}, "
            f"{card.input.channels.upper()}"
            + (", partly unverified" if any(key.startswith("input") for key in card.unverified) else "")
            for card in subject.cards
        )
        or _AUTHOR
    )


def _flow(subject: Subject) -> str:
    flow = subject.flow
    left_out = "".join(f", {count} {reason}" for reason, count in flow.reasons.items())
    words = "{n} {n:photograph|photographs} of {people} {people:person|people}; {predicted} predicted"
    return say(words, n=flow.photographs, people=flow.people, predicted=flow.predicted) + left_out


def _sizes(subject: Subject) -> str:
    words = "{name}: {people} {people:person|people}, {n} {n:photograph|photographs}"
    return "; ".join(
        say(words, name=TARGETS[name].short, people=result.n_patients, n=result.n_photographs)
        for name, result in subject.evaluation.targets.items()
    )


def _unit(subject: Subject) -> str:
    return f"{subject.evaluation.level}; people are resampled for every interval"


def _intervals(subject: Subject) -> str:
    made = subject.evaluation
    return f"each estimate's own, over people, named in its table; differences by {made.draws} draws, seed {made.seed}"


def _subgroups(subject: Subject) -> str:
    columns = [name.replace("_", " ") for name in subject.study.columns]
    return f"in the tables above, by {', '.join(columns)}" if columns else f"no column cuts this cohort; {_AUTHOR}"


ITEMS: tuple[Item, ...] = (
    Item("Purpose", "evaluation of an existing model; intended use; research only", None),
    Item("Model", "name, version, weights, source", _model),
    Item("Preprocessing", "crop, size, colour order, units", _preprocessing),
    Item("Setting", "source, dates, cameras, eligibility, treatment for blood pressure and glucose", None),
    Item("Reference standard", "how and when each truth was measured: device, readings, fasting, days apart", None),
    Item("Flow", "people, eyes, photographs in; excluded by quality; missing truth", _flow),
    Item("Sample size", "people and photographs per target; how it was chosen", _sizes),
    Item("Missing data", "how missing truth was handled", lambda _: "left out per target; nothing is imputed"),
    Item("Unit of analysis", "photograph, eye or person", _unit),
    Item("Performance", "MAE, RMSE, bias, R² (1 - SSE/SST), r, CCC, both baselines", lambda _: "in the tables above"),
    Item("Intervals", "method, draws, seed, resampling of people", _intervals),
    Item("Calibration", "intercept and slope of truth on prediction, deciles", lambda _: "in the figures above"),
    Item(
        "Agreement",
        "bias and limits of agreement with intervals; acceptable limits stated beforehand",
        lambda _: f"bias and limits above; acceptable limits: {_AUTHOR}",
    ),
    Item("Subgroups", "sex, age, site, camera, eye, quality, treatment, each with n and interval", _subgroups),
    Item("Differences", "from the development data in age, sex, truth, camera", None),
    Item("Ethics", "approval, consent, funding, conflicts, data and code availability", None),
    Item("Limits", "what the numbers cannot say", None),
)
"""In the order of a paper."""
