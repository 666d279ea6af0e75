"""Who is missing: refused, failed or without a measured value, by group, and the main estimates weighted for it."""

from __future__ import annotations

from collections.abc import Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Say, Word, name, with_interval, word, written
from fundus_core.analyses.study import Analysis, Rows, Study
from fundus_core.evaluation import MissingIn, Weighted
from fundus_core.targets import TARGETS


def _missing(study: Study, target: str, by: str) -> Sequence[MissingIn]:
    if by in (*evaluation.OF_PHOTOGRAPHS, target):
        return ()
    return evaluation.missing(study.ordered, target, by)


def _rows(found: Sequence[MissingIn]) -> Rows:
    rows = evaluation.rows(found)
    return rows if any(each.not_predicted + each.without_truth for each in found) else ()


def _weighted(study: Study, target: str, _by: str) -> Sequence[Weighted]:
    columns = [each for each in study.columns if each not in ("age", "sex", *evaluation.OF_PHOTOGRAPHS)]
    return evaluation.weighted(study.ordered, target, columns, level=study.level)


def missing_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return how many people are missing and what weighting for them does; empty where nobody is."""
    found = study.get(WEIGHTED, target_id)
    if not found or not found[0].lost:
        return ""
    main = found[0]
    lost = say("{lost} of {people} people have no prediction or no measured value.").format(
        lost=f"{main.lost:,}", people=f"{main.lost + main.n_patients:,}"
    )
    if main.weighted.value is None:
        return f"{lost} {say('No weighting for them: {why}.').format(why=say(main.weighted.note))}"
    of = word(main.estimate)
    words = say(
        "Weighted for who is missing, by their chance of being counted given {by}: {estimate} {weighted}, as counted "
        "{counted}; that mends only what goes with these columns."
    ).format(
        by=say(main.by) or "–",
        estimate=name(main.estimate, TARGETS[target_id], say),
        weighted=with_interval(main.weighted, of, say),
        counted=written(main.counted, of.kind, signed=of.signed),
    )
    return f"{lost} {words}"


_WORDS = {
    "not_predicted": Word("Without a prediction", Kind.COUNT),
    "without_truth": Word("Without a measured value", Kind.COUNT),
    "share_lost": Word("Missing", Kind.SHARE),
    "odds_ratio": Word("Odds ratio of being missing", Kind.PLAIN),
    "lost": Word("People missing", Kind.COUNT),
    "by": Word("By"),
}
MISSING = Analysis(
    "missing",
    "Who is missing",
    "People of whom no photograph has both a prediction and a measured value: which groups do they come from?",
    _missing,
    tuple,
    rows=_rows,
    cut=True,
    at_level=False,
    words=_WORDS,
)
_WEIGHTED_WORDS = {
    **_WORDS,
    "by": Word("Chances from"),
    "counted": Word("As counted", Kind.PLAIN),
    "weighted": Word("Weighted", Kind.PLAIN),
    "change": Word("Weighted − counted", Kind.PLAIN, signed=True),
}
WEIGHTED = Analysis(
    "weighted",
    "Weighted for who is missing",
    "What would the main estimates be if those who are missing erred like people of their age, sex and groups?",
    _weighted,
    tuple,
    rows=lambda found: evaluation.rows(found) if found and found[0].lost else (),
    sentences=missing_in_words,
    words=_WEIGHTED_WORDS,
)
