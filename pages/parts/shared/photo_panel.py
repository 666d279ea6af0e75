"""One observation's photographs beside its numbers, the panel that a click opens; and where a model looks in them."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import streamlit as st

from fundus_core import pipeline
from fundus_core.analyses import Canvas, one_cohort
from fundus_core.errors import FundusError, joined, members
from fundus_core.explain import Explanation
from fundus_core.figures import number
from fundus_core.records import OVERRULED, WITHDRAWN, Eye
from fundus_core.runs.model_loading import RENDERED_REMARK
from fundus_core.store import Ids, Item, Where
from fundus_core.targets import TARGETS, Target
from pages.parts.shared import display, studies
from pages.parts.shared.studies import View
from pages.parts.shell import address, cards, home, sample, state
from pages.parts.shell.address import GoneError
from pages.parts.shell.language import _, literal, said

MISSING = str(Path(__file__).parents[1] / "static" / "no_picture.svg")
"""Stands where the worker made no picture: the file is no retina and might show a name."""
_SELECTED = "selected-eye"


def items_of(view: View, name: str, level: str, target_id: str) -> tuple[Item, ...]:
    """Return the photographs behind an observation of a target."""
    names = tuple(studies.study(view, level).behind([name], target_id))
    if not names:
        return ()
    return home.store().photographs(view.cohort.id, Where(names=names), model=view.model or None).items


def addressed(view: View) -> Item | None:
    """Return the photograph that the address names, by its key or, in older links, by exactly its name.

    Raises:
        GoneError: The cohort does not have it.
    """
    said_so = st.query_params.get("photograph", "")
    if not said_so:
        return None
    number = address.whole(said_so.partition("-")[0])
    for where in (Where(ids=Ids.of([number])) if number is not None else None, Where(names=(said_so,))):
        items = home.store().photographs(view.cohort.id, where, model=view.model or None).items if where else ()
        for item in items:
            if said_so in (item.key, item.name):
                return item
    raise GoneError(_("Photograph"), said_so, keys=["photograph"])


def select(view: View, name: str) -> None:
    """Remember the photograph that was chosen last, on whatever page; none where the name is empty."""
    state.remember(_SELECTED, (view.cohort.key, name))


def selected(view: View) -> Item | None:
    """Return the photograph that was chosen last, where it is one of the cohort: every page follows it."""
    cohort, name = state.recall(_SELECTED, ("", ""))
    where = Where(names=(name,)) if name and cohort == view.cohort.key else None
    items = home.store().photographs(view.cohort.id, where, model=view.model or None).items if where else ()
    return items[0] if items else None


def picture(item: Item, *, large: bool = True) -> str:
    """Return the file to show for a photograph."""
    found = pipeline.picture(home.store(), item, large=large) or sample.original(item.sha256)
    return str(found) if found else MISSING


def name_of(item: Item) -> str:
    """Return a photograph's name; of one that was dropped without what tells two of one name apart."""
    return item.name.removeprefix(f"{item.sha256[:12]}/")


def eye(which: Eye) -> str:
    """Return an eye in words."""
    words = {Eye.RIGHT: _("right eye"), Eye.LEFT: _("left eye"), Eye.UNKNOWN: _("eye unknown")}
    return words[which]


def values(items: tuple[Item, ...], target_id: str, name: str) -> None:
    """Draw what was measured and predicted of an observation, with interval and quality."""
    st.markdown(f"**{literal(name)}**")
    if TARGETS[target_id].binary:
        _class(items, TARGETS[target_id])
    else:
        _numbers(items, TARGETS[target_id])
    lines = "  \n".join(filter(None, [interval(items, TARGETS[target_id]), details(items[0])]))
    st.caption(
        lines,
        help=_(
            "Quality: 0 to 1, from sharpness, light and field of view. Distance: how unlike the training photographs "
            "(out-of-distribution score); beyond 1 do not rely on the model."
        ),
    )


def interval(items: tuple[Item, ...], target: Target) -> str:
    """Return the mean prediction interval of some photographs in words; empty where the model gives none."""
    said_of = [item.predictions[target.id] for item in items if target.id in item.predictions]
    low, high = _mean([each.low for each in said_of]), _mean([each.high for each in said_of])
    if low is None or high is None:
        return ""
    words = _("90 % prediction interval: {low} to {high}")
    return words.format(low=number(low, target), high=number(high, target))


def describe(item: Item) -> str:
    """Return a photograph in words, for those who cannot see it; without its file's name, which may be a person's."""
    return _("Photograph of the retina, {eye}.").format(eye=eye(item.eye))


def note(item: Item) -> str:
    """Return what the reader remarked on a predicted photograph (the first of several pages, eyes that disagree).

    That the model learned from rendered eyes is said at the top of every page already.
    """
    if item.status != "predicted":
        return ""
    told = (one.replace(RENDERED_REMARK, "").strip() if RENDERED_REMARK in one else one for one in members(item.reason))
    return _plain(item, said(joined(told)))


def reason(item: Item) -> str:
    """Return why a photograph has no prediction, in the reader's language."""
    return _plain(item, said(item.reason))


def _plain(item: Item, text: str) -> str:
    """Show what a person wrote about a decision as it was written."""
    return literal(text) if item.reason_code in (OVERRULED, WITHDRAWN) else text


