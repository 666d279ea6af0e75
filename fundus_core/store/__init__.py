"""Cohorts, photographs, truth and readings: what must survive everything else."""

from fundus_core.store.cohorts import CohortRef
from fundus_core.store.database import StoreUnavailableError
from fundus_core.store.store import Store
from fundus_core.store.values import (
    QUEUED,
    Added,
    Cohort,
    Finding,
    Item,
    Kept,
    ModelVersion,
    NewPhotograph,
    OrderBy,
    Page,
    TruthRow,
    TurnedAway,
    Where,
)

__all__ = [
    "QUEUED",
    "Added",
    "Cohort",
    "CohortRef",
    "Finding",
    "Item",
    "Kept",
    "ModelVersion",
    "NewPhotograph",
    "OrderBy",
    "Page",
    "Store",
    "StoreUnavailableError",
    "TruthRow",
    "TurnedAway",
    "Where",
]
