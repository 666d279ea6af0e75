"""What a paper prints of a cohort or a comparison: two paragraphs and its tables; HTML and manuscripts lay them out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fundus_core import __version__
from fundus_core.analyses import (
    Analysis,
    Laid,
    Study,
    differences_in_words,
    one_cohort,
    results_in_words,
    shown,
    side_by_side,
    table_one,
)
from fundus_core.analyses.labels import Say
from fundus_core.analyses.results import COMPARED, COMPARED_CLASSES, MAIN_DIFFERENCES
from fundus_core.errors import joined, say
from fundus_core.figures import heading
from fundus_core.report.content import Pair, Subject
from fundus_core.targets import TARGETS

SIDE_BY_SIDE = (COMPARED, COMPARED_CLASSES, MAIN_DIFFERENCES)
"""Tables of a comparison, after table one."""
_NUMBERED = re.compile(r"\s*[(（](?:Table|表)\s*\d+[)）]$")


@dataclass(frozen=True, slots=True)
class Titled:
    """A table under its title."""

    title: str
    """As it stands above the table."""
    table: Laid
    """As people read it."""
    note: str = ""
    """Of the whole table; it stands first below."""

    @property
    def unnumbered(self) -> str:
        """The title without its number, where a manuscript counts its tables itself.

        >>> Titled("Results (Table 2)", Laid((), (), ())).unnumbered
        'Results'
        """
        return _NUMBERED.sub("", self.title)


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper prints."""

    title: str
    """Of the cohort or the comparison."""
    sections: tuple[tuple[str, str], ...]
    """Heading and paragraph: methods; results, where anything was measured."""
    tables: tuple[Titled, ...]
    """Table one, then the results."""
    notice: str
    """What must stand beside every number."""
    table: str = "Table"
    """What its language calls a table."""


def paper_of(subject: Subject, tell: Say = str) -> Paper:
    """Return what a paper prints of a cohort, in a language."""
    methods = [*_read(subject, tell), *_methods(subject.study), *_tested(subject.study, say("the best constant"))]
    tables = tuple(tables_of(subject.study, subject.title, tell))
    return _paper(subject.title, methods, results_in_words(subject.study, tell), tables, subject.notice, tell)


def _paper(
    title: str, methods: Sequence[str], results: str, tables: tuple[Titled, ...], notice: str, tell: Say
) -> Paper:
    sections = ((tell(say("Methods")), tell(joined(map(tell, methods)))), (tell(say("Results")), results))
    return Paper(title, tuple(one for one in sections if one[1]), tables, tell(notice), tell(say("Table")))


def tables_of(study: Study, title: str, tell: Say = str) -> list[Titled]:
    """Return table one and the results of a cohort, each with its unit beside the target."""
    who = table_one(study.get(side_by_side.CASE_MIX), tell, names=lambda _cohort: title)
    made = _titled(study, one_cohort.OF_ALL_TARGETS, tell)
    return [Titled(tell(side_by_side.CASE_MIX.title), who), *made]


def _titled(study: Study, analyses: Sequence[Analysis[Any]], tell: Say) -> list[Titled]:
    made = (Titled(tell(each.title), shown(study, each, say=tell), tell(each.question)) for each in analyses)
    return [one for one in made if one.table.body]


def paper_of_pair(pair: Pair, tell: Say = str) -> Paper:
    """Return what a paper prints of cohorts side by side, in a language."""
    study = pair.study
    found = [differing(study, target, tell) for target in study.targets]
    sizes = say(
        "{n} cohorts were compared: {names:and}.", n=len(pair.comparison.names), names=list(pair.comparison.names)
    )
    who = table_one(study.get(side_by_side.CASE_MIX), tell)
    tables = [Titled(tell(side_by_side.CASE_MIX.title), who)] if who.body else []
    tables += _titled(study, SIDE_BY_SIDE, tell) if study.targets else []
    methods = [sizes, *_methods(study), *_tested(study, say("that of the other cohort"))]
    return _paper(pair.title, methods, tell(joined(found)), tuple(tables), pair.notice, tell)


def differing(study: Study, target: str, tell: Say = str) -> str:
    """Return in what a target's errors differ between cohorts, under its name."""
    found = joined(differences_in_words(study, target, tell))
    return tell(say("{name}: {found}", name=heading(tell(TARGETS[target].name)), found=found))


def _read(subject: Subject, tell: Say) -> list[str]:
    flow = subject.flow
    cards = [f"{tell(card.title)} ({card.id}, SHA-256 {card.weights.sha256[:12]}…)" for card in subject.cards]
    model = say("“{model}”", model=subject.model) if subject.model else say("a model that is not named")
    first = say(
        "{n:,} {n:photograph|photographs} of {people:,} {people:person|people} were read by {model:;} (Fundus Lab "
        "{version}); {predicted:,} were predicted.",
        n=flow.photographs,
        people=flow.people,
        model=cards or [model],
        version=__version__,
        predicted=flow.predicted,
    )
    lost = [say("{n:,} {why}", n=n, why=outcome(why)) for why, n in flow.reasons.items()]
    more = [say("Not predicted: {list}.", list=lost)] if lost else []
    source = [say("Measured values came from '{name}'.", name=subject.source)] if subject.source else []
    return [first, *more, *source]


def outcome(told: str) -> str:
    """Return an outcome with its code, as ``Flow.reasons`` names them, as a sentence of ours.

    >>> outcome("refused: field cut")
    'refused: field cut'
    """
    status, _between, code = told.partition(": ")
    return say("{outcome}: {code}", outcome=say(status), code=say(code)) if code else say(status)


_UNITS = {
    "patient": say("A person was one observation: predictions of a person's photographs were averaged."),
    "visit": say("A visit of a person was one observation: predictions of its photographs were averaged."),
    "eye": say("An eye was one observation; intervals are over people, who have two."),
    "photograph": say("A photograph was one observation; intervals are over people, who may have several."),
}
_VISITS = {
    "patient_last": say("Of several visits of a person the last was taken."),
    "patient_nearest": say("Of several visits of a person the one nearest to the measurement was taken."),
}
_INTERVALS = say(
    "Intervals are 95 % and over people: t with the jackknife (of an error on its logarithm, of a correlation on "
    "Fisher's z), Jeffreys' for shares."
)


def _methods(study: Study) -> list[str]:
    if study.level.startswith("patient_"):
        return [_UNITS["patient"], _VISITS[study.level], _INTERVALS]
    return [_UNITS[study.level], _INTERVALS]


def _tested(study: Study, against: str) -> list[str]:
    if study.plan:
        title = study.plan.plan.title
        return [say("Tests were those of the analysis plan “{title}”, corrected in its families.", title=title)]
    return [
        say(
            "The main error of each target was tested against {against}; p values were corrected after Holm over all "
            "targets, and all else is exploratory.",
            against=against,
        ),
        say(
            "Baselines are the median (the commoner answer) of all other people, and a curve of age for each sex, "
            "cross-validated by person."
        ),
    ]
