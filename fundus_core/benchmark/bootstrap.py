"""How long the intervals of a large cohort take."""

import time

import numpy as np

from fundus_core import evaluation
from fundus_core.records import CohortTable
from fundus_core.targets import METABOLIC, TARGETS

PHOTOGRAPHS_PER_PERSON = 100 / 52


class Intervals:
    """Evaluates a drawn cohort."""

    def evaluate(self, patients: int, draws: int, ranked: bool) -> float:  # noqa: FBT001 (travels to a process)
        """Score five targets with intervals, 1.9 photographs a person; returns seconds.

        ``ranked`` is with the statistics that sort every draw.
        """
        table = cohort(patients)
        since = time.perf_counter()
        evaluation.evaluate(table, draws=draws, ranked=ranked)
        return time.perf_counter() - since


def cohort(patients: int) -> CohortTable:
    """Draw people with a truth and a prediction of the five targets."""
    random = np.random.default_rng(0)
    count = round(patients * PHOTOGRAPHS_PER_PERSON)
    person = np.sort(np.arange(count) % patients)
    words = np.full(count, "")
    truth, predicted = {}, {}
    for name in METABOLIC:
        target = TARGETS[name]
        middle, spread = (target.low + target.high) / 2, (target.high - target.low) / 12
        truth[name] = (middle + spread * random.standard_normal(patients))[person]
        predicted[name] = truth[name] + spread * random.standard_normal(count)
    return CohortTable(
        photograph=np.array([f"{number:07}.jpg" for number in range(count)]),
        patient_id=np.array([f"P{number:06}" for number in range(patients)])[person],
        eye=words,
        status=np.full(count, "predicted"),
        reason=words,
        quality=np.ones(count),
        out_of_distribution=np.zeros(count),
        truth=truth,
        predicted=predicted,
        low={name: values - 1 for name, values in predicted.items()},
        high={name: values + 1 for name, values in predicted.items()},
    )
