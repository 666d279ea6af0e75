"""Handing photographs to the store, in a thread of its own: leaving the page in the middle loses nothing."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fundus_core import pipeline, runs
from fundus_core.deidentify import audit_csv
from fundus_core.errors import FundusError
from fundus_core.quality import LIMITS, Limits
from fundus_core.store import Cohort, Store
from pages.parts.new_cohort import ingest
from pages.parts.new_cohort.ingest import Plan


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a handover is."""

    measuring: bool
    """Whether quality is being measured; else photographs are put away."""
    share: float
    """0 to 1."""


class IngestJob(threading.Thread):
    """Makes a cohort of a plan and submits its run; what came of it stands in the attributes once it has ended."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        models: Sequence[str],
        percentile: float,
        leave: Callable[[], None],
        limits: Limits = LIMITS,
    ) -> None:
        """Prepare; ``start`` begins, and ``leave`` is called once the photographs are in, to clear away the upload.

        Photographs below a percentile of quality are refused; by the limits that are given where it is 0.
        """
        super().__init__(name="handover", daemon=True)
        self._store, self._plan, self._models = store, plan, list(models)
        self._percentile, self._leave, self._limits = percentile, leave, limits
        self.stage = IngestProgress(percentile > 0, 0.0)
        self.run_id: int | None = None
        self.cohort: Cohort | None = None
        self.audit = ""
        self.fault = ""

    def run(self) -> None:
        """Measure, put away, submit."""
        try:
            self._hand_over()
        except (FundusError, OSError) as fault:
            self.fault = str(fault)

    def _hand_over(self) -> None:
        limits = self._limits
        if self._percentile:
            tell = self._teller(measuring=True)
            own = pipeline.limits_of(self._plan.found.sources, self._percentile, progress=tell)
            limits = replace(own, unstretch=limits.unstretch)
        made = ingest.make(self._store, self._plan, self._teller(measuring=False))
        self.audit = audit_csv(made.audit) if made.audit else ""
        if self._models:
            self.run_id = runs.submit(self._store, made.cohort.id, self._models, limits=limits)
            runs.ensure_worker(self._store)
        self.cohort = made.cohort
        self._leave()

    def _teller(self, *, measuring: bool) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            self.stage = IngestProgress(measuring, min(done / max(total, 1), 1.0))

        return tell
