"""What was found of all targets and cohorts: the table and figures that a paper prints, and sentences with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fundus_core import errors, figures
from fundus_core.analyses import side_by_side
from fundus_core.analyses.labels import Kind, Say, Word, interval, name, with_interval, word, written
from fundus_core.analyses.observations import BASELINES, DRAWN, observed, scatter_of
from fundus_core.analyses.scores import BEYOND, QUICK_SCORES, estimates, main_score
from fundus_core.analyses.side_by_side import COMPARISON, DIFFERENCES
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import Cell, Estimate, TargetResult, as_number
from fundus_core.figures import Figure, Look, Observations, heading
from fundus_core.targets import TARGETS, Target

SHOWN = 0.05
"""A corrected p value below it shows a difference."""


def differences_in_words(study: Study, target: str, say: Say = str, names: Say = str) -> list[str]:
    """Return a sentence for each two cohorts about the target's main estimate; why none where nothing was tested.

    A difference is shown where its p value, corrected in its family, is below .05; the interval is not corrected.
    """
    score = main_score(TARGETS[target])
    return [_difference(row, say, names) for row in study.rows(DIFFERENCES, target) if row["score"] == score]


def _difference(row: Mapping[str, Cell], say: Say, names: Say) -> str:
    of = replace(word(str(row["score"])), signed=True)
    value, low, high = (as_number(row[end]) for end in ("difference", "difference_low", "difference_high"))
    found = Estimate(value, low, high)
    values = {
        "estimate": name(str(row["score"]), TARGETS[str(row["target"])], say),
        "first": names(str(row["first"])),
        "second": names(str(row["second"])),
        "difference": with_interval(found, of, say),
        "why": say(str(row["difference_note"])),
    }
    if found.value is None or found.low is None:
        return say("{first} and {second}: {estimate} not compared ({why}).").format(**values)
    p = as_number(row.get("p_adjusted"))
    if p is None or p >= SHOWN:
        return say("{first} and {second}: no difference in {estimate} shown, {difference}.").format(**values)
    less = say("{estimate} is smaller in {first} than in {second}: {difference}.")
    more = say("{estimate} is larger in {first} than in {second}: {difference}.")
    return (less if found.value < 0 else more).format(**values)


_OF_NUMBERS = ("mae", "mae_median", "mae_age_sex", "bias", "r2", "slope")
_OF_CLASSES = ("accuracy", "accuracy_majority", "auc", "sensitivity", "specificity", "brier")
_CONSTANT = {"mae": "mae_median", "accuracy": "accuracy_majority"}
"""The best constant's score beside a target's main one."""
_SHORT = {"bias": Word("bias", Kind.UNIT, signed=True), "r2": Word("R²", Kind.PLAIN)}


def _rows(study: Study, scores: Sequence[str], *, binary: bool) -> Rows:
    """Return a row per target; a row has its estimates with their intervals and remarks."""
    found = [study.get(QUICK_SCORES, name) for name in study.targets if TARGETS[name].binary == binary]
    return [_row(one, scores) for one in found]


def _compared(study: Study, scores: Sequence[str], *, binary: bool) -> Rows:
    """Return a row per target and cohort."""
    found = study.get(side_by_side.COMPARISON).targets
    wanted = [one for name, one in found.items() if TARGETS[name].binary == binary]
    return [_row(result, scores, cohort=name) for one in wanted for name, result in one.results.items()]


def _row(result: TargetResult, scores: Sequence[str], **more: Cell) -> Mapping[str, Cell]:
    found = result.estimates
    row: dict[str, Cell] = {"target": result.target, "unit": result.unit, **more, "n_patients": result.n_patients}
    for score in scores:
        one = found.get(score, Estimate(None))
        row |= {score: one.value, f"{score}_low": one.low, f"{score}_high": one.high, f"{score}_note": one.note}
    return row


RESULTS = Analysis(
    "results",
    "Results (Table 2)",
    "Errors are in the unit of their target, with 95 % intervals over people.",
    lambda study, _target, _by: _rows(study, _OF_NUMBERS, binary=False),
    rows=lambda found: found,
    asks="cohort",
    words=_SHORT,
)
RESULTS_OF_CLASSES = replace(
    RESULTS,
    id="results_of_classes",
    title="Results of yes/no targets (Table 2)",
    question="Shares and areas under the curve, with 95 % intervals over people.",
    compute=lambda study, _target, _by: _rows(study, _OF_CLASSES, binary=True),
)


COMPARED = replace(
    RESULTS, id="results_compared", compute=lambda study, _target, _by: _compared(study, _OF_NUMBERS, binary=False)
)
COMPARED_CLASSES = replace(
    RESULTS_OF_CLASSES,
    id="results_of_classes_compared",
    compute=lambda study, _target, _by: _compared(study, _OF_CLASSES, binary=True),
)
MAIN_DIFFERENCES = replace(
    side_by_side.DIFFERENCES,
    title="Differences of the main errors",
    display=lambda rows: [row for row in rows if row["score"] == main_score(TARGETS[str(row["target"])])],
)


def result_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return a target's main estimate and what it is held against, in a sentence or two with intervals."""
    target, found = TARGETS[target_id], estimates(study, TARGETS[target_id])
    if found[main_score(target)].value is None:
        words = say("{name}: not estimable ({why}).")
        return words.format(name=heading(say(target.name)), why=say(found[main_score(target)].note))
    both = (_against_constant(study, target, found, say), _more(target, found, say))
    return say(errors.joined(both))


