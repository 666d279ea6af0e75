"""Parts of one cohort: subgroups, a person's two eyes, and the photographs with the most similar predictions."""

from collections.abc import Iterator, Mapping, Sequence

from fundus_core import evaluation
from fundus_core.analyses.labels import Kind, Word
from fundus_core.analyses.multiple_testing import Tests
from fundus_core.analyses.scores import estimates, forest, forest_row, main_score
from fundus_core.analyses.study import Analysis, Canvas, Rows, Study
from fundus_core.evaluation import BetweenEyes, Cell, Estimate, StandardisedPredictions, Subgroups
from fundus_core.figures import Figure, ForestRow, Look
from fundus_core.targets import TARGETS


def _subgroups(study: Study, target: str, by: str) -> Subgroups:
    return evaluation.subgroups(study.ordered, by, target, level=study.level, seed=study.seed, draws=study.draws)


def _draw_subgroups(study: Study, target_id: str, canvas: Canvas) -> Figure | None:
    """One column's groups, or every column's below one another."""
    columns = [canvas.by] if canvas.by else study.columns
    parts = [study.get(SUBGROUPS, target_id, by) for by in columns]
    rows = [row for found in parts for row in _forest_rows(found, canvas.look, len(columns))]
    if len(rows) < (1 if canvas.by else 2):
        return None
    target, look = TARGETS[target_id], canvas.look
    score = main_score(target)
    whole = estimates(study, target)[score].value
    return forest(rows, score, target, look, reference=whole, reference_name=look.say("whole cohort"))


def _forest_rows(found: Subgroups, look: Look, columns: int) -> Iterator[ForestRow]:
    say, score = look.say, main_score(TARGETS[found.target])
    for place, group in enumerate(group for group in found.groups if group.n_patients):
        label = say(group.name) if columns == 1 else f"{say(found.by.replace('_', ' '))}: {say(group.name)}"
        estimate = group.estimates.get(score) or Estimate(None, note=group.withheld)
        yield forest_row(label, estimate, group.n_patients, look, place if columns == 1 else 0)


_BESIDE = ("mae", "mae_median", "sd_truth", "bias", "accuracy", "accuracy_majority", "brier", "brier_null")
"""What people are shown of each group: the error, beside what it must be held against."""


def _beside(rows: Rows) -> Rows:
    """Put each group's estimates side by side, a row per group."""
    known = {str(row["estimate"]) for row in rows}
    wanted = [name for name in _BESIDE if name in known]
    groups: dict[tuple[Cell, ...], dict[str, Cell]] = {}
    for row in rows:
        head = {name: row[name] for name in ("target", "by", "group", "n_patients", "events")}
        made = groups.setdefault(tuple(head.values()), head | _cells(wanted, None) | {"note": ""})
        if row["estimate"] in wanted:
            made |= _cells([str(row["estimate"])], row)
        elif not row["estimate"]:
            made["note"] = row["note"]
    return list(groups.values())


def _cells(names: Sequence[str], row: Mapping[str, Cell] | None) -> dict[str, Cell]:
    ends = {"": "value", "_low": "low", "_high": "high", "_note": "note"}
    return {f"{name}{end}": row[of] if row else None for name in names for end, of in ends.items()}


SUBGROUPS = Analysis(
    "subgroups",
    "Subgroups",
    "Each part of the cohort on its own; parts with fewer than 20 people are withheld. A smaller spread of true values "
    "alone makes errors smaller: hold each MAE against its group's SD and the MAE of predicting the median.",
    _subgroups,
    Subgroups,
    Subgroups.rows,
    _draw_subgroups,
    cut=True,
    display=_beside,
    of_classes="Each part of the cohort on its own; parts with fewer than 20 people are withheld. Hold each accuracy "
    "against saying the majority's class of its group, and each Brier score against saying the prevalence.",
)
SUBGROUP_DIFFERENCES = Analysis(
    "subgroup_differences",
    "Differences between subgroups",
    "Do errors differ between groups by more than chance?",
    lambda study, target, by: study.get(SUBGROUPS, target, by),
    None,
    lambda found: [{"by": found.by, **row} for row in evaluation.rows(found.differences)],
    cut=True,
    tests=Tests(),
)


_OF_EYES = ("icc", "mean_absolute_difference", "bias", "loa_low", "loa_high")


def _eyes_rows(found: BetweenEyes) -> Rows:
    head: dict[str, Cell] = {"target": found.target, "unit": found.unit, "people": len(found.patient)}
    names = _OF_EYES if len(found.patient) else ()
    return [{**head, "estimate": name, **getattr(found, name).as_json()} for name in names]


EYES = Analysis(
    "eyes",
    "Right and left eye",
    "How well do the predictions for a person's two eyes agree? No truth is needed.",
    lambda study, target, _by: evaluation.between_eyes(study.ordered, target),
    BetweenEyes,
    _eyes_rows,
    offered=lambda study: study.outline.both_eyes,
    at_level=False,
    words={"bias": Word("mean difference, right − left", Kind.UNIT, signed=True)},
    hide=("people",),
)


NEIGHBOURS = Analysis(
    "neighbours",
    "Most similar predictions",
    "Which photographs of other people have predictions most like those of one?",
    lambda study, _target, _by: evaluation.standardised_predictions(study.ordered),
    StandardisedPredictions,
    asks="cohort",
    at_level=False,
    quick=True,
)


def nearest(study: Study, photograph: str, number: int) -> tuple[list[str], list[float], int]:
    """Return the photographs most like one in their predictions, how far they are, and over how many targets."""
    among: StandardisedPredictions = study.get(NEIGHBOURS)
    names, distances = evaluation.nearest_neighbours(among, photograph, number)
    return names.tolist(), distances.tolist(), len(among.targets)
