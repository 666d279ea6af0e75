"""The estimates of one cohort, what it reads beyond age and sex, and forest plots of estimates beside others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fundus_core import evaluation, figures
from fundus_core.analyses.labels import ESTIMATES, Kind, Say, name, with_interval, word, written
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import Beyond, Cell, Difference, Estimate, Evaluation, TargetResult
from fundus_core.figures import Figure, ForestRow, Look
from fundus_core.targets import TARGETS, Target


def is_number(target: Target) -> bool:
    """Return whether a target is a number, not a probability."""
    return not target.binary


def main_score(target: Target) -> str:
    """Return the estimate that stands for a target where there is room for one."""
    return "accuracy" if target.binary else "mae"


def _points(study: Study, _target: str, _by: str) -> Evaluation:
    return evaluation.point_estimates(study.ordered, level=study.level)


def _quick(study: Study, target: str, _by: str) -> TargetResult:
    found = evaluation.evaluate(
        study.ordered, level=study.level, targets=[target], seed=study.seed, draws=study.draws, ranked=False
    )
    return found.targets[target]


def _scores(study: Study, target: str, _by: str) -> TargetResult:
    quick = study.get(QUICK_SCORES, target)
    sample = evaluation.units_of_analysis(study.ordered, TARGETS[target], study.level, ordered=True)
    ranks = evaluation.ranked_estimates(sample)
    return replace(quick, estimates=MappingProxyType({**quick.estimates, **ranks}))


POINTS = Analysis(
    "points", "Values", "Every number without its interval.", _points, Evaluation, asks="cohort", quick=True
)


def score_rows(found: TargetResult) -> Rows:
    """Return a target's estimates, a row each, as files and tables have them."""
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit}
    head |= {"n_photographs": found.n_photographs, "n_patients": found.n_patients, "n": found.n}
    return [{**head, "estimate": name, **estimate.as_json()} for name, estimate in found.estimates.items()]


SCORES = Analysis(
    "estimates",
    "Estimates",
    "How large are the errors, and how do predictions and measured values agree?",
    _scores,
    TargetResult,
    score_rows,
    hide=("n_photographs", "n_patients", "n"),
)
QUICK_SCORES = replace(
    SCORES,
    id="quick_scores",
    question="How large are the errors? Without medians and ranks, which take a while on very many photographs.",
    compute=_quick,
    quick=True,
)


def evaluated(study: Study, *targets: str, ranked: bool = True) -> Evaluation:
    """Return the scores of some targets, of all without one, as one evaluation."""
    analysis = SCORES if ranked else QUICK_SCORES
    found = {name: study.get(analysis, name) for name in targets or study.targets}
    return Evaluation(study.level, study.seed, study.draws, MappingProxyType(found))


def headline(study: Study, target_id: str, look: Look) -> str:
    """Return what the figures of a target found, in the look's language; see ``figures.headline``."""
    return figures.headline(TARGETS[target_id], estimates(study, TARGETS[target_id]), look)


def estimates(study: Study, target: Target) -> Mapping[str, Estimate]:
    """Return a target's estimates as figures write them."""
    return study.get(QUICK_SCORES, target.id).estimates


def forest(rows: Sequence[ForestRow], score: str, target: Target, look: Look, **more: Any) -> Figure:
    """Draw one score of cohorts, groups or models below one another, written as tables write it."""
    kind, title = word(score).kind, name(score, target, look.say)
    share = kind is Kind.SHARE
    return figures.forest(rows, title, look, write=lambda value: written(value, kind), share=share, **more)


def forest_row(label: str, estimate: Estimate | None, people: int, look: Look, place: int) -> ForestRow:
    """Return one row of a forest plot, which says why it has no value."""
    found = estimate or Estimate(None)
    return ForestRow(label, replace(found, note=look.say(found.note)), people, place)


def drawn_scores(results: Mapping[str, TargetResult]) -> list[str]:
    """Return the scores by which results of one target are drawn beside one another, the main one first."""
    known = dict.fromkeys(score for result in results.values() for score in result.estimates if word(score).drawn)
    first = main_score(TARGETS[next(iter(results.values())).target]) if known else ""
    return sorted(known, key=lambda score: score != first)


def forest_of(
    results: Mapping[str, TargetResult],
    score: str,
    look: Look,
    *,
    names: Callable[[str], str] = str,
    places: Mapping[str, int] = MappingProxyType({}),
    literature: bool = False,
) -> Figure:
    """Draw one score of several results of one target below one another, by their names for the reader and colours.

    ``literature`` draws what others have published below.
    """
    target = TARGETS[next(iter(results.values())).target]
    rows = [
        forest_row(names(key), result.estimates.get(score), result.n_patients, look, places.get(key, place))
        for place, (key, result) in enumerate(results.items())
    ]
    more = figures.literature(target.id, score, say=look.say) if literature else []
    return forest([*rows, *more], score, target, look)


def _beyond(study: Study, target: str, _by: str) -> Sequence[Beyond]:
    asked: list[Sequence[str]] = [(), *([study.settings.beyond] if study.settings.beyond else [])]
    return [evaluation.beyond(study.ordered, target, columns, level=study.level) for columns in asked]


BEYOND = Analysis(
    "beyond",
    "Beyond age and sex",
    "Does the photograph read anything that was not known without it? Each gain is that of the baseline and the "
    "prediction together over the baseline alone, cross-validated by person; 0: nothing.",
    _beyond,
    list,
    rows=evaluation.rows,
    quick=True,
)


def beyond_in_words(study: Study, target: str, say: Say = str) -> str:
    """Return the answer of :data:`BEYOND` in one or two sentences, for pages, reports and slides."""
    return " ".join(
        filter(None, (*(_sentence(one, say) for one in study.get(BEYOND, target)), _constant(study, target, say)))
    )


def _sentence(found: Beyond, say: Say) -> str:
    gain = found.r2_gain
    if gain.value is None or found.adds is None:
        words = say("Whether the photograph reads anything beyond {what} cannot be told: {why}.")
        return words.format(what=say(found.beyond), why=say(gain.note))
    if found.adds:
        words = say("Beyond {what} the prediction adds information: partial correlation {r}; R² rises by {gain}.")
    elif found.partial_r.value is None:
        words = say("Nothing shows that the photograph reads anything beyond {what}: R² changes by {gain}.")
    else:
        words = say(
            "Nothing shows that the photograph reads anything beyond {what}: partial correlation {r}; R² changes by "
            "{gain}."
        )
    both = {"r": with_interval(found.partial_r, ESTIMATES["partial_r"], say)}
    both["gain"] = with_interval(gain, ESTIMATES["r2_gain"], say)
    return words.format(what=say(found.beyond), **both)


def constants(study: Study, target: str) -> Sequence[Difference]:
    """Return each error of a target against the constant that is best for it."""
    name = ("constants", target, study.level)
    return study.memory.kept(
        name, tuple, lambda: evaluation.against_baselines(study.ordered, target, level=study.level)
    )


def _constant(study: Study, target: str, say: Say) -> str:
    """Say where not even a constant is beaten."""
    first = constants(study, target)[0]
    low, high = first.difference.low, first.difference.high
    worse = low is None or high is None or (low <= 0 if TARGETS[target].binary else high >= 0)
    if first.difference.value is None or not worse:
        return ""
    if TARGETS[target].binary:
        return say("It is not shown to be right more often than saying the majority's class for everybody.")
    return say("Its errors are not shown to be smaller than those of saying the median for everybody.")
