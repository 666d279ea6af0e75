"""Errors in the parts of a cohort: who is served less well?"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fundus_core.errors import say
from fundus_core.evaluation.intervals.bootstrap import Draws
from fundus_core.evaluation.intervals.contrasts import Difference
from fundus_core.evaluation.intervals.estimate import NUMBER_OF_DRAWS, SEED, Cell, Estimate
from fundus_core.evaluation.observations.grouping import NOT_STATED, parts
from fundus_core.evaluation.observations.sample import Sample, check_level, sort_rows, units_of_parts
from fundus_core.evaluation.observations.sorted_table import everybody_predicted
from fundus_core.evaluation.one_cohort.bootstrap_scores import BootstrapScores, pairwise, score_together
from fundus_core.records import CohortTable
from fundus_core.targets import target as find_target

FEWEST_PEOPLE = 20
"""A group of fewer people is withheld: its numbers would say more about chance, and about those people."""

COMPARED = ("mae", "bias")
"""Scores whose differences between groups are tested."""

COMPARED_BINARY = ("accuracy", "brier")
"""The same for a probability."""


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One part of a cohort."""

    name: str
    """Its word."""
    n_photographs: int
    """Photographs with a measured and a predicted value."""
    n_patients: int
    """People they show."""
    n: int
    """Observations at the level asked for."""
    events: int | None
    """Observations that are positive in truth; ``None`` of a number, and where the group is withheld."""
    estimates: Mapping[str, Estimate]
    """By name; empty where the group is withheld."""
    withheld: str
    """Why nothing is shown; empty where it is."""


@dataclass(frozen=True, slots=True)
class Subgroups:
    """A cohort cut by one column, for one target."""

    target: str
    """Target id."""
    unit: str
    """Of errors."""
    by: str
    """The column."""
    groups: tuple[Subgroup, ...]
    """Sorted by name, those without a value last."""
    differences: tuple[Difference, ...]
    """Every pair of groups that are shown, p values as they are."""

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per group and estimate, and one per withheld group."""
        rows: list[dict[str, Cell]] = []
        for group in self.groups:
            head: dict[str, Cell] = {"target": self.target, "by": self.by, "group": group.name}
            head |= {
                "n_photographs": group.n_photographs,
                "n_patients": group.n_patients,
                "n": group.n,
                "events": group.events,
            }
            shown = group.estimates or {"": Estimate(None, note=group.withheld)}
            rows += [{**head, "estimate": name, **found.as_json()} for name, found in shown.items()]
        return rows


def subgroups(
    table: CohortTable,
    by: str,
    target: str,
    *,
    level: str = "patient",
    seed: int = SEED,
    draws: int = NUMBER_OF_DRAWS,
    ranked: bool = False,
) -> Subgroups:
    """Score one target in every group of a column, and compare the groups.

    A person with photographs in two groups (two cameras) counts in both with those photographs; all groups share
    their bootstrap draws, so the interval of such a difference is right too.

    Args:
        table: A row per photograph.
        by: A column's name (see :func:`fundus_core.evaluation.observations.grouping`).
        target: Target id.
        level: What one observation is.
        seed: Of the bootstrap.
        draws: Of the bootstrap.
        ranked: Whether to add median absolute error and Spearman's correlation.

    Raises:
        UsageError: Unknown column, target or level.

    >>> from fundus_core.evaluation import from_values
    >>> table = from_values("sbp", [110, 126, 130, 150], [114, 122, 134, 146], sex=[0, 0, 1, 1])
    >>> [(group.name, group.withheld) for group in subgroups(table, "sex", "sbp", draws=100).groups]
    [('female', 'withheld: 2 people, fewer than 20'), ('male', 'withheld: 2 people, fewer than 20')]
    """
    ordered = sort_rows(table)
    of_words, everybody = parts(ordered, by), everybody_predicted(ordered)
    of, checked, drawn = find_target(target), check_level(level), Draws(len(everybody), draws, seed)
    samples = dict(zip(of_words, units_of_parts(ordered, of, checked, of_words.values()), strict=True))
    shown = [(name, each) for name, each in samples.items() if len(each.patients) >= FEWEST_PEOPLE]
    scored = {each.name: each for each in score_together(shown, everybody, drawn, ranked=ranked)}
    groups = tuple(_subgroup(name, each, scored.get(name)) for name, each in samples.items())
    compared = [each for each in scored.values() if each.name != NOT_STATED]
    differences = pairwise(compared, COMPARED_BINARY if of.binary else COMPARED, drawn)
    return Subgroups(of.id, of.unit, by, groups, tuple(differences))


def _subgroup(name: str, sample: Sample, scored: BootstrapScores | None) -> Subgroup:
    people = len(sample.patients)
    withheld = (
        ""
        if scored
        else say(
            "withheld: {people} {people:person|people}, fewer than {fewest_people}",
            people=people,
            fewest_people=FEWEST_PEOPLE,
        )
    )
    found = scored.estimates if scored else MappingProxyType({})
    events = int(sample.y.sum()) if sample.target.binary and scored else None
    return Subgroup(name, sample.n_photographs, people, len(sample), events, found, withheld)