def _mean(values: list[float]) -> float | None:
    kept = [value for value in values if math.isfinite(value)]
    return sum(kept) / len(kept) if kept else None


def truth_and_prediction(items: tuple[Item, ...], target_id: str) -> tuple[float | None, float | None]:
    """Return the mean truth and the mean prediction of some photographs."""
    counted = [item for item in items if target_id in item.truth and target_id in item.predictions]
    truth = _mean([item.truth[target_id] for item in counted])
    return truth, _mean([item.predictions[target_id].value for item in counted])


def _numbers(items: tuple[Item, ...], target: Target) -> None:
    truth, predicted = truth_and_prediction(items, target.id)
    unit = _(target.unit)
    st.markdown(
        f"{_('true')} **{number(truth, target)}** {unit}  \n{_('predicted')} **{number(predicted, target)}** {unit}"
    )
    if truth is not None and predicted is not None:
        error = number(predicted - truth, target, signed=True)
        st.badge(_("error {value} {unit}").format(value=error, unit=unit), color="gray")


def _class(items: tuple[Item, ...], target: Target) -> None:
    truth, predicted = truth_and_prediction(items, target.id)
    said = "–" if truth is None else _(target.said(truth))
    shown = "–" if predicted is None else f"{predicted:.2f}"
    st.markdown(f"{_('true')} **{said}**  \n{_(target.name)} **{shown}**")


def details(item: Item) -> str:
    """Return a photograph's quality, its distance, and its first covariates, in one line."""
    parts = [measured(item), *(literal(f"{name} {word}") for name, word in list(item.covariates.items())[:4])]
    return " · ".join(filter(None, parts))


def measured(item: Item) -> str:
    """Return a photograph's quality and its distance from the training photographs; empty where nobody measured."""
    known = {_("quality"): item.quality, _("distance"): item.out_of_distribution}
    return " · ".join(f"{name} {value:.2f}" for name, value in known.items() if math.isfinite(value))


def course(view: View, item: Item, target_id: str) -> None:
    """Draw what was measured and predicted of a photograph's person; nothing where there are not two visits."""
    analysis, study = one_cohort.COURSE, studies.study(view)
    if item.patient_id and not view.part and view.cohort.photographs >= studies.MANY:
        study = studies.of_person(view, item.patient_id)
    if not (item.patient_id and analysis.needs(TARGETS[target_id]) and analysis.offered(study)):
        return
    canvas = Canvas(display.figure_look(view), by=item.patient_id, place=view.place)
    if figure := analysis.draw(study, target_id, canvas):
        st.caption(_(analysis.title), help=_(analysis.question))
        display.chart(figure, f"course-{target_id}", name=f"{target_id}-course", view=view)


KEPT = 24
"""Answers that are remembered, a few megabytes each; in memory, so that no picture outlives its photograph on disk."""

_Asked = tuple[str, str, str, str]
_answers: OrderedDict[_Asked, Future[Explanation]] = OrderedDict()
_warmed: dict[str, float] = {}
_AFTER_S, _AGAIN_S = 2.0, 120.0
"""Seconds from a page to the process that is warmed up for it, and to the next time: unasked it ends in 300."""
_guard, _one_at_a_time = threading.Lock(), threading.Lock()


def can_look(view: View, item: Item) -> bool:
    """Return whether the model can be asked: it has read the photograph, and its weights are here."""
    return item.status == "predicted" and view.model in cards.ready()


def patience_of_looking() -> str:
    """Return how long an answer takes."""
    return _("Seconds for a small network, half a minute for a large one, minutes for a graph without gradients.")


def where_it_looks(view: View, item: Item, target: str = "") -> Future[Explanation]:
    """Ask for the map of a target, of all without one; the same question again gets the same answer.

    It is done at once where it is known; it raises a ``FundusError`` where there is none.
    """
    known = (item.sha256, view.model, cards.known()[view.model].weights.sha256)
    with _guard:
        for asked in ((*known, ""), (*known, target)):
            if asked in _answers and not _failed(_answers[asked]):
                _answers.move_to_end(asked)
                return _answers[asked]
        answer: Future[Explanation] = Future()
        _answers[(*known, target)] = answer
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
    locator = home.store().locator(view.cohort.id, item.name)
    targets = (target,) if target else ()
    threading.Thread(target=_answer, args=(answer, locator, view.model, targets), name="looking", daemon=True).start()
    return answer


def warm_up_to_look(view: View) -> None:
    """Have the process that will be asked open the model, a moment later so that the page is drawn first."""
    with _guard:
        if time.monotonic() - _warmed.get(view.model, -math.inf) < _AGAIN_S:
            return
        _warmed[view.model] = time.monotonic()
    later = threading.Timer(_AFTER_S, pipeline.warm_up, [view.model])
    later.daemon = True
    later.start()


def _failed(answer: Future[Explanation]) -> bool:
    return answer.done() and answer.exception() is not None


def _answer(answer: Future[Explanation], locator: str, model: str, targets: Sequence[str]) -> None:
    try:
        with _one_at_a_time:
            answer.set_result(pipeline.ask_explanation(locator, model, targets))
    except FundusError as fault:
        answer.set_exception(fault)
