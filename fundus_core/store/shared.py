"""A store for several people: asked for one of them, shared by name, with limits for each."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa

from fundus_core.errors import UsageError
from fundus_core.store import access, cohorts, database, schema
from fundus_core.store.access import Person
from fundus_core.store.audit_log import AuditLog
from fundus_core.store.base import StoreBase
from fundus_core.store.cohorts import CohortRef
from fundus_core.store.values import Cohort, Item

_COHORT, _PHOTOGRAPH, _SHARE, _SELECTION = schema.cohort.c, schema.photograph.c, schema.share.c, schema.selection.c
_RIGHTS = ("read", "write")
_NUMBER, _MOST_KEYS = r"[0-9]{1,9}", 1000
_KEY = re.compile(rf"((?<![0-9])(?:{_NUMBER}-)?{_NUMBER}-[0-9a-f]{{8,14}}|(?<![0-9a-f])[0-9a-f]{{20}})(?![0-9a-f])")
"""``Cohort.key``, ``Item.key``, ``Selection.key``, and a run's, which is its number before its cohort's key."""


@dataclass(frozen=True, slots=True)
class Share:
    """Whom a cohort, or a selection of it, is shared with."""

    who: str
    """A person, ``group:`` and a group's name, or ``*``."""
    right: str
    """``read`` or ``write``."""
    selection: str
    """Key of the selection; empty for the cohort itself."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a person keeps here; no name of anything."""

    owner: str
    """Empty for what was made before the store was shared, or by the command line."""
    cohorts: int
    """How many cohorts."""
    photographs: int
    """How many photographs these hold."""
    bytes: int
    """Of those that the store keeps, each counted once."""


@dataclass(frozen=True, slots=True)
class Actions:
    """Who did what."""

    lines: tuple[Mapping[str, Any], ...]
    """As ``AuditLog.add`` takes them, the latest first."""
    entries: int
    """How many follow from each other."""
    head: str
    """Hash of the last of these."""
    fault: int
    """Number of the first line that does not follow; 0 where all do."""


def keys_in(text: str) -> list[str]:
    """Return what looks like a key of a cohort, photograph, selection or run in a text, each once: links hold them.

    >>> keys_in("cohort=3-64a1b2c3d4e5f&selection=0123456789abcdef0123 and 3-4")
    ['3-64a1b2c3d4e5f', '0123456789abcdef0123']
    """
    return list(dict.fromkeys(_KEY.findall(text)))


_COHORT_KEY: Callable[[object], str] = vars(Cohort)["key"].fget  # of a row, too: they ask for what is in it
_PHOTOGRAPH_KEY: Callable[[object], str] = vars(Item)["key"].fget


def _keys_of_others(connection: sa.Connection, keys: Sequence[str]) -> Iterator[str]:
    ids = {int(part) for key in keys for part in key.split("-")[:-1]}
    hidden = sa.not_(access.allowed(connection))
    for row in connection.execute(sa.select(_COHORT.id, _COHORT.created_at).where(_COHORT.id.in_(ids), hidden)):
        yield _COHORT_KEY(row)
    of_hidden = sa.exists().where(_COHORT.id == _PHOTOGRAPH.cohort_id, hidden)
    for row in connection.execute(
        sa.select(_PHOTOGRAPH.id, _PHOTOGRAPH.name).where(_PHOTOGRAPH.id.in_(ids), of_hidden)
    ):
        yield _PHOTOGRAPH_KEY(row)
    unseen = sa.not_(access.selection_allowed(connection))
    yield from connection.scalars(sa.select(_SELECTION.key).where(_SELECTION.key.in_(keys), unseen))


