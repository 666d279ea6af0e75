"""What people decided about photographs: refusals overruled, acceptances withdrawn.

Each decision is a row of a table to which rows are only added: who, when, what, why, and what the photograph was
refused for. The latest of a photograph counts, and is beside the photograph too. A decision is one of a cohort's: the
same bytes in another cohort stay as they were read. It speaks of the bytes and not of a model, so that it holds under
every model; where the file behind a photograph is replaced, it lapses.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from fundus_core.errors import UsageError, say
from fundus_core.store import access, cohorts, photograph_table, schema, versions
from fundus_core.store.base import StoreBase
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.versions import ACCEPT, WITHDRAW

LAPSED = "lapsed"
"""Written where the bytes that somebody decided about were replaced."""
VERDICTS = (ACCEPT, WITHDRAW)
MOST_LETTERS = {"who": 60, "why": 400}
"""Of a name or initials, and of a reason."""
_MANY = 500
_NO_FIELD = ("not_a_retina", "not_colour_fundus")
_PHOTOGRAPH, _DECISION = schema.photograph.c, schema.decision.c


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided at one time about photographs, all for one reason."""

    verdict: str
    """``accept``, ``withdraw``, or ``lapsed``."""
    who: str
    """Name or initials."""
    why: str
    """In that person's words."""
    code: str
    """Stable word of what the photographs were refused for; empty where they had a prediction."""
    day: str
    """When, UTC, as year-month-day."""
    photographs: tuple[str, ...]
    """Their names, in the order in which they were added."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of asking for a decision."""

    changed: int
    """Photographs about which it was written down; those that were so already are not among them."""
    without_prediction: int
    """Of those accepted: without any prediction of the model, which gave none or is to be run again."""
    left: Mapping[str, int]
    """Those that no person can decide about: by the sentence that says why, how many."""
    unchanged: int = 0
    """Those that were so already."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    decision: str
    status: str
    code: str
    kind: str
    door: str
    predicted: bool


class Decisions(StoreBase):
    """A store's decisions."""

    def decide(
        self, ref: CohortRef, verdict: str, *, who: str, why: str, names: Sequence[str] = (), code: str = ""
    ) -> Decided:
        """Accept photographs that were refused, or withdraw photographs that count.

        Args:
            ref: The cohort.
            verdict: ``accept`` or ``withdraw``.
            who: Name or initials of the person who decides.
            why: In a sentence; never a patient's name.
            names: These photographs, or
            code: all that were refused for the reason of that stable word.

        Raises:
            UsageError: Nobody, nothing or no reason is named, or the cohort has none of these photographs.
        """
        asks = access.person_of(self.engine)
        who = asks.id[: MOST_LETTERS["who"]] if asks else _words("who", who)
        why = _words("why", why)
        if verdict not in VERDICTS or bool(names) == bool(code):
            raise UsageError("Say whether to accept or to withdraw, and name either photographs or one reason.")

        def decide(connection: sa.Connection) -> Decided:
            cohort = cohorts.id_of(connection, ref)
            cohorts.update(connection, cohort)
            rows = _of_names(connection, cohort, names) if names else _of_code(connection, cohort, code)
            return _decide(connection, rows, verdict, who, why)

        return self.write(decide)

    def decisions(self, ref: CohortRef, name: str = "") -> tuple[Decision, ...]:
        """All decisions of a cohort, or about one photograph of it, the oldest first; the last of each counts."""
        with self.reading() as connection:
            mine = _PHOTOGRAPH.cohort_id == cohorts.id_of(connection, ref)
            some = _PHOTOGRAPH.id.in_(sa.select(_DECISION.photograph_id))  # lest SQLite looks each photograph up
            query = sa.select(_PHOTOGRAPH.name, schema.decision).join(
                schema.decision, _DECISION.photograph_id == _PHOTOGRAPH.id
            )
            query = query.where(mine, some, *([_PHOTOGRAPH.name == name] if name else []))
            rows = connection.execute(query.order_by(_DECISION.created_at, _DECISION.number, _PHOTOGRAPH.id)).all()
        same = groupby(rows, lambda row: (row.verdict, row.who, row.why, row.code, row.created_at))
        return tuple(Decision(*key[:4], _day(key[4]), tuple(row.name for row in some)) for key, some in same)

    def refused(self, ref: CohortRef) -> bool:
        """Whether the latest run refused any photograph, as ``refusals`` counts them."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            return self._once(connection, cohort, "refused", lambda: _refused(connection, cohort))

    def refusals(self, ref: CohortRef) -> Mapping[str, int]:
        """How many photographs the latest run refused, by the stable word of the reason, whatever anybody decided."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            return self._once(connection, cohort, "refusals", lambda: _refusals(connection, cohort))


