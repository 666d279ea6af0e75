"""What a plan asked for, found, and what could not be done; everything else of a report is exploratory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundus_core import evaluation
from fundus_core.analyses import multiple_testing
from fundus_core.analyses.labels import Kind, Say, Word, name, word, written
from fundus_core.analyses.multiple_testing import Family, Row, Rows, Tests
from fundus_core.analyses.observations import BASELINES
from fundus_core.analyses.plan import AnalysisPlan, Criterion, PlannedFamily, StatedPlan
from fundus_core.analyses.scores import QUICK_SCORES, estimates
from fundus_core.analyses.side_by_side import COMPARISON, DIFFERENCES, EQUIVALENCE
from fundus_core.analyses.study import Analysis, Study
from fundus_core.analyses.subgroups import SUBGROUP_DIFFERENCES
from fundus_core.errors import say
from fundus_core.evaluation import Cell, as_number
from fundus_core.targets import TARGETS

LEVEL = 0.05
"""Of a corrected p."""


def _margin_of_means(study: Study, target: str, _by: str) -> Sequence[evaluation.Equivalence]:
    margin = study.settings.margins.get(target)
    if margin is None or TARGETS[target].binary:
        return ()
    return [evaluation.equivalence_of_means(study.ordered, target, margin, level=study.level)]


MEANS_EQUIVALENT = Analysis(
    "equivalence_of_means",
    "Equivalence of the means",
    "Is the mean of the predictions that of the measured values, within the margin of the plan? Two one-sided tests "
    "at 5 %. Not shown is not the same as different.",
    _margin_of_means,
    rows=evaluation.rows,
    tests=Tests(explored=False, main=lambda _row: True),
    words={"difference": Word("Difference (90 % interval)", Kind.PLAIN, signed=True)},
)

_ALONE: Mapping[str, Analysis[Any]] = {
    "baseline": BASELINES,
    "subgroups": SUBGROUP_DIFFERENCES,
    "equivalence": MEANS_EQUIVALENT,
}
_TOGETHER: Mapping[str, Analysis[Any]] = {"cohorts": DIFFERENCES, "equivalence": EQUIVALENCE}
"""What a test of a plan is, of one cohort and of several."""


def with_plan(study: Study, stated: StatedPlan) -> Study:
    """Return the study with the tests of a plan as its families, and the plan's margins."""
    plan = stated.plan
    margins = {**study.settings.margins, **plan.margins}
    held = replace(study, plan=stated, settings=replace(study.settings, margins=margins))
    tests = ((each.name, tuple(_computable(held, plan, each.tests, each.targets))) for each in plan.families)

    def main(row: Row) -> bool:
        return row.get("score") == plan.estimate_of(str(row["target"]))

    return replace(held, families=tuple(Family(name, found, main) for name, found in tests if found))


def _computable(
    study: Study, plan: AnalysisPlan, tests: Sequence[str], targets: Sequence[str]
) -> Iterator[tuple[Analysis[Any], str, str]]:
    for test, target, by in _asked(study, plan, tests, targets):
        if not _why_not(study, test, target, by):
            yield _kinds(study)[test], target, by


def _kinds(study: Study) -> Mapping[str, Analysis[Any]]:
    return _ALONE if len(study.tables) == 1 else _TOGETHER


