"""DICOM: the first picture of a file, and the three facts about its person that evaluation needs.

Kept are the eye, whole years of age and a pseudonym of the patient id. Everything else stays behind: tags,
private tags, sequences, overlays, names of any kind.
"""

import logging
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fundus_core.errors import PhotographError, say
from fundus_core.images.colour import stack, to_srgb
from fundus_core.images.decoded import Found
from fundus_core.images.dicom_facts import DAMAGE, age_of, day_of, dropped_from, eye_of, patient_id_of
from fundus_core.images.dicom_header import KIND, mended
from fundus_core.images.dicom_pixels import Layout, decode_frame, layout_of
from fundus_core.images.faults import Code, damaged, unsupported
from fundus_core.records import Pixels

# pydicom logs values that it finds odd, and a value may be a name.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

_DEFLATED = b"1.2.840.10008.1.2.1.99"


def read(data: bytes, pseudonymise: Callable[[str], str] | None) -> Found:
    """Decode the first picture of a DICOM file.

    Args:
        data: The file's bytes.
        pseudonymise: Turns the patient id into a pseudonym; without it the id is dropped.

    Raises:
        PhotographError: ``not_a_photograph``, ``unsupported``, ``too_large``, ``truncated`` or ``damaged``.
    """
    try:
        return _read(data, pseudonymise)
    except DAMAGE as error:
        raise damaged(KIND, error) from None


def _read(data: bytes, pseudonymise: Callable[[str], str] | None) -> Found:
    dataset = _open(data)
    header_notes = mended(dataset)
    layout = layout_of(dataset)
    pixels, colour_note = _to_rgb(decode_frame(dataset, layout), dataset)
    patient_id = patient_id_of(dataset)
    eye, eye_note = eye_of(dataset)
    notes = (*header_notes, *_layout_notes(layout), colour_note, eye_note)
    return Found(
        pixels=pixels,
        width=layout.columns,
        height=layout.rows,
        single_channel=layout.grey,
        notes=tuple(note for note in notes if note),
        dropped=dropped_from(dataset),
        eye=eye,
        patient_id=pseudonymise(patient_id) if pseudonymise and patient_id else "",
        age=age_of(dataset),
        visit=day_of(dataset),
    )


def _open(data: bytes) -> Dataset:
    """Parse the elements and make sure that there is a picture and a transfer syntax."""
    if _DEFLATED in data:
        # Parsing would inflate the whole file before its size could be checked.
        raise unsupported(KIND, "a deflated data set", "Export it uncompressed or with JPEG.")
    dataset = pydicom.dcmread(BytesIO(data), force=True)
    if "PixelData" not in dataset:
        raise _without_picture(dataset)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _without_picture(dataset: Dataset) -> PhotographError:
    """A DICOM of another kind, or one that was cut off before its pixels."""
    # pydicom returns nothing at all where the pixels of a compressed picture stop early.
    if "Rows" in dataset or not len(dataset):
        return damaged(KIND, EOFError())
    return PhotographError(
        Code.NOT_A_PHOTOGRAPH, "The DICOM file holds no picture (a report, a measurement or an index); leave it out."
    )


def _to_rgb(pixels: Pixels, dataset: Dataset) -> tuple[Pixels, str]:
    if pixels.ndim == 2:
        return stack(pixels), ""
    image, note = to_srgb(Image.fromarray(pixels), _profile(dataset))
    return np.array(image), note


def _profile(dataset: Dataset) -> bytes | None:
    """The colour profile, at the top or in the optical path (PS3.3 C.11.15)."""
    found = dataset.get("ICCProfile")
    if found is None and dataset.get("OpticalPathSequence"):
        found = dataset.OpticalPathSequence[0].get("ICCProfile")
    return found if isinstance(found, bytes) else None


def _layout_notes(layout: Layout) -> Iterator[str]:
    if layout.frames > 1:
        yield say("The file holds {frames} frames; the first one was read.", frames=layout.frames)
    if layout.bits > 8:
        yield say("Reduced from {bits} bits a channel to 8.", bits=layout.bits)
