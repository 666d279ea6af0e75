"""The Python face: predictions in a data frame to numbers, tables and figures, in a notebook or a script.

import fundus_core

found = fundus_core.evaluate(frame)                      # predicted and measured columns side by side
found.table("sbp"); found.figure("scatter", "sbp")
fundus_core.compare({"A": frame_a, "B": frame_b})
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from fundus_core import truth
from fundus_core.analyses import (
    Canvas,
    Settings,
    Study,
    evaluated,
    make_ids_unique,
    one_cohort,
    refuse_strangers,
    side_by_side,
)
from fundus_core.errors import UsageError
from fundus_core.evaluation import SEED, Evaluation
from fundus_core.figures import Look
from fundus_core.figures.screen import plotly
from fundus_core.pipeline import Asked, Linkage, ScoredFiles, Visiting, proposed, score_tables
from fundus_core.records import MOST_DAYS, CohortTable
from fundus_core.tables import read_table


@dataclass(frozen=True, slots=True)
class Results:
    """What ``evaluate`` found; a notebook shows it as its table."""

    scored: ScoredFiles
    """Predictions, measured values and the study of both."""

    @property
    def study(self) -> Study:
        """Every number, computed once when first asked for."""
        return self.scored.study

    @property
    def evaluation(self) -> Evaluation:
        """Every score of every target."""
        return evaluated(self.study)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was converted, left out or assumed; read them."""
        return tuple(dict.fromkeys((*self.scored.predictions.notes, *self.scored.match.remarks)))

    def table(self, target: str = "") -> pd.DataFrame:
        """Return every estimate with its interval and method, of one target or of all."""
        frame = pd.DataFrame(self.evaluation.rows())
        return frame[frame["target"] == target].reset_index(drop=True) if target else frame

    def rows(self, name: str, target: str = "") -> pd.DataFrame:
        """Return another table of the evaluation, of one target or of all.

        Args:
            name: ``beyond``, ``baselines``, ``subgroups``, ``prediction_intervals``, ``gap`` or another of its files.
            target: Id of a target; all where empty.

        Raises:
            UsageError: No such table.
        """
        known = {each.id: each for each in one_cohort.TABLES}
        if name not in known:
            raise UsageError("There is no table '{name}'; the tables are {known}.", name=name, known=known)
        return pd.DataFrame(self.study.rows(known[name], target))

    def figure(self, name: str, target: str, *, by: str = "") -> go.Figure:
        """Return a figure as pages draw it, a Plotly figure.

        Args:
            name: ``scatter``, ``agreement``, ``calibration``, ``errors``, ``residuals``, ``subgroups``, ``change``,
                ``prediction_intervals`` or ``gap``.
            target: Id of the target.
            by: A column that cuts the observations in groups.

        Raises:
            UsageError: No such figure, or nothing to draw.
        """
        known = {each.id: each for each in (*one_cohort.FIGURES, *one_cohort.PRINTED)}
        one = known.get(name)
        if one is None or target not in self.study.targets:
            message = "There is no figure '{name}' of '{target}'; the figures are {known}, the targets {targets}."
            raise UsageError(message, name=name, target=target, known=known, targets=self.study.targets)
        groups = self.study.groups(target, by)
        made = one.draw(self.study, target, Canvas(Look(opaque=True), groups, by))
        if made is None:
            message = "There are too few observations to draw '{name}' of '{target}'."
            raise UsageError(message, name=name, target=target)
        return plotly(made)

    def _repr_html_(self) -> str:
        return str(self.table().to_html(index=False))


@dataclass(frozen=True, slots=True)
class Compared:
    """What ``compare`` found; a notebook shows it as its table."""

    study: Study
    """The cohorts side by side."""

    def table(self, name: str = "estimates", target: str = "") -> pd.DataFrame:
        """Return a table of the comparison.

        Args:
            name: ``estimates``, ``differences``, ``case_mix``, ``standardised`` or another of its tables.
            target: Id of a target; all where empty.

        Raises:
            UsageError: No such table.
        """
        known = {each.id: each for each in side_by_side.TABLES}
        if name not in known:
            message = "There is no table '{name}'; the tables are {known}."
            raise UsageError(message, name=name, known=known)
        return pd.DataFrame(self.study.rows(known[name], target if known[name].asks == "target" else ""))

    def _repr_html_(self) -> str:
        return str(self.table().to_html(index=False))


