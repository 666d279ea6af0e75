"""What a person says of a column in one line: ``y_pred=sbp predicted``, ``p=sex predicted male %``."""

from typing import Any

from fundus_core.errors import TruthError
from fundus_core.tables.parse import fold
from fundus_core.tables.units import unit_of
from fundus_core.targets import TARGETS
from fundus_core.truth.mapping import GONE, PARTS, ROLES, Column, Proposal, coding_from


def apply_options(proposal: Proposal, *sentences: str) -> Proposal:
    """Return a mapping changed as a person says, and so confirmed.

    Each sentence is ``HEADING=MEANING``: a role, then ``predicted``, ``low``, ``high``, ``sd`` or ``measured``, a unit,
    and of a probability of sex whom it is of; ``1=male,2=female`` for codes.

    Raises:
        TruthError: No such column, or the meaning is none.
    """
    for sentence in sentences:
        column = _column(proposal, sentence)
        changes = _changes(column, sentence[len(column.heading) + 1 :])
        proposal = proposal.change(column.heading, **changes)
    return proposal


def _column(proposal: Proposal, sentence: str) -> Column:
    fitting = [c for c in proposal.columns if fold(sentence).startswith(f"{fold(c.heading)}=")]
    if not fitting:
        headings = [column.heading for column in proposal.columns]
        message = (
            "'{sentence}' names no column; write HEADING=MEANING, such as '{last}=sbp predicted'. The columns are "
            "{headings}."
        )
        raise TruthError(message, sentence=sentence, last=headings[-1], headings=headings)
    return max(fitting, key=lambda column: len(column.heading))


def _changes(column: Column, meaning: str) -> dict[str, Any]:
    changes: dict[str, Any] = {"part": column.part, "model": column.model}
    for word in meaning.split():
        changes |= _meant(word, column.heading)
    if GONE in column.coding.values():
        changes.setdefault("coding", {})  # what else is said of the column says that its heap was measured
    if changes.get("role", column.role) not in TARGETS:
        changes |= {"part": "", "model": "", "unit": ""}
        changes.setdefault("role", column.role)
    elif "role" in changes and changes["role"] != column.role:
        changes.setdefault("unit", "")
    return changes


def _meant(word: str, heading: str) -> dict[str, Any]:
    plain = fold(word)
    if plain in ROLES:
        return {"role": plain}
    if plain in PARTS or plain == "measured":
        return {"part": plain.replace("measured", "")}
    if plain in ("female", "male"):
        return {"coding": {"1": plain}}
    if "=" in word:
        return {"coding": coding_from(word)}
    if plain in ("%", "percent"):
        return {"unit": "%"}
    if unit := unit_of(plain):
        return {"unit": unit}
    message = (
        "'{word}' says nothing of the column '{heading}'; write a role ({roles}), then predicted, low, high, sd or "
        "measured, a unit, % for per cent, or whose probability it is (female, male)."
    )
    raise TruthError(message, word=word, heading=heading, roles=ROLES)
