"""A study: cohorts looked at together, at one level with one seed, and all that was computed of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from fundus_core import evaluation
from fundus_core.analyses import multiple_testing as families_
from fundus_core.analyses.labels import Say, Word
from fundus_core.analyses.multiple_testing import Family, Tests
from fundus_core.analyses.plan import StatedPlan
from fundus_core.analyses.result_cache import Memory
from fundus_core.analyses.settings import USUAL, Settings
from fundus_core.errors import UsageError
from fundus_core.evaluation import CRITERIA, Cell, Choices, Level, Outline, Sample, Shared
from fundus_core.figures import Figure, Look, Observations
from fundus_core.records import CohortTable, Labels, Status
from fundus_core.targets import TARGETS, Target

_R = TypeVar("_R")
_T = TypeVar("_T")
Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Rows = Sequence[Mapping[str, Cell]]
"""A table as it is exported; every row has the same columns."""

MOST_GROUPS = 8
"""A column with more different words is a name or a date, not a group; the palette has as many colours."""
ALWAYS = ("sex", "age", "eye", "quality", "out_of_distribution")
"""Columns that every cohort can be cut by, where they differ."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a figure is drawn with and of, besides its numbers."""

    look: Look
    """Palette, language, stamp."""
    groups: Sequence[Observations] = ()
    """Observations, a group per colour."""
    by: str = ""
    """The column that cuts the cohort; empty for every one."""
    place: int = 0
    """Colour of the cohort."""
    height: int = 420
    """Pixels."""


@dataclass(frozen=True, slots=True)
class Analysis(Generic[_R]):
    """One thing that is computed and shown: the same wherever it is shown."""

    id: str
    """Stable: the name of its table's file, and in addresses."""
    title: str
    """In English, as pages and reports head it."""
    question: str
    """What it answers, or how it is read, in English."""
    compute: Callable[[Study, str, str], _R]
    """From study, target (or criterion) and column to the result."""
    kind: type | None = None
    """Class of the result where it is worth keeping on disk."""
    rows: Callable[[_R], Rows] = lambda _found: ()
    """The result as an exported table."""
    draw: Callable[[Study, str, Canvas], Figure | None] = lambda _study, _name, _canvas: None
    """The result as a figure, of a study and a target (or criterion); ``None`` where there is nothing to draw."""
    needs: Callable[[Target], bool] = lambda _target: True
    """Which targets it is for."""
    offered: Callable[[Study], bool] = lambda _study: True
    """Of which studies a page offers it: where it is known beforehand that it has nothing to say, it is not."""
    asks: Literal["target", "criterion", "cohort"] = "target"
    """About what at a time."""
    at_level: bool = True
    """Whether it depends on what one observation is."""
    cut: bool = False
    """Whether it asks about one column of groups at a time."""
    sentences: Callable[[Study, str, Say], str] = lambda _study, _name, _say: ""
    """Its answer of a target in sentences, in the reader's language; empty where the table says it."""
    words: Mapping[str, Word] = field(default_factory=dict)
    """What its estimates and columns are called where that differs from elsewhere."""
    display: Callable[[Rows], Rows] = lambda rows: rows
    """The rows that people are shown, of all that are exported."""
    hide: tuple[str, ...] = ()
    """Columns of the exported table that people are not shown."""
    tests: Tests | None = None
    """Which of its rows are tests, and how they are corrected; ``None`` where it tests nothing."""
    quick: bool = False
    """Whether it is computed sooner than a job begins, but of very many photographs."""
    of_classes: str = ""
    """The question as it is asked of a yes/no target, in English; empty where it is the same."""

    def asked(self, target: str = "") -> str:
        """Return the question as it is asked of a target: of a yes/no target without a word about spread or MAE."""
        binary = target in TARGETS and TARGETS[target].binary
        return self.of_classes if binary and self.of_classes else self.question