def _refusals(connection: sa.Connection, cohort: int) -> Mapping[str, int]:
    joined, mine = _refused_of(connection, cohort)
    n, code = sa.func.count(), joined.code.label("code")
    query = sa.select(code, n).select_from(joined.source).where(*mine)
    return {code: count for code, count in connection.execute(query.group_by(code).order_by(n.desc(), code))}


def _refused(connection: sa.Connection, cohort: int) -> bool:
    joined, mine = _refused_of(connection, cohort)
    return connection.execute(sa.select(joined.id).select_from(joined.source).where(*mine).limit(1)).first() is not None


def _refused_of(connection: sa.Connection, cohort: int) -> tuple[versions.Joined, tuple[sa.ColumnElement[bool], ...]]:
    """Those of a cohort that the latest run refused for what is in them, not at the door, whatever anybody decided."""
    version = _latest(connection, cohort)
    joined = versions.join(version, decided=False, beside="alone")
    at_door = sa.select(_PHOTOGRAPH.id).where(_PHOTOGRAPH.id == joined.id, _PHOTOGRAPH.door_status != "").exists()
    return joined, (*joined.reached(cohort, version), joined.status == "refused", ~at_door)


def _as_read(connection: sa.Connection, cohort: int) -> versions.Joined:
    """Photographs as the latest run of the cohort read them, whatever anybody decided."""
    return versions.join(_latest(connection, cohort), decided=False, beside="outcome")


def _latest(connection: sa.Connection, cohort: int) -> int | None:
    return next(iter(versions.chosen(versions.versions(connection, cohort), None)), None)


