"""DICOM: every way in which values mean colour, and what is kept of the person: eye, whole years, a pseudonym."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.pixels.processing import convert_color_space
from pydicom.sequence import Sequence

from fundus_core.errors import PhotographError
from fundus_core.images import decode
from fundus_core.records import Eye, Photograph
from tests.images.making import dataset, dicom, eye, jpeg, run_length, saved, transcoded, wrapped, written

NAME = "TANAKA^TARO"
GREY = eye()[:, :, 1]


def read(**elements: object) -> Photograph:
    return decode(dicom(**elements), "x", pseudonymise=lambda patient: f"P<{len(patient)}>")


def test_ybr_becomes_rgb() -> None:
    ybr = convert_color_space(eye(), "RGB", "YBR_FULL")
    assert np.abs(decode(dicom(ybr, photometric="YBR_FULL"), "x").pixels.astype(int) - eye()).max() <= 2


def test_native_ybr_422_becomes_rgb() -> None:
    ybr = convert_color_space(eye(), "RGB", "YBR_FULL").reshape(96, 64, 6)
    packed = np.ascontiguousarray(ybr[:, :, [0, 3, 1, 2]])
    made = dataset(eye(), photometric="YBR_FULL_422")
    made.PixelData = packed.tobytes()
    assert np.abs(decode(written(made), "x").pixels.astype(int) - eye()).mean() < 2


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_monochrome_1_is_monochrome_2_turned_over(bits: int) -> None:
    dtype = np.uint8 if bits == 8 else np.uint16
    levels = (GREY.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(dtype)
    plain = decode(dicom(levels, photometric="MONOCHROME2", bits=bits), "x")
    inverse = decode(dicom(levels, photometric="MONOCHROME1", bits=bits), "x")
    assert np.array_equal(plain.pixels, 255 - inverse.pixels)
    assert np.abs(plain.pixels[:, :, 0].astype(int) - GREY).max() <= 1
    assert not plain.colour
    assert not inverse.colour


def test_signed_values_start_at_their_most_negative() -> None:
    signed = (GREY.astype(np.int16) - 128) * 16
    found = decode(dicom(signed, photometric="MONOCHROME2", bits=12), "x")
    assert np.abs(found.pixels[:, :, 0].astype(int) - GREY).max() <= 1


def test_a_palette_gives_its_colours() -> None:
    table = np.stack([np.arange(256), np.arange(256) // 2, np.arange(256) // 4]).astype("<u2") * 257
    words = {f"{c}PaletteColorLookupTableDescriptor": [256, 0, 16] for c in ("Red", "Green", "Blue")}
    data = {
        f"{c}PaletteColorLookupTableData": row.tobytes() for c, row in zip(("Red", "Green", "Blue"), table, strict=True)
    }
    found = decode(dicom(GREY, photometric="PALETTE COLOR", **words, **data), "x")
    wanted = np.stack([GREY, GREY // 2, GREY // 4], -1).astype(int)
    assert np.abs(found.pixels - wanted).max() <= 1
    assert found.colour


def test_colour_by_plane_is_colour_by_pixel() -> None:
    made = dataset(eye())
    made.PlanarConfiguration = 1
    made.PixelData = np.ascontiguousarray(eye().transpose(2, 0, 1)).tobytes()
    assert np.array_equal(decode(written(made), "x").pixels, eye())


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_other_ways_of_writing_elements_give_the_same_picture(syntax: str) -> None:
    made = dataset(eye())
    made.file_meta.TransferSyntaxUID = uid.UID(syntax)
    assert np.array_equal(decode(written(made), "x").pixels, eye())


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian])
def test_a_file_without_preamble_is_read(syntax: str) -> None:
    made = dataset(eye())
    made.file_meta.TransferSyntaxUID = uid.UID(syntax)
    buffer = io.BytesIO()
    made.save_as(buffer, implicit_vr=syntax == uid.ImplicitVRLittleEndian, little_endian=True)
    bare = dcmread(io.BytesIO(buffer.getvalue()), force=True)
    del bare.file_meta
    out = io.BytesIO()
    bare.save_as(out, implicit_vr=syntax == uid.ImplicitVRLittleEndian, little_endian=True)
    assert np.array_equal(decode(out.getvalue(), "x").pixels, eye())


SAID = [("R", Eye.RIGHT), ("L", Eye.LEFT), ("B", Eye.UNKNOWN), ("", Eye.UNKNOWN), ("OD", Eye.RIGHT), ("LEFT", Eye.LEFT)]


@pytest.mark.parametrize(("said", "found"), SAID)
@pytest.mark.parametrize("keyword", ["ImageLaterality", "Laterality"])
def test_the_eye_is_read(keyword: str, said: str, found: Eye) -> None:
    assert read(**{keyword: said}).eye == found


@pytest.mark.parametrize(("image", "series"), [("R", "L"), ("L", "OD"), ("OS", "RIGHT")])
def test_two_eyes_in_one_file_are_none_and_said(image: str, series: str) -> None:
    photograph = read(ImageLaterality=image, Laterality=series)
    assert photograph.eye == Eye.UNKNOWN
    assert any(f"ImageLaterality {image}, Laterality {series}" in note for note in photograph.notes)
    agreeing = read(ImageLaterality=image, Laterality=image)
    assert agreeing.eye != Eye.UNKNOWN
    assert not any("two eyes" in note for note in agreeing.notes)


def test_the_eye_is_read_from_functional_groups() -> None:
    anatomy, shared = Dataset(), Dataset()
    anatomy.FrameLaterality = "R"
    shared.FrameAnatomySequence = Sequence([anatomy])
    assert read(SharedFunctionalGroupsSequence=Sequence([shared])).eye == Eye.RIGHT


@pytest.mark.parametrize(
    ("elements", "age"),
    [
        ({"PatientBirthDate": "19600615", "StudyDate": "20250614"}, 64),
        ({"PatientBirthDate": "19600615", "StudyDate": "20250615"}, 65),
        ({"PatientBirthDate": "19600615", "AcquisitionDateTime": "20250616120000", "StudyDate": "20300101"}, 65),
        ({"PatientAge": "061Y"}, 61),
        ({"PatientAge": "030M"}, 2),
        ({"PatientBirthDate": "19600615"}, math.nan),
        ({"PatientBirthDate": "20300101", "StudyDate": "20250615"}, math.nan),
        ({"PatientAge": "old"}, math.nan),
        ({}, math.nan),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_age_in_whole_years(elements: dict[str, str], age: float) -> None:
    assert read(**elements).age == pytest.approx(age, nan_ok=True)


@pytest.mark.parametrize(
    ("elements", "visit"),
    [
        ({"StudyDate": "20250614"}, "2025-06-14"),
        ({"StudyDate": "20300101", "AcquisitionDateTime": "20250616120000"}, "2025-06-16"),
        ({"PatientBirthDate": "19600615"}, ""),
    ],
)
def test_the_day_of_the_examination_is_the_visit(elements: dict[str, str], visit: str) -> None:
    assert read(**elements).visit == visit


def test_the_id_becomes_a_pseudonym_or_nothing() -> None:
    assert read(PatientID="12345").patient_id == "P<5>"
    assert read().patient_id == ""
    assert decode(dicom(PatientID="12345"), "x").patient_id == ""


def prepared() -> bytes:
    """A file with a name in every place that a name can take."""
    made = dataset(eye())
    for keyword in ("PatientName", "OtherPatientNames", "PatientComments", "StudyDescription", "ImageComments"):
        setattr(made, keyword, NAME)
    made.PatientID = NAME
    made.add_new(0x00091001, "LO", NAME)
    inner = Dataset()
    inner.PersonName = NAME
    made.OtherPatientIDsSequence = Sequence([inner])
    made.add_new(0x60003000, "OW", NAME.encode() + b"\0")
    made.add_new(0x60000010, "US", 1)
    return written(made)


def test_no_name_passes_the_door() -> None:
    found = decode(prepared(), "x", pseudonymise=lambda _: "P-1")
    said = repr([getattr(found, field) for field in Photograph.__slots__ if field != "pixels"])
    assert "TANAKA" not in said
    assert "TARO" not in said
    assert found.dropped == (f"DICOM tags ({len(dcmread(io.BytesIO(prepared())))}, 1 of them private)", "overlay")


def test_no_name_is_printed_or_logged_when_values_are_odd() -> None:
    made = dataset(eye())
    program = (
        "import sys, logging; logging.basicConfig(level=0); from fundus_core.images import decode\n"
        "decode(sys.stdin.buffer.read(), 'x')"
    )
    made.PatientBirthDate = "19600615"
    made.PatientName = NAME
    data = written(made).replace(b"19600615", b"TANAKA  ")
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True)
    assert b"TANAKA" not in done.stdout + done.stderr


def test_a_report_is_no_photograph() -> None:
    made = dataset(eye())
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(made, keyword)
    with pytest.raises(PhotographError, match="no picture") as caught:
        decode(written(made), "x")
    assert caught.value.code == "not_a_photograph"


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"Rows": 60000, "Columns": 60000}, "too_large"),
        ({"Rows": 0}, "damaged"),
        ({"Rows": 4000}, "truncated"),
        ({"PhotometricInterpretation": "YBR_PARTIAL_420"}, "unsupported"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "unsupported"),
        ({"SamplesPerPixel": 1}, "damaged"),
    ],
)
def test_a_header_that_lies_is_refused(elements: dict[str, object], code: str) -> None:
    with pytest.raises(PhotographError) as caught:
        read(**elements)
    assert caught.value.code == code


LOST = ["PixelRepresentation", "PlanarConfiguration", "BitsStored", "SamplesPerPixel", "PhotometricInterpretation"]
LOST += ["Rows", "BitsAllocated", "HighBit"]


def compressed(kind: str) -> Dataset:
    """A colour photograph around a JPEG or a JPEG 2000."""
    if kind == "jpeg":
        data = wrapped(jpeg(subsampling=1), uid.JPEGBaseline8Bit, "YBR_FULL_422", eye())
    else:
        stream = saved(Image.fromarray(eye()), "JPEG2000", no_jp2=True)
        data = wrapped(stream, uid.JPEG2000Lossless, "YBR_RCT", eye())
    return dcmread(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["jpeg", "jpeg 2000"])
@pytest.mark.parametrize("lost", [[each] for each in LOST] + [LOST])
def test_what_the_header_lacks_a_whole_picture_says(kind: str, lost: list[str]) -> None:
    whole, made = compressed(kind), compressed(kind)
    for name in lost:
        del made[name]
    found = decode(written(made), "x")
    assert np.array_equal(found.pixels, decode(written(whole), "x").pixels)
    assert np.abs(found.pixels.astype(int) - eye()).mean() < 4
    assert found.notes == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("Rows", 50), ("Columns", 9000), ("BitsStored", 7), ("SamplesPerPixel", 1), ("BitsAllocated", 16)],
)
def test_where_the_header_contradicts_a_whole_picture_the_picture_counts_and_it_is_said(name: str, value: int) -> None:
    made = compressed("jpeg")
    setattr(made, name, value)
    found = decode(written(made), "x")
    assert np.array_equal(found.pixels, decode(written(compressed("jpeg")), "x").pixels)
    assert found.notes == (f"The header contradicts the picture inside ({name}); the picture counts.",)


@pytest.mark.parametrize(
    "elements",
    [
        {"BitsStored": 12},
        {"BitsAllocated": 16},
        {"NumberOfFrames": 2},
        {"PixelRepresentation": 1},
        {"PlanarConfiguration": 1},
    ],
    ids=str,
)
def test_where_the_header_contradicts_plain_values_they_count_and_it_is_said(elements: dict[str, int]) -> None:
    found = read(**elements)
    assert np.array_equal(found.pixels, eye())
    assert found.notes == (f"The header contradicts the picture inside ({next(iter(elements))}); the picture counts.",)


def test_planes_that_are_said_to_be_none_are_read_as_planes_and_grey_ones_as_they_are_said() -> None:
    made, grey = dataset(eye()), np.repeat(eye()[..., 1:2], 3, axis=2)
    made.PixelData = np.ascontiguousarray(eye().transpose(2, 0, 1)).tobytes()
    assert np.array_equal(decode(written(made), "x").pixels, eye())
    assert np.array_equal(decode(dicom(grey), "x").pixels, grey)


def test_a_bare_jpeg_where_plain_values_are_said_to_be_is_read() -> None:
    made = dataset(eye())
    made.PixelData = jpeg() + bytes(len(jpeg()) % 2)
    found = decode(written(made), "x")
    assert np.array_equal(found.pixels, decode(jpeg(), "x").pixels)
    assert "(TransferSyntaxUID)" in found.notes[0]


def test_three_values_a_pixel_are_no_grey_picture() -> None:
    with pytest.raises(PhotographError, match="says MONOCHROME2, but holds three values"):
        read(SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")


@pytest.mark.parametrize("name", ["PlanarConfiguration", "PhotometricInterpretation"])
def test_what_nothing_tells_is_not_guessed_and_the_header_is_blamed_by_name(name: str) -> None:
    made = dataset(eye())
    del made[name]
    with pytest.raises(PhotographError, match=f"does not say {name}"):
        decode(written(made), "x")


@pytest.mark.parametrize("name", ["PixelRepresentation", "BitsStored", "SamplesPerPixel"])
def test_the_count_of_plain_values_tells_the_rest(name: str) -> None:
    made = dataset(eye())
    del made[name]
    assert np.array_equal(decode(written(made), "x").pixels, eye())


def light_and_colour() -> np.ndarray:
    return np.asarray(Image.fromarray(eye()).convert("YCbCr"))


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("kept", [eye, light_and_colour], ids=["red, green and blue", "light and colour"])
def test_values_that_are_said_to_be_thinned_out_and_are_not_are_read_by_their_black(
    planar: int, kept: Callable[[], np.ndarray]
) -> None:
    pixels = kept()
    made = dataset(pixels, "YBR_FULL_422", PlanarConfiguration=planar)
    if planar:
        made.PixelData = np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes()
    found = decode(written(made), "x")
    assert np.abs(found.pixels.astype(int) - eye()).mean() < 2
    assert "PhotometricInterpretation" in found.notes[0]


def test_thinned_or_not_is_not_guessed_without_any_black() -> None:
    with pytest.raises(PhotographError, match="do not tell which is meant"):
        decode(written(dataset(np.full((40, 40, 3), 120, np.uint8), "YBR_FULL_422")), "x")


@pytest.mark.parametrize(
    ("code", "meaning", "found"),
    [
        ("24028007", "Right", Eye.RIGHT),
        ("7771000", "", Eye.LEFT),
        ("G-A100", "", Eye.RIGHT),
        ("", "Left", Eye.LEFT),
        ("51440002", "Right and left", Eye.UNKNOWN),
        ("", "Upper", Eye.UNKNOWN),
    ],
)
@pytest.mark.parametrize("laterality", ["", "MACULA"])
def test_the_eye_is_read_from_the_region(code: str, meaning: str, found: Eye, laterality: str) -> None:
    side, region = Dataset(), Dataset()
    side.CodeValue, side.CodeMeaning = code, meaning
    region.AnatomicRegionModifierSequence = [side]
    assert read(AnatomicRegionSequence=[region], ImageLaterality=laterality).eye is found


def test_a_bomb_inside_a_small_header_is_refused_before_it_unpacks() -> None:
    data = bytearray(jpeg())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xea\x60\xea\x60"
    with pytest.raises(PhotographError) as caught:
        decode(wrapped(bytes(data), uid.JPEGBaseline8Bit, "YBR_FULL", eye()), "x")
    assert caught.value.code == "too_large"


def test_deflated_files_are_refused_unread() -> None:
    made = dataset(eye())
    made.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    with pytest.raises(PhotographError, match="deflated") as caught:
        decode(written(made), "x")
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("bits", [12, 16])
def test_lossless_codings_agree_at_16_bits(bits: int) -> None:
    deep = (eye().astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    plain = dicom(deep, bits=bits)
    wanted = decode(plain, "x").pixels
    for other in (run_length(plain), transcoded(plain, uid.JPEGLosslessSV1), transcoded(plain, uid.JPEGLSLossless)):
        assert np.array_equal(decode(other, "x").pixels, wanted)
