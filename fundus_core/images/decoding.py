"""Bytes to a photograph: upright, eight bits, RGB, and nothing else that the file held."""

import hashlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fundus_core.images import jpeg, raster
from fundus_core.images.colour import has_colour
from fundus_core.images.faults import DAMAGE, damaged, out_of_memory
from fundus_core.images.formats import FORMATS, recognise
from fundus_core.images.metadata import Found
from fundus_core.records import Photograph

Pseudonymise = Callable[[str], str]


def decode(
    data: bytes, name: str, *, at_least: int = 0, pseudonymise: Pseudonymise | None = None, sha256: str = ""
) -> Photograph:
    """Decode a file in any of ``formats.FORMATS``; its content decides which, never its name.

    Args:
        data: The file's bytes.
        name: What the photograph is called in tables and messages.
        at_least: A picture may be decoded at reduced scale as long as its shorter side keeps this many pixels;
            0 decodes at full size.
        pseudonymise: Turns the patient id of a DICOM into a pseudonym; without it the id is dropped like
            every other tag.
        sha256: Of the bytes, where it is known already.

    Returns:
        The photograph, upright, RGB in 0..255, with what the reader had to do as notes.

    Raises:
        PhotographError: With one of the codes ``empty_file``, ``not_a_photograph``, ``unsupported``,
            ``too_large``, ``truncated``, ``damaged``; nothing else is raised, whatever the bytes.
    """
    kind = recognise(data)
    with _quiet():
        found = _read(data, kind, at_least, pseudonymise)
    return Photograph(
        name=name,
        sha256=sha256 or hashlib.sha256(data).hexdigest(),
        pixels=found.pixels,
        notes=found.notes,
        colour=not found.single_channel and has_colour(found.pixels),
        width=found.width,
        height=found.height,
        eye=found.eye,
        patient_id=found.patient_id,
        age=found.age,
        visit=found.visit,
        dropped=found.dropped,
    )


_inside: list[warnings.catch_warnings] = []
_lock = threading.Lock()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep libraries' warnings about odd files here: the first thread inside sets the filter, the last restores it.

    ``warnings.catch_warnings`` alone is not safe in threads: two that overlap restore each other's filters.
    """
    mine = warnings.catch_warnings()
    with _lock:
        if not _inside:
            mine.__enter__()
            warnings.simplefilter("ignore")
        _inside.append(_inside[0] if _inside else mine)
    try:
        yield
    finally:
        with _lock:
            first = _inside.pop()
            if not _inside:
                first.__exit__(None, None, None)


def _read(data: bytes, kind: str, at_least: int, pseudonymise: Pseudonymise | None) -> Found:
    """The one place where what the libraries raise becomes a reason."""
    try:
        if kind == "jpeg":
            return jpeg.read(data, at_least)
        if kind == "dicom":
            from fundus_core.images import dicom  # half a second, which no other file needs

            return dicom.read(data, pseudonymise)
        return raster.read(data, FORMATS[kind], at_least)
    except DAMAGE as error:
        raise damaged(FORMATS[kind].name, error) from None
    except MemoryError:
        raise out_of_memory(FORMATS[kind].name) from None
