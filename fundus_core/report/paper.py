"""What a paper prints of a cohort or a comparison: two paragraphs and its tables; HTML and manuscripts lay them out."""

from dataclasses import dataclass

from fundus_core import __version__
from fundus_core.analyses import (
    Laid,
    Study,
    differences_in_words,
    one_cohort,
    results_in_words,
    shown,
    side_by_side,
    table_one,
)
from fundus_core.analyses.results import COMPARED, COMPARED_CLASSES, MAIN_DIFFERENCES
from fundus_core.errors import joined, say
from fundus_core.figures import heading
from fundus_core.report.content import Pair, Subject
from fundus_core.targets import TARGETS

_UNITS = {
    "patient": "A person was one observation: predictions of a person's photographs were averaged.",
    "visit": "A visit of a person was one observation: predictions of its photographs were averaged.",
    "eye": "An eye was one observation; intervals are over people, who have two.",
    "photograph": "A photograph was one observation; intervals are over people, who may have several.",
}
_INTERVALS = (
    "Intervals are 95 % and over people: t with the jackknife (of an error on its logarithm, of a correlation on "
    "Fisher's z), Jeffreys' for shares."
)


SIDE_BY_SIDE = (COMPARED, COMPARED_CLASSES, MAIN_DIFFERENCES)
"""Tables of a comparison, after table one."""


@dataclass(frozen=True, slots=True)
class Titled:
    """A table under its title."""

    title: str
    """As it stands above the table."""
    table: Laid
    """As people read it."""
    note: str = ""
    """Of the whole table; it stands first below."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper prints."""

    title: str
    """Of the cohort or the comparison."""
    methods: str
    """A paragraph."""
    results: str
    """A paragraph; empty where nothing was measured."""
    tables: tuple[Titled, ...]
    """Table one, then the results."""
    notice: str
    """What must stand beside every number."""


def paper_of(subject: Subject) -> Paper:
    """Return what a paper prints of a cohort."""
    return Paper(
        subject.title,
        " ".join((_read(subject), *_methods(subject.study), *_tested(subject.study, "the best constant"))),
        results_in_words(subject.study),
        tuple(tables_of(subject.study, subject.title)),
        subject.notice,
    )


def tables_of(study: Study, title: str) -> list[Titled]:
    """Return table one and the results of a cohort, each with its unit beside the target."""
    who = table_one(study.get(side_by_side.CASE_MIX), names=lambda _cohort: title)
    made = (Titled(each.title, shown(study, each), each.question) for each in one_cohort.OF_ALL_TARGETS)
    return [Titled(side_by_side.CASE_MIX.title, who), *(one for one in made if one.table.body)]


def paper_of_pair(pair: Pair) -> Paper:
    """Return what a paper prints of cohorts side by side."""
    study = pair.study
    said = [differing(study, target) for target in study.targets]
    sizes = say(
        "{n} cohorts were compared: {names}.", n=len(pair.comparison.names), names=joined(pair.comparison.names, "and")
    )
    tables = [Titled(side_by_side.CASE_MIX.title, table_one(study.get(side_by_side.CASE_MIX)))]
    if study.targets:
        tables += [Titled(each.title, shown(study, each), each.question) for each in SIDE_BY_SIDE]
    kept = tuple(each for each in tables if each.table.body)
    methods = " ".join((sizes, *_methods(study), *_tested(study, "that of the other cohort")))
    return Paper(pair.title, methods, " ".join(said), kept, pair.notice)


def differing(study: Study, target: str) -> str:
    """Return in what a target's errors differ between cohorts, under its name."""
    return f"{heading(TARGETS[target].name)}: {' '.join(differences_in_words(study, target))}"


def _read(subject: Subject) -> str:
    flow = subject.flow
    model = "; ".join(f"{card.title} ({card.id}, SHA-256 {card.weights.sha256[:12]}…)" for card in subject.cards)
    lost = say(" Not predicted: {list}.", list=joined([f"{n:,} {why}" for why, n in flow.reasons.items()], ";"))
    first = say(
        "{n:,} {n:photograph|photographs} of {people:,} {people:person|people} were read by {model} (Fundus Lab "
        "{version}); {predicted:,} were predicted.",
        n=flow.photographs,
        people=flow.people,
        model=model or f"“{subject.model or 'a model that is not named'}”",
        version=__version__,
        predicted=flow.predicted,
    )
    source = say(" Measured values came from '{name}'.", name=subject.source) if subject.source else ""
    return f"{first}{lost if flow.reasons else ''}{source}"


def _methods(study: Study) -> list[str]:
    visit = f" Of several visits of a person the {study.level.removeprefix('patient_')} was taken."
    one = "patient" if study.level.startswith("patient") else study.level
    return [_UNITS[one] + (visit if study.level.startswith("patient_") else ""), _INTERVALS]


def _tested(study: Study, against: str) -> list[str]:
    if study.plan:
        return [f"Tests were those of the analysis plan “{study.plan.plan.title}”, corrected in its families."]
    return [
        f"The main error of each target was tested against {against}; p values were corrected after Holm over all "
        "targets, and all else is exploratory. Baselines are the median (the commoner answer) of all other people, and "
        "a curve of age for each sex, cross-validated by person."
    ]
