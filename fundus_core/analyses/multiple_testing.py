"""Which tests are corrected together, for the whole report: one planned set, and everything else as exploration.

Where nobody stated a plan, the planned tests are those of one question, asked once of each target by its main score:
does the model err less than the constant that is best (one cohort), do the cohorts differ (several)? They are corrected
together after Holm, over all targets, so that a report without any difference holds a corrected p below 0.05 in at most
5 %. With a plan they are its families: Holm in each, times the number of families. All other tests are exploratory;
beside them stand q values (Benjamini-Hochberg) over the tests of one target in one table, under that name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundus_core.errors import say
from fundus_core.evaluation import CORRECTIONS, Cell, adjusted

Study = Any
"""A study, which knows this module and is not known here."""
Analysis = Any
"""One of its analyses."""
Row = Mapping[str, Cell]
Rows = Sequence[Row]
Key = tuple[Cell, ...]
"""Names a test: its analysis, target, column, score and sides."""

_NAMES = ("target", "by", "score", "first", "second", "fitted_on", "tested_on")


def is_main(row: Row) -> bool:
    """Return whether a test is of the score that stands for a target."""
    return row.get("score") in ("mae", "accuracy")


@dataclass(frozen=True, slots=True)
class Tests:
    """What is known of the tests in an analysis' table."""

    planned: bool = False
    """Whether its main tests are the planned ones where nobody stated a plan."""
    explored: bool = True
    """Whether tests outside every family have q values; none where what is asked was stated beforehand."""
    main: Callable[[Row], bool] | None = None
    """Its main tests, where the family does not say which."""
    quick: Callable[[Study, str], Rows] | None = None
    """The rows of the main tests of a target, where they can be had sooner than the whole table."""


@dataclass(frozen=True, slots=True)
class Family:
    """Tests that are corrected together."""

    name: str
    """As its plan, or the question, calls it."""
    tests: tuple[tuple[Analysis, str, str], ...]
    """Analysis, target and column (empty for what is not cut by one); of each its main tests."""
    main: Callable[[Row], bool] = is_main
    """Which tests of a table are the main ones."""


@dataclass(frozen=True, slots=True)
class _Corrected:
    p: float
    how: str


def corrected(study: Study, analysis: Analysis, rows: Rows) -> Rows:
    """Put what is known of p values beside them: ``p_adjusted`` in a family, else ``q``, and how each was made."""
    tests = analysis.tests
    if tests is None or not rows:
        return rows
    planned = _planned(study, analysis)
    if not tests.explored and not any(_key(analysis, row) in planned for row in rows):
        return rows
    free = [row for row in rows if _key(analysis, row) not in planned] if tests.explored else []
    q = _explored(analysis, free)
    keys = [_key(analysis, row) for row in rows]
    return [
        _beside(row, planned.get(key), q.get(key), explored=tests.explored) for key, row in zip(keys, rows, strict=True)
    ]


def _beside(row: Row, planned: _Corrected | None, q: _Corrected | None, *, explored: bool) -> Row:
    made: dict[str, Cell] = {}
    for name, cell in row.items():
        made[name] = cell
        if name == "p":
            made["p_adjusted"] = planned.p if planned else None
            if explored:
                made["q"] = q.p if q else None
    made["correction"] = next((each.how for each in (planned, q) if each), "")
    return made


def _key(analysis: Analysis, row: Row) -> Key:
    return analysis.id, *(row.get(name) for name in _NAMES)


def _planned(study: Study, analysis: Analysis) -> Mapping[Key, _Corrected]:
    """Return every planned test of the study, corrected; of a study without a plan those of the analysis."""
    if study.families is None:
        tests = analysis.tests
        if tests is None or not tests.planned:
            return {}
        whole = tuple((analysis, target, "") for target in study.of_interest(analysis))
        families: Sequence[Family] = [Family("", whole)]
    else:
        families = study.families
    name = (
        "families",
        analysis.id if study.families is None else "",
        replace(study.settings, level=study.level),
        study.stated,
    )
    found: Mapping[Key, _Corrected] = study.memory.kept(name, None, lambda: _of_families(study, families))
    return found


def _of_families(study: Study, families: Sequence[Family]) -> Mapping[Key, _Corrected]:
    found: dict[Key, _Corrected] = {}
    for family in families:
        tested = {key: p for each in family.tests for key, p in _main_tests(study, family.main, *each)}
        how = say(
            "{correction} over the {tested} planned {tested:comparison|comparisons} of all targets",
            correction=say(CORRECTIONS["holm"]),
            tested=len(tested),
        )
        if family.name:
            how = say(
                "{correction} over the {tested} {tested:comparison|comparisons} of the planned family '{family}', "
                "times {families} {families:family|families}",
                correction=say(CORRECTIONS["holm"]),
                tested=len(tested),
                family=family.name,
                families=len(families),
            )
        values = adjusted(list(tested.values()))
        for key, value in zip(tested, values, strict=True):
            made = _Corrected(min(1.0, value * len(families)), how)
            # one that two families name must hold in both
            found[key] = max(made, found.get(key, made), key=lambda one: one.p)
    return found


def _main_tests(
    study: Study, main: Callable[[Row], bool], analysis: Analysis, target: str, by: str
) -> Iterable[tuple[Key, float]]:
    tests = analysis.tests
    if tests is None:
        return
    quick = tests.quick if main is is_main else None
    rows = _quick(study, analysis, target, quick) if quick else study.plain_rows(analysis, target, by)
    for row in rows:
        p = row.get("p")
        if isinstance(p, float) and (tests.main or main)(row):
            yield _key(analysis, row), p


def _quick(study: Study, analysis: Analysis, target: str, made: Callable[[Study, str], Rows]) -> Rows:
    name = ("main tests", analysis.id, target, replace(study.settings, level=study.level, margins={}), study.stated)
    rows: Rows = study.memory.kept(name, list, lambda: list(made(study, target)))
    return rows


def _explored(analysis: Analysis, rows: Rows) -> Mapping[Key, _Corrected]:
    """Return q values over the tests of each target in one table."""
    of_target: dict[Cell, dict[Key, float]] = {}
    for row in rows:
        if isinstance(p := row.get("p"), float):
            of_target.setdefault(row.get("target"), {})[_key(analysis, row)] = p
    found: dict[Key, _Corrected] = {}
    for tested in of_target.values():
        how = say(
            "exploratory; q: {correction} over {tested} {tested:comparison|comparisons}",
            correction=say(CORRECTIONS["bh"]),
            tested=len(tested),
        )
        values = adjusted(list(tested.values()), "bh")
        found |= {key: _Corrected(q, how) for key, q in zip(tested, values, strict=True)}
    return found
