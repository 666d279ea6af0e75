"""What is kept beside a cohort: selections under keys that links name, receipts, evaluations, answers."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.records import Rule
from fundus_core.store import access, cohorts, database, schema
from fundus_core.store.base import StoreBase
from fundus_core.store.cohorts import CohortRef

_SELECTION = schema.selection.c


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of a cohort's photographs, found again by what made them."""

    key: str
    """Names it in links: of the cohort's key and the rule, whatever either is called. It says nothing of anybody."""
    cohort: int
    """Id of the cohort."""
    name: str
    """As the user called it; empty until somebody did."""
    rule: Rule
    """What made it."""
    owner: str = ""
    """Who made it, where several people share a server."""


class Selections(StoreBase):
    """A store's selections."""

    def keep_selection(self, ref: CohortRef, rule: Rule) -> Selection:
        """Keep a selection; the same one has the same key again, and its name where it has one."""

        def keep(connection: sa.Connection) -> Selection:
            cohort = cohorts.every(connection, cohorts.id_of(connection, ref))[0]
            text = rule.as_json()
            owner = access.owner(connection)  # two people's of one rule are two
            made = " ".join(part for part in (cohort.key, owner, text) if part)
            key = hashlib.sha256(made.encode(errors="surrogatepass")).hexdigest()[:20]
            row = {"key": key, "cohort_id": cohort.id, "name": "", "rule": text, "created_at": time.time()}
            row["owner"] = owner
            database.insert_new(connection, schema.selection, [row])
            return _found(connection, _SELECTION.key == key)[0]

        return self.write(keep)

    def selection(self, key: str) -> Selection | None:
        """Return a selection by its key; ``None`` where it, or its cohort, is not there."""
        with self.reading() as connection:
            found = next(iter(_found(connection, _SELECTION.key == key)), None)
            if found is None and key:  # nobody is refused what they did not name
                access.note(connection, "refused", f"selection {key}")
            return found

    def selections(self, ref: CohortRef | None = None) -> Sequence[Selection]:
        """Return the named selections of a cohort, of all without one, by their names."""
        named = _SELECTION.name != ""
        with self.reading() as connection:
            if ref is not None:
                named = sa.and_(named, _SELECTION.cohort_id == cohorts.id_of(connection, ref))
            return _found(connection, named)

    def name_selection(self, key: str, name: str) -> None:
        """Call a selection something; an empty name takes it off the cohort's list, and links to it stay.

        Raises:
            UsageError: The cohort has another selection of that name, or the selection is not there.
        """

        def call(connection: sa.Connection) -> None:
            found = _found(connection, _SELECTION.key == key)
            if found and (owner := access.owner(connection)) and found[0].owner != owner:
                access.note(connection, "refused", f"selection {key}")
                found = []
            if not found:
                raise UsageError("This selection is not there any more: its cohort was deleted.")
            mine = sa.and_(_SELECTION.cohort_id == found[0].cohort, _SELECTION.key != key)
            if name.strip() and _found(connection, sa.and_(mine, _SELECTION.name == name.strip())):
                raise UsageError("The cohort has a selection '{name}' already; choose another name.", name=name.strip())
            changed = sa.update(schema.selection).where(_SELECTION.key == key)
            connection.execute(changed.values(name=name.strip()))

        self.write(call)


def _found(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Sequence[Selection]:
    mine = access.selection_allowed(connection)
    rows = connection.execute(sa.select(schema.selection).where(condition, mine).order_by(_SELECTION.name)).all()
    return [Selection(row.key, row.cohort_id, row.name, Rule.from_json(row.rule), row.owner) for row in rows]


Kind = Literal["receipt", "evaluation", "same_people", "plan", "fitted_people"]
"""What became of a table's columns; numbers as they were; whether equal ids of two cohorts are one person; what was to
be analysed, stated before anything measured was joined; what becomes of people that a model was recalibrated on."""

_DOCUMENT = schema.document.c


@dataclass(frozen=True, slots=True)
class Document:
    """One of them."""

    name: str
    """Tells it from others of its kind; a new one of the same name takes its place."""
    content: Mapping[str, Any]
    """As JSON holds it."""
    created_at: float
    """Seconds since 1970-01-01 UTC."""


def put(connection: sa.Connection, cohort: int, kind: Kind, name: str, content: Mapping[str, Any]) -> None:
    """Keep a document in the place of one of the same name."""
    mine = (_DOCUMENT.cohort_id == cohort, _DOCUMENT.kind == kind)
    connection.execute(sa.delete(schema.document).where(*mine, _DOCUMENT.name == name))
    key = {"cohort_id": cohort, "kind": kind, "name": name, "created_at": time.time()}
    words = json.dumps(content, ensure_ascii=False, allow_nan=False)
    connection.execute(sa.insert(schema.document).values(**key, content=words))


def documents_of(connection: sa.Connection, cohort: int, kind: Kind) -> tuple[Document, ...]:
    """The documents of one kind, the oldest first."""
    query = sa.select(_DOCUMENT.name, _DOCUMENT.content, _DOCUMENT.created_at)
    query = query.where(_DOCUMENT.cohort_id == cohort, _DOCUMENT.kind == kind).order_by(_DOCUMENT.created_at)
    return tuple(Document(name, json.loads(words), at) for name, words, at in connection.execute(query))
