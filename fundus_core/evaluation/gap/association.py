"""Does the gap go with another column: a number, two answers, or the time to an event?

Retinal age gaps and death are the best known (Zhu 2023, doi:10.1136/bjophthalmol-2021-319807); any target's gap may be
asked about. Three regressions stand side by side: of the gap as it is and alone, which shows what is built in; of the
corrected gap alone; and of the corrected gap with the measured value, age, their squares, sex and whatever else was
named. The measured value stands among them although the gap is free of it (Le 2018, doi:10.3389/fnagi.2018.00317): what
it explains of the column would count as noise, and the interval of the corrected gap alone is therefore too wide.
People, not observations, are independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fundus_core.errors import NotEstimableError, say
from fundus_core.evaluation.gap.corrected_gap import Check, ColumnOnGap, checks, corrected_gap, spread_of
from fundus_core.evaluation.gap.outcomes import codes, design, outcome, parts
from fundus_core.evaluation.gap.regression import Fit
from fundus_core.evaluation.intervals.estimate import Cell, Estimate, not_estimable
from fundus_core.evaluation.observations.sample import Sample, check_level, sort_rows, units_of_analysis
from fundus_core.records import CohortTable, Floats
from fundus_core.targets import Target
from fundus_core.targets import target as find_target

EFFECTS: Mapping[str, str] = MappingProxyType(
    {"linear": "difference in the column", "logistic": "odds ratio", "cox": "hazard ratio"}
)
"""What a regression's coefficient says."""

MODELS = ("raw", "corrected", "adjusted")
"""The gap as it is, freed of the measured value and of age, and that with everything it is adjusted for."""

FEWEST_PER_COLUMN = 5
"""People, of two answers people of the rarer one, of times events, that each coefficient of a regression takes
(Vittinghoff & McCulloch 2007, doi:10.1093/aje/kwk052); of events twice as many, with 5 of which 8 % of hazard ratios
without any association had p below 0.05."""

FEW_PER_COLUMN = 10
"""The same, below which the interval is rough (Peduzzi 1996, doi:10.1016/s0895-4356(96)00236-3)."""

SITES = ("site", "centre", "center", "hospital", "clinic", "institution", "施設", "病院")
"""Headings of a column that is adjusted for without being asked."""


@dataclass(frozen=True, slots=True)
class Model:
    """One regression of a column on the gap."""

    model: str
    """One of :data:`MODELS`."""
    adjusted_for: str
    """Everything besides the gap, in words; empty where nothing."""
    n: int
    """Observations."""
    n_patients: int
    """People."""
    events: int | None
    """People with the event, or with the first of two answers; ``None`` of numbers."""
    per_sd: Estimate
    """Per standard deviation of the gap: a difference in the column's unit, an odds ratio or a hazard ratio."""
    per_unit: Estimate
    """Per unit of the gap."""
    p: float | None
    """Of no association; ``None`` without an estimate."""


@dataclass(frozen=True, slots=True)
class Association:
    """The gap of one target and one column."""

    target: str
    """Target id."""
    unit: str
    """Of the gap; empty for a probability."""
    column: str
    """As it was asked for."""
    effect: str
    """One of :data:`EFFECTS`."""
    answers: tuple[str, str]
    """What yes and no are called, of two answers or an event; empty of numbers."""
    spread: float
    """Standard deviation of the corrected gap."""
    freed: tuple[str, ...]
    """Of what the gap was freed besides the measured value."""
    before: float
    """Correlation of the gap as it is with the measured value."""
    after: float
    """The same of the corrected gap; near 0."""
    left_out: int
    """Observations without what the regression needs."""
    models: tuple[Model, ...]
    """In the order of :data:`MODELS`."""
    checks: tuple[Check, ...]
    """Of the last that could be fitted."""

    @property
    def main(self) -> Model:
        """The adjusted regression."""
        return self.models[-1]

    def rows(self) -> list[dict[str, Cell]]:
        """Return a row per regression."""
        head: dict[str, Cell] = {"target": self.target, "unit": self.unit, "column": self.column, "effect": self.effect}
        rows = []
        for each in self.models:
            row = head | {name: getattr(each, name) for name in ("model", "adjusted_for", "n", "n_patients", "events")}
            for name in ("per_sd", "per_unit"):
                one: Estimate = getattr(each, name)
                row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
            rows.append({**row, "p": each.p, "method": each.per_sd.method, "note": each.per_sd.note})
        return rows

    def check_rows(self) -> list[dict[str, Cell]]:
        """Return a row per assumption that was looked at."""
        head: dict[str, Cell] = {"target": self.target, "column": self.column}
        return [{**head, "check": c.check, "value": c.value, "p": c.p, "remark": c.remark} for c in self.checks]