def _asked(
    study: Study, plan: AnalysisPlan, tests: Sequence[str], targets: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield test, target and column, of what the study can be asked at all."""
    for test in tests:
        for target in targets:
            if test == "equivalence" and target not in plan.margins:
                continue
            if test in _kinds(study):
                yield from ((test, target, by) for by in (plan.subgroups if test == "subgroups" else ("",)))


def _why_not(study: Study, test: str, target: str, by: str) -> str:
    if target not in study.targets:
        return _missing(study, target)
    if by and by not in study.columns:
        return say("the cohort has no column '{column}' of two to eight groups", column=by)
    return ""


def _missing(study: Study, target: str) -> str:
    measured = any(target in table.truth for table in study.tables.values())
    return say("nothing of it was predicted") if measured else say("nothing of it was measured")


# What was found --------------------------------------------------------------------------------------------------


def _found(study: Study, _target: str, _by: str) -> Rows:
    if study.plan is None:
        return ()
    return [*_main_estimates(study, study.plan.plan), *_tests(study, study.plan.plan)]


def _main_estimates(study: Study, plan: AnalysisPlan) -> Iterator[Row]:
    for target in plan.targets:
        if target in study.targets:
            score = plan.estimate_of(target)
            for cohort, found in _results(study, target).items():
                estimate = found.estimates[score]
                yield {
                    **_head(say("main estimate"), target, "", score, cohort),
                    **_numbers(estimate.value, estimate.low, estimate.high),
                    "n_patients": found.n_patients,
                    "note": estimate.note,
                }


def _results(study: Study, target: str) -> Mapping[str, evaluation.TargetResult]:
    """Return what was found of a target by cohort; one alone has no name."""
    if len(study.tables) == 1:
        return {"": study.get(QUICK_SCORES, target)}
    return study.get(COMPARISON, target).targets[target].results


def _head(what: str, target: str, by: str, score: str, first: Cell = "", second: Cell = "") -> dict[str, Cell]:
    return {"target": target, "what": what, "by": by, "score": score, "first": first, "second": second}


def _numbers(value: Cell, low: Cell, high: Cell, p: Cell = None, family: str = "", how: Cell = "") -> dict[str, Cell]:
    return {"value": value, "low": low, "high": high, "p_adjusted": p, "family": family, "correction": how}


_WHAT = {
    "baseline": say("model minus the best constant"),
    "subgroups": say("difference between groups"),
    "equivalence": say("equivalence, with its 90 % interval"),
    "cohorts": say("difference between cohorts"),
}


def _tests(study: Study, plan: AnalysisPlan) -> Iterator[Row]:
    for family in plan.families:
        for test, target, by in _asked(study, plan, family.tests, family.targets):
            for row in _main_rows(study, plan, test, target, by):
                low, high = (row.get("difference_low", row.get("low")), row.get("difference_high", row.get("high")))
                yield {
                    **_head(_WHAT[test], target, by, str(row["score"]), row["first"], row["second"]),
                    **_numbers(row["difference"], low, high, row["p_adjusted"], family.name, row["correction"]),
                    "n_patients": None,
                    "note": row.get("difference_note") or "",
                }


def _main_rows(study: Study, plan: AnalysisPlan, test: str, target: str, by: str) -> list[Row]:
    """Return the rows of a planned test that were corrected in a family."""
    if _why_not(study, test, target, by):
        return []
    analysis = _kinds(study)[test]
    rows = multiple_testing.corrected(study, analysis, study.plain_rows(analysis, target, by))
    return [row for row in rows if row.get("p_adjusted") is not None]


PLANNED = Analysis(
    "planned",
    "Estimates and tests of the plan",
    "What the plan asked for, stated before the measured values were seen. All else in this report is exploratory.",
    _found,
    rows=lambda found: found,
    asks="cohort",
    words={"what": Word("Planned")},
)


# Success ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion of success, and what became of it."""

    target: str
    """Its id."""
    criterion: str
    """In words."""
    estimate: str
    """Whose interval, or which test, decided."""
    value: float | None
    """Of the estimate."""
    low: float | None
    """Lower end of its 95 % interval."""
    high: float | None
    """Upper end."""
    p_adjusted: float | None
    """Of the test; the largest where it has several rows."""
    verdict: str
    """``met``, ``not met`` or ``not computable``."""
    note: str
    """Why it could not be computed; what else a reader has to know."""


def _judged(study: Study, _target: str, _by: str) -> Sequence[Judged]:
    if study.plan is None:
        return ()
    plan = study.plan.plan
    return [_of_test(study, plan, each) if each.test else _of_limit(study, each) for each in plan.success]


_OF_ONE = say("it is judged of one cohort alone, by an evaluation with this plan")


def _of_test(study: Study, plan: AnalysisPlan, one: Criterion) -> Judged:
    words = {
        "baseline": say("errs less than the best constant, corrected p below 0.05"),
        "equivalence": say("mean of predictions equivalent to that of the truth, corrected p below 0.05"),
        "cohorts": say("every pair of cohorts equivalent within the margin, corrected p below 0.05"),
    }["cohorts" if one.test == "equivalence" and len(study.tables) > 1 else one.test]
    known = one.test in _kinds(study)
    rows = _main_rows(study, plan, one.test, one.target, "") if known else []
    if not rows:
        why = _why_not(study, one.test, one.target, "") or (say("the test has no result") if known else _OF_ONE)
        return Judged(one.target, words, one.test, None, None, None, None, NOT_COMPUTABLE, why)
    row = max(rows, key=lambda each: _float(each["p_adjusted"]))
    low, high = (row.get("difference_low", row.get("low")), row.get("difference_high", row.get("high")))
    p = _float(row["p_adjusted"])
    return Judged(
        one.target, words, str(row["score"]), as_number(row["difference"]), as_number(low), as_number(high), p,
        MET if p < LEVEL else NOT_MET, "",
    )  # fmt: skip


def _of_limit(study: Study, one: Criterion) -> Judged:
    target = TARGETS[one.target]
    limit = one.below if one.below is not None else one.above
    shown = written(limit, word(one.estimate).kind)
    template = (
        say("95 % interval of {estimate} wholly below {limit}", estimate=name(one.estimate, target), limit=shown)
        if one.below is not None
        else say("95 % interval of {estimate} wholly above {limit}", estimate=name(one.estimate, target), limit=shown)
    )
    head = (one.target, template, one.estimate)
    if one.target not in study.targets or len(study.tables) > 1:
        why = _missing(study, one.target) if one.target not in study.targets else _OF_ONE
        return Judged(*head, None, None, None, None, NOT_COMPUTABLE, why)
    found = estimates(study, target).get(one.estimate)
    if found is None:
        return Judged(*head, None, None, None, None, NOT_COMPUTABLE, say("there is no such estimate of this target"))
    if found.low is None or found.high is None:
        return Judged(*head, found.value, None, None, None, NOT_COMPUTABLE, found.note)
    met = found.high < one.below if one.below is not None else found.low > (one.above or 0.0)
    return Judged(*head, found.value, found.low, found.high, None, MET if met else NOT_MET, found.note)


MET, NOT_MET, NOT_COMPUTABLE = say("met"), say("not met"), say("not computable")


def _float(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else float("nan")


SUCCESS = Analysis(
    "planned_success",
    "Success, as it was defined",
    "The plan's success is that every criterion is met. An interval must lie wholly beyond its limit.",
    _judged,
    rows=evaluation.rows,
    asks="cohort",
)


# Deviations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something planned that was not done as planned."""

    target: str
    """Its id; empty where it is about all."""
    planned: str
    """What."""
    why: str
    """Why not."""


def _deviations(study: Study, _target: str, _by: str) -> Sequence[Deviation]:
    if study.plan is None:
        return ()
    return list(dict.fromkeys(_each_deviation(study, study.plan.plan)))


def _each_deviation(study: Study, plan: AnalysisPlan) -> Iterator[Deviation]:
    if study.level != plan.unit:
        yield Deviation("", say("unit of analysis: {unit}", unit=say(plan.unit)), say("used was {unit}", unit=say(study.level)))  # fmt: skip  # noqa: E501
    for target in plan.targets:
        if target not in study.targets:
            yield Deviation(target, say("main estimate"), _missing(study, target))
    for family in plan.families:
        for test in family.tests:
            if test not in _kinds(study):
                yield Deviation("", _WHAT[test], say("asked of another number of cohorts"))
        yield from _not_done(study, plan, family)


def _not_done(study: Study, plan: AnalysisPlan, family: PlannedFamily) -> Iterator[Deviation]:
    for test, target, by in _asked(study, plan, family.tests, family.targets):
        why = _why_not(study, test, target, by) or _untested(study, plan, test, target, by)
        if why:
            planned = say("{test} by {column}", test=say(_WHAT[test]), column=by) if by else say(_WHAT[test])
            yield Deviation(target, planned, why)


def _untested(study: Study, plan: AnalysisPlan, test: str, target: str, by: str) -> str:
    """Why a planned test has no result; empty where it has one."""
    if _main_rows(study, plan, test, target, by):
        return ""
    rows = study.plain_rows(_kinds(study)[test], target, by)
    notes = [str(row.get("difference_note") or row.get("verdict") or "") for row in rows]
    if not rows:
        return say("fewer than two groups of 20 people")
    scores = sorted({str(row["score"]) for row in rows})
    if plan.estimate_of(target) not in scores and test != "equivalence":
        return say("this test compares {scores}, not the main estimate", scores=[say(name(each)) for each in scores])
    return next(filter(None, notes), say("the test has no result"))


DEVIATIONS = Analysis(
    "planned_deviations",
    "Deviations from the plan",
    "What was planned and could not be done, with the reason.",
    _deviations,
    rows=evaluation.rows,
    asks="cohort",
    words={"planned": Word("Planned"), "why": Word("Why not")},
)

TABLES: Sequence[Analysis[Any]] = (PLANNED, SUCCESS, DEVIATIONS)
"""In the order of a report; exported where there is a plan."""


def success_in_words(study: Study, say: Say = str) -> str:
    """Return in one sentence whether the plan's success was met; empty without a plan or without a criterion."""
    judged: Sequence[Judged] = study.get(SUCCESS)
    if not judged:
        return ""
    met = sum(one.verdict == MET for one in judged)
    template = (
        say("Success as planned: met; {met} of {n} criteria.")
        if met == len(judged)
        else say("Success as planned: not met; {met} of {n} criteria.")
    )
    return template.format(met=met, n=len(judged))


def in_words(study: Study) -> Iterator[str]:
    """Yield what a person is told of a plan and of what came of it, a sentence each; nothing without a plan."""
    if study.plan is None:
        return
    stated = study.plan
    yield f"Analysis plan “{stated.plan.title}”, SHA-256 {stated.plan.sha256}: {stated.order}."
    for one in study.get(DEVIATIONS):
        about = TARGETS[one.target].name if one.target in TARGETS else one.target
        yield f"Planned and not done: {' '.join(filter(None, (about, one.planned)))} ({one.why})."
    if success := success_in_words(study):
        yield success
