"""Who is missing and why: people without values, photographs that the gate refuses, and what a person decided."""

from __future__ import annotations

from collections.abc import Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Say, Word, name, with_interval, word, written
from fundus_core.analyses.scores import forest_row
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import Decided, MissingIn, RefusedIn, Weighted
from fundus_core.figures import Figure, forest
from fundus_core.records import Status
from fundus_core.targets import TARGETS

CLAIM = 0.05
"""Corrected p below which a group is said to be refused more often."""


def _refused(study: Study, _target: str, by: str) -> Sequence[RefusedIn]:
    return () if by in evaluation.OF_PHOTOGRAPHS[1:] else evaluation.refused(study.ordered, by)


def _rows(found: Sequence[RefusedIn]) -> Rows:
    return evaluation.rows(found) if any(each.refused for each in found) else ()


def _draw(study: Study, target: str, canvas: Canvas) -> Figure | None:
    found = study.get(REFUSED_ALONG, target) if target else study.get(REFUSED, "", canvas.by)
    if not any(each.refused for each in found):
        return None
    say = canvas.look.say
    rows = [
        forest_row(say(each.group.replace("_", " ")), each.share, each.n_patients, canvas.look, 0) for each in found
    ]
    return forest(rows, say("Refused photographs"), canvas.look, write=lambda value: written(value, Kind.SHARE))


def refused_in_words(study: Study, _target: str, say: Say = str) -> str:
    """Return which group the gate refuses more often, if any is; empty where nothing was refused.

    Of all groups of all columns, p corrected after Holm, the one whose odds are surely largest is named.
    """
    found = [each for by in study.columns for each in study.get(REFUSED, "", by)]
    if not any(each.refused for each in found):
        return ""
    tested = [each for each in found if each.p is not None]
    if not tested:
        return say("No group has enough people to tell whether one is refused more often.")
    corrected = evaluation.adjusted([each.p for each in tested if each.p is not None])
    claimed = [
        each for each, p in zip(tested, corrected, strict=True) if p < CLAIM and (each.odds_ratio.low or 0.0) > 1
    ]
    if not claimed:
        return say("No group of people or photographs is clearly refused more often than the largest one.")
    worst = max(claimed, key=lambda each: each.odds_ratio.low or 0.0)
    other = next(each for each in found if each.by == worst.by and each.group == worst.against)
    words = say(
        "The gate refuses one group more often: {by} {group}, {share} of its photographs, against {other} of {against} "
        "(odds ratio {odds}). What follows says less about that group."
    )
    return words.format(
        by=say(worst.by.replace("_", " ")),
        group=say(worst.group.replace("_", " ")),
        share=written(worst.share.value, Kind.SHARE),
        other=written(other.share.value, Kind.SHARE),
        against=say(other.group.replace("_", " ")),
        odds=with_interval(worst.odds_ratio, word("odds_ratio", _WORDS), say),
    )


_WORDS = {
    "n_photographs": Word("Photographs", Kind.COUNT),
    "refused": Word("Refused", Kind.COUNT),
    "share": Word("Share refused", Kind.SHARE),
    "against": Word("Against"),
    "odds_ratio": Word("Odds ratio of being refused", Kind.PLAIN),
}
REFUSED: Analysis[Sequence[RefusedIn]] = Analysis(
    "refused",
    "Refused by group",
    "Are photographs of some groups refused more often than those of the largest one? Counted as they were read, "
    "before any decision of a person.",
    _refused,
    tuple,
    rows=_rows,
    draw=_draw,
    asks="cohort",
    cut=True,
    at_level=False,
    sentences=refused_in_words,
    words=_WORDS,
)
REFUSED_ALONG: Analysis[Sequence[RefusedIn]] = Analysis(
    "refused_along",
    "Refused along the measured value",
    "Are people with high or low values refused more often? Of those whose value is known, each tenth against all "
    "others.",
    lambda study, target, _by: evaluation.refused_along(study.ordered, target),
    tuple,
    rows=_rows,
    draw=_draw,
    needs=lambda target: not target.binary,
    offered=lambda study: Status.REFUSED.value in study.outline.status,
    at_level=False,
    words=_WORDS,
    hide=("by", "against"),
)


def decided_in_words(study: Study, target_id: str, say: Say = str) -> str:
    """Return what a person's decisions change of a target's main estimate; empty where nobody decided."""
    found = study.get(DECIDED, target_id)
    if not found:
        return ""
    main = found[0]
    of = word(main.estimate)
    words = say(
        "A person accepted {accepted} refused photographs and withdrew {withdrawn}. With these decisions {estimate} is "
        "{decided}, without them {as_read}."
    )
    return words.format(
        accepted=f"{main.accepted:,}",
        withdrawn=f"{main.withdrawn:,}",
        estimate=name(main.estimate, TARGETS[target_id], say),
        decided=with_interval(main.decided, of, say),
        as_read=with_interval(main.as_read, of, say),
    )


DECIDED: Analysis[Sequence[Decided]] = Analysis(
    "decided",
    "With and without decisions",
    "What do the main estimates owe to photographs that a person accepted after they were refused, or withdrew?",
    lambda study, target, _by: evaluation.decided(study.ordered, target, level=study.level),
    tuple,
    offered=lambda study: study.outline.decided,
    rows=evaluation.rows,
    sentences=decided_in_words,
    words={
        "accepted": Word("Accepted photographs", Kind.COUNT),
        "withdrawn": Word("Withdrawn photographs", Kind.COUNT),
        "n_patients_without": Word("People without decisions", Kind.COUNT),
        "decided": Word("With decisions", Kind.PLAIN),
        "as_read": Word("Without decisions", Kind.PLAIN),
        "change": Word("Change", Kind.PLAIN, signed=True),
    },
    quick=True,
)


def _missing(study: Study, target: str, by: str) -> Sequence[MissingIn]:
    if by in (*evaluation.OF_PHOTOGRAPHS, target):
        return ()
    return evaluation.missing(study.ordered, target, by)


def _missing_rows(found: Sequence[MissingIn]) -> Rows:
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


_WORDS_OF_MISSING = {
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
    rows=_missing_rows,
    cut=True,
    at_level=False,
    words=_WORDS_OF_MISSING,
)
_WEIGHTED_WORDS = {
    **_WORDS_OF_MISSING,
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
