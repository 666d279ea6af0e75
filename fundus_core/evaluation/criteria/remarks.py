"""What was used beside the targets, what is taken for granted without it, and why nobody could be judged."""

from collections.abc import Sequence

from fundus_core.errors import say
from fundus_core.evaluation.criteria.definitions import Criterion
from fundus_core.evaluation.observations.person_means import PersonMeans
from fundus_core.tables.covariates import DRUGS, MEASURES, Further

_STATINS = (
    "A lipid-lowering drug counts as one for triglycerides and HDL; leave out of its column who takes a statin alone."
)


def nobody_complete(truth: PersonMeans, chosen: Criterion) -> str:
    """Say why nobody is a complete case.

    Args:
        truth: What was measured.
        chosen: The criterion.
    """
    missing = [say(MEASURES[name].name) for name in chosen.missing(truth)]
    if missing:
        return say("the table has no column of {missing:and}, so that nobody is a complete case", missing=missing)
    return say("nobody has everything measured and predicted that the criterion looks at")


def remarks(truth: PersonMeans, columns: Sequence[Further], chosen: Criterion) -> tuple[str, ...]:
    """Say which columns a criterion was decided on beside the targets, and what is taken for granted without one.

    Args:
        truth: What was measured.
        columns: Further columns of the table, used or not.
        chosen: The criterion.
    """
    read = [each.note for each in columns if each.measure in chosen.further]
    absent = [say(MEASURES[name].name) for name in chosen.missing(truth)]
    untreated = [say(MEASURES[name].name) for name in chosen.further if name in DRUGS and name not in truth.further]
    if absent:
        read.append(say("No column of {absent:and}: their items cannot be told.", absent=absent))
    if untreated:
        read.append(say("No column says who takes {drugs:and}: people are taken to be untreated.", drugs=untreated))
    if "hba1c" in chosen.further and "hba1c" not in truth.further:
        read.append(say("No column of HbA1c: glucose alone decides."))
    if "lipid_drug" in truth.further and "lipid_drug" in chosen.further:
        read.append(say(_STATINS))
    return tuple(read)
