"""One worker: what it does with a batch, from the queue to the store."""

import contextlib
import os
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from fundus_core.retina import CropRule
from fundus_core.runs import batch_prediction, preprocess
from fundus_core.runs.batch_prediction import ending, predict, rules_of
from fundus_core.runs.model_loading import CANNOT_OPEN, Model, OpenModel, open_version, unusable
from fundus_core.runs.preprocess import Fault, Preprocessed
from fundus_core.runs.seat import Seat
from fundus_core.store import Finding, Store, StoreUnavailableError, endings, run_table
from fundus_core.store.endings import ClaimedPhotograph, Ending, Turn
from fundus_core.store.lease import LeasedError

BATCH_S = 1.4
"""A batch is as large as the network can do in this time, so that pause and cancel act at once."""
GROWTH = 4
"""A batch is at most so many times as large as the one before it: the first ones say little about speed."""
MOST = 32
"""Photographs in a batch at most, unless a network wants more of them at once."""
AHEAD = 2
"""Batches that are read while the network works on another."""
POLL_S = 0.4
RETRY_S = 2.0
WARM = 3
"""Models that are kept open."""
HANGS_S = 300.0
"""A photograph that is still being decoded after this time hangs."""


Answers = Mapping[int, Mapping[int, Finding | Fault]]
"""What models said of photographs, by the photograph's id and the version's."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch on its way."""

    turn: Turn
    """The run that it belongs to."""
    models: Mapping[int, Model]
    """By version id."""
    rules: tuple[CropRule, ...]
    """How its photographs are cut."""
    members: Sequence[ClaimedPhotograph]
    """Its photographs."""
    looks: Sequence[Future[Preprocessed]]
    """What the threads make of them, in the same order."""


