"""The driver: takes photographs from the ledger, hands them to the machines, writes how they ended.

A machine or actor that is lost costs what it had in hand, which is taken from the ledger again. A driver that is lost
loses the lease, and whoever takes it next goes on from the ledger.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fundus_core.cluster.connection import connected
from fundus_core.cluster.on_machines import Batch, Brought, Pictures, Predictor, read
from fundus_core.errors import FundusError
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.runs import Progress, loop, model_loading, preprocess
from fundus_core.runs import progress as progress_of
from fundus_core.runs.batch_prediction import rules_of
from fundus_core.runs.model_loading import OpenModel, open_model
from fundus_core.runs.seat import Seat, other
from fundus_core.store import Store, StoreUnavailableError, endings, run_table
from fundus_core.store.endings import Ending

BATCH, GPU_BATCH = 8, 64
"""Photographs in a batch; the more, the less the driver does for each."""
AHEAD = 2
"""Batches with an actor, besides those that are being read."""
POLL_S = 0.5
PING_S = 5.0
TELL_S = 1.0
LIVES_S = 15.0
"""An actor that answered within so long is given work."""
NO_WORKER_S = 60.0
"""An actor that has not answered for so long is taken for lost."""
STUCK_S = 600.0
"""A batch that takes longer hangs: its photographs are tried alone."""


@dataclass
class Actor:
    """An actor of the cluster, as the driver knows it."""

    handle: Any
    """Ray's."""
    ping: Any
    """The question that it has not answered yet."""
    answered: float
    """When it answered last; of the monotonic clock."""
    ended: float
    """When it last ended a batch, or had none."""
    batches: dict[Any, Batch] = field(default_factory=dict)
    """What it has in hand, by Ray's reference."""


class Driver:
    """One run on one cluster."""

    def __init__(self, ray: Any, seat: Seat, run: int, opening: OpenModel, cards: Sequence[Card]) -> None:
        self.ray = ray
        self.seat = seat
        self.store = seat.store
        self.opening = opening
        self.turn = endings.turn_of(self.store, run)
        self.rules = rules_of(card.rule for card in cards)
        self.brought = ray.put(_folders(cards))
        self.reading: dict[Any, tuple[Batch, float]] = {}
        self.actors: list[Actor] = []
        self.carry_all = False
        self.batch = BATCH
        self.patience = NO_WORKER_S
        self.over = threading.Event()
        self.looked_after = -PING_S
        self._read = ray.remote(num_cpus=1, max_retries=3)(read)
        self._predictor = ray.remote(num_cpus=0, concurrency_groups={"life": 1})(Predictor)

    def step(self) -> bool:
        """Do what can be done now; returns whether the run is to go on."""
        if not self.seat.still_holds() or not run_table.active(self.store, [self.turn.run]):
            return False
        if time.monotonic() - self.looked_after > PING_S:
            self.looked_after = time.monotonic()
            self.look_after(self.looked_after)
        living = [actor for actor in self.actors if time.monotonic() - actor.answered < LIVES_S]
        self.take(len(living))
        self.collect(living)
        return True

    def look_after(self, now: float) -> None:
        """Hear who lives, give up who does not, and have as many actors as the cluster can hold."""
        for actor in list(self.actors):
            self.hear(actor, now)
        for reference in [one for one, (_, begun) in self.reading.items() if now - begun > STUCK_S]:
            self.ray.cancel(reference, force=True)
            self.put_back([self.reading.pop(reference)[0]])
        wanted, gpus = self.room()
        self.batch = GPU_BATCH if gpus else BATCH
        for _ in range(wanted - len(self.actors)):
            handle = self._predictor.options(num_gpus=gpus, scheduling_strategy="SPREAD").remote(
                self.opening, self.brought
            )
            self.actors.append(Actor(handle, _ping(handle), now, now))
        self.seat.worked = any(now - actor.answered < LIVES_S for actor in self.actors)

    def room(self) -> tuple[int, int]:
        """How many actors fit: one a GPU, or one a machine without any; and how many GPUs each has.

        Without a GPU an actor asks for no processor of its own: one that did could take the last from the readers.
        """
        machines = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        gpus = int(sum(machine.get("GPU", 0) for machine in machines))
        return (gpus, 1) if gpus else (sum(machine.get("CPU", 0) > 0 for machine in machines), 0)

    def hear(self, actor: Actor, now: float) -> None:
        """Note whether an actor answers; what one that is lost had in hand is queued again."""
        try:
            if self.ray.wait([actor.ping], timeout=0)[0]:
                self.ray.get(actor.ping)
                actor.answered, actor.ping, self.patience = now, _ping(actor.handle), NO_WORKER_S
        except self.ray.exceptions.RayError as error:
            self.give_up(actor, type(error).__name__)
            return
        if now - actor.answered > self.patience:
            self.patience = min(2 * self.patience, STUCK_S)  # it may only be slow to begin
            self.give_up(actor, f"no answer for {now - actor.answered:.0f} s")
        elif actor.batches and now - actor.ended > STUCK_S:
            self.give_up(actor, f"nothing came of a batch in {now - actor.ended:.0f} s")

    def give_up(self, actor: Actor, why: str) -> None:
        """Queue again what an actor had in hand, and end it."""
        loop.report(f"an actor of the cluster was given up ({why})")
        self.put_back(actor.batches.values())
        actor.batches.clear()
        self.actors.remove(actor)
        self.ray.kill(actor.handle)

    def put_back(self, batches: Iterable[Batch], *, died: bool = True) -> None:
        """Queue photographs again; where something died of them, perhaps, each is tried alone."""
        ids = [member.id for batch in batches for member in batch.members]
        self.seat.queue.put_back(self.store, self.seat.id, self.turn.run, ids, died=died)

    def take(self, living: int) -> None:
        """Take photographs and have them read, as many as the cluster can do and a few more."""
        most = self.ray.cluster_resources().get("CPU", 1) + AHEAD * living
        while living and len(self.reading) + sum(len(actor.batches) for actor in self.actors) < most:
            members = self.seat.queue.claim(self.store, self.seat.id, self.turn, self.batch)
            if not members:
                return
            wanted = [one for one in members if one.kept or (self.carry_all and "://" not in one.locator)]
            carried = {one.id: found for one in wanted if (found := preprocess.carry(one))}
            batch = Batch(self.turn, self.rules, members, carried, self.carry_all)
            reading = self._read.remote(batch, self.opening, self.brought if batch.suspect else {})
            self.reading[reading] = batch, time.monotonic()

    def collect(self, living: Sequence[Actor]) -> None:
        """Hand over what was read and write what was predicted; wait a little for both."""
        actors = {reference: actor for actor in self.actors for reference in actor.batches}
        waited = [*actors, *(self.reading if living else ())]
        if not waited:
            time.sleep(POLL_S)
            return
        if not self.ray.wait(waited, timeout=POLL_S)[0]:
            return
        for reference in self.ray.wait(waited, num_returns=len(waited), timeout=0)[0]:
            if reference not in actors:
                self.hand_over(reference, [actor for actor in living if actor in self.actors])
            elif reference in actors[reference].batches:  # else it was given up with its actor a moment ago
                self.end(reference, actors[reference])

    def hand_over(self, reading: Any, living: Sequence[Actor]) -> None:
        """Give what was read to the actor with the least in hand; with none, keep it."""
        if living:
            actor = min(living, key=lambda one: len(one.batches))
            actor.ended = actor.ended if actor.batches else time.monotonic()
            predicting = actor.handle.predict.remote(self.turn, self.rules, reading)
            actor.batches[predicting] = self.reading.pop(reading)[0]

    def end(self, reference: Any, actor: Actor) -> None:
        """Write how a batch ended, or queue it again."""
        batch = actor.batches[reference]
        try:
            self.write(batch, self.ray.get(reference))
        except self.ray.exceptions.RayError as error:
            if batch.suspect and isinstance(error, self.ray.exceptions.RayTaskError):
                why = str(error).strip().splitlines()[-1]
                raise FundusError("The machines of the cluster cannot run this program: {why}", why=why) from error
            if isinstance(error, self.ray.exceptions.RayActorError):
                self.give_up(actor, type(error).__name__)
                return
            loop.report(f"a batch was lost and is queued again ({type(error).__name__})")
            self.put_back([batch])
        del actor.batches[reference]
        actor.ended = time.monotonic()

    def write(self, batch: Batch, answer: list[tuple[Ending, Pictures | None]] | str | None) -> None:
        """Write what came of a batch."""
        if isinstance(answer, str):
            run_table.stop(self.store, self.turn.run, answer)
        elif answer is None:  # the machines do not see the files that this one sees
            self.carry_all = True
            self.put_back([batch], died=False)
        else:
            for one, pictures in answer:
                if pictures:
                    preprocess.keep(self.store, one.sha256, pictures, self.over)
            loop.write(self.seat, self.turn, [one for one, _ in answer], self.over)

    def drop(self) -> None:
        """Queue all that is in hand again: the store was away, and may or may not have noted the last step."""
        self.reading.clear()
        for actor in self.actors:
            actor.batches.clear()
        self.seat.hold(died=False)


