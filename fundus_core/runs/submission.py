"""Asking for a run by the ids of cohorts and models."""

from collections.abc import Sequence
from dataclasses import replace

from fundus_core.models import ownership
from fundus_core.quality import LIMITS, Limits
from fundus_core.runs import deriving, model_loading
from fundus_core.store import CohortRef, Store, run_table


def submit(store: Store, cohort: CohortRef, models: Sequence[str], *, limits: Limits = LIMITS) -> int:
    """Ask for predictions of a whole cohort by the models of some cards; return the run's id.

    A run of the same cohort and models that has not ended is taken up again, with the photographs that were added
    since; whatever was read before under the same limits of quality, in any cohort and run, is used again. So is, of a
    recalibrated model, what the one that it was made of has read in this cohort.

    Raises:
        FundusError: There is no such cohort or model, or its weights are not there.
    """
    cards = [model_loading.ready_card(model) for model in models]
    if store.person:
        for card in cards:
            ownership.require(card, store.person.names)
    versions = [replace(model_loading.version_of(card), limits=limits.as_text()) for card in cards]
    for card, version in zip(cards, versions, strict=True):
        deriving.derive(store, cohort, card, version)
    return run_table.submit(store, cohort, versions)
