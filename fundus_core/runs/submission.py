"""Asking for a run by the ids of cohorts and models; what a recalibration says already is worked out at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from fundus_core.models import ownership
from fundus_core.models.card import Card
from fundus_core.quality import LIMITS, Limits
from fundus_core.records import Status
from fundus_core.runs import model_loading
from fundus_core.store import CohortRef, Finding, ModelVersion, Store, run_table

_NO_BYTES = hashlib.sha256(b"").hexdigest()
"""Of photographs that were turned away at the door."""


def derive(store: Store, cohort: CohortRef, card: Card, version: ModelVersion) -> None:
    """Write what a recalibrated model finds in a cohort that the model which it was made of has read.

    Only where weights, card and limits of quality are the same; photographs that are not read yet are left to a run,
    and so are those about which a person decided: what is told of them is the cohort's, not what the model found.
    """
    if not card.recalibrated:
        return
    from fundus_core.models import recalibrated  # scipy, which no other run waits for

    for source in store.models(cohort):
        steps = recalibrated.steps_from(card, source.model, source.card_sha256)
        same = all(getattr(source, of) == getattr(version, of) for of in ("weights_sha256", "limits", "origin"))
        if steps and same and source.card_sha256:
            decided = {name for decision in store.decisions(cohort) for name in decision.photographs}
            whole = (each for each in store.readings(cohort, source.model) if each.status is not Status.FAILED)
            readings = [each for each in whole if each.sha256 != _NO_BYTES and each.photograph not in decided]
            found = (Finding.of(one, predictions=recalibrated.derived(steps, one.predictions)) for one in readings)
            store.record(cohort, version, found)
            return


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
        derive(store, cohort, card, version)
    return run_table.submit(store, cohort, versions)
