"""Who asks, and what of the store is theirs: the one gate below every page.

The command line and the worker ask for nobody and see everything. ``Store.asked_by`` gives the same store for one
person: who asks travels with the engine to every connection, and every query for cohorts, photographs, selections and
runs goes through a condition from here. A reader may look, a writer may change, the owner alone exports, copies,
shares and deletes. Nobody reads everything: a steward sees sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.store import schema
from fundus_core.store.audit_log import AuditLog

Right = Literal["read", "write", "own"]
EVERYBODY = "*"
"""Whom something is shared with that everybody who is signed in may read."""
GROUP = "group:"
_OPTION = "asked_by"
_LONGEST = 254
_COHORT, _SHARE, _SELECTION, _RUN = schema.cohort.c, schema.share.c, schema.selection.c, schema.run.c


def is_name(name: str) -> bool:
    """Return whether a person may be called so: never what shares use for groups or everybody."""
    plain = name.isprintable() and name == name.strip().casefold()
    return plain and 0 < len(name) <= _LONGEST and name != EVERYBODY and not name.startswith(GROUP)


class RefusedError(UsageError):
    """Something is somebody else's, and stays so."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    id: str
    """E-mail address or another name that the sign-in vouches for, in small letters."""
    log: AuditLog = field(compare=False, repr=False)
    """Where what they do is written down."""
    groups: frozenset[str] = frozenset()
    """Names of the groups that they belong to."""
    steward: bool = False
    """Whether they import models, see sizes and read the log."""
    address: str = ""
    """Of the machine that asks."""
    most_photographs: float = float("inf")
    """How many photographs their cohorts may hold."""
    most_bytes: float = float("inf")
    """How many bytes the store may keep of these."""

    def __post_init__(self) -> None:
        """Nobody may be called what everybody's shares are kept under."""
        if not is_name(self.id):
            raise RefusedError("Sign in to go on.")

    @property
    def names(self) -> Sequence[str]:
        """What something can be shared with so that this person has it."""
        return (self.id, EVERYBODY, *(GROUP + name for name in sorted(self.groups)))

    def note(self, what: str, about: str) -> None:
        """Write down what they did; see ``AuditLog.add``."""
        if what == "saw":
            self.log.saw(who=self.id, address=self.address, about=about)
        elif what == "refused":
            self.log.refused(who=self.id, address=self.address, about=about)
        else:
            self.log.add(what, who=self.id, address=self.address, about=about)


def engine_for(engine: sa.Engine, person: Person | None) -> sa.Engine:
    """Return the same database, asked for a person, or for nobody."""
    return engine.execution_options(**{_OPTION: person})


def person_of(asked: sa.Engine | sa.Connection) -> Person | None:
    """Return who asks; ``None`` for the machine's own processes."""
    found: Person | None = asked.get_execution_options().get(_OPTION)
    return found


def allowed(connection: sa.Connection, right: Right = "read") -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``cohort`` may be read, written or is owned by whoever asks."""
    person = person_of(connection)
    if person is None:
        return sa.true()
    mine = _COHORT.owner == person.id
    rights = {"read": ("read", "write"), "write": ("write",), "own": ()}[right]
    if not rights:
        return mine
    given = sa.exists().where(
        _SHARE.cohort_id == _COHORT.id, _SHARE.selection == "", _SHARE.who.in_(person.names), _SHARE.right.in_(rights)
    )
    return sa.or_(mine, given)


def cohort_allowed(connection: sa.Connection, column: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return the condition that a row which names its cohort in a column may be read."""
    if person_of(connection) is None:
        return sa.true()
    return sa.exists().where(_COHORT.id == column, allowed(connection))


def selection_allowed(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``selection`` is mine or shared with me, and its cohort may be read."""
    person = person_of(connection)
    if person is None:
        return sa.true()
    given = sa.exists().where(
        _SHARE.cohort_id == _SELECTION.cohort_id, _SHARE.selection == _SELECTION.key, _SHARE.who.in_(person.names)
    )
    mine = sa.or_(_SELECTION.owner == person.id, given)
    return sa.and_(mine, cohort_allowed(connection, _SELECTION.cohort_id))


def owner(connection: sa.Connection) -> str:
    """Return whose a new thing is; empty where no person asks."""
    person = person_of(connection)
    return person.id if person else ""


def note(connection: sa.Connection, what: str, about: object) -> None:
    """Write down what is done to a cohort, where a person does it."""
    if person := person_of(connection):
        person.note(what, str(about))


def require(connection: sa.Connection, cohort: int, right: Right) -> None:
    """See to it that whoever asks may write a cohort, or owns it.

    Raises:
        RefusedError: They may not; the log has it.
    """
    person = person_of(connection)
    if person is None:
        return
    found = connection.execute(sa.select(_COHORT.id).where(_COHORT.id == cohort, allowed(connection, right))).scalar()
    if found is None:
        person.note("refused", f"cohort {cohort}: {right}")
        if right == "own":
            raise RefusedError("Only the owner of a cohort may export, copy, share or delete it; ask its owner.")
        raise RefusedError("This cohort is shared with you to be read, not changed; ask its owner for more.")


def require_steward(person: Person | None, about: str) -> None:
    """See to it that a steward asks, or the machine's own processes; a ``RefusedError`` else."""
    if person is not None and not person.steward:
        person.note("refused", about)
        raise RefusedError("This is a steward's work; ask one of yours (those whom the people file names).")
