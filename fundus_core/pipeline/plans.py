"""Analysis plans of cohorts: taken before anything measured is joined, kept with date and hash, never changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fundus_core.analyses import ORDER_DECLARED, ORDER_KEPT, AnalysisPlan, StatedPlan, read_plan
from fundus_core.errors import UsageError

if TYPE_CHECKING:
    from fundus_core.store import Store


def declared_plan(file: Path) -> StatedPlan:
    """Read a plan that comes with the measured values: that it was first, its author says.

    Raises:
        UsageError: It cannot be read, or is no plan.
    """
    try:
        return StatedPlan(read_plan(file.read_bytes(), file.name), ORDER_DECLARED)
    except OSError as error:
        raise UsageError("The analysis plan '{path}' cannot be read ({error}).", path=file, error=error) from error


def state_plan(store: Store, cohort: str | int, plan: AnalysisPlan, *, stated_at: str = "") -> None:
    """Keep a plan beside a cohort; one that was kept before stays, and the new one takes its place.

    Args:
        store: Where.
        cohort: Its name or id.
        plan: What was stated.
        stated_at: When, in UTC, where it was taken before the cohort was made; now where empty.

    Raises:
        UsageError: Measured values were joined to the cohort already.
    """
    content = {"text": plan.text, "stated_at": stated_at or now()}
    store.keep_plan(cohort, plan.sha256, content)


def stated_plan(store: Store, cohort: str | int) -> StatedPlan | None:
    """Return the plan of a cohort, the one that was stated last; ``None`` without one.

    Raises:
        UsageError: It names what this program does not know any more.
    """
    kept = store.documents(cohort, "plan")
    if not kept:
        return None
    *earlier, last = kept
    plan = read_plan(str(last.content["text"]).encode())
    return StatedPlan(plan, ORDER_KEPT, str(last.content["stated_at"]), tuple(one.name for one in earlier))


def now() -> str:
    """Return this moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
