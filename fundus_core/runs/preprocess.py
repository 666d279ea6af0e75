"""From the bytes of a taken photograph to crops, in a thread ahead of the network or in a process of its own."""

import errno
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fundus_core import images, journey, retina
from fundus_core.errors import PhotographError
from fundus_core.journey import Examined
from fundus_core.quality import LIMITS, Limits
from fundus_core.records import RetinaCrop, Source
from fundus_core.retina import CropRule
from fundus_core.store import Store
from fundus_core.store.endings import ClaimedPhotograph
from fundus_core.store.files import Kind, Shelf

PICTURE = CropRule(512, "quick")
"""What the pages show of a photograph; nothing outside the retina is in it."""
THUMBNAIL_PX = 160
_QUALITY = 88
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PATIENCE_S = 2.0


Fault = tuple[str, str]
"""Code and sentence of a fault that says nothing about the bytes."""


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """What is known of a photograph before the network sees it."""

    member: ClaimedPhotograph
    """The photograph."""
    sha256: str
    """Of its bytes; empty where they could not be read."""
    known: frozenset[int]
    """Model versions that have read the same bytes before."""
    examined: Examined | None
    """The journey's answer; ``None`` where every version knows the bytes, or where it killed its process."""
    fault: Fault | None = None
    """Why they could not be read, or killed the process."""
    stamp: str = ""
    """What a file outside the store was like before it was read; see ``images.stamp_at``."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A photograph's bytes on their way to a machine that may not see its file."""

    data: bytes
    """As they were read."""
    stamp: str
    """Of the file, before that."""


DAMAGED = (
    "damaged_copy",
    "The store's copy of the photograph is damaged: it is not what was handed in. Hand the photograph in again.",
)


def _again(error: Exception) -> bytes:
    """Fail as the first try to read did: whoever reads a photograph later must not find what was not there before."""
    raise error


def preprocess(
    member: ClaimedPhotograph,
    rules: Sequence[CropRule],
    *,
    versions: frozenset[int],
    known: Callable[[str], frozenset[int]],
    limits: Limits = LIMITS,
    carried: Carried | None = None,
) -> Preprocessed:
    """Read, recognise bytes that were read before (``known`` tells which versions have), and examine the others.

    A crop per rule; the last one is the picture for the pages. Bytes that are ``carried`` are not read again.
    """
    stamp = carried.stamp if carried else _stamp(member)  # before reading, lest a change be missed
    try:
        data = carried.data if carried else _source(member).read()
        read, sha256 = partial(bytes, data), Shelf.sha256(data)
    except (OSError, PhotographError) as error:
        read, sha256 = partial(_again, error), ""
    if member.kept and sha256 not in ("", member.sha256):
        return Preprocessed(member, "", frozenset(), None, DAMAGED)
    before = known(sha256) if sha256 else frozenset()
    if versions <= before:
        return Preprocessed(member, sha256, before, None, stamp=stamp)
    asked = Source(member.name, read, member.patient_id, member.eye, sha256=sha256)
    examined = journey.examine(asked, rules, limits=limits)
    fault = None if sha256 else (examined.reason_code, examined.reason)
    return Preprocessed(member, sha256, before, examined, fault, stamp)


def carry(member: ClaimedPhotograph) -> Carried | None:
    """Read a photograph for another machine; ``None`` where it cannot be read, which that machine says then."""
    stamp = _stamp(member)
    try:
        return Carried(_source(member).read(), stamp)
    except (OSError, PhotographError):
        return None


def is_missing(member: ClaimedPhotograph) -> bool:
    """Whether this machine does not see a photograph's file."""
    return not (Path(member.locator).is_file() if member.kept else images.stamp_at(member.locator))


def _stamp(member: ClaimedPhotograph) -> str:
    return "" if member.kept else images.stamp_at(member.locator)


def _source(member: ClaimedPhotograph) -> Source:
    if member.kept:
        return Source(member.name, Path(member.locator).read_bytes)
    return images.source_at(member.locator)


def show(store: Store, looked: Preprocessed, over: threading.Event) -> None:
    """Write the thumbnail and the picture of a photograph, once; without a retina there is none to show."""
    crop = shown(looked)
    if crop is not None and not (store.thumbnail(looked.sha256) and store.crop(looked.sha256)):
        keep(store, looked.sha256, pictures(crop), over)


def shown(looked: Preprocessed) -> RetinaCrop | None:
    """Return the crop that pages show."""
    crops = looked.examined.crops if looked.examined and looked.sha256 else ()
    return crops[-1] if crops else None


def keep(store: Store, sha256: str, made: tuple[bytes, bytes], over: threading.Event) -> None:
    """Write the picture and the thumbnail of a photograph, waiting while the disk is full; those that are there stay.

    One that cannot be written at all is only not shown.
    """
    left: list[tuple[Kind, bytes]] = [("thumbnails", made[1]), ("crops", made[0])]
    while left and not over.is_set():
        try:
            store.shelf.write(left[-1][0], sha256, left[-1][1])
        except OSError as error:
            if error.errno in _DISK_FULL:
                time.sleep(_PATIENCE_S)
                continue
        left.pop()


def pictures(crop: RetinaCrop) -> tuple[bytes, bytes]:
    """Return the picture and the thumbnail of a crop as JPEGs."""
    small = retina.shrunk(crop.pixels, THUMBNAIL_PX)
    return images.encode(crop.pixels, _QUALITY), images.encode(small, _QUALITY)
