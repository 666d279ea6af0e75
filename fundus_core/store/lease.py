"""Whose a store is to work off: one machine's worker or one cluster, by the database's clock.

One row says who holds it. It must be renewed; whoever is silent for ``PATIENCE_S`` loses it to the next who asks. No
two machines' clocks are ever compared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from fundus_core.errors import UsageError, say
from fundus_core.store import database, schema
from fundus_core.store.store import Store

Kind = Literal["worker", "cluster"]
PATIENCE_S = 60.0
_LEASE = schema.lease.c


class LeasedError(UsageError):
    """Somebody else works the store off."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works a store off, or wants to."""

    id: str
    """Of a seat: one machine has one for its worker and one for what drives a cluster."""
    kind: Kind
    """What it is."""
    place: str
    """The machine's name, or the cluster's address."""

    def refusal(self, silent_s: float) -> LeasedError:
        """What somebody else is told."""
        who = {"worker": "the worker of the machine '{place}'", "cluster": "the cluster '{place}'"}[self.kind]
        return LeasedError(
            "This store is worked off by {who}, last heard of {n:.0f} s ago; wait until it has done so, or end it.",
            who=say(who, place=self.place),
            n=max(silent_s, 0.0),
        )


def take(store: Store, me: Holder, *, over: Collection[str] = ()) -> None:
    """Take the lease.

    Args:
        store: The store.
        me: Who takes it; one that had it before, and was killed, has it again at once.
        over: Ids of holders from whom it may be taken before they are silent.

    Raises:
        LeasedError: Somebody else holds it; nothing was changed.
    """

    def taking(connection: sa.Connection) -> None:
        now = database.clock()
        _enter(connection)
        free = sa.or_(_LEASE.id.in_(["", me.id, *over]), _LEASE.renewed_at < now - PATIENCE_S)
        mine = sa.update(schema.lease).where(free).values(id=me.id, kind=me.kind, place=me.place, renewed_at=now)
        if not connection.execute(mine.values(since=now)).rowcount:
            found = connection.execute(_query()).one()
            raise Holder(found.id, found.kind, found.place).refusal(found.silent)

    store.write(taking)


def _enter(connection: sa.Connection) -> None:
    nobody = {"number": 1, "id": "", "kind": "worker", "place": "", "renewed_at": 0.0, "since": 0.0}
    database.insert_new(connection, schema.lease, [nobody])


def _query() -> sa.Select[tuple[str, str, str, float, float]]:
    silent, idle = database.clock() - _LEASE.renewed_at, database.clock() - _LEASE.since
    return sa.select(_LEASE.id, _LEASE.kind, _LEASE.place, silent.label("silent"), idle.label("idle"))


def holder(store: Store) -> tuple[Holder, float] | None:
    """Return who holds the lease, and for how many seconds it has been silent; ``None`` where it is free."""
    with store.reading() as connection:
        found = connection.execute(_query()).first()
    if found is None or not found.id or found.silent > PATIENCE_S:
        return None
    return Holder(found.id, found.kind, found.place), found.silent


def renew(store: Store, me: str, *, worked: bool = True) -> None:
    """Confirm the lease; ``worked``: work is being done.

    Raises:
        StoreUnavailableError: The disk is full or the database busy.
    """
    now = database.clock()
    mine = sa.update(schema.lease).where(_LEASE.id == me).values(renewed_at=now)
    with store.writing() as connection:
        connection.execute(mine.values(since=now) if worked else mine)


def is_held(store: Store, me: str) -> bool:
    """Return whether somebody still holds the lease."""
    with store.reading() as connection:
        return connection.execute(sa.select(_LEASE.id)).scalar() == me


def give_back(store: Store, me: str) -> None:
    """Let the lease go.

    Raises:
        StoreUnavailableError: The disk is full or the database busy.
    """
    mine = sa.update(schema.lease).where(_LEASE.id == me).values(id="")
    store.write(lambda connection: connection.execute(mine))


def asked(connection: sa.Connection) -> None:
    """Note that there is work from now on."""
    _enter(connection)
    connection.execute(sa.update(schema.lease).values(since=database.clock()))


def idle_s(connection: sa.Connection) -> float:
    """Seconds since work was done or asked for last."""
    found = connection.execute(_query()).first()
    return float(found.idle) if found else 0.0
