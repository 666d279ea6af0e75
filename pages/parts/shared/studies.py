"""What pages look at, and its study: computed once per revision of a cohort and shared by all tabs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import streamlit as st

from fundus_core import evaluation, jobs, pipeline
from fundus_core.analyses import NotYetError, OpenStudies, Study, evaluated, one_cohort, only_looking
from fundus_core.evaluation import Evaluation, Shared, Split, selected
from fundus_core.figures import Observations
from fundus_core.models.fitted_people import FittedPeople
from fundus_core.records import Rule
from fundus_core.store import Cohort, Item
from fundus_core.targets import TARGETS
from pages.parts.shared import progress
from pages.parts.shell import cards, home, sample
from pages.parts.shell.language import _, said

Key = tuple[str, int, float, int, str, str]
"""Working folder and who asks, cohort, when it was made (ids are used again), revision, model and what made the part:
what studies are cached under."""
MANY = 20_000
"""Photographs from which on a page reads and computes nothing of all of them before a job has."""
_LATER: ContextVar[list[Callable[[], None]]] = ContextVar("later")
"""What begins the jobs of the page at hand."""


@dataclass(frozen=True, slots=True)
class Part:
    """A selection of a cohort that a page looks at as it looks at a cohort."""

    name: str
    """What tables call it; unique among what they stand beside."""
    title: str
    """What the reader calls it."""
    rule: Rule
    """What made it."""
    place: int = 0
    """Of its colour in the palette."""


@dataclass(frozen=True, slots=True)
class View:
    """What a page looks at: one cohort, or a part of one, under one model."""

    cohort: Cohort
    """As the store has it now."""
    model: str
    """Id of the card; empty where no model was asked yet."""
    part: Part | None = None
    """Which part; ``None`` for all of it."""

    @property
    def name(self) -> str:
        """What tables of several views call it: the cohort's own name, or the part's."""
        return self.part.name if self.part else self.cohort.name

    @property
    def title(self) -> str:
        """What the reader calls it."""
        return self.part.title if self.part else sample.called(self.cohort.name)

    @property
    def whole(self) -> View:
        """The cohort that it is a part of."""
        return replace(self, part=None)

    @property
    def place(self) -> int:
        """Place of the cohort's colour in the palette; the same everywhere, whatever other cohorts come and go."""
        return self.part.place if self.part else self.cohort.id - 1

    def link(self, item: Item | None = None) -> dict[str, str]:
        """What leads a link here, or to one of the photographs: keys that stay, and no name of anybody."""
        told = {"cohort": self.cohort.key, "model": self.model, "photograph": item.key if item else ""}
        return {name: word for name, word in told.items() if word}

    @property
    def key(self) -> Key:
        """What caches of this view are kept under."""
        cohort = self.cohort
        made = self.part.rule.as_json() if self.part else ""
        return (home.cache_scope(), cohort.id, cohort.created_at, cohort.revision, self.model, made)


_STUDIES = OpenStudies()
"""Studies of this server, shared by all tabs; what they take together is bounded, large ones are fewer."""


def _study(view: View) -> Study:
    if part := view.part:
        return Study(lambda: {"": selected(study(view.whole).table, part.rule)})
    return pipeline.stored_study(home.store(), view.cohort, view.model)


def study(view: View, level: str = "") -> Study:
    """Return the study of one cohort under one model."""
    return _STUDIES.kept(view.key, lambda: _study(view)).at(level)


def of_person(view: View, patient_id: str) -> Study:
    """Return the study of one person of a cohort, for which the others are not read."""

    def own() -> Study:
        return Study(lambda: {"": home.store().table(view.cohort.id, [view.model], patient_id=patient_id)})

    return study(view).memory.kept(("person", patient_id), None, own)


@st.cache_resource(max_entries=12, show_spinner=False)
def _fitted(key: Key, _view: View) -> FittedPeople | None:
    store, cohort = home.store(), _view.cohort.id
    return pipeline.people_fitted(_view.model, store.table(cohort, [_view.model]), store.hashes(cohort))


def fitted(view: View) -> FittedPeople | None:
    """Return who of a cohort was used to fit its model's recalibration; ``None`` where nobody was."""
    card = cards.known().get(view.model)
    return _fitted(view.whole.key, view.whole) if card and card.recalibrated else None