def association(
    table: CohortTable, target: str, column: str, *, adjust: Sequence[str] = (), level: str = "patient"
) -> Association:
    """Ask whether the gap of a target goes with a column.

    Args:
        table: A row per photograph, any order.
        target: Target id.
        column: One of numbers (linear regression), of two answers (logistic), or ``TIME,EVENT`` (Cox).
        adjust: Columns beside the measured value, age, their squares, sex, and a column that is called a site.
        level: What one observation is; of times to an event always the person, at the first visit.

    Raises:
        UsageError: Unknown target, level or column, or one that cannot be used.

    >>> from fundus_core.evaluation import from_values
    >>> from dataclasses import replace
    >>> truth, noise = np.linspace(100, 180, 80), np.tile([4.0, -4.0, 1.0, -1.0], 20)
    >>> table = from_values("sbp", truth, 90 + 0.3 * truth + noise)
    >>> table = replace(table, covariates={"thickness": np.array([f"{300 + 2 * each:.0f}" for each in noise])})
    >>> round(association(table, "sbp", "thickness").main.per_unit.value)
    2
    """
    of, ordered = find_target(target), sort_rows(table)
    event = len(parts(ordered, column)) == 2
    checked = check_level(level)
    sample = units_of_analysis(ordered, of, "patient" if event and checked != "patient_last" else checked, ordered=True)
    gap = corrected_gap(sample)
    against = outcome(ordered, sample, column) if len(sample) else None
    if against is None:
        return _nothing(of, column)
    names, columns = _adjusting(sample, parts(ordered, column))
    extra = [each for each in (*_sites(ordered), *adjust) if each not in (target, *parts(ordered, column))]
    more, said = design(ordered, sample, list(dict.fromkeys(extra)))
    needed = np.column_stack([gap.corrected, against.value, *columns, more])
    known = np.asarray(np.isfinite(needed).all(axis=1))
    part = ColumnOnGap(gap, against, known, codes(sample.group[known]))
    full = np.column_stack([*columns, more])[known]
    words = say("{names:and}", names=[*names, *said]) if names or said else ""
    wanted = (("raw", gap.raw, full[:, :0], ""), ("corrected", gap.corrected, full[:, :0], ""))
    made = [_model(part, *each) for each in (*wanted, ("adjusted", gap.corrected, full, words))]
    last = made[-1]
    assumed = checks(part, last[1], gap.corrected[known], full) if last[1] is not None else ()
    return Association(
        of.id, of.unit, column, EFFECTS[against.kind], (against.yes, against.no),
        spread_of(gap.corrected[known]), gap.freed,
        _r(gap.raw[known], sample.y[known]), _r(gap.corrected[known], sample.y[known]), int((~known).sum()),
        tuple(each[0] for each in made), assumed,
    )  # fmt: skip


def _nothing(of: Target, column: str) -> Association:
    none, nan = not_estimable("no photograph has both a measured and a predicted value"), float("nan")
    models = tuple(Model(name, "", 0, 0, None, none, none, None) for name in MODELS)
    return Association(of.id, of.unit, column, "", ("", ""), nan, (), nan, nan, 0, models, ())


def _r(one: Floats, other: Floats) -> float:
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _sites(table: CohortTable) -> list[str]:
    return [name for name in table.covariates if name.strip().lower() in SITES][:1]


def _adjusting(sample: Sample, taken: Sequence[str]) -> tuple[list[str], list[Floats]]:
    """Return the measured value and age, each with its square, and sex: those that vary and are not asked about."""
    names: list[str] = []
    columns: list[Floats] = []
    of_target = sample.target
    along = {} if of_target.binary else {of_target.id: (say(of_target.short), sample.y)}
    along |= {"age": (say("age"), sample.age if of_target.id != "age" else sample.y)}
    for id, (word, values) in along.items():
        if id not in taken and np.isfinite(values).any() and np.nanstd(values) > 0:
            away = (values - np.nanmean(values)) / np.nanstd(values)
            names += (
                [say("measured {name}", name=word), say("its square")] if id != "age" else [word, say("age squared")]
            )
            columns += [away, away**2]
    sex = sample.sex if of_target.id != "sex" else sample.y
    if "sex" not in taken and np.isfinite(sex).any() and np.nanstd(sex) > 0:
        names, columns = [*names, say("sex")], [*columns, sex]
    return names, columns


_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "linear": "linear regression, standard errors over people (sandwich), Student's t",
        "logistic": "logistic regression, standard errors over people (sandwich), Student's t",
        "cox": "Cox regression, Efron's ties, standard errors over people (sandwich), normal",
    }
)


def _model(part: ColumnOnGap, name: str, gap: Floats, beside: Floats, words: str) -> tuple[Model, Fit | None]:
    """Fit one regression, or say why there is none."""
    mine = gap[part.known]
    events, enough = part.counted()
    columns = 1 + beside.shape[1]
    head = (name, words, len(mine), part.people, events)
    spread = spread_of(part.gap.corrected[part.known]) if name != "raw" else spread_of(mine)
    try:
        fewest = FEWEST_PER_COLUMN * (2 if part.against.kind == "cox" else 1)
        if enough < fewest * columns:
            raise NotEstimableError(
                "{n} of the people or events that count, and {k} {k:coefficient|coefficients}: each takes {fewest}",
                n=enough, k=columns, fewest=fewest,
            )  # fmt: skip
        if not spread > 1e-9 * max(float(np.abs(mine).max()), 1.0):
            raise NotEstimableError("the gap does not vary")
        fit = part.fit(np.column_stack([mine / spread, beside]))
    except NotEstimableError as error:
        none = not_estimable(str(error))
        return Model(*head, none, none, None), None
    method = say(_METHODS[part.against.kind])
    note = say("fewer than {few} people or events per coefficient: the interval is rough", few=FEW_PER_COLUMN)
    note = note if enough < FEW_PER_COLUMN * columns else ""
    per_sd, per_unit = (_effect(fit, part.against.kind, by, method, note) for by in (1.0, spread))
    return Model(*head, per_sd, per_unit, fit.p(0)), fit


def _effect(fit: Fit, kind: str, by: float, method: str, note: str) -> Estimate:
    ends = (float(fit.beta[0]), *fit.ends(0))
    value, low, high = (end / by if kind == "linear" else float(np.exp(end / by)) for end in ends)
    return Estimate(value, low, high, method, note)