def _against_constant(study: Study, target: Target, found: Mapping[str, Estimate], say: Say) -> str:
    score = main_score(target)
    first = study.rows(BASELINES, target.id)[0]
    difference = Estimate(
        as_number(first["difference"]), as_number(first["difference_low"]), as_number(first["difference_high"])
    )
    signed = replace(word(score), signed=True)
    values = {
        "name": heading(say(target.name)),
        "people": say(errors.say("{n:,} {n:person|people}", n=len(study.sample(target.id)[0].patients))),
        "value": _valued(found[score], target, say),
        "constant": _valued(replace(found[_CONSTANT[score]], low=None), target, say),
        "difference": written(difference.value, signed.kind, signed=True),
        "interval": interval(difference.low, difference.high, signed, say),
        "p": _p(first),
    }
    return _sentence(target, verdict(study, target.id), say).format(**values)


def _sentence(target: Target, found: str, say: Say) -> str:
    """Return the words for what was found: better than a constant, not shown to be, or not compared (empty)."""
    if target.binary:
        return {
            "": say("{name} ({people}): accuracy {value}; the commoner answer for everybody: {constant}."),
            "better": say(
                "{name} ({people}): accuracy {value}, above that of the commoner answer for everybody ({constant}; "
                "difference {difference}, {interval}; {p})."
            ),
            "not shown": say(
                "{name} ({people}): accuracy {value}, not shown to be above that of the commoner answer for everybody "
                "({constant}; difference {difference}, {interval}; {p})."
            ),
        }[found]
    return {
        "": say("{name} ({people}): MAE {value}; predicting the median: {constant}."),
        "better": say(
            "{name} ({people}): MAE {value}, below that of predicting the median ({constant}; difference {difference}, "
            "{interval}; {p})."
        ),
        "not shown": say(
            "{name} ({people}): MAE {value}, not shown to be below that of predicting the median ({constant}; "
            "difference {difference}, {interval}; {p})."
        ),
    }[found]


def _valued(estimate: Estimate, target: Target, say: Say) -> str:
    """Return a main estimate, or that of a constant, with its unit and its interval."""
    of = word(main_score(target))
    unit, around = f" {say(target.unit)}" if target.unit else "", interval(estimate.low, estimate.high, of, say)
    return f"{written(estimate.value, of.kind)}{unit}" + (f" ({around})" if around else "")


def _more(target: Target, found: Mapping[str, Estimate], say: Say) -> str:
    wanted = ("auc",) if target.binary else ("mae_age_sex", "bias", "r2")
    words = {score: _SHORT.get(score) or word(score) for score in wanted if score in found}
    said = [
        f"{say(of.name)} {with_interval(found[score], of, say)}"
        for score, of in words.items()
        if found[score].value is not None
    ]
    return say(errors.say("{all}.", all=[heading(said[0]), *said[1:]])) if said else ""


def _p(row: Mapping[str, Cell]) -> str:
    """Return the p value of a planned test, or the q value of an exploratory one."""
    planned = as_number(row.get("p_adjusted"))
    p, sign = (as_number(row.get("q")), "q") if planned is None else (planned, "p")
    shown = written(p, Kind.P)
    return f"{sign} {shown}" if shown.startswith("<") else f"{sign} = {shown}"