@dataclass(frozen=True)
class Study:
    """Cohorts of photographs with predictions and truth, side by side or one alone."""

    load: Callable[[], Mapping[str, CohortTable]]
    """Reads each cohort's table by its name, when first asked for."""
    settings: Settings = USUAL
    """How it is evaluated."""
    families: tuple[Family, ...] | None = None
    """Tests that a plan, stated beforehand, corrects together; ``None`` where nobody stated one."""
    shared: Mapping[str, Shared] = field(default_factory=dict)
    """Results that other sites shared, by their names; they hold no people."""
    plan: StatedPlan | None = None
    """What was stated beforehand, of which the families and margins are; ``None`` where nothing was."""
    memory: Memory = field(default_factory=Memory)
    """Of all that was computed; shared by every level."""
    person: Callable[[str], CohortTable] | None = None
    """Reads the rows of one person of the one cohort, by patient; ``None`` where that is no quicker than all."""

    @classmethod
    def of(cls, table: CohortTable, settings: Settings = USUAL) -> Study:
        """Return the study of one cohort."""
        return cls(lambda: {"": table}, settings)

    def at(self, level: str, margins: Mapping[str, float] | None = None) -> Study:
        """Return the same study at another level, or with margins; what is known of it is shared.

        Args:
            level: Of observation; empty for the plan's, or the usual one.
            margins: Per target the largest difference that would not matter.

        Raises:
            UsageError: An unknown level.
        """
        stated = self.plan.plan.margins if self.plan else {}
        settings = replace(self.settings, level=level, margins={**stated, **(margins or {})})
        return replace(self, settings=settings)

    @property
    def level(self) -> Level:
        """What one observation is."""
        wanted = self.settings.level or (self.plan.plan.unit if self.plan else "")
        return evaluation.check_level(wanted) if wanted else self.usual_level

    @property
    def level_of_job(self) -> str:
        """What its job is told of the level: nothing where it is the one that stands where nobody chose."""
        return self.settings.level if self.settings.level and self.settings.level != self.at("").level else ""

    @property
    def seed(self) -> int:
        """Of every draw."""
        return self.settings.seed

    @property
    def stated(self) -> str:
        """Hash of the plan; empty without one."""
        return self.plan.plan.sha256 if self.plan else ""

    @property
    def usual_level(self) -> Level:
        """The level without a plan: the visit where somebody has several, else the person."""
        if self.shared and not self.outlines:
            return next(iter(self.shared.values())).level
        found: str = self.memory.kept("usual_level", str, lambda: evaluation.usual_level(*self.tables.values()))
        return evaluation.check_level(found)

    def behind(self, names: Sequence[str], target: str = "") -> list[str]:
        """Return the names of the photographs behind observations, those not counted included.

        Args:
            names: Of the observations.
            target: Of which target; without one, people come with all their visits.
        """
        table = None
        if target:
            sample, ids = self.sample(target)
            theirs = np.isin(ids, list(names))
            if len(set(ids[theirs].tolist())) == len(set(names)):  # else somebody was chosen who does not count here
                table = self._of_people(sample.patients[np.unique(sample.group[theirs])])
        table = self.ordered if table is None else table
        mine = np.isin(evaluation.unit_names(table, self.level), list(names))
        if target and self.level.startswith("patient"):
            visits = dict(zip(ids[theirs].tolist(), sample.visit[theirs].tolist(), strict=True))
            taken = [visits.get(who, visit) == visit for who, visit in zip(table.patient_id, table.visit, strict=True)]
            mine &= np.array(taken, dtype=bool)
        return [str(name) for name in table.photograph[mine]]

    def _of_people(self, people: Labels) -> CohortTable:
        """Return the rows of some people in order: one's are read alone, of several each one's lie together."""
        if self.person and len(people) == 1 and len(rows := self.person(str(people[0]))):
            return evaluation.sort_rows(rows)
        ends = (np.searchsorted(self.ordered.patient_id, people, side) for side in ("left", "right"))
        mine = [np.arange(first, end) for first, end in zip(*ends, strict=True)]
        return evaluation.select_rows(self.ordered, np.concatenate([*mine, np.empty(0, dtype=np.intp)]))

    def get(self, analysis: Analysis[_R], target: str = "", by: str = "") -> _R:
        """Return the answer of an analysis, computed once.

        Args:
            analysis: One of :mod:`fundus_core.analyses`.
            target: Id of a target or of a criterion; empty for what concerns the cohort as a whole.
            by: A column, for what is cut by one.

        Raises:
            NotYetError: Who only looks asks before a job has kept it.
        """
        self.expect(analysis, target, by)
        name = self._name(analysis, target, by)
        return self.memory.kept(name, analysis.kind, lambda: analysis.compute(self, target, by))

    def expect(self, analysis: Analysis[Any], target: str = "", by: str = "") -> None:
        """Return where an answer is kept, or may be computed now.

        Raises:
            NotYetError: Who only looks asks before a job has kept it.
        """
        if analysis.kind is not None:
            self.memory.expect(self._name(analysis, target, by), self.level_of_job, quick=analysis.quick)

    def has(self, analysis: Analysis[Any], target: str = "", by: str = "") -> bool:
        """Return whether the answer of an analysis is known already."""
        return self.memory.has(self._name(analysis, target, by))

    def _name(self, analysis: Analysis[Any], target: str, by: str) -> tuple[Any, ...]:
        settings = replace(self.settings, level=self.level if analysis.at_level else "")
        return (analysis.id, target, by, settings, self.stated)

    def rows(self, analysis: Analysis[_R], target: str = "") -> Rows:
        """Return an analysis as an exported table, of one target or of all; its p values as their family has them."""
        return families_.corrected(self, analysis, self.plain_rows(analysis, target))

    def plain_rows(self, analysis: Analysis[_R], target: str = "", by: str = "") -> Rows:
        """Return an analysis as a table, of one target or of all and one column or all, with p values as they are."""
        wanted = [target] if target else self.of_interest(analysis)
        columns = ([by] if by else self.columns) if analysis.cut else ("",)
        return [row for each in wanted for by in columns for row in analysis.rows(self.get(analysis, each, by))]

    def of_interest(self, analysis: Analysis[_R]) -> Sequence[str]:
        """Return what an analysis asks about one after another: targets that it is for, criteria, or the cohort."""
        if analysis.asks == "criterion":
            return self.criteria
        return [""] if analysis.asks == "cohort" else [name for name in self.targets if analysis.needs(TARGETS[name])]

    @property
    def tables(self) -> Mapping[str, CohortTable]:
        """Each cohort's readings and truth by its name."""
        return self.memory.kept("tables", None, lambda: MappingProxyType(dict(self.load())))

    @property
    def table(self) -> CohortTable:
        """The one cohort's readings and truth.

        Raises:
            UsageError: There are several.
        """
        return _alone(self.tables)

    @property
    def outlines(self) -> Mapping[str, Outline]:
        """What each cohort holds, by its name."""
        return self.memory.kept(
            "outlines", dict, lambda: {name: evaluation.outline(table) for name, table in self.tables.items()}
        )

    @property
    def outline(self) -> Outline:
        """What the one cohort holds.

        Raises:
            UsageError: There are several.
        """
        return _alone(self.outlines)

    @property
    def ordered(self) -> CohortTable:
        """The one cohort's table in the order in which everything is counted."""
        return self.memory.kept("ordered", None, lambda: evaluation.sort_rows(self.table))

    @property
    def draws(self) -> int:
        """How many draws intervals have: what was asked for, or the usual number."""
        return evaluation.NUMBER_OF_DRAWS if self.settings.draws is None else self.settings.draws

    @property
    def targets(self) -> Sequence[str]:
        """Ids of the targets that some cohort has both measured and predicted."""
        shared = [set(one.targets) for one in self.outlines.values()]
        shared += [set(one.targets) for one in self.shared.values()]
        return [name for name in TARGETS if any(name in each for each in shared)]

    @property
    def criteria(self) -> Sequence[str]:
        """Ids of the clinical criteria that the cohort can tell."""
        there = set(self.outline.targets)
        return tuple(each.id for each in CRITERIA.values() if there.issuperset(each.needs))

    @property
    def columns(self) -> Sequence[str]:
        """Columns that cut the cohort in at least two and at most :data:`MOST_GROUPS` groups."""
        return self.memory.kept("columns", list, lambda: _columns(self.table))

    @property
    def choices(self) -> Choices:
        """What the cohort's columns can be asked for: numbers, times, events."""
        return self.memory.kept("choices", Choices, lambda: evaluation.choices(self.table))

    def sample(self, target: str) -> tuple[Sample, Labels]:
        """Return the observations of one target, and the name of each."""
        return self.memory.kept(("sample", target, self.level), tuple, lambda: _sample(self, TARGETS[target]))

    def by_error(self, target: str) -> Indices:
        """Return which of one target's observations have the largest error, the largest first."""
        found, _ids = self.sample(target)
        name = ("by_error", target, self.level)
        return self.memory.kept(name, np.ndarray, lambda: np.argsort(-np.abs(found.error), kind="stable"))

    def beside_by_error(self, target: str, name: str) -> tuple[str, str]:
        """Return whose error is the next larger and the next smaller than an observation's; empty where nobody's is."""
        ids, order = self.sample(target)[1], self.by_error(target)
        at = np.flatnonzero(np.isin(order, np.flatnonzero(ids == name)[:1]))
        steps = (at - 1, at + 1)
        larger, smaller = (str(ids[order[one[0]]]) if len(one) and 0 <= one[0] < len(order) else "" for one in steps)
        return larger, smaller

    def groups(self, target: str, by: str = "", *, name: str = "all", place: int = 0) -> Sequence[Observations]:
        """Return one target's observations, a group per word of a column; one group without a column.

        Args:
            target: Its id.
            by: The column.
            name: Of the one group.
            place: Of the one group's colour.
        """
        found, ids = self.sample(target)
        if not by:
            return [Observations(name, ids, found.y, found.p, place)]
        words, numbers = self.words(target, by)
        each = [np.flatnonzero(numbers == at) for at in range(len(words))]
        return [
            Observations(word, ids[mine], found.y[mine], found.p[mine], at)
            for at, (word, mine) in enumerate(zip(words, each, strict=True))
        ]

    def words(self, target: str, by: str) -> tuple[list[str], NDArray[np.unsignedinteger[Any]]]:
        """Return the words of a column among one target's observations, sorted, and of each the number of its own."""

        def made() -> tuple[list[str], NDArray[np.unsignedinteger[Any]]]:
            words, numbers = np.unique(self._word_of_each(target, by), return_inverse=True)
            return [str(word) for word in words], numbers.astype(np.min_scalar_type(len(words)))

        return self.memory.kept(("words", target, by, self.level), tuple, made)

    def _word_of_each(self, target: str, by: str) -> Labels:
        """Return the word of each observation's first photograph."""
        ids, level = self.sample(target)[1], self.level
        names, first = self.memory.kept(
            ("firsts", level), None, lambda: np.unique(evaluation.unit_names(self.ordered, level), return_index=True)
        )
        rows = self.memory.kept(("rows", target, level), None, lambda: first[np.searchsorted(names, ids)])
        return evaluation.grouping(self.ordered, by)[rows]