def evaluate(
    frame: pd.DataFrame,
    measured: pd.DataFrame | None = None,
    *,
    level: str = "",
    model: str = "",
    target: str = "",
    columns: Mapping[str, str] | None = None,
    each_row_a_person: bool = False,
    fold: bool = False,
    visit_days: int = MOST_DAYS,
    seed: int = SEED,
    draws: int | None = None,
    beyond: Sequence[str] = (),
    gap_with: Sequence[str] = (),
    fitted_people: str = "",
) -> Results:
    """Hold predictions against measured values.

    Args:
        frame: Predictions, a row per photograph, eye or person; headings as people write them. A named index counts
            as a column.
        measured: The measured values where they are in a frame of their own.
        level: ``visit``, ``patient`` (of several visits the first; ``patient_last``, ``patient_nearest``), ``eye`` or
            ``photograph``; empty: ``visit`` where somebody has several visits, else ``patient``.
        model: Which of several models in the frame.
        target: Of columns that only say ``y_true`` and ``y_pred``.
        columns: What a column is, by its heading: ``{"p": "sex predicted male %", "nr": "patient_id"}``.
        each_row_a_person: Whether, in a frame that names nobody, each row is another person.
        fold: Join ids that differ in case, zeros or width alone, where one fits one.
        visit_days: Days that may lie between a photograph and its measured values; the nearest are taken.
        seed: Of the bootstrap.
        draws: Of the bootstrap; ``None`` takes 2,000, and fewer from 10,000 people on.
        beyond: Columns that are known without the photograph, beside age and sex.
        gap_with: Columns that the gap is held against; a time and its event as ``TIME,EVENT``.
        fitted_people: People that the model's recalibration was fitted to: ``leave-out``, or ``different`` where equal
            ids are different people; empty refuses them.

    Returns:
        Numbers, tables and figures; ``remarks`` say what was assumed.

    Raises:
        UsageError: What cannot be told must be said; the message says what.
        TruthError: A frame cannot be used.
    """
    said = tuple(f"{heading}={meaning}" for heading, meaning in (columns or {}).items())
    asked = Asked(
        beside=measured is not None, model=model, target=target, columns=said, rows_are_people=each_row_a_person
    )
    table = read_table(_csv(frame), "the frame of predictions")
    lines = None if measured is None else truth.load(_csv(measured), "the frame of measured values")
    linkage = Linkage(fold=fold, visiting=Visiting(visit_days), fitted_people=fitted_people)
    settings = Settings(level, seed, draws, beyond=tuple(beyond), gap_with=tuple(gap_with))
    return Results(score_tables(table, proposed(table, asked), asked, lines, settings, linkage=linkage))


def compare(
    cohorts: Mapping[str, pd.DataFrame | Results],
    *,
    level: str = "",
    margins: Mapping[str, float] | None = None,
    seed: int = SEED,
    draws: int | None = None,
    same_people: bool | None = None,
) -> Compared:
    """Compare cohorts: frames that hold predicted and measured values, or what ``evaluate`` returned.

    Where they have patient ids in common, ``same_people`` says whether those are the same people.

    Raises:
        UsageError: Fewer than two, nobody said whether common ids are the same people, or a frame cannot be
            evaluated as it is.
    """
    if len(cohorts) < 2:
        message = "Comparing needs two cohorts or more; there are {n:,}."
        raise UsageError(message, n=len(cohorts))
    tables: dict[str, CohortTable] = {}
    for name, given in cohorts.items():
        found = given if isinstance(given, Results) else evaluate(given, level=level, draws=draws)
        tables[name] = found.scored.table
    unhashed = {name: np.full(len(table), "") for name, table in tables.items()}
    apart = make_ids_unique(tables, unhashed, refuse_strangers(tables, unhashed, same=same_people))
    return Compared(Study(lambda: apart, Settings(level, seed, draws, margins or {})))


def _csv(frame: pd.DataFrame) -> bytes:
    named: Sequence[Any] = [name for name in frame.index.names if name is not None]
    plain = frame.reset_index(level=list(named)) if named else frame
    return plain.to_csv(index=False).encode()
