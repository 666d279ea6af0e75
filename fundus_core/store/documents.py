"""What is kept beside a cohort and changes none of its numbers: receipts, evaluations, answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from fundus_core.store import schema

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