def _words(place: str, text: str) -> str:
    """Return a name or a reason in one line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not line:
        raise UsageError("A decision needs the name or initials of who decides, and a reason; write both.")
    if len(line) > MOST_LETTERS[place]:
        raise UsageError(
            "'{start}...' has {n} letters; at most {most} are kept, so write it shorter.",
            start=line[:20],
            n=len(line),
            most=MOST_LETTERS[place],
        )
    return line


def _of_names(connection: sa.Connection, cohort: int, names: Sequence[str]) -> list[_Row]:
    wanted = list(dict.fromkeys(names))
    rows: dict[str, int] = {}
    for some in photograph_table.chunks(wanted, _MANY):
        found = photograph_table.named(connection, cohort, some, _PHOTOGRAPH.name, _PHOTOGRAPH.id)
        rows |= {row.name: row.id for row in found}
    missing = [name for name in wanted if name not in rows]
    if missing:
        raise UsageError("The cohort has no photograph '{name}'.", name=missing[0])
    ids, joined = list(rows.values()), _as_read(connection, cohort)
    return [
        row
        for some in photograph_table.chunks(ids, _MANY)
        for row in _rows(connection, cohort, _PHOTOGRAPH.id.in_(some), joined)
    ]


def _of_code(connection: sa.Connection, cohort: int, code: str) -> list[_Row]:
    joined = _as_read(connection, cohort)
    rows = _rows(connection, cohort, joined.status == "refused", joined)
    mine = [row for row in rows if row.code == code]
    if not mine:
        there = Counter(row.code for row in rows)
        known = [say("{code} ({n:,})", code=one, n=n) for one, n in there.most_common()] or [say("none")]
        raise UsageError(
            "No photograph of the cohort was refused for '{code}'; there are: {known}.", code=code, known=known
        )
    return mine


def _rows(
    connection: sa.Connection,
    cohort: int,
    condition: sa.ColumnElement[bool],
    joined: versions.Joined,
) -> list[_Row]:
    made = schema.prediction.alias()
    predicted = sa.exists().where(made.c.reading_id == joined.outcome.c.reading_id)
    columns = (
        *(_PHOTOGRAPH.id, _PHOTOGRAPH.decision, sa.func.coalesce(joined.status, "")),
        *(sa.func.coalesce(joined.code, ""), sa.func.coalesce(joined.outcome.c.kind, "")),
        *(_PHOTOGRAPH.door_status, predicted),
    )
    query = sa.select(*columns).select_from(joined.source).where(_PHOTOGRAPH.cohort_id == cohort, condition)
    return [_Row(*row) for row in connection.execute(query.order_by(_PHOTOGRAPH.id))]


def _decide(connection: sa.Connection, rows: Sequence[_Row], verdict: str, who: str, why: str) -> Decided:
    left: Counter[str] = Counter()
    changed: list[_Row] = []
    for row in rows:
        if closed := _closed(row):
            left[closed] += 1
        elif _counts(row) is not (verdict == ACCEPT):
            changed.append(row)
    now = time.time()
    for some in photograph_table.chunks(changed, _MANY):
        _write(connection, some, verdict, who, why, now)
    without = sum(not row.predicted for row in changed) if verdict == ACCEPT else 0
    return Decided(len(changed), without, dict(left), len(rows) - len(changed) - left.total())


def _counts(row: _Row) -> bool:
    """Whether a photograph counts as things stand."""
    return row.decision == ACCEPT or (row.status == "predicted" and row.decision != WITHDRAW)


def _closed(row: _Row) -> str:
    """Return why nobody can decide about a photograph; empty where a person can."""
    if row.door:
        return say("It was turned away when it was de-identified, so that its picture is not in the store.")
    if row.status not in ("predicted", "refused"):
        return say("It could not be read, or no run has come to it.")
    if row.code == "out_of_distribution":
        return say("The model itself refused it, as too far from what it was trained on; use another model.")
    if row.code in _NO_FIELD and row.kind and not row.predicted:
        return say("No field of view was found in it, so that there is nothing that a model could be shown.")
    return ""


def _write(connection: sa.Connection, rows: Sequence[_Row], verdict: str, who: str, why: str, now: float) -> None:
    ids = [row.id for row in rows]
    last = sa.select(_DECISION.photograph_id, sa.func.max(_DECISION.number)).where(_DECISION.photograph_id.in_(ids))
    before = {one: number for one, number in connection.execute(last.group_by(_DECISION.photograph_id))}
    same = {"verdict": verdict, "who": who, "why": why, "created_at": now}
    new = [
        {"photograph_id": row.id, "number": before.get(row.id, 0) + 1, "code": _gate(row), **same} for row in rows
    ]  # fmt: skip
    connection.execute(sa.insert(schema.decision), new)
    counts = "" if verdict == LAPSED else verdict
    connection.execute(sa.update(schema.photograph).where(_PHOTOGRAPH.id.in_(ids)).values(decision=counts))


def _gate(row: _Row) -> str:
    return row.code if row.status == "refused" else ""


def lapse(connection: sa.Connection, photographs: Iterable[int]) -> None:
    """Note that decisions about photographs hold no longer: their bytes were replaced."""
    for some in photograph_table.chunks(photographs, _MANY):
        query = sa.select(_PHOTOGRAPH.id, _PHOTOGRAPH.decision).where(
            _PHOTOGRAPH.id.in_(some), _PHOTOGRAPH.decision != ""
        )
        rows = [_Row(one, now, "", "", "", "", predicted=False) for one, now in connection.execute(query)]
        if rows:
            _write(connection, rows, LAPSED, "", "", time.time())


def sentences(connection: sa.Connection, gate: Mapping[int, str]) -> dict[int, str]:
    """Return by id who decided about photographs, when and why; each comes with the word of its refusal, if any."""
    found: dict[int, str] = {}
    for some in photograph_table.chunks(gate, _MANY):
        query = sa.select(schema.decision).where(_DECISION.photograph_id.in_(some)).order_by(_DECISION.number)
        found |= {row.photograph_id: _sentence(row, gate[row.photograph_id]) for row in connection.execute(query)}
    return found


def _sentence(row: sa.Row[Any], gate: str) -> str:
    who, day, why, code = row.who, _day(row.created_at), row.why, say(gate.replace("_", " "))
    if row.verdict == WITHDRAW:
        return say("Withdrawn by {who} on {day}: {why}", who=who, day=day, why=why)
    return say("Refused as {code}, accepted by {who} on {day}: {why}", code=code, who=who, day=day, why=why)


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def as_words(connection: sa.Connection, cohort: int) -> dict[int, list[list[Any]]]:
    """Return a cohort's decisions by photograph as an export writes them."""
    query = sa.select(schema.decision).join(schema.photograph, _PHOTOGRAPH.id == _DECISION.photograph_id)
    found: dict[int, list[list[Any]]] = {}
    rows = connection.execute(query.where(_PHOTOGRAPH.cohort_id == cohort).order_by(_DECISION.number))
    for row in rows:
        words = [row.verdict, row.who, row.why, row.code, row.created_at]
        found.setdefault(row.photograph_id, []).append(words)
    return found


def restore(connection: sa.Connection, cohort: int, given: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Write the decisions that an export brought, by the names of photographs that are new here."""
    for some in photograph_table.chunks(given, _MANY):
        for name, one in photograph_table.named(connection, cohort, some, _PHOTOGRAPH.name, _PHOTOGRAPH.id):
            rows = [
                dict(zip(("verdict", "who", "why", "code", "created_at"), words, strict=True))
                | {"photograph_id": one, "number": number}
                for number, words in enumerate(given[name], 1)
            ]
            connection.execute(sa.insert(schema.decision), rows)
            last = rows[-1]["verdict"]
            counts = "" if last == LAPSED else last
            connection.execute(sa.update(schema.photograph).where(_PHOTOGRAPH.id == one).values(decision=counts))
