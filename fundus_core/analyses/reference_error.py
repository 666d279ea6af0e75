"""What the error of the measured values themselves does to r, slope, RMSE and MAE."""

from __future__ import annotations

from collections.abc import Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Say, Word, with_interval
from fundus_core.analyses.scores import is_number
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import Corrected


def _corrected(study: Study, target: str, _by: str) -> Sequence[Corrected]:
    said = evaluation.asked_of(study.settings.reliability, target)
    return evaluation.reference_error(study.table, target, said, level=study.level) if said else ()


def _rows(found: Sequence[Corrected]) -> Rows:
    return evaluation.rows(found)


def reference_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return what was assumed of the measured values; empty where nothing was said of them."""
    found = study.get(REFERENCE_ERROR, target_id)
    if not found or found[0].reliability.value is None:
        return ""
    words = say(
        "With a reliability of one measurement of {reliability}, errors of the measured value that are independent of "
        "the prediction make r and the slope of the prediction too small and errors too large."
    )
    return words.format(reliability=with_interval(found[0].reliability, Word("", Kind.PLAIN), say))


REFERENCE_ERROR = Analysis(
    "reference_error",
    "Error of the measured value itself",
    "What would the estimates be against values measured without error, given the reliability of one measurement?",
    _corrected,
    rows=_rows,
    needs=is_number,
    offered=lambda study: bool(study.settings.reliability),
    sentences=reference_in_words,
    words={
        "slope_on_truth": Word("slope of prediction on truth", Kind.PLAIN),
        "reliability": Word("Reliability (ICC)", Kind.PLAIN),
        "measured": Word("Against measured values", Kind.PLAIN),
        "true": Word("Against values without error", Kind.PLAIN),
    },
    hide=("n",),
)