def _ping(handle: Any) -> Any:
    return handle.ping.options(concurrency_group="life").remote()


def _folders(cards: Iterable[Card]) -> Brought:
    """The folders of the user's own models; what ships with the program is on every machine."""
    own = [card.folder for card in cards if card.folder.parent == registry.home()]
    return {place.name: {one.name: one.read_bytes() for one in place.iterdir() if one.is_file()} for place in own}


def work_off(
    store: Store,
    submit: Callable[[], int],
    address: str,
    *,
    progress: Callable[[Progress], None] | None = None,
) -> Progress:
    """Work a run off on a cluster, and return how far it came: to its end unless somebody pauses it.

    Args:
        store: Where the run is; nobody else may work it off meanwhile.
        submit: Asks for the run, once the lease is held, and returns its id.
        address: As for ``connected``.
        progress: Told how far the run is.

    Raises:
        LeasedError: Somebody else works the store off; nothing was asked for.
        UsageError: The cluster cannot be joined.
        FundusError: Its machines cannot run this program.
    """
    with Seat(store, "cluster", address) as seat:
        seat.hold()
        with connected(address) as ray:
            run = submit()
            cards = [model_loading.ready_card(one.model) for one in endings.turn_of(store, run).versions.values()]
            _drive(Driver(ray, seat, run, open_model, cards), progress)
        if refusal := other(store, "cluster"):
            raise refusal
    return progress_of(store, run)


def _drive(driver: Driver, progress: Callable[[Progress], None] | None) -> None:
    told, goes_on = 0.0, True
    while goes_on:
        try:
            goes_on = driver.step()
            if progress and time.monotonic() - told > TELL_S:
                progress(progress_of(driver.store, driver.turn.run))
                told = time.monotonic()
        except StoreUnavailableError as error:
            loop.report(f"the store could not be used yet ({error})")
            _wait_for_store(driver)


def _wait_for_store(driver: Driver) -> None:
    while True:
        time.sleep(loop.RETRY_S)
        with contextlib.suppress(StoreUnavailableError):
            driver.drop()
            return
