"""Every crop, cut once along the app's own path and kept on disk as one memory-mapped array."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from fundus_core import processes, retina
from fundus_core.errors import UsageError
from fundus_core.images import decode
from fundus_core.jobs import Notice
from fundus_core.journey import WORKING_PX, examine
from fundus_core.records import Pixels, Source, Status
from fundus_core.tables import csv_lines, records_from_csv
from fundus_core.training.plan import Running

_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Crops:
    """The crops of a learning table, in its order."""

    pixels: NDArray[np.uint8]
    """Copies x n x S x S x 3, RGB, 0..255; a photograph without a field of view is black."""
    accepted: NDArray[np.bool_]
    """n: whether the photograph was accepted."""
    shown: NDArray[np.bool_]
    """n: whether a field of view was found and cut, in a photograph that was accepted or failed a check of quality."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a crop is made."""

    rule: retina.CropRule
    """From the card."""
    copies: int
    """The photograph, and this many less one re-encoded."""
    quality: tuple[int, int]
    """Range of the JPEG quality of the re-encoding."""
    seed: int
    """Fixes the qualities."""


def fill(
    sources: Sequence[Source],
    recipe: Recipe,
    folder: Path,
    key: str,
    how: Running,
    notice: Notice | None = None,
) -> Crops:
    """Cut every photograph that the folder does not hold yet; an interrupted call is continued.

    ``crops.npy`` and ``photographs.csv`` go into the folder. The key changes with everything that changes a crop;
    another key in the folder starts anew.

    Raises:
        UsageError: No photograph was accepted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    side, shape = recipe.rule.size, (recipe.copies, len(sources))
    state = folder / "crops.json"
    fresh = not state.is_file() or json.loads(state.read_text(encoding="utf-8")) != {"key": key}
    mode = "w+" if fresh else "r+"
    pixels = np.lib.format.open_memmap(folder / "crops.npy", mode, np.uint8, (*shape, side, side, 3))
    log = folder / "photographs.csv"
    if fresh:
        log.write_text("row,photograph,status,reason_code,reason,shown\n", encoding="utf-8")
        state.write_text(json.dumps({"key": key}), encoding="utf-8")
    done = _done(log)
    todo = [row for row in range(len(sources)) if row not in done]
    chunks = [todo[k : k + _CHUNK] for k in range(0, len(todo), _CHUNK)]
    batches = [[sources[row] for row in chunk] for chunk in chunks]
    bar = tqdm(total=len(sources), initial=len(done), desc="crops", disable=not how.progress)
    with log.open("a", encoding="utf-8", newline="") as file, bar:
        cut = processes.each(partial(_cut_all, recipe), batches, workers=min(how.workers, len(batches)))
        for chunk, cuts in zip(chunks, cut, strict=True):
            file.write(csv_lines(_keep(pixels, chunk, cuts)))
            pixels.flush()
            file.flush()
            bar.update(len(chunk))
            if notice is not None:
                notice.say("cutting", int(bar.n), len(sources))
    pixels.flush()
    return _opened(folder, _done(log), len(sources))


def _opened(folder: Path, done: dict[int, tuple[bool, bool]], count: int) -> Crops:
    accepted, shown = np.array([done[row] for row in range(count)], dtype=np.bool_).T
    if not accepted.any():
        raise UsageError(
            "None of the {count} {count:photograph|photographs} was accepted; {name}/photographs.csv says why.",
            count=count,
            name=folder.name,
        )
    return Crops(np.lib.format.open_memmap(folder / "crops.npy", "r"), accepted, shown)


def _done(log: Path) -> dict[int, tuple[bool, bool]]:
    """Rows that were cut -> accepted, shown; a line torn by a kill is taken away, so that the next does not join it."""
    written = log.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if whole != written:
        log.write_bytes(whole)
    rows = records_from_csv(whole.decode().splitlines(keepends=True))[1]
    return {int(row["row"]): (row["status"] == str(Status.ACCEPTED), row["shown"] == "1") for row in rows}


@dataclass(frozen=True, slots=True)
class _Cut:
    name: str
    status: str
    code: str
    reason: str
    pixels: tuple[Pixels, ...]


def _keep(
    pixels: NDArray[np.uint8], rows: Sequence[int], cuts: Sequence[_Cut]
) -> Iterator[tuple[int, str, str, str, str, int]]:
    """Store the crops and return the lines of the log."""
    for row, cut in zip(rows, cuts, strict=True):
        for copy, crop in enumerate(cut.pixels):
            pixels[copy, row] = crop
        yield row, cut.name, cut.status, cut.code, cut.reason, int(bool(cut.pixels))


def _cut_all(recipe: Recipe, sources: Sequence[Source]) -> list[_Cut]:
    return [_cut(recipe, source) for source in sources]


def _cut(recipe: Recipe, source: Source) -> _Cut:
    seen = examine(source, [recipe.rule])
    crops = [crop.pixels for crop in seen.crops]
    if crops:
        crops += [_recut(recipe, source, copy) for copy in range(1, recipe.copies)]
    return _Cut(source.name, str(seen.status), seen.reason_code, seen.reason, tuple(crops))


def _recut(recipe: Recipe, source: Source, copy: int) -> Pixels:
    """Write a photograph again as JPEG and cut that."""
    data = source.read()
    generator = np.random.default_rng([recipe.seed, copy, len(data), *data[-64:]])
    out = io.BytesIO()
    quality = int(generator.integers(recipe.quality[0], recipe.quality[1] + 1))
    Image.fromarray(decode(data, source.name).pixels).save(out, "JPEG", quality=quality)
    at_least = max(WORKING_PX, 2 * recipe.rule.size)
    again = decode(out.getvalue(), source.name, at_least=at_least).pixels
    return retina.crop(again, retina.find(again), recipe.rule).pixels
