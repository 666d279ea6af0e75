"""Does the photograph read anything beyond age and sex, or beyond columns that the user names?"""

from collections.abc import Sequence
from functools import partial

from fundus_core import evaluation
from fundus_core.analyses.labels import ESTIMATES, Say, with_interval
from fundus_core.analyses.study import Analysis, Study
from fundus_core.evaluation import Beyond, Difference
from fundus_core.targets import TARGETS


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
    make = partial(evaluation.against_baselines, study.ordered, target, level=study.level)
    return study.memory.kept(name, tuple, make)


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
