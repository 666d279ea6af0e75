"""Which column means what: proposed by the computer, confirmed by a person, saved and used again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from fundus_core.errors import TruthError, say
from fundus_core.records import Eye
from fundus_core.tables.parse import fold
from fundus_core.tables.units import UNITS, unit_of
from fundus_core.tables.units import unit as unit_for
from fundus_core.targets import TARGETS, Derived

KEYS = ("photograph", "patient_id", "eye", "visit")
"""Roles that say whose value it is, and of which visit."""
PARTS = ("", "predicted", "low", "high", "sd")
"""What a target's column holds: measured values, predictions, the ends of their 90 % interval, their standard
deviation."""
MODEL = "model"
"""Role of a column that says in each row which model predicted; in tables of predictions alone."""
SOURCES = ("blood_pressure", "height", "weight", "birth_date", "exam_date")
"""Roles from which a target is worked out: ``120/80``, body mass index, age."""
KEPT_OR_NOT = ("covariate", "personal", "ignored")
"""Roles of all other columns: kept for grouping; recognised as personal and not kept; not kept."""
GONE = "missing"
"""What a code for missing stands for; of a number, too."""
MEANINGS = ("female", "male", "right", "left", "yes", "no", GONE)
"""What a code can stand for."""
ROLES: Mapping[str, int] = Derived(
    lambda: {role: place for place, role in enumerate((*KEYS, *TARGETS, *SOURCES, *KEPT_OR_NOT, MODEL))}
)
"""Every role that a column can have, and its place among them."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one column is taken for, and why."""

    heading: str
    """As in ``Table.headings``."""
    role: str
    """One of ``ROLES``."""
    confidence: float = 1.0
    """0 (a guess) to 1 (certain)."""
    reason: str = ""
    """One sentence for the person who confirms."""
    unit: str = ""
    """Unit of the numbers in the file; empty means the target's own."""
    eye: Eye = Eye.UNKNOWN
    """In a wide table: the eye that the column is about."""
    coding: Mapping[str, str] = field(default_factory=dict)
    """Cell (lower case) to one of ``MEANINGS``."""
    decimal: str = "."
    """The mark before the fraction, ``.`` or ``,``."""
    needs_confirmation: bool = False
    """True where the file cannot tell and a wrong guess would turn results round: not used until confirmed."""
    part: str = ""
    """One of ``PARTS``: what the column holds of its target."""
    model: str = ""
    """Whose prediction, where the heading says it."""

    @property
    def coded(self) -> str:
        """The coding in words, ``1 = male, 2 = female``; empty where the cells are words themselves."""
        return ", ".join(f"{code} = {meaning}" for code, meaning in self.coding.items())


