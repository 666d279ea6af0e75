"""What drugs against high blood pressure do to errors and prevalences: three ways to handle the treated, side by side.

A treated person's measured pressure is not what it would be without the drug. Leaving the treated out selects;
adding a constant, here 10 mmHg systolic and 5 diastolic, is a sensible middle (Tobin et al. 2005,
doi:10.1002/sim.2165). None is right: where results differ between the ways, they hang on treatment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.evaluation.criteria.classification import means
from fundus_core.evaluation.criteria.definitions import YES, Criterion
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Estimate
from fundus_core.evaluation.intervals.jackknife_intervals import estimated
from fundus_core.evaluation.observations.person_means import PersonMeans, further_columns, select_people
from fundus_core.evaluation.observations.sample import select_rows
from fundus_core.evaluation.one_cohort.evaluate import evaluate
from fundus_core.records import CohortTable

ADDED: Mapping[str, float] = MappingProxyType({"sbp": 10.0, "dbp": 5.0})
"""mmHg that are added to a treated person's measured pressure."""

DRUG = "pressure_drug"
"""Which drug it is about."""

AS_DEFINED, AS_MEASURED = say("meet the item"), say("as measured")
LEFT_OUT, CONSTANT = say("left out"), say("+10/+5 mmHg")
HANDLINGS = (AS_DEFINED, AS_MEASURED, LEFT_OUT, CONSTANT)
"""Ways to handle the treated: they meet a pressure item by definition, count as measured, are left out, or get more."""

_SHOWN = ("mae", "bias", "mae_median", "sd_truth")


@dataclass(frozen=True, slots=True)
class TreatedPrevalence:
    """How many meet a criterion under one way to handle the treated."""

    handling: str
    """The way."""
    people: int
    """Complete cases."""
    treated: int
    """Those of them who take the drug."""
    prevalence: Estimate
    """Share of them who meet the criterion."""


@dataclass(frozen=True, slots=True)
class TreatedErrors:
    """Errors of one pressure under one way to handle the treated."""

    target: str
    """Target id."""
    handling: str
    """The way."""
    people: int
    """With a measured and a predicted value."""
    mae: Estimate
    """Mean absolute error."""
    bias: Estimate
    """Mean prediction - truth."""
    mae_median: Estimate
    """MAE of the median of all others."""
    sd_truth: Estimate
    """SD of the true values."""


def treated_prevalences(truth: PersonMeans, criterion: Criterion) -> tuple[TreatedPrevalence, ...]:
    """Return a criterion's prevalence over complete cases, four ways; none where nobody says who is treated."""
    if DRUG not in criterion.further or DRUG not in truth.further:
        return ()
    complete = select_people(truth, criterion.complete(truth))
    if not len(complete):
        return ()
    ignored = replace(complete, further={name: one for name, one in complete.further.items() if name != DRUG})
    on = complete.further[DRUG] == 1
    more = {name: getattr(ignored, name) + by * on for name, by in ADDED.items()}
    ways = {
        AS_DEFINED: complete,
        AS_MEASURED: ignored,
        LEFT_OUT: select_people(ignored, ~on),
        CONSTANT: replace(ignored, **more),
    }
    return tuple(
        TreatedPrevalence(way, len(of), 0 if way == LEFT_OUT else int(on.sum()), _prevalence(of, criterion))
        for way, of in ways.items()
    )


def _prevalence(of: PersonMeans, criterion: Criterion) -> Estimate:
    met = (criterion.decide(of) == YES).astype(np.float64)
    return estimated(means(met, np.zeros(len(met))))["prevalence"]


def treated_errors(
    table: CohortTable, target: str, *, level: str = "patient", seed: int = SEED, draws: int = NUMBER_OF_DRAWS
) -> tuple[TreatedErrors, ...]:
    """Return the errors of a pressure as measured, without the treated, and with a constant added to theirs.

    Who is not known to be untreated is left out with the treated; who is not known to be treated gets nothing added.

    Args:
        table: A row per photograph.
        target: ``sbp`` or ``dbp``; others have none.
        level: What one observation is.
        seed: Of what is drawn.
        draws: Of what is drawn.
    """
    drug = further_columns(table).get(DRUG)
    if target not in ADDED or drug is None or not (drug > 0).any():
        return ()
    found = []
    for way, each in _handled(table, target, drug > 0, drug == 0):
        scored = evaluate(each, level=level, targets=[target], seed=seed, draws=draws, ranked=False).targets[target]
        found.append(TreatedErrors(target, way, scored.n_patients, *(scored.estimates[name] for name in _SHOWN)))
    return tuple(found)


def _handled(
    table: CohortTable, target: str, on: NDArray[np.bool_], off: NDArray[np.bool_]
) -> Iterator[tuple[str, CohortTable]]:
    yield AS_MEASURED, table
    yield LEFT_OUT, select_rows(table, off)
    yield CONSTANT, replace(table, truth={**table.truth, target: table.truth[target] + ADDED[target] * on})