def _of(owner: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(_COHORT.id == _PHOTOGRAPH.cohort_id, _COHORT.owner == owner)


def _number(connection: sa.Connection, owner: str) -> int:
    return int(
        connection.execute(sa.select(sa.func.count()).select_from(schema.photograph).where(_of(owner))).scalar_one()
    )


def _kept(owner: str) -> sa.Select[str]:
    return sa.select(_PHOTOGRAPH.sha256).where(_of(owner), _PHOTOGRAPH.kept).distinct()


class Scales:
    """What a person's files weigh while more come.

    All are looked at again once as many have come as there were, so each a few times at most, however many chunks they
    come in. What the same person brings elsewhere at the same time is seen then.
    """

    def __init__(self) -> None:
        self._files = self._come = self._bytes = 0

    def weigh(self, look: Callable[[], Sequence[int]]) -> int:
        """Return the bytes of all files; ``look`` gives the size of each."""
        if self._come >= self._files:
            sizes = look()
            self._files, self._come, self._bytes = len(sizes), 0, sum(sizes)
        return self._bytes

    def add(self, sizes: Sequence[int]) -> None:
        """Take note of files that have come."""
        self._come += len(sizes)
        self._bytes += sum(sizes)


class Sharing(StoreBase):
    """Who asks, and what they share."""

    def asked_by(self, person: Person) -> Self:
        """Return this store as one person may use it: every method of it sees and changes what is theirs."""
        mine = copy.copy(self)
        mine.engine = access.engine_for(self.engine, person)
        return mine

    def as_machine(self) -> Self:
        """Return this store as the machine's own processes use it: to start the worker, never to show anything."""
        own = copy.copy(self)
        own.engine = access.engine_for(self.engine, None)
        return own

    @property
    def person(self) -> Person | None:
        """Who asks; ``None`` for the machine's own processes."""
        return access.person_of(self.engine)

    def readable(self) -> frozenset[int]:
        """Return the ids of the cohorts that whoever asks may read; nobody is said to have looked at them."""
        with self.reading() as connection:
            return frozenset(connection.scalars(sa.select(_COHORT.id).where(access.allowed(connection))))

    def others(self, found: Sequence[str]) -> tuple[str, ...]:
        """Return those of some keys that name what whoever asks may not see; see :func:`keys_in`.

        Nobody has a key of another's but by being given it. Of many the first thousand are looked up; how many more
        there are stands behind them.
        """
        keys, more = found[:_MOST_KEYS], found[_MOST_KEYS:]
        if not keys or self.person is None:
            return ()
        with self.reading() as connection:
            theirs = set(_keys_of_others(connection, keys))
        named = [key for key in keys if key in theirs or key.partition("-")[2] in theirs]  # of a run: its cohort's
        return (*named, *([f"+{len(more)}"] if more else []))

    def owned(self, ref: CohortRef, what: str) -> None:
        """See to it that whoever asks owns a cohort, and write down what they do with it.

        Raises:
            RefusedError: It is shared with them only.
        """
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            access.require(connection, cohort, "own")
            access.note(connection, what, f"cohort {cohort}")

    def shares(self, ref: CohortRef) -> tuple[Share, ...]:
        """Return whom a cohort of one's own and its selections are shared with."""
        with self.reading() as connection:
            cohort = cohorts.id_of(connection, ref)
            access.require(connection, cohort, "own")
            rows = connection.execute(
                sa.select(schema.share).where(_SHARE.cohort_id == cohort).order_by(_SHARE.selection, _SHARE.who)
            )
            return tuple(Share(row.who, row.right, row.selection) for row in rows)

    def share(self, ref: CohortRef, who: str, right: str, *, selection: str = "") -> None:
        """Share a cohort of one's own with a person, a group or everybody, or a selection of one's own.

        Args:
            ref: The cohort.
            who: A person's sign-in name, ``group:`` and a name, or ``*``.
            right: ``read`` or ``write``; empty takes it back.
            selection: Its key; whom it is shared with must have the cohort too.

        Raises:
            UsageError: Nobody is named, the right is none, or it is not one's own.
        """
        who = who.strip().casefold()
        if not who or right not in ("", *_RIGHTS):
            raise UsageError("Name a person (as they sign in), group:NAME or *, and read or write.")
        if who == access.EVERYBODY and right == "write":
            raise UsageError("With everybody a cohort is shared to be read; name those who may change it.")

        def share(connection: sa.Connection) -> None:
            cohort = cohorts.id_of(connection, ref)
            if selection:
                self._own_selection(connection, cohort, selection)
            else:
                access.require(connection, cohort, "own")
            mine = (_SHARE.cohort_id == cohort, _SHARE.who == who, _SHARE.selection == selection)
            connection.execute(sa.delete(schema.share).where(*mine))
            if right:
                values = {"cohort_id": cohort, "who": who, "selection": selection, "right": right}
                connection.execute(sa.insert(schema.share).values(values))
            what = "shared" if right else "unshared"
            access.note(connection, what, f"cohort {cohort} {selection} {who} {right}".replace("  ", " "))

        self.write(share)

    def _own_selection(self, connection: sa.Connection, cohort: int, key: str) -> None:
        query = sa.select(_SELECTION.owner).where(_SELECTION.key == key, _SELECTION.cohort_id == cohort)
        whose = connection.execute(query).scalar()
        if whose is None or (access.person_of(connection) and whose != access.owner(connection)):
            access.note(connection, "refused", f"selection {key}")
            raise access.RefusedError("This selection is not yours; name one of your own.")

    def give(self, ref: CohortRef, owner: str) -> None:
        """Make a cohort somebody's: its owner may, and the machine's own processes.

        Raises:
            UsageError: Nobody can have this name, or it is not one's own.
        """
        owner = owner.strip().casefold()
        if not access.is_name(owner):
            raise UsageError("'{person}' is nobody's name; give it as they sign in.", person=owner)

        def give(connection: sa.Connection) -> None:
            cohort = cohorts.id_of(connection, ref)
            access.require(connection, cohort, "own")
            connection.execute(sa.update(schema.cohort).where(_COHORT.id == cohort).values(owner=owner))
            access.note(connection, "given", f"cohort {cohort} {owner}")

        self.write(give)

    def sizes(self) -> tuple[Size, ...]:
        """Return how much everybody keeps: for stewards, and without a word about any cohort."""
        access.require_steward(self.person, "sizes")
        with self.reading() as connection:
            owners = connection.execute(
                sa.select(_COHORT.owner, sa.func.count()).group_by(_COHORT.owner).order_by(_COHORT.owner)
            ).all()
            return tuple(Size(name, number, *self._size_of(connection, name)) for name, number in owners)

    def owns_models(self, what: str, on: CohortRef | None = None, doing: str = "") -> None:
        """See to it that a steward asks, who owns the cohort they do it on; then write it down.

        Raises:
            RefusedError: Either is not so; the log has that alone.
        """
        access.require_steward(self.person, what)
        if on is not None:
            self.owned(on, doing)
        if self.person:
            self.person.note("imported", what)

    def actions(self, most: int) -> Actions:
        """Return the latest lines of the log, the latest first, and what became of its chain: for stewards."""
        access.require_steward(self.person, "log")
        log = AuditLog(self.shelf.folder)
        chain = log.verified()
        return Actions(tuple(log.latest(most)), chain.entries, chain.head, chain.fault)

    def usage(self) -> tuple[int, int]:
        """Return how many photographs whoever asks has, and how many bytes of them the store keeps."""
        with self.reading() as connection:
            return self._size_of(connection, access.owner(connection))

    def _size_of(self, connection: sa.Connection, owner: str) -> tuple[int, int]:
        return _number(connection, owner), sum(self._sizes(connection.scalars(_kept(owner))))

    def _sizes(self, sha256s: Iterable[str]) -> list[int]:
        """The bytes of each photograph that the store keeps."""
        files = (self.shelf.find("photographs", sha256) for sha256 in sha256s)
        return [file.stat().st_size for file in files if file]

    def require_room(self, more: int) -> None:
        """See to it that whoever asks may bring more photographs.

        Raises:
            UsageError: They have as many, or as many bytes, as one person may.
        """
        with self.reading() as connection:
            self._require_room(connection, more, Scales())

    def _require_room(self, connection: sa.Connection, more: int, scales: Scales) -> None:
        person = self.person
        if person is None or min(person.most_photographs, person.most_bytes) == float("inf"):
            return
        database.take_turns(connection, person.id)  # lest two of one person's at once both find room
        photographs = _number(connection, person.id)
        if photographs + more > person.most_photographs:
            raise UsageError(
                "You keep {n:,} of {most:,.0f} photographs here; delete some, or ask a steward for more.",
                n=photographs,
                most=person.most_photographs,
            )
        weight = scales.weigh(lambda: self._sizes(connection.scalars(_kept(person.id))))
        if weight > person.most_bytes:
            raise UsageError(
                "You keep {n:,.1f} of {most:,.1f} GB here; delete some, or ask a steward for more.",
                n=weight / 1e9,
                most=person.most_bytes / 1e9,
            )
