"""Cohorts, photographs, truth and readings: what must survive everything else."""

from fundus_core.store.access import Person, RefusedError
from fundus_core.store.audit_log import AuditLog
from fundus_core.store.backup import Copied, back_up, restore
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.database import SCHEMA_VERSION, StoreUnavailableError
from fundus_core.store.decided import Decided, Decision
from fundus_core.store.health import examine
from fundus_core.store.health_folder import Found
from fundus_core.store.selections import Selection
from fundus_core.store.shared import keys_in
from fundus_core.store.store import Store
from fundus_core.store.values import Added, Cohort, Finding, Ids, Item, ModelVersion, NewPhotograph, TruthRow, Where
