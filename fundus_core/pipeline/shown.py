"""The picture of a photograph that pages show: the worker's, or one made now from the photograph's own bytes.

A cohort that was read in has outcomes and no pictures, since those that a file brings need not be the photograph's.
"""

from pathlib import Path

from fundus_core import journey
from fundus_core.records import Source
from fundus_core.runs.preprocess import PICTURE, pictures
from fundus_core.store import Item, Store
from fundus_core.store.values import QUEUED

_MOST = 10_000
_without: set[str] = set()
"""Hashes of photographs that have no retina to show: nobody looks for it at each click."""


def picture(store: Store, item: Item, *, large: bool = True) -> Path | None:
    """Return the JPEG to show for a photograph, black outside the retina; ``None`` where there is none.

    The worker makes that of a photograph in its queue.

    Args:
        store: As whoever asks may use it.
        item: The photograph.
        large: The larger of the two, where there are both.
    """
    there = (store.crop(item.sha256) if large else None) or store.thumbnail(item.sha256)
    if there is not None or item.status == QUEUED or item.sha256 in _without:
        return there
    file = store.photograph_file(item.sha256)
    return _made(store, item, file, large=large) if file else None


def _made(store: Store, item: Item, file: Path, *, large: bool) -> Path | None:
    crops = journey.examine(Source(item.name, file.read_bytes), [PICTURE]).crops
    if not crops:
        if len(_without) >= _MOST:
            _without.clear()
        _without.add(item.sha256)
        return None
    big, small = pictures(crops[-1])
    made = store.shelf.write("crops", item.sha256, big), store.shelf.write("thumbnails", item.sha256, small)
    return None if store.delete_pictures(item.id, item.sha256) else made[0 if large else 1]
