"""An analysis plan, stated before the truth is seen: what is asked of which targets, and what counts as success.

A small TOML file. Tests named in it are corrected in its families; whatever else a report holds is exploratory. Its
hash is that of the text as it was stated, which is kept beside the result.

    title = "External validation, clinic X"
    written_by = "A. Researcher"
    targets = ["sbp", "dbp"]
    unit_of_analysis = "patient"
    main_estimate = "mae"
    subgroups = ["sex"]
    margins = { sbp = "2 mmHg" }

    [[family]]
    name = "primary"
    tests = ["baseline", "equivalence"]

    [[success]]
    target = "sbp"
    estimate = "mae"
    below = "10 mmHg"

    [[success]]
    target = "sbp"
    test = "baseline"
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from fundus_core.errors import say
from fundus_core.targets import TARGETS

MOST_BYTES = 64 * 1024
"""A plan is a page; what is larger is none."""
UNITS = ("patient", "visit", "eye", "photograph")
"""What an observation can be."""
TESTS = ("baseline", "subgroups", "equivalence", "cohorts")
"""Against the best constant; between the groups of a planned column; mean of predictions and of truth, or two cohorts,
within a margin; between cohorts."""
CLAIMS = ("baseline", "equivalence")
"""Tests of which a success can be made: they ask for a direction."""
MAIN = ("mae", "rmse", "bias")
MAIN_BINARY = ("accuracy", "brier")
"""Estimates that the tests compare."""


@dataclass(frozen=True, slots=True)
class PlannedFamily:
    """Tests that are corrected together."""

    name: str
    """As the plan calls it."""
    tests: tuple[str, ...]
    """Of :data:`TESTS`."""
    targets: tuple[str, ...]
    """Ids."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that counts as success."""

    target: str
    """Its id."""
    estimate: str = ""
    """Whose 95 % interval must lie wholly beyond the limit; empty where a test decides."""
    below: float | None = None
    """The limit, in the target's unit where the estimate has one."""
    above: float | None = None
    """The limit on the other side."""
    test: str = ""
    """Whose corrected p must be below 0.05, of :data:`CLAIMS`."""


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """What was stated."""

    title: str
    """In the author's words."""
    written_by: str
    """Who stated it."""
    targets: tuple[str, ...]
    """Ids, in the plan's order."""
    unit: str
    """What one observation is, of :data:`UNITS`."""
    main_estimate: str
    """Of targets that are numbers; accuracy stands for the others."""
    subgroups: tuple[str, ...]
    """Columns."""
    margins: Mapping[str, float]
    """Per target the largest difference that would not matter, in its unit."""
    families: tuple[PlannedFamily, ...]
    """Corrected each within itself, and for their number."""
    success: tuple[Criterion, ...]
    """All of them must be met."""
    text: str
    """The file as it was stated."""

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8, as ``sha256sum`` has it of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def estimate_of(self, target: str) -> str:
        """Return the main estimate of a target."""
        if self.main_estimate in (MAIN_BINARY if TARGETS[target].binary else MAIN):
            return self.main_estimate
        return "accuracy" if TARGETS[target].binary else "mae"


ORDER_DECLARED = say(
    "that it was stated before the measured values were seen is declared, not proven: plan, predictions and measured "
    "values came together"
)
"""What is known of the order where files are given together."""
ORDER_KEPT = say("it was kept in the store before any measured value was joined to the cohort")
"""What is known of a plan that the store holds."""


@dataclass(frozen=True, slots=True)
class StatedPlan:
    """A plan, and what is known of when it was stated."""

    plan: AnalysisPlan
    """What was stated."""
    order: str
    """What is known of its being first, as a sentence."""
    stated_at: str = ""
    """When the store took it, in UTC; empty where only a file says so."""
    earlier: tuple[str, ...] = ()
    """Hashes of plans that it took the place of, before the truth was joined as well."""