def coding_from(words: str) -> dict[str, str]:
    """Read a coding as ``Column.coded`` writes it and as a person types it.

    Raises:
        TruthError: Not of the form ``1 = male, 2 = female``.

    >>> coding_from("1=male, 2 = Female")
    {'1': 'male', '2': 'female'}
    """
    coding: dict[str, str] = {}
    for part in words.replace(";", ",").split(","):
        code, equals, meaning = part.partition("=")
        if not (equals and code.strip() and fold(meaning) in MEANINGS):
            raise TruthError(
                "'{words}' is no coding; write it as '1 = male, 2 = female', '1 = right, 2 = left', '1 = yes, 2 = no' "
                "or '99 = missing'.",
                words=words,
            )
        coding[fold(code)] = fold(meaning)
    return coding


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping of every column; as JSON it can be saved and used for the next table of the same kind."""

    columns: tuple[Column, ...]
    """In the order of the table."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the table as a whole, as its columns are mapped now."""
        notes = []
        roles = {column.role for column in self.columns if not column.part}
        if personal := [column.heading for column in self.having("personal")]:
            notes.append(say("Personal data were recognised and are not kept: {personal}.", personal=personal))
        if "bmi" not in roles and {"height", "weight"} <= roles:
            notes.append(say("Body mass index will be worked out from height and weight."))
        if "age" not in roles and "birth_date" in roles:
            notes.append(
                say("Age will be worked out from birth and examination; the date of birth is not kept.")
                if "exam_date" in roles
                else say("There are dates of birth but none of the examination, so age cannot be worked out.")
            )
        if not roles & {"photograph", "patient_id"}:
            notes.append(
                say("No column names the photograph or the patient: choose one before the table can be matched.")
            )
        return tuple(notes)

    @property
    def level(self) -> str:
        """What a line stands for: ``photograph``, ``eye`` or ``person``."""
        if self.having("photograph"):
            return "photograph"
        return "eye" if self.having("eye") or any(column.eye for column in self.columns) else "person"

    @property
    def unconfirmed(self) -> tuple[Column, ...]:
        """Columns that a person must decide on before they are used."""
        return tuple(column for column in self.columns if column.needs_confirmation)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models whose predictions stand side by side, as headings have them; empty where one has none."""
        found = (column.model for column in self.columns if column.part == "predicted" and column.role in TARGETS)
        return tuple(dict.fromkeys(found))

    def of_model(self, name: str) -> Self:
        """Return a copy in which the predictions of other models are not kept."""
        columns = (replace(c, role="ignored", part="") if c.part and c.model != name else c for c in self.columns)
        return replace(self, columns=tuple(columns))

    def having(self, role: str) -> tuple[Column, ...]:
        """Return the columns of that role."""
        return tuple(column for column in self.columns if column.role == role)

    def change(self, heading: str, **changes: Any) -> Self:
        """Return a copy in which one column was changed by a person, and so confirmed.

        Raises:
            TruthError: No column has that heading, there is no such role, or the unit does not fit it.
        """
        self._require(heading)
        decided = {"confidence": 1.0, "reason": "Chosen by you.", "needs_confirmation": False, **changes}
        columns = (_checked(replace(c, **decided)) if c.heading == heading else c for c in self.columns)
        return replace(self, columns=tuple(columns))

    def confirm(self, *headings: str) -> Self:
        """Return a copy in which these columns (all when none is named) count as confirmed."""
        for heading in headings:
            self._require(heading)
        chosen = set(headings) or {column.heading for column in self.columns}
        columns = (replace(c, needs_confirmation=False) if c.heading in chosen else c for c in self.columns)
        return replace(self, columns=tuple(columns))

    def reuse(self, saved: Self) -> Self:
        """Return a copy in which the columns that a saved mapping names are as they were saved.

        Headings are compared without regard to case, width and blanks; other columns stay as proposed.

        Raises:
            TruthError: The two have no column in common.
        """
        known = {fold(column.heading): column for column in saved.columns}
        if not any(fold(column.heading) in known for column in self.columns):
            raise TruthError(
                "The saved mapping is of another table: it names {heading}, this table has {heading_2}. "
                "Choose another file.",
                heading=[c.heading for c in saved.columns[:8]],
                heading_2=[c.heading for c in self.columns[:8]],
            )
        columns = (
            replace(known[fold(c.heading)], heading=c.heading) if fold(c.heading) in known else c for c in self.columns
        )
        return replace(self, columns=tuple(columns))

    def to_json(self) -> str:
        """Return the mapping as JSON text."""
        return json.dumps({"columns": [asdict(c) for c in self.columns]}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a saved mapping.

        Raises:
            TruthError: The text is not a mapping as ``to_json`` writes it.
        """
        try:
            columns = json.loads(text)["columns"]
            return cls(tuple(_column(entry) for entry in columns))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise TruthError(
                "The saved mapping cannot be read ({error}); save it again from the page, or map by hand.", error=error
            ) from error

    def _require(self, heading: str) -> None:
        if all(column.heading != heading for column in self.columns):
            raise TruthError(
                "No column is called '{heading}'; there are {heading_2}.",
                heading=heading,
                heading_2=[c.heading for c in self.columns],
            )


_NAMES = {item.name for item in fields(Column)}


def _column(entry: Mapping[str, Any]) -> Column:
    strange = set(entry) - _NAMES
    if strange:
        raise TruthError("A column of the saved mapping has unknown entries: {strange}.", strange=sorted(strange))
    values = {**entry, "eye": Eye(entry.get("eye", ""))}
    texts = ("heading", "role", "reason", "unit", "decimal", "part", "model")
    if not all(isinstance(values.get(name, ""), str) for name in texts):
        raise TruthError("A column of the saved mapping holds something else than text.")
    values["coding"] = {str(key): str(value) for key, value in dict(entry.get("coding", {})).items()}
    return _checked(Column(**values))


_PER_CENT = frozenset(("%", "％", "per cent", "percent"))


def _checked(column: Column) -> Column:
    """Return the column with its unit as this program writes it; empty where the role has no unit."""
    if column.role not in ROLES:
        raise TruthError("'{role}' is no role of a column; the roles are {roles}.", role=column.role, roles=ROLES)
    if column.part not in PARTS:
        message = "'{part}' is nothing that a column can hold; it holds {parts}."
        raise TruthError(message, part=column.part, parts=PARTS[1:])
    if column.part and column.role in TARGETS and TARGETS[column.role].binary:
        return replace(column, unit="%" if column.unit.strip() in _PER_CENT else "")
    if column.role not in UNITS or (column.role in TARGETS and TARGETS[column.role].binary) or not column.unit.strip():
        return replace(column, unit="")
    unit = unit_of(fold(column.unit))
    if not unit or unit_for(column.role, unit) is None:
        allowed = ", ".join(one.name for one in UNITS[column.role])
        raise TruthError(
            "'{heading}' cannot be in '{unit}'; the units of {role} are {allowed}.",
            heading=column.heading,
            unit=column.unit,
            role=column.role,
            allowed=allowed,
        )
    return replace(column, unit=unit)
