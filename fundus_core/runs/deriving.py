"""What a model said already, recalibrated: no network is asked again for what a line says."""

import hashlib

from fundus_core.models.card import Card
from fundus_core.records import Status
from fundus_core.store import CohortRef, Finding, ModelVersion, Store

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