class Worker:
    """Works off whatever the store's queue holds."""

    def __init__(self, store: Store, opening: OpenModel, seat: Seat, pool: ThreadPoolExecutor) -> None:
        self.store = store
        self.opening = opening
        self.seat = seat
        self.queue = seat.queue
        self.pool = pool
        self.apart = batch_prediction.Apart(opening)
        self.over = threading.Event()
        self.ahead: deque[Batch] = deque()
        self.models: OrderedDict[int, Model] = OrderedDict()
        self.sizes: dict[tuple[int, ...], int] = {}
        self.polled = -POLL_S
        self.refused = -RETRY_S

    def step(self) -> bool:
        """Do one batch; returns whether there was one. The lease is held as long as there are any."""
        self.poll()
        if not self.may_work():
            return False
        self.fill()
        batch = self.ahead.popleft() if self.ahead else None
        if batch and any(member.deaths for member in batch.members):
            self.finish(batch, *self.try_alone(batch))
            return True
        self.apart.end()  # suspects of a run come first: it has none left
        if batch and self.wait_for(batch):
            self.fill()
            self.finish(batch, [look.result() for look in batch.looks], {})
        if batch is None:
            self.seat.rest()
        return batch is not None

    def may_work(self) -> bool:
        """Return whether the lease is held, taken now where there is something to do and nobody else has it."""
        if self.seat.held or time.monotonic() - self.refused < RETRY_S or not self.queue.wanted(self.store):
            return self.seat.held
        try:
            self.seat.hold()
        except LeasedError:
            self.refused = time.monotonic()
        return self.seat.held

    def poll(self) -> None:
        """Look, a few times a second, whether somebody wants a stop, a pause or a cancel."""
        now = time.monotonic()
        if now - self.polled < POLL_S:
            return
        self.polled = now
        if self.seat.asked_to_stop():
            self.over.set()
        if self.seat.held and not self.seat.still_holds():
            for batch in self.ahead:  # some may have been taken since the lease was
                ids = [member.id for member in batch.members]
                self.queue.put_back(self.store, self.seat.id, batch.turn.run, ids, died=False)
            self.forget()
        if self.ahead:
            active = run_table.active(self.store, [batch.turn.run for batch in self.ahead])
            self.ahead = deque(batch for batch in self.ahead if batch.turn.run in active or _cancel(batch))

    def fill(self) -> None:
        """Take photographs and have them read, up to what may be ahead."""
        while self.seat.held and len(self.ahead) < AHEAD and not self.over.is_set():
            turn = self.queue.next_turn(self.store)
            if turn is None:
                return
            models = self.open(turn)
            if models is None:
                continue
            size = self.sizes.get(tuple(turn.versions)) or _at_once(models)
            members = self.queue.claim(self.store, self.seat.id, turn, size)
            if members:
                self.ahead.append(self.begin(turn, models, members))

    def open(self, turn: Turn) -> Mapping[int, Model] | None:
        """The models of a run, warm where they were used lately; a run whose model fails is stopped."""
        try:
            for version, wanted in turn.versions.items():
                if version not in self.models:
                    self.models[version] = open_version(self.opening, wanted)
                self.models.move_to_end(version)
                while len(self.models) > max(WARM, len(turn.versions)):
                    self.models.popitem(last=False)
        except CANNOT_OPEN as error:
            run_table.stop(self.store, turn.run, unusable(error))
            return None
        return {version: self.models[version] for version in turn.versions}

    def begin(self, turn: Turn, models: Mapping[int, Model], members: Sequence[ClaimedPhotograph]) -> Batch:
        """Have photographs read by the threads, unless they are suspect."""
        rules = rules_of(model.rule for model in models.values())
        suspect = any(member.deaths for member in members)
        versions = frozenset(turn.versions)

        def known(sha256: str) -> frozenset[int]:
            return endings.known(self.store, list(versions), [sha256]).get(sha256, frozenset())

        def look(member: ClaimedPhotograph) -> Preprocessed:
            looked = preprocess.preprocess(member, rules, versions=versions, known=known, limits=turn.limits)
            self.show(looked)
            return looked

        looks = [] if suspect else [self.pool.submit(look, member) for member in members]
        return Batch(turn, models, rules, members, looks)

    def show(self, looked: Preprocessed) -> None:
        """Make the pictures of a photograph, and take them back where it was deleted meanwhile."""
        preprocess.show(self.store, looked, self.over)
        if looked.sha256:
            self.store.delete_pictures(looked.member.id, looked.sha256)

    def wait_for(self, batch: Batch) -> bool:
        """Wait until a batch has been read; returns whether it is still wanted."""
        since = time.monotonic()
        while wait(batch.looks, timeout=POLL_S).not_done:
            if not self.wanted(batch):
                return False
            if time.monotonic() - since > HANGS_S:
                os._exit(1)  # a thread cannot be stopped; the next worker opens these alone
        return True

    def wanted(self, batch: Batch) -> bool:
        """Look, as ``poll`` does, whether a batch in hand is still to be done."""
        self.ahead.appendleft(batch)
        self.poll()
        if not self.ahead or self.ahead[0] is not batch:
            return False
        self.ahead.popleft()
        return not self.over.is_set()

    def try_alone(self, batch: Batch) -> tuple[list[Preprocessed], Answers]:
        """Open suspect photographs in another process; ask the networks there too if this did not help."""
        looked: list[Preprocessed] = []
        predicted: dict[int, Mapping[int, Finding | Fault]] = {}
        for one, answers in self.apart.each(batch.turn, batch.rules, batch.members):
            self.show(one)
            looked.append(one)
            if answers:
                predicted[one.member.id] = answers
            if not self.wanted(batch):
                break
        return looked, predicted

    def finish(self, batch: Batch, looked: Sequence[Preprocessed], predicted: Answers) -> None:
        """Ask the networks about what is left, and write the batch down."""
        since = time.monotonic()
        # an earlier batch may have held the same bytes
        known = endings.known(self.store, list(batch.turn.versions), [one.sha256 for one in looked])
        looked = [replace(one, known=one.known | known.get(one.sha256, frozenset())) for one in looked]
        left = [one for one in looked if one.member.id not in predicted]
        answers = {**predict(batch.models, left, batch.rules), **predicted}
        if len(left) == len(batch.members):
            self.resize(batch, time.monotonic() - since)
        ended = [ending(one, batch.turn.versions, answers.get(one.member.id, {})) for one in looked]
        self.write(batch.turn, ended)

    def drop(self) -> None:
        """Put back all that is ahead, when the store can be used again."""
        self.forget()
        while not self.over.wait(RETRY_S):
            with contextlib.suppress(StoreUnavailableError):
                self.seat.rest()
                return

    def forget(self) -> None:
        """Let the threads, and the process apart, do no more of what is ahead."""
        self.apart.end()
        for batch in self.ahead:
            _cancel(batch)
        self.ahead.clear()

    def resize(self, batch: Batch, seconds: float) -> None:
        """Choose the size of the next batch of these models by the time that this one took.

        It is a multiple of what keeps the machine busy: half a network's streams would take as long as all of them.
        """
        fits = int(BATCH_S * len(batch.members) / max(seconds, 1e-3))
        whole = _at_once(batch.models)
        size = min(fits, GROWTH * len(batch.members), MOST)
        self.sizes[tuple(batch.turn.versions)] = max(size // whole * whole, whole)

    def write(self, turn: Turn, ended: Sequence[Ending]) -> None:
        """Write a batch, as ``write`` does."""
        write(self.seat, turn, ended, self.over)


def write(seat: Seat, turn: Turn, ended: Sequence[Ending], over: threading.Event) -> None:
    """Write a batch; with a full disk or an absent database, again and again until it can be written, or it is over."""
    while True:
        try:
            gone = seat.queue.end(seat.store, seat.id, turn, ended)
        except StoreUnavailableError as error:
            report(f"the batch could not be written yet ({error})")
            if over.wait(RETRY_S):
                return
        else:
            break
    if gone:
        endings.purge(seat.store, gone)


def _at_once(models: Mapping[int, Model]) -> int:
    return max(model.at_once for model in models.values())


def _cancel(batch: Batch) -> bool:
    for look in batch.looks:
        look.cancel()
    return False


def report(what: str) -> None:
    """A line in the worker's log; it never names a photograph or a patient."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}\n")
    sys.stderr.flush()
