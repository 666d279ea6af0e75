"""What a reader of an evaluation must be told: what the software knows, and what only the author can say.

Two lists of items, in words of our own: TRIPOD+AI (Collins et al. 2024, doi:10.1136/bmj-2023-078378; 27 items, 52 with
their letters, of which 9a, 12a to c, 15, 22, 27a and b are about development alone) and CLAIM (Mongan et al. 2020,
doi:10.1148/ryai.2020200029; 42 items; its update of 2024, doi:10.1148/ryai.240300, has 44 in another numbering: it asks
besides for the acquisition protocol, tests on internal data, and where software, model and data are). The wording is
ours: answer the originals when submitting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """What the software knows; ``None`` where only the author does."""


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
        answered = ((each, each.known(subject) if each.known else AUTHOR) for each in self.items)
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


def _fixed(text: str) -> Known:
    return lambda _subject: text


def _with_author(known: Known) -> Known:
    return lambda subject: say("{known}; the rest: {author}", known=known(subject), author=AUTHOR)


_MISSING = _fixed(say("measured values that are missing are left out per target and counted; nothing is imputed"))
_NO_TRAINING = _fixed(say("no model was made or changed for this evaluation"))

TRIPOD = Checklist(
    "TRIPOD+AI",
    "Collins et al. 2024, BMJ 385:e078378, doi:10.1136/bmj-2023-078378",
    (
        Item("1", "Title: a model that predicts is developed or evaluated; of whom, and of what"),
        Item("2", "Abstract (TRIPOD+AI for abstracts)"),
        Item(
            "3a–c",
            "Background: the healthcare context and existing models; whom the model is for, and its users; "
            "known health inequalities between groups",
        ),
        Item("4", "Objectives: development, evaluation or both"),
        Item("5a–b", "Data: sources, why these, how representative; dates"),
        Item("6a–c", "Participants: setting with number and location of centres; eligibility; treatments received"),
        Item("7", "Data preparation: cleaning, quality checks, the same for all groups", _with_author(_preprocessing)),
        Item(
            "8a–c",
            "Outcome: definition, time horizon, how and when measured, why this one, the same for all groups; "
            "by whom; blinded",
            _truth,
        ),
        Item("9a–c", "Predictors: how chosen; how and when measured; by whom", _fixed(say("the photograph alone"))),
        Item("10", "Sample size: how it came about, and whether it was enough", _sizes),
        Item("11", "Missing data: how they were handled; why any were left out", _MISSING),
        Item(
            "12a–g",
            "Analytical methods: use of the data; handling of predictors; kind and building of the model; "
            "heterogeneity between centres; measures and plots of performance; updating; how predictions were made",
            _analysis,
        ),
        Item(
            "13", "Class imbalance: whether and why methods against it were used, and recalibration after", _NO_TRAINING
        ),
        Item("14", "Fairness: what was done about it, and why", _with_author(_subgroups)),
        Item("15", "Model output: what it is, and how any thresholds were found", _model),
        Item("16", "Training versus evaluation: differences in setting, eligibility, outcome, predictors"),
        Item("17", "Ethical approval: committee, consent or waiver"),
        Item(
            "18a–f",
            "Open science: funding; conflicts of interest; protocol; registration; sharing of data; of code",
            _plan,
        ),
        Item("19", "Patient and public involvement: how, or that there was none"),
        Item(
            "20a–c",
            "Participants: flow; characteristics, by source and group; comparison with the development data",
            _with_author(_flow),
        ),
        Item("21", "Model development: participants and outcome events in each analysis", _sizes),
        Item("22", "Model specification: enough to predict for new people, and any restriction of use", _model),
        Item(
            "23a–b", "Model performance: with intervals, in subgroups too; heterogeneity between centres", _performance
        ),
        Item("24", "Model updating: the updated model and its performance, if any", _NO_TRAINING),
        Item("25", "Interpretation: results in the light of objectives, other studies, and fairness"),
        Item(
            "26", "Limitations: sample, its size, overfitting, missing data; what they do to bias and generalisability"
        ),
        Item("27a–c", "Usability in current care: poor or missing input; what users must do and know; next steps"),
    ),
)

CLAIM = Checklist(
    "CLAIM",
    "Mongan et al. 2020, Radiology: Artificial Intelligence 2:e200029, doi:10.1148/ryai.2020200029; its update of 2024 "
    "(doi:10.1148/ryai.240300) numbers 44 items otherwise",
    (
        Item("1", "Title or abstract: that it is about AI, and of which kind"),
        Item("2", "Abstract: design, methods, results, conclusions in their parts"),
        Item("3", "Background: clinical and scientific; intended use and role"),
        Item("4", "Objectives and hypotheses", _plan),
        Item("5", "Prospective or retrospective"),
        Item("6", "Goal: making a model, exploring, feasibility, non-inferiority"),
        Item("7", "Data sources", _truth),
        Item("8", "Eligibility: how, where and when people or photographs were chosen"),
        Item("9", "Preprocessing", _preprocessing),
        Item("10", "Selection of parts of the images, if any", _fixed(say("the field of view alone; black outside"))),
        Item("11", "Definitions of the data elements", _truth),
        Item(
            "12",
            "De-identification: how",
            _fixed(say("metadata are dropped on reading; before: {author}", author=AUTHOR)),
        ),
        Item("13", "Missing data: how they were handled", _MISSING),
        Item("14", "Reference standard: its definition", _truth),
        Item("15", "Reference standard: why this one"),
        Item("16", "Who measured or annotated, with which qualification"),
        Item("17", "Tools of annotation or devices of measurement"),
        Item("18", "Variability between and within those who measured, and how it was resolved"),
        Item("19", "Intended sample size, and how it was determined", _sizes),
        Item("20", "How data were assigned to partitions", _fixed(say("all people are test data"))),
        Item(
            "21",
            "At which level partitions are disjoint",
            _fixed(say("none here; from the training data: {author}", author=AUTHOR)),
        ),
        Item("22", "The model: inputs, outputs, layers, connections", _network),
        Item("23", "Software: libraries, frameworks, packages", _software),
        Item("24", "How parameters were initialised", _training),
        Item("25", "Training: augmentation, hyperparameters, number of models", _training),
        Item("26", "How the final model was chosen", _training),
        Item("27", "Ensembles, if any", _model),
        Item("28", "Measures of performance", _performance),
        Item("29", "Statistical significance and uncertainty", _analysis),
        Item("30", "Robustness and sensitivity analyses", _with_author(_subgroups)),
        Item("31", "Explainability, and whether it was validated", _fixed(say("not in this report"))),
        Item(
            "32",
            "Tests on external data",
            _fixed(say("this report is such a test if the people are others: {author}", author=AUTHOR)),
        ),
        Item("33", "Flow of people or photographs", _flow),
        Item("34", "Demographic and clinical characteristics of each partition"),
        Item("35", "Performance of the best model on every partition", _performance),
        Item("36", "Accuracy with its precision (95 % intervals)", _performance),
        Item("37", "Failure analysis: what is predicted wrongly", _with_author(_calibration)),
        Item("38", "Limitations: bias, uncertainty, generalisability"),
        Item("39", "Implications for practice; intended use and role"),
        Item("40", "Registration number and registry"),
        Item("41", "Where the whole protocol can be read", _plan),
        Item("42", "Funding, other support, role of the funders"),
    ),
)

CHECKLISTS: Sequence[Checklist] = (TRIPOD, CLAIM)
"""In the order of the report."""