def testable(view: View) -> bool:
    """Return whether a cohort may be looked at under its model, without a question about people it was fitted to."""
    if (found := fitted(view)) is None:
        return True
    answer = pipeline.answer_of(home.store(), view.cohort.id, view.model)
    return not found.rows.all() if answer == pipeline.LEAVE_OUT else bool(answer) and not found.photographs


def _members(views: Sequence[View]) -> list[pipeline.Member]:
    return [
        pipeline.Member(view.name, view.cohort, view.model, view.part.rule if view.part else None) for view in views
    ]


def _whole(cohort: Cohort, model: str) -> Study:
    return study(View(cohort, model))


def questions(views: Sequence[View], shared: Mapping[str, Shared]) -> Mapping[tuple[str, str], int]:
    """Return how many ids two cohorts have in common of which nobody has said whether they are the same people."""
    return pipeline.open_questions(home.store(), _members(views), together(views, shared=shared), _whole)


def together(
    views: Sequence[View],
    level: str = "",
    margins: Mapping[str, float] | None = None,
    shared: Mapping[str, Shared] | None = None,
) -> Study:
    """Return the study of several cohorts side by side; equal ids of different people are made different.

    What other sites shared stands beside them.
    """
    beside = shared or {}
    of = pipeline.comparison_key(home.store(), _members(views), beside)
    key = ("together", of, *(view.key for view in views))
    made = _STUDIES.kept(key, lambda: pipeline.studied_together(home.store(), _members(views), beside, _whole))
    return made.at(level, margins)


def together_known(views: Sequence[View], shared: Mapping[str, Shared]) -> bool:
    """Return whether a page of cohorts side by side may begin; of very many photographs after a job, which is drawn."""
    members, photographs = _members(views), _photographs(views)
    if photographs < MANY or pipeline.known_together(members, together(views, shared=shared)):
        return True
    return _side_by_side(pipeline.comparing_folder(home.store(), members, shared, target=None), views)


def together_kept(
    views: Sequence[View],
    level: str,
    target: str,
    margins: Mapping[str, float],
    shared: Mapping[str, Shared],
    *,
    offer: str = "",
) -> bool:
    """Return whether cohorts side by side can be shown at once; of large ones only after a job, which is drawn.

    Without a target all that their report holds is meant; a button that says ``offer`` begins the job.
    """
    if not together(views, level, margins, shared).memory.lasting:
        return True
    folder = pipeline.comparing_folder(home.store(), _members(views), shared, level, target, margins)
    return _side_by_side(folder, views, offer)


def _side_by_side(folder: Path, views: Sequence[View], offer: str = "") -> bool:
    told = ("--model", views[0].model, "--beside", folder / pipeline.ASKED)
    return progress.kept(folder, told, views[0].cohort.name, _photographs(views), offer=offer)


def _photographs(views: Sequence[View]) -> int:
    return sum({view.cohort.id: view.cohort.photographs for view in views}.values())


def splits(view: View) -> Mapping[str, Split]:
    """Return how a cohort can be split, by column: what its table brought first, then what every cohort has."""
    return pipeline.splits(study(view))


def parts(view: View, found: Split) -> list[View]:
    """Return the parts of a cohort as views, each of its own colour."""
    made = (Part(word, said(word), rule, at) for at, (word, rule) in enumerate(found.parts.items()))
    return [replace(view, part=part) for part in made]


def _of_models(views: Sequence[View]) -> list[pipeline.Member]:
    return [pipeline.Member(view.model, view.cohort, view.model) for view in views]


def under_models(view: View, target: str) -> list[View]:
    """Return a cohort under each of its models that read a target."""
    views = [View(view.cohort, version.model) for version in home.store().models(view.cohort.id)]
    return [each for each in views if testable(each) and target in study(each).outline.predicted]


def models(views: Sequence[View], target: str, level: str) -> Study | None:
    """Return the study of a cohort's models; of a large one ``None``, and how far the job is, until it was compared."""
    key = ("models", *(each.key for each in views))
    made = _STUDIES.kept(key, lambda: pipeline.studied_together(home.store(), _of_models(views), study_of=_whole))
    if made.memory.lasting:
        folder = pipeline.comparing_folder(home.store(), _of_models(views), level=level, target=target)
        if not _side_by_side(folder, views):
            return None
    return made.at(level)


