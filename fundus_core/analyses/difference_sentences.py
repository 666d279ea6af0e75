"""Differences between cohorts as sentences: what was shown, and what was not."""

from collections.abc import Mapping
from dataclasses import replace

from fundus_core.analyses.labels import Say, name, with_interval, word
from fundus_core.analyses.scores import main_score
from fundus_core.analyses.side_by_side import DIFFERENCES
from fundus_core.analyses.study import Study
from fundus_core.evaluation import Cell, Estimate, as_number
from fundus_core.targets import TARGETS

SHOWN = 0.05
"""A corrected p value below it shows a difference."""


def differences_in_words(study: Study, target: str, say: Say = str, names: Say = str) -> list[str]:
    """Return a sentence for each two cohorts about the target's main estimate; why none where nothing was tested.

    A difference is shown where its p value, corrected in its family, is below .05; the interval is not corrected.
    """
    score = main_score(TARGETS[target])
    return [_sentence(row, say, names) for row in study.rows(DIFFERENCES, target) if row["score"] == score]


def _sentence(row: Mapping[str, Cell], say: Say, names: Say) -> str:
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
