"""The facts that a DICOM file tells about the photograph's person: eye, age in whole years, patient id."""

from __future__ import annotations

import math
from datetime import date, datetime

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from fundus_core.errors import say
from fundus_core.identity import eye_in_cell
from fundus_core.images import faults
from fundus_core.records import Eye

DAMAGE = (*faults.DAMAGE, BytesLengthException, InvalidDicomError)
"""What pydicom and its codecs raise on a damaged file."""
_EXAMINED = ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "StudyDate")
_YEARS_PER_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_OVERLAY_GROUPS = range(0x6000, 0x6020)


def eye_of(dataset: Dataset) -> Eye:
    """Return the eye: of the image (PS3.3 C.8.17.1), of its frame, or of the series; unknown for both."""
    said = _word(dataset, "ImageLaterality") or _word(dataset, "Laterality") or _frame_laterality(dataset)
    return eye_in_cell(said) or Eye.UNKNOWN


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
