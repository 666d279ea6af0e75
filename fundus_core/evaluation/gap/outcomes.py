"""What a gap is held against: a column of numbers, of two answers, or a time and whether the event came by then."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import UsageError, say
from fundus_core.evaluation.observations.sample import Sample, person_ids, unit_names
from fundus_core.evaluation.observations.sample import named as names_of
from fundus_core.evaluation.observations.sorted_table import Indices
from fundus_core.records import CohortTable, Floats, Labels, Status
from fundus_core.tables.parse import YES_NO, fold, is_missing
from fundus_core.targets import TARGETS

Kind = Literal["linear", "logistic", "cox"]
"""Which regression a column asks for."""

MOST_WORDS = 12
"""Different words of a column beyond which it is no group but a name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One column, or a time and its event, of n observations."""

    name: str
    """As the user wrote it."""
    kind: Kind
    """By what it holds."""
    value: Floats
    """The number, 1 for yes and 0 for no, or the time; NaN where unknown, n."""
    event: NDArray[np.bool_]
    """Whether the event came, n; all false where no time is asked about."""
    yes: str = ""
    """What 1 stands for, of two answers or an event."""
    no: str = ""
    """What 0 stands for."""


def columns_of(table: CohortTable) -> list[str]:
    """Return the names of what a cohort knows of people besides photographs: covariates, then measured targets."""
    return [*table.covariates, *(name for name in TARGETS if name in table.truth and name not in table.covariates)]


def parts(table: CohortTable, asked: str) -> tuple[str, ...]:
    """Return the one column that was asked for, or time and event, parted by a comma.

    Raises:
        UsageError: There is no such column.
    """
    there = columns_of(table)
    if asked in there:
        return (asked,)
    found = tuple(part.strip() for part in asked.split(","))
    unknown = [part for part in found if part not in there]
    if unknown or len(found) > 2:
        raise UsageError(
            "The cohort has no column '{name}' to hold the gap against; there are {there}. Name one column, or a time "
            "and its event as TIME,EVENT.",
            name=unknown[0] if unknown else asked,
            there=there or say("none"),
        )
    return found


def outcome(ordered: CohortTable, sample: Sample, asked: str) -> Outcome:
    """Return a column of a sample's observations, and which regression it asks for.

    Args:
        ordered: The cohort, sorted.
        sample: Its observations.
        asked: ``COLUMN``, or ``TIME,EVENT``.

    Raises:
        UsageError: No such column, one that is neither numbers nor two answers, or times that are none.
    """
    names = parts(ordered, asked)
    none = np.zeros(len(sample), dtype=bool)
    first = words_of(ordered, sample, names[0])
    if len(names) == 1:
        values = numbers_of(first)
        different = np.unique(first[first != ""])
        if len(different) < 2:
            raise UsageError("The column '{name}' does not vary: nothing can be held against it.", name=asked)
        if values is not None and len(np.unique(values[np.isfinite(values)])) > 2:
            return Outcome(asked, "linear", values, none)
        return Outcome(asked, "logistic", *_two(first, asked))
    time = numbers_of(first)
    if time is None:
        raise UsageError("The column '{name}' holds words that are no numbers: it is no time.", name=names[0])
    event, _none, yes, no = _two(words_of(ordered, sample, names[1]), names[1])
    known = np.isfinite(time) & (time > 0) & np.isfinite(event)
    return Outcome(asked, "cox", np.where(known, time, np.nan), known & (event == 1), yes, no)


def words_of(ordered: CohortTable, sample: Sample, name: str) -> Labels:
    """Return each observation's word in a column, empty where unknown; n.

    What its own photographs say, numbers as their mean; where they say nothing, what the person's say. Photographs of
    one observation that say different words leave it unknown.
    """
    if name not in ordered.covariates:
        values = ordered.truth[name]
        words = np.array(["" if np.isnan(value) else repr(float(value)) for value in values], dtype=np.str_)
    else:
        words = _stated(ordered.covariates[name])
    mine = _mine(ordered, sample)
    own = _joined(words, unit_names(ordered, sample.level)) if sample.level != "photograph" else {}
    if sample.level == "photograph":
        own = dict(zip(ordered.photograph.tolist(), words.tolist(), strict=True))
    elif sample.one_a_person:
        own = _joined(words, names_of(person_ids(ordered), ordered.visit, ordered.eye, "visit"))
    of_person = _joined(words, person_ids(ordered))
    who = sample.patients[sample.group]
    found = [own.get(unit, "") or of_person.get(person, "") for unit, person in zip(mine, who.tolist(), strict=True)]
    return np.array(found, dtype=np.str_)


def _mine(ordered: CohortTable, sample: Sample) -> list[str]:
    """Return the names under which the photographs of each observation are found."""
    if sample.level == "photograph":
        known = np.full(len(ordered), np.nan)
        y, p = ordered.truth.get(sample.target.id, known), ordered.predicted.get(sample.target.id, known)
        counted = (ordered.status == Status.PREDICTED.value) & np.isfinite(y) & np.isfinite(p)
        counted &= ((y == 0) | (y == 1)) if sample.target.binary else True
        return [str(name) for name in ordered.photograph[counted]]
    level = "visit" if sample.one_a_person else sample.level
    return names_of(sample.patients[sample.group], sample.visit, sample.eye, level).tolist()  # type: ignore[no-any-return]


def _stated(words: Labels) -> Labels:
    known, numbers = np.unique(words, return_inverse=True)
    return np.array(["" if is_missing(word) else word for word in known.tolist()], dtype=np.str_)[numbers]


def _joined(words: Labels, of: Labels) -> dict[str, str]:
    """Return one word per name: of several numbers the mean, of several different words none."""
    stated = words != ""
    found: dict[str, list[str]] = {}
    for name, word in zip(of[stated].tolist(), words[stated].tolist(), strict=True):
        kept = found.setdefault(name, [])
        if word not in kept:
            kept.append(word)
    return {name: kept[0] if len(kept) == 1 else _mean(kept) for name, kept in found.items()}


def _mean(words: Sequence[str]) -> str:
    values = numbers_of(np.array(words, dtype=np.str_))
    return "" if values is None or set(words) <= {"0", "1"} else repr(float(values.mean()))


def numbers_of(words: Labels) -> Floats | None:
    """Return words as numbers, NaN where empty, n; ``None`` where one is no number."""
    try:
        found = np.array([float(word) if word else np.nan for word in words.tolist()], dtype=np.float64)
    except ValueError:
        return None
    return np.where(np.isfinite(found), found, np.nan)


def _two(words: Labels, name: str) -> tuple[Floats, NDArray[np.bool_], str, str]:
    """Return two answers as 1 and 0, NaN where unknown, no events, and what 1 and 0 stand for.

    Raises:
        UsageError: There are more or fewer than two answers.
    """
    different = np.unique(words[words != ""]).tolist()
    meant = {word: YES_NO.get(fold(word).removesuffix(".0"), "") for word in different}
    if different and all(meant.values()):
        yes = np.array([meant.get(word, "") for word in words.tolist()])
        if len(set(meant.values())) == 2:
            return np.select([yes == "yes", yes == "no"], [1.0, 0.0], np.nan), np.zeros(len(words), bool), *_said(meant)
    if len(different) != 2:
        raise UsageError(
            "The column '{name}' has {n:,} different words ({some}); the gap is held against numbers, or two answers.",
            name=name,
            n=len(different),
            some=different[:4],
        )
    no, yes_word = sorted(different, key=_order)
    return (
        np.select([words == yes_word, words == no], [1.0, 0.0], np.nan),
        np.zeros(len(words), dtype=bool),
        yes_word,
        no,
    )


def _said(meant: dict[str, str]) -> tuple[str, str]:
    yes, no = (next(word for word, of in meant.items() if of == answer) for answer in ("yes", "no"))
    return yes, no


def _order(word: str) -> tuple[float, str]:
    try:
        return float(word), word
    except ValueError:
        return float("inf"), word


def design(ordered: CohortTable, sample: Sample, names: Sequence[str]) -> tuple[Floats, list[str]]:
    """Return columns to adjust for, n x k, and what each is: numbers as they are, words as groups.

    Raises:
        UsageError: No such column, or one of too many words.
    """
    made: list[Floats] = []
    said: list[str] = []
    for name in names:
        if name not in columns_of(ordered):
            raise UsageError(
                "The cohort has no column '{name}' to adjust for; there are {there}.",
                name=name,
                there=columns_of(ordered) or say("none"),
            )
        words = words_of(ordered, sample, name)
        values = numbers_of(words)
        groups = np.unique(words[words != ""]).tolist()
        if values is not None and len(groups) > 2:
            made.append(values)
            said.append(name)
            continue
        if len(groups) > MOST_WORDS:
            raise UsageError(
                "The column '{name}' has {known:,} different words; adjust for a column of numbers, or of at most "
                "{most} groups.",
                name=name,
                known=len(groups),
                most=MOST_WORDS,
            )
        for group in groups[1:]:
            made.append(np.where(words == "", np.nan, (words == group).astype(np.float64)))
            said.append(f"{name} = {group}")
    return (np.column_stack(made) if made else np.empty((len(sample), 0))), said


def codes(group: Indices) -> Indices:
    """Number people anew from 0, without gaps."""
    return np.asarray(np.unique(group, return_inverse=True)[1])


@dataclass(frozen=True, slots=True)
class Choices:
    """Which of a cohort's columns a gap may be held against."""

    numbers: tuple[str, ...]
    """More than two different numbers: what can also be a second measurement."""
    times: tuple[str, ...]
    """Numbers above zero."""
    events: tuple[str, ...]
    """Two answers."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Numbers, or two answers."""
        return (*self.numbers, *self.events)


def choices(table: CohortTable) -> Choices:
    """Return the columns that a gap may be held against, by what they hold."""
    numbers, answers = [], []
    for name in table.covariates:
        words = np.unique(_stated(table.covariates[name]))
        words = words[words != ""]
        values = numbers_of(words)
        if values is not None and len(words) > 2:
            numbers.append((name, bool((values > 0).any() and (values >= 0).all())))
        elif len(words) == 2:
            answers.append(name)
    times = tuple(name for name, positive in numbers if positive)
    return Choices(tuple(name for name, _positive in numbers), times, tuple(answers))
