"""A DICOM with a name in every place, and written into its pixels, through the whole way to an export."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from fundus_core import images, retina
from fundus_core.deidentify import Pseudonyms, deidentify, write_cohort
from tests.images.making import dataset, eye, jpeg, oriented, png, written

NAME = "TANAKA^TARO"
PSEUDONYMS = Pseudonyms(bytes(range(32)))
SECRETS = (
    b"TANAKA",
    b"TARO",
    b"19600615",
    b"98765",
    "田中".encode(),
    "田中".encode("cp932"),
    "田中".encode("iso2022_jp"),
)


def labelled_eye() -> np.ndarray:
    """An eye of camera size with white writing in a corner and along the lower border."""
    pixels = eye(600, 800)
    for place in ((6, 30), (600, 590)):
        cv2.putText(pixels, "TANAKA", place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return pixels


def named_dicom() -> bytes:
    made = dataset(labelled_eye())
    made.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    made.PatientName = "TANAKA^TARO=田中^太郎"
    for keyword in ("PatientComments", "StudyDescription", "ImageComments", "SeriesDescription", "InstitutionName"):
        setattr(made, keyword, NAME)
    made.PatientID, made.PatientBirthDate, made.StudyDate = "98765", "19600615", "20250101"
    made.ImageLaterality = "R"
    made.private_block(0x0009, "CAMERA", create=True).add_new(1, "LO", NAME)
    inner, deeper = Dataset(), Dataset()
    deeper.PersonName = NAME
    inner.PatientID = "98765"
    inner.ReferencedPatientSequence = Sequence([deeper])
    made.OtherPatientIDsSequence = Sequence([inner])
    return written(made)


def named_jpeg() -> bytes:
    exif = Image.Exif()
    exif.load(oriented(1))
    exif[0x010E] = exif[0x013B] = NAME
    return jpeg(labelled_eye(), exif=exif.tobytes(), comment=NAME)


def named_png() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", NAME)
    return png(labelled_eye(), pnginfo=info)


@pytest.mark.parametrize("make", [named_dicom, named_jpeg, named_png])
def test_no_name_and_no_writing_survives(tmp_path: Path, make) -> None:
    (tmp_path / f"{NAME}_98765.dcm").write_bytes(make())
    (source,) = images.sources([tmp_path])
    photograph = images.decode(source.read(), source.name, pseudonymise=PSEUDONYMS.patient)
    bounds = retina.find(photograph.pixels)
    clean = deidentify(photograph, retina.mask_background(photograph.pixels, bounds), PSEUDONYMS)
    out = tmp_path / "cohort.zip"
    write_cohort([(clean, {"sbp": 120.0, "name": NAME})], out)
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    everything = b"".join(name.encode() + data for name, data in files.items()) + out.read_bytes()
    assert not [secret for secret in SECRETS if secret in everything.upper()]
    (picture,) = (data for name, data in files.items() if name.startswith("photographs/"))
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    assert pixels[:40, :150].max() <= 16, "the writing in the corner"
    assert pixels[560:, 590:].max() <= 16, "the writing along the border"
    assert pixels[300, 400, 0] > 100, "the eye itself"


def test_what_is_kept_of_a_dicom(tmp_path: Path) -> None:
    photograph = images.decode(named_dicom(), "x", pseudonymise=PSEUDONYMS.patient)
    clean = deidentify(photograph, photograph.pixels, PSEUDONYMS)
    assert clean.patient == PSEUDONYMS.patient("98765")
    assert (clean.eye, clean.age) == ("right", 64.0)
