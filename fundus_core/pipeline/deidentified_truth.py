"""Measured values of photographs de-identified at the door: matched by the originals' names, kept without them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fundus_core.deidentify import OLDEST_AGE, Pseudonyms
from fundus_core.identity import Joinable
from fundus_core.records import MOST_DAYS, Labels, Source
from fundus_core.store import CohortRef, Store
from fundus_core.tables import Fault
from fundus_core.targets import TARGETS, Derived
from fundus_core.truth import OF_PHOTOGRAPHS, Match, TruthTable, match

LEFT_OUT = "What the cell says is left out here, since the cohort is de-identified. Look at that row of your table."
NO_ROW = "No row of the table, or more than one, belongs to this photograph; it has no truth."
_COLUMNS: Mapping[str, str] = Derived(
    lambda: {word.casefold(): one.id for one in TARGETS.values() for word in (one.id, one.name, one.short)}
)


def match_originals(
    store: Store,
    cohort: CohortRef,
    truth: TruthTable,
    originals: Iterable[Source],
    pseudonyms: Pseudonyms,
    *,
    covariates: Sequence[str] = (),
    fold: bool = False,
    most_days: int = MOST_DAYS,
) -> Match:
    """Match a truth table to a de-identified cohort as it would have matched the originals.

    Args:
        store: Where the cohort is.
        cohort: Its photographs came in through the door under these pseudonyms.
        truth: With the names and ids that the originals had.
        originals: The photographs as they were given, in the order in which they came in.
        pseudonyms: Made with the same key.
        covariates: Columns besides the targets that may be kept.
        fold: Join names and ids that could be joined one to one, though they are written differently.
        most_days: Between a photograph's date and that of its measured values.

    Returns:
        The match under the names of the store; nothing in it names anybody.

    Raises:
        TruthError: There is nothing to match by.
    """
    table = store.table(cohort)
    known = _known(originals, truth, pseudonyms)
    found = [_original(str(name), known) for name in table.photograph]
    own = table.patient_id == table.photograph
    brought = ["" if alone else str(who) for who, alone in zip(table.patient_id, own, strict=True)]
    matched = match(
        truth,
        [source.name for source in found],
        patient_ids=[source.patient_id or who for source, who in zip(found, brought, strict=True)],
        eyes=[str(eye) for eye in table.eye],
        visits=[source.visit for source in found],
        most_days=most_days,
        pseudonyms=pseudonyms,
        fold=fold,
    )
    return under_pseudonyms(matched, pseudonyms, names=table.photograph, covariates=covariates)


def under_pseudonyms(
    found: Match, pseudonyms: Pseudonyms, *, names: Labels | None = None, covariates: Sequence[str] = ()
) -> Match:
    """Return a match to original names as one to the photographs that came of them at the door.

    Ids become pseudonyms, ages above 89 are given as 90, of the other columns only those that are named stay, and
    faults point at their rows without saying what stands there.

    Args:
        found: The match to the originals.
        pseudonyms: Made with the key of the door.
        names: What the photographs are called in the store; their pseudonyms where ``None``.
        covariates: Columns besides the targets that may be kept.
    """
    if names is None:
        names = np.array([pseudonyms.photograph(str(name)) for name in found.photographs], dtype=np.str_)
    called = {str(old): str(new) for old, new in zip(found.photographs, names, strict=True)}
    truth = found.truth
    age = {name: np.minimum(each, OLDEST_AGE + 1.0) for name, each in truth.values.items() if name == "age"}
    clean = replace(
        truth,
        name="",
        photograph=_each(pseudonyms.photograph, truth.photograph),
        patient_id=_each(pseudonyms.patient, truth.patient_id),
        values={**truth.values, **age},
        covariates={name: words for name, words in truth.covariates.items() if name in covariates},
        notes=(),
        visit=np.full(len(truth), "", dtype=np.str_),
        faults=tuple(_hidden(fault, {}) for fault in truth.faults),
        receipt=(),
    )
    return replace(
        found,
        truth=clean,
        photographs=names,
        faults=tuple(_hidden(fault, called) for fault in found.faults),
        joinable=Joinable(),
        taken=_numbered(found),
    )


def _numbered(found: Match) -> Labels:
    """Each person's visits by number, in their order: a date may tell who somebody is."""
    visits, people = found.visit(), found.patient_id()
    numbers = np.full(len(visits), "", dtype="<U12")
    for who in np.unique(people[(people != "") & (visits != "")]):
        mine = (people == who) & (visits != "")
        numbers[mine] = [f"visit {at + 1}" for at in np.unique(visits[mine], return_inverse=True)[1]]
    return numbers


def _known(originals: Iterable[Source], truth: TruthTable, pseudonyms: Pseudonyms) -> Mapping[str, list[Source]]:
    """The originals by their pseudonyms; photographs that came in by an earlier call are known by the table alone."""
    known: dict[str, list[Source]] = {}
    for source in originals:
        known.setdefault(pseudonyms.photograph(source.name), []).append(source)
    for name in map(str, truth.photograph):
        known.setdefault(pseudonyms.photograph(name), [Source(name, bytes)])
    return known


def _original(name: str, known: Mapping[str, list[Source]]) -> Source:
    """The original by its name; one of several with the same name has its number, as in the store."""
    plain, _, number = name.partition(" (")
    several = known.get(plain, [])
    place = int(number.rstrip(")")) - 1 if number else 0
    if place >= len(several):
        return Source(name, bytes)
    source = several[place]
    again = number and source.name == several[0].name
    return replace(source, name=f"{source.name} ({number}") if again else source


def _each(make: Callable[[str], str], words: Labels) -> Labels:
    made = {word: make(word) if word else "" for word in dict.fromkeys(map(str, words))}
    return np.array([made[str(word)] for word in words], dtype=np.str_)


def _hidden(fault: Fault, called: Mapping[str, str]) -> Fault:
    """A fault without what stands in the table: its row, its kind, and the pseudonym of a photograph."""
    column = fault.column if fault.column.casefold() in _COLUMNS else ""
    of_photograph = fault.row == 0 and fault.fault in OF_PHOTOGRAPHS
    value = called.get(fault.value, "") if of_photograph else ""
    return Fault(fault.row, column, value, fault.fault, NO_ROW if of_photograph else LEFT_OUT)