def _alone(cohorts: Mapping[str, _T]) -> _T:
    if len(cohorts) != 1:
        raise UsageError("The study holds {tables} cohorts; ask one of them alone.", tables=len(cohorts))
    return next(iter(cohorts.values()))


def _columns(table: CohortTable) -> list[str]:
    possible = dict.fromkeys([*ALWAYS, *table.covariates])
    return [
        name
        for name in possible
        if 1 < len(evaluation.distinct(evaluation.grouping(table, name), MOST_GROUPS)) <= MOST_GROUPS
    ]


def _sample(study: Study, target: Target) -> tuple[Sample, Labels]:
    level = study.level
    sample = evaluation.units_of_analysis(study.ordered, target, level, ordered=True)
    if level == "photograph":
        return sample, study.ordered.photograph[counted(study.ordered, target)]
    return sample, evaluation.named(sample.patients[sample.group], sample.visit, sample.eye, level)


def counted(ordered: CohortTable, target: Target) -> NDArray[np.bool_]:
    """Return which photographs an evaluation counts, as it counts them."""
    nothing = np.full(len(ordered), np.nan)
    truth, predicted = ordered.truth.get(target.id, nothing), ordered.predicted.get(target.id, nothing)
    chosen = (ordered.status == Status.PREDICTED.value) & np.isfinite(truth) & np.isfinite(predicted)
    return np.asarray(chosen & ((truth == 0) | (truth == 1)) if target.binary else chosen)