def verdict(study: Study, target_id: str) -> str:
    """Return ``better`` where a target's main error is shown to be better than the best constant's, else ``not shown``.

    Empty where nothing was tested.
    """
    first = study.rows(BASELINES, target_id)[0]
    difference, planned = as_number(first["difference"]), as_number(first.get("p_adjusted"))
    p = as_number(first.get("q")) if planned is None else planned
    if difference is None or p is None:
        return ""
    better = (difference > 0) == TARGETS[target_id].binary
    return "better" if better and p < SHOWN else "not shown"


def meaning_in_words(study: Study, say: Say = str) -> list[str]:
    """Return what the numbers mean, a short sentence for each target and one for what is beyond age and sex."""
    return [*filter(None, (_meaning(study, one, say) for one in study.targets)), *beyond_of_all(study, say)]


def _meaning(study: Study, target_id: str, say: Say) -> str:
    target, found = TARGETS[target_id], estimates(study, TARGETS[target_id])
    score = main_score(target)
    if found[score].value is None:
        return ""
    if target.binary:
        first = say("{name}: right in {value}; the commoner answer for everybody in {constant}")
    else:
        first = say("{name}: off by {value} on average; the median for everybody by {constant}")
    constant = written(found[_CONSTANT[score]].value, word(score).kind)
    said = first.format(name=heading(say(target.short)), value=_valued(found[score], target, say), constant=constant)
    return say("{said} (no gain shown)").format(said=said) if verdict(study, target_id) == "not shown" else said


def beyond_of_all(study: Study, say: Say = str) -> Iterator[str]:
    """Yield for which targets information beyond what is known without the photograph is shown, and for which not."""
    found = {one: study.get(BEYOND, one)[0] for one in study.targets}
    for adds, words in (
        (True, say("Information beyond {what} is shown for: {list}.")),
        (False, say("No information beyond {what} is shown for: {list}.")),
    ):
        for what in dict.fromkeys(one.beyond for one in found.values()):
            names = [say(TARGETS[key].short) for key, one in found.items() if one.adds is adds and one.beyond == what]
            if names:
                yield words.format(what=say(what), list=say(errors.say("{names}", names=names)))


def results_in_words(study: Study, say: Say = str) -> str:
    """Return the paragraph of results: a sentence or two for each target, then what is shown beyond age and sex."""
    return say(
        errors.joined((*(result_in_words(study, one, say) for one in study.targets), *beyond_of_all(study, say)))
    )


HEIGHT = 300
"""Pixels of one of them."""


def small_multiples(
    study: Study,
    target_id: str,
    look: Look,
    *,
    names: Say = str,
    places: Mapping[str, int] = MappingProxyType({}),
    height: int = HEIGHT,
) -> dict[str, Figure]:
    """Return the figure of each cohort by its name, headed by its error with interval; shared results have no points.

    Args:
        study: Cohorts side by side.
        target_id: Of which target.
        look: How they are drawn.
        names: What the reader calls the cohorts.
        places: Colour of each cohort.
        height: Pixels of each.
    """
    target, results = TARGETS[target_id], study.get(COMPARISON, target_id).targets[target_id].results
    groups = {name: _drawn(study, name, target_id, places.get(name, at)) for at, name in enumerate(study.outlines)}
    drawn = {name: found for name, found in groups.items() if name in results and any(map(len, found))}
    if not drawn:
        return {}
    span = figures.limits([group for each in drawn.values() for group in each])
    unit = f" ({look.say(target.unit)})" if target.unit else ""
    made = {}
    for cohort, found in drawn.items():
        result = results[cohort]
        figure = scatter_of(target, Canvas(look, found, height=height), result.estimates, result.n_patients, span)
        if not target.binary:
            across = replace(figure.x, title=look.say("true") + unit)
            up = replace(figure.y, title=look.say("predicted") + unit)
            figure = replace(figure, x=across, y=up)
        title = figures.headline(target, result.estimates, look, names(cohort))
        made[cohort] = replace(figure, title=title, legend=False)
    return made


def keep_drawn(study: Study, target_id: str) -> None:
    """Have what :func:`small_multiples` draws of a target computed and kept."""
    for cohort in study.outlines:
        _drawn(study, cohort, target_id, 0)


def _drawn(study: Study, name: str, target_id: str, place: int) -> Sequence[Observations]:
    def alone() -> Study:
        return Study.of(study.tables[name], replace(study.settings, level=study.level))

    def made() -> tuple[Any, ...]:
        return study.memory.kept(("alone", name, study.level), None, alone).get(DRAWN, target_id)

    if target_id not in study.outlines[name].targets:
        return ()
    found = study.memory.kept((DRAWN.id, name, target_id, study.level), tuple, made)
    return (observed(found, name, place),)
