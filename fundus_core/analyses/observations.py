"""Figures of one cohort's observations with the tables they are drawn from: scatter, agreement, calibration, errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fundus_core import evaluation, figures
from fundus_core.analyses.multiple_testing import Tests
from fundus_core.analyses.result_cache import Memory
from fundus_core.analyses.scores import BEYOND, constants, estimates, is_number
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import QUANTILES, Bins, CalibrationCurve, Cell, Difference, ErrorDistribution, Estimate
from fundus_core.figures import Figure, Observations
from fundus_core.targets import TARGETS, Target


def _draw_scatter(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    people = len(study.sample(target_id)[0].patients)
    return scatter_of(TARGETS[target_id], canvas, estimates(study, TARGETS[target_id]), people)


def scatter_of(
    target: Target,
    canvas: Canvas,
    found: Mapping[str, Estimate],
    people: int,
    span: tuple[float, float] | None = None,
) -> Figure:
    """Draw predicted against true, of a yes/no target its probabilities, with these estimates, on axes of a span."""
    look, height = canvas.look, canvas.height
    if target.binary:
        names = (look.say(target.said(0)), look.say(target.said(1)))
        return figures.probabilities(target, canvas.groups, found, look, names=names, height=height)
    return figures.predicted_against_true(target, canvas.groups, found, look, people=people, height=height, span=span)


SCATTER = Analysis(
    "scatter",
    "Scatter",
    "On the dashed line prediction equals truth; the band is ± the mean absolute error. A flat cloud means that "
    "predictions shrink toward the mean.",
    lambda study, target, by: study.groups(target, by),
    draw=_draw_scatter,
    of_classes="How often each probability is predicted, apart for the two true classes; a good model parts them.",
)


def _thinned(study: Study, target: str) -> tuple[Any, ...]:
    alone = replace(study, settings=replace(study.settings, level=study.level), memory=Memory())
    alone.memory.kept("ordered", None, lambda: study.ordered)
    (whole,) = alone.groups(target)  # nobody else's memory holds them: of very many people they are half a GB
    few = figures.thinned(whole, TARGETS[target])
    lie = (few.crowd.across, few.crowd.up, few.crowd.counts) if few.crowd else ()
    return (few.ids, few.truth, few.predicted, *lie)


DRAWN: Analysis[tuple[Any, ...]] = Analysis(
    "drawn",
    SCATTER.title,
    SCATTER.question,
    lambda study, target, _by: _thinned(study, target),
    tuple,
)
"""What the scatter is drawn of, without everybody's observations: see ``figures.thinned``."""


def observed(found: tuple[Any, ...], name: str, place: int) -> Observations:
    """Return the answer of :data:`DRAWN` as observations under a name and in a colour."""
    ids, truth, predicted, *lie = found
    return Observations(name, ids, truth, predicted, place, figures.Crowd(*lie) if lie else None)


AGREEMENT = Analysis(
    "agreement",
    "Bland–Altman",
    "Dotted: bias and the limits between which 95 % of differences lie. Predictions that shrink toward the mean always "
    "show a slope here.",
    lambda study, target, by: study.groups(target, by),
    draw=lambda study, target, canvas: figures.bland_altman(
        TARGETS[target], canvas.groups, estimates(study, TARGETS[target]), canvas.look, height=canvas.height
    ),
    needs=is_number,
)


def _residuals(id: str, title: str, question: str, against: str) -> Analysis[Sequence[Observations]]:
    """Return the figure of errors against the truth or the prediction."""
    return Analysis(
        id,
        title,
        question,
        lambda study, target, by: study.groups(target, by),
        draw=lambda _study, target, canvas: figures.residuals(
            TARGETS[target], canvas.groups, canvas.look, against=against, height=canvas.height
        ),
        needs=is_number,
    )


RESIDUALS = _residuals(
    "residuals", "Residuals", "Against the truth a slope is expected, as regression to the mean makes it.", "truth"
)
RESIDUALS_OF_PREDICTION = _residuals(
    "residuals_of_prediction", "Residuals against the prediction", "A slope here is miscalibration.", "predicted"
)


def _calibration(study: Study, target: str, _by: str) -> Bins:
    cut = evaluation.reliability if TARGETS[target].binary else evaluation.deciles
    return cut(study.ordered, target, level=study.level)


def _calibration_rows(found: Bins) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit, "along": found.along}
    return [{**head, **row} for row in evaluation.rows(found.bins)]


def _draw_calibration(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    bins = [one for one in study.get(CALIBRATION, target_id).bins if one.measured.value is not None]
    if not bins:
        return None
    target, curve = TARGETS[target_id], study.get(CALIBRATION_CURVE, target_id)
    slope, intercept = (estimates(study, target).get(name, Estimate(None)).value for name in ("slope", "intercept"))
    more = {"slope": slope, "intercept": intercept}
    return figures.calibration(target, bins, canvas.look, curve=curve, place=canvas.place, height=canvas.height, **more)


CALIBRATION = Analysis(
    "calibration",
    "Calibration",
    "Mean measured value in each tenth of the predictions; a slope of 1 means that a predicted difference is a real "
    "one.",
    _calibration,
    Bins,
    _calibration_rows,
    _draw_calibration,
    of_classes="Share of positives in each tenth of the probability; where it is the mean probability, on the dashed "
    "line, the probability is calibrated.",
)


def _curve(study: Study, target: str, _by: str) -> CalibrationCurve:
    return evaluation.smooth_calibration(study.ordered, target, level=study.level, seed=study.seed, draws=study.draws)


def _curve_rows(found: CalibrationCurve) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    names = ("predicted", "measured", "measured_low", "measured_high")
    columns = zip(found.predicted, found.measured, found.low, found.high, strict=True)
    return [{**head, **dict(zip(names, map(float, values), strict=True)), "method": found.method} for values in columns]


CALIBRATION_CURVE = Analysis(
    "calibration_curve",
    "Smooth calibration curve",
    "What was measured along the prediction, without groups?",
    _curve,
    CalibrationCurve,
    _curve_rows,
)


def _each_error_row(found: ErrorDistribution) -> Iterator[dict[str, Cell]]:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        yield {**head, "kind": "bar", "from": float(low), "to": float(high), "value": int(count)}
    for share, value in zip(QUANTILES, found.quantiles, strict=False):
        yield {**head, "kind": f"quantile {share:g}", "from": None, "to": None, "value": float(value)}


def _draw_errors(study: Study, target: str, canvas: Canvas) -> Figure | None:
    found = study.get(ERRORS, target)
    if not len(found.counts):
        return None
    return figures.error_histogram(TARGETS[target], found, canvas.look, place=canvas.place, height=canvas.height)


ERRORS = Analysis(
    "errors",
    "Errors",
    "How often each error occurs; nine of ten people lie between the dotted lines.",
    lambda study, target, _by: evaluation.error_distribution(study.ordered, target, level=study.level),
    ErrorDistribution,
    lambda found: list(_each_error_row(found)),
    _draw_errors,
    is_number,
    quick=True,
)


def _baselines(study: Study, target: str, _by: str) -> Sequence[Difference]:
    found = constants(study, target)
    return evaluation.not_shown(found) if study.get(BEYOND, target)[0].adds is False else found


BASELINES = Analysis(
    "baselines",
    "Comparison with baselines",
    "First minus second: does the model err less than the constant that is best for each error? Each is that of all "
    "other people.",
    _baselines,
    tuple,
    evaluation.rows,
    tests=Tests(planned=True),
    of_classes="First minus second: is the model right more often than saying the majority's class, and is its Brier "
    "score below that of saying the prevalence? Each is that of all other people.",
)
