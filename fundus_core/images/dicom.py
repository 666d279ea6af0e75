"""DICOM: the first picture of a file, and the three facts about its person that evaluation needs.

Kept are the eye, whole years of age and a pseudonym of the patient id. Everything else stays behind: tags,
private tags, sequences, overlays, names of any kind.
"""

import logging
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from io import BytesIO

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from fundus_core.errors import PhotographError, say
from fundus_core.identity import eye_in_cell
from fundus_core.images import faults
from fundus_core.images.colour import stack, to_srgb
from fundus_core.images.dicom_header import KIND, mended
from fundus_core.images.dicom_pixels import Layout, decode_frame, layout_of
from fundus_core.images.faults import Code, damaged, unsupported
from fundus_core.images.metadata import Found
from fundus_core.records import Eye, Pixels

DAMAGE = (*faults.DAMAGE, BytesLengthException, InvalidDicomError)
"""What pydicom and its codecs raise on a damaged file."""
_EXAMINED = ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "StudyDate")
_REGIONS = (
    ("AnatomicRegionSequence", "AnatomicRegionModifierSequence"),
    ("PrimaryAnatomicStructureSequence", "PrimaryAnatomicStructureModifierSequence"),
)
_SIDES = {"24028007": Eye.RIGHT, "G-A100": Eye.RIGHT, "7771000": Eye.LEFT, "G-A101": Eye.LEFT}
"""SNOMED CT and the older SNOMED RT codes of the two sides."""
_YEARS_PER_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_OVERLAY_GROUPS = range(0x6000, 0x6020)


def eye_of(dataset: Dataset) -> tuple[Eye, str]:
    """Return the eye: of the image (PS3.3 C.8.17.1), the series, its frame, or its region; unknown for both.

    The first that says anything counts; a word that is no eye says nothing. Where two name different eyes it is
    unknown, and the second value says so; empty otherwise.
    """
    words = {
        "ImageLaterality": _word(dataset, "ImageLaterality"),
        "Laterality": _word(dataset, "Laterality"),
        "FrameLaterality": _frame_laterality(dataset),
        "AnatomicRegionModifierSequence": _region_eye(dataset).value,
    }
    said = {place: eye for place, word in words.items() if word and (eye := eye_in_cell(word)) is not None}
    if {Eye.LEFT, Eye.RIGHT} <= set(said.values()):
        named = [f"{place} {words[place]}" for place, eye in said.items() if eye]
        return Eye.UNKNOWN, say(
            "The file names two eyes ({said}); state the eye in a table, or correct the file.", said=named
        )
    return next((eye for eye in said.values() if eye), Eye.UNKNOWN), ""


def _region_eye(dataset: Dataset) -> Eye:
    """Of the modifier of the region that is shown (PS3.3 10.5), by its code (PS3.16 CID 244) or its meaning."""
    found = set()
    for region, modifier in _REGIONS:
        for item in _items(dataset, region):
            for each in _items(item, modifier):
                said = _word(each, "CodeMeaning")
                found.add(_SIDES.get(_word(each, "CodeValue")) or eye_in_cell(said) or Eye.UNKNOWN)
    found.discard(Eye.UNKNOWN)
    return found.pop() if len(found) == 1 else Eye.UNKNOWN


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Items of a sequence; none where it is missing, is none or cannot be read."""
    try:
        return [item for item in dataset.get(keyword) or () if isinstance(item, Dataset)]
    except DAMAGE:
        return []


def age_of(dataset: Dataset) -> float:
    """Return completed years at the examination, from dates or the stated age; NaN where neither is."""
    born = _day(_word(dataset, "PatientBirthDate"))
    examined = _examined(dataset)
    if born and examined and examined >= born:
        before_birthday = (examined.month, examined.day) < (born.month, born.day)
        return float(examined.year - born.year - before_birthday)
    return _stated_age(_word(dataset, "PatientAge"))


def day_of(dataset: Dataset) -> str:
    """Return the day of the examination as year-month-day; empty where no date can be read."""
    found = _examined(dataset)
    return found.isoformat() if found else ""


def _examined(dataset: Dataset) -> date | None:
    return next((day for word in _EXAMINED if (day := _day(_word(dataset, word)))), None)


def patient_id_of(dataset: Dataset) -> str:
    """Return the patient id as it stands in the file, to be turned into a pseudonym at once."""
    return _word(dataset, "PatientID")


def dropped_from(dataset: Dataset) -> tuple[str, ...]:
    """Count what is left behind; never a value."""
    tags = list(dataset.keys())
    private = sum(tag.is_private for tag in tags)
    said = say("DICOM tags ({tags}, {private} of them private)", tags=len(tags), private=private)
    overlay = any(tag.group in _OVERLAY_GROUPS for tag in tags)
    return (said, "overlay") if overlay else (said,)


def _word(dataset: Dataset, keyword: str) -> str:
    """An element as text; empty where it is missing, has several values or cannot be read."""
    try:
        value = dataset.get(keyword)
    except DAMAGE:
        return ""
    return "" if value is None else str(value).strip("\0 ")


def _frame_laterality(dataset: Dataset) -> str:
    """In the functional groups of an enhanced image (PS3.3 C.7.6.16.2.8)."""
    try:
        groups = dataset.SharedFunctionalGroupsSequence[0]
        return _word(groups.FrameAnatomySequence[0], "FrameLaterality")
    except DAMAGE:
        return ""


def _day(text: str) -> date | None:
    """The day at the start of a DA or DT value (PS3.5, 6.2), also in the dotted form of before 1993."""
    try:
        return datetime.strptime(text.replace(".", "")[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _stated_age(text: str) -> float:
    """An age string such as 061Y or 018M (PS3.5, 6.2)."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _YEARS_PER_UNIT:
        return math.nan
    return float(math.floor(int(number) * _YEARS_PER_UNIT[unit]))


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
