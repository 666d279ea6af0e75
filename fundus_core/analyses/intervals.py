"""Prediction intervals: how many hold the measured value, how wide they are, and whether the photograph helps them."""

from collections.abc import Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import ESTIMATES, Say, with_interval
from fundus_core.analyses.scores import forest, forest_row, is_number
from fundus_core.analyses.study import Analysis, Canvas, Study
from fundus_core.evaluation import IntervalsOf
from fundus_core.figures import Figure
from fundus_core.targets import TARGETS


def _judged(study: Study, target: str, by: str) -> Sequence[IntervalsOf]:
    return evaluation.prediction_intervals(study.ordered, target, by, level=study.level)


def _draw_intervals(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    """Draw the coverage of everybody and of each tenth of the prediction, the promise beside it."""
    found, look = study.get(INTERVALS, target_id), canvas.look
    if not any(each.coverage.low is not None for each in found):
        return None
    rows = [
        forest_row(look.say(each.group), each.coverage, each.n_patients, look, int(place > 0))
        for place, each in enumerate(found)
    ]
    promise = look.say("promised")
    return forest(rows, "coverage", TARGETS[target_id], look, reference=evaluation.INTERVAL, reference_name=promise)


def intervals_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return how the prediction intervals of a target do; empty where there are none."""
    found = study.get(INTERVALS, target_id)
    if not found or found[0].coverage.value is None:
        return ""
    everybody = found[0]
    words = say(
        "Of the 90 % prediction intervals {coverage} hold the measured value. Where a mean of several photographs is "
        "looked at, its interval is made from theirs and from how their errors correlate. The promise is one over all "
        "people, of no single group."
    )
    said = words.format(coverage=with_interval(everybody.coverage, ESTIMATES["coverage"], say))
    if everybody.interval_score_ratio.value is None:
        return said
    more = say("Their score is {ratio} times that of an interval which knows other people's measured values alone.")
    ratio = with_interval(everybody.interval_score_ratio, ESTIMATES["interval_score_ratio"], say)
    return f"{said} {more.format(ratio=ratio)}"


INTERVALS = Analysis(
    "prediction_intervals",
    "Prediction intervals",
    "Do they hold the measured value as often as they promise, along the prediction, and are they narrow?",
    _judged,
    tuple,
    rows=evaluation.rows,
    draw=_draw_intervals,
    needs=is_number,
    sentences=intervals_in_words,
    hide=("by", "n"),
)
INTERVALS_BY = Analysis(
    "prediction_intervals_by",
    "Prediction intervals in groups",
    "The promise is one over everybody: in a group it may be broken. Groups of fewer than 20 people are withheld.",
    _judged,
    tuple,
    rows=evaluation.rows,
    needs=is_number,
    cut=True,
    hide=("n",),
)
