"""Where a model looks in a photograph, asked of a process of its own while the page stays free."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future

from fundus_core import pipeline
from fundus_core.errors import FundusError
from fundus_core.explain import Explanation
from fundus_core.store import Item
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home
from pages.parts.shell.language import _

KEPT = 24
"""Answers that are remembered, a few megabytes each; in memory, so that no picture outlives its photograph on disk."""

_Asked = tuple[str, str, str, str]
_answers: OrderedDict[_Asked, Future[Explanation]] = OrderedDict()
_warmed: dict[str, float] = {}
_AFTER_S, _AGAIN_S = 2.0, 120.0
"""Seconds from a page to the process that is warmed up for it, and to the next time: unasked it ends in 300."""
_guard, _one_at_a_time = threading.Lock(), threading.Lock()


def possible(view: View, item: Item) -> bool:
    """Return whether the model can be asked: it has read the photograph, and its weights are here."""
    return item.status == "predicted" and view.model in cards.ready()


def patience() -> str:
    """Return how long an answer takes."""
    return _("Seconds for a small network, half a minute for a large one, minutes for a graph without gradients.")


def ask(view: View, item: Item, target: str = "") -> Future[Explanation]:
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


def warm_up(view: View) -> None:
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