def exists(view: View) -> bool:
    """Return whether the store still has the cohort."""
    known = {(each.id, each.created_at) for each in home.store().cohorts()}
    return (view.cohort.id, view.cohort.created_at) in known


def read(view: View, level: str = "", title: str = "") -> None:
    """Have a large cohort's analyses computed in a process of its own.

    The page goes on, and ends at the first that is not kept yet, with how far they are. Of very many photographs it
    begins, untitled until then, when the first numbers are there.
    """
    whole = view.cohort
    if view.part or not view.model or not study(view).memory.lasting:
        return
    level = study(view, level).level_of_job
    folder = pipeline.job_folder(home.store(), whole, view.model, level)
    begin = partial(progress.begin, folder, "--model", view.model, "--level", level, cohort=whole.name)
    if whole.photographs < MANY:  # beside what the page computes itself it would make the reader wait
        _LATER.get().append(begin)
        return
    begin()
    if not pipeline.begun(study(view, level)):
        progress.waits(folder, whole.photographs, title=title, until=lambda: pipeline.begun(study(view, level)))
        st.stop()


def computed(view: View, level: str = "") -> bool:
    """Return whether a job has nothing left to compute of a view; of a small cohort there never is one."""
    whole = study(view, level)
    if not whole.memory.lasting:
        return True
    return jobs.result(pipeline.job_folder(home.store(), view.cohort, view.model, whole.level_of_job)) is not None


@contextlib.contextmanager
def as_it_comes() -> Iterator[None]:
    """Within it a page ends at the first result that a job has not kept yet, with how far the job is.

    A job that the page's first numbers do not wait for begins when the page is drawn, or has come to such a result.
    """
    later: list[Callable[[], None]] = []
    before, reached = _LATER.set(later), None
    try:
        with only_looking(MANY):
            yield
    except NotYetError as what:
        reached = what
    finally:
        _LATER.reset(before)
    for begin in later:
        begin()
    if reached:
        progress.coming(reached)


def await_slides(view: View) -> None:
    """Have a page begin once all that slides show is kept: they are drawn together.

    Raises:
        NotYetError: A job is still computing it; told of the last, so that the page is not drawn for each.
    """
    whole = study(view)
    for wanted in reversed(pipeline.of_slides(whole) if whole.memory.lasting else ()):
        whole.expect(*wanted)


def scores(view: View, level: str = "", *targets: str) -> Evaluation:
    """Return the numbers of these targets, of all without one, without those that need sorting."""
    if view.cohort.photographs < MANY:
        return evaluated(study(view, level), *targets, ranked=False)
    with st.spinner(_("Computing intervals"), show_time=True):
        return evaluated(study(view, level), *targets, ranked=False)


def point_estimates(view: View, level: str = "") -> Evaluation:
    """Return every target's numbers without intervals: nobody has to be drawn for them."""
    return study(view, level).get(one_cohort.POINTS)


def scored(view: View, level: str, target: str) -> Evaluation:
    """Return every target's numbers, with intervals for one: what a page shows that looks at one."""
    whole = scores(view, level, target)
    return replace(whole, targets=MappingProxyType({**point_estimates(view, level).targets, **whole.targets}))


def exported(view: View, level: str) -> Evaluation:
    """Return every target's numbers for a file."""
    return evaluated(study(view, level))


def targets(found: Evaluation) -> list[str]:
    """Return the ids of targets that have observations."""
    return [name for name in TARGETS if name in found.targets and found.targets[name].n > 0]


def groups(view: View, target: str, level: str = "", by: str = "") -> Sequence[Observations]:
    """Return the observations of one target, a group per word of a column; one group without a column."""
    return study(view, level).groups(target, by, name=view.name, place=view.place)


def observation(view: View, item: Item, level: str) -> str:
    """Return the name of the observation that a photograph belongs to."""
    found = study(view, level)
    table = of_person(view, item.patient_id).table if found.person and item.patient_id else found.table
    own = evaluation.select_rows(table, np.flatnonzero(table.photograph == item.name)[:1])
    return str(evaluation.unit_names(own, found.level)[0]) if len(own) else item.name
