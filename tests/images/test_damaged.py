"""Damaged, renamed and hostile files: none crashes, none is dropped, each has a reason."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fundus_core.errors import PhotographError
from fundus_core.images import decode
from fundus_core.images.faults import Code
from fundus_core.records import Photograph
from tests.images.making import dicom, every_kind, eye, jpeg, png, saved

KINDS = every_kind()
CODES = {str(code) for code in Code}
HOW = ("header", "anywhere", "cut", "grown", "extreme")


def ends_well(data: bytes) -> str:
    """Decode; return the code of the reason, or nothing where a picture came out. Anything else fails the test."""
    found, fault = attempt(data)
    if fault is not None:
        assert fault.code in CODES
        assert str(fault).endswith(".")
        assert len(str(fault)) < 300
        return fault.code
    assert found is not None
    assert found.pixels.dtype == np.uint8
    assert found.pixels.ndim == 3
    assert found.pixels.shape[2] == 3
    return ""


def attempt(data: bytes) -> tuple[Photograph | None, PhotographError | None]:
    try:
        return decode(data, "x", at_least=16, pseudonymise=str.upper), None
    except PhotographError as fault:
        return None, fault


def damage(data: bytes, how: str, dice: random.Random) -> bytes:
    hurt = bytearray(data)
    if how == "cut":
        return data[: dice.randrange(1, len(data))]
    if how == "grown":
        at = dice.randrange(len(hurt))
        hurt[at:at] = dice.randbytes(dice.randint(1, 60))
    elif how == "extreme":
        at = dice.randrange(min(400, len(hurt) - 4))
        hurt[at : at + 4] = dice.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
    else:
        reach = min(400, len(hurt)) if how == "header" else len(hurt)
        for _ in range(dice.randint(1, 8)):
            hurt[dice.randrange(reach)] = dice.randrange(256)
    return bytes(hurt)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_end_with_a_reason(kind: str) -> None:
    dice = random.Random(kind)  # noqa: S311
    for how in HOW:
        for _ in range(4):
            ends_well(damage(KINDS[kind], how, dice))


def test_damage_is_found_not_overlooked() -> None:
    """Of files whose second half is missing, only those that hold more than one picture may still be read."""
    for kind, data in KINDS.items():
        code = ends_well(data[: len(data) // 2])
        assert code in {"truncated", "damaged"} or (not code and kind in {"tiff pages", "dicom frames"}), kind


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_random_bytes_end_with_a_reason(data: bytes) -> None:
    assert ends_well(data)


@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"RIFF\0\0\0\0WEBP", b"BM", bytes(128) + b"DICM"]
    ),
    st.binary(max_size=300),
)
@settings(max_examples=300, deadline=None)
def test_random_bytes_behind_a_right_beginning_end_with_a_reason(magic: bytes, data: bytes) -> None:
    assert ends_well(magic + data)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("a.txt", "a")
    return buffer.getvalue()


def compressed_as(method: int) -> bytes:
    """A TIFF that says that its pixels are compressed so."""
    plain = saved(Image.fromarray(eye()), "TIFF")
    entry = struct.pack("<HHIHH", 259, 3, 1, 1, 0)
    assert plain.count(entry) == 1
    return plain.replace(entry, struct.pack("<HHIHH", 259, 3, 1, method, 0))


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "empty_file", "0 bytes"),
        (bytes(5000), "not_a_photograph", "zero bytes"),
        (b"patient,sbp\n1,120\n", "not_a_photograph", "text"),
        ("患者,血圧\n".encode("cp932"), "not_a_photograph", "text"),
        (b"BMI,sbp\n23,120\n" * 9, "not_a_photograph", "text"),
        (b"%PDF-1.7\n", "not_a_photograph", "PDF"),
        (archive(), "not_a_photograph", "archive"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "damaged", "HEIC"),
        (b"\0\0\0\x18ftypmp42" + bytes(20), "not_a_photograph", "a film"),
        (b"GIF89a" + bytes(20), "damaged", "GIF"),
        (b"P6 is a road; P7 is none\n", "not_a_photograph", "text"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "not_a_photograph",
            "Git LFS pointer.*lfs pull",
        ),
        (b"FOCTFDA\x02" + bytes(90), "unsupported", "Topcon file .FDA.*IMAGEnet. and export the colour photograph"),
        (b"FOCTFDS\x02" + bytes(90), "unsupported", "Topcon file .FDS.*IMAGEnet. and export the colour photograph"),
        (b"CMDb" + bytes(90), "unsupported", "Heidelberg file .E2E.*HEYEX and export"),
        (b"HSF-OCT-103" + bytes(90), "unsupported", "Heidelberg file .VOL.*no colour; use the photograph"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\r\n<HEDX>', "unsupported", "Heidelberg file .XML.*lie beside it"),
        (b'<?xml version="1.0"?><svg/>', "not_a_photograph", "text"),
        (compressed_as(34712), "unsupported", "TIFF file holds pixels compressed as JPEG 2000"),
        (b"\xff\xd8\xff", "damaged", "JPEG"),
    ],
)
def test_files_that_are_something_else_are_named(data: bytes, code: str, said: str) -> None:
    with pytest.raises(PhotographError, match=said) as caught:
        decode(data, "photograph.jpg")
    assert caught.value.code == code


def huge_png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return png()[:8] + chunk + png()[33:]


def huge_jpeg(width: int, height: int) -> bytes:
    data = bytearray(jpeg())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def huge_bmp(width: int, height: int) -> bytes:
    from PIL import Image

    data = bytearray(saved(Image.fromarray(eye()), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def huge_tiff(width: int, height: int) -> bytes:
    from PIL import Image

    data = bytearray(saved(Image.fromarray(eye()), "TIFF"))
    for tag, value in ((256, width), (257, height)):
        at = data.find(struct.pack("<H", tag), int.from_bytes(data[4:8], "little"))
        data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(data)


def huge_dicom(width: int, height: int) -> bytes:
    return dicom(Columns=width, Rows=height)


def huge_webp(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@pytest.mark.parametrize("make", [huge_png, huge_jpeg, huge_bmp, huge_tiff, huge_dicom, huge_webp])
def test_a_bomb_is_refused_by_its_header(make) -> None:
    with pytest.raises(PhotographError, match="60,000 x 60,000") as caught:
        decode(make(60_000, 60_000), "x")
    assert caught.value.code == "too_large"


def test_a_bomb_costs_no_memory() -> None:
    """In a process of its own, for memory once taken does not show again."""
    program = (
        "import sys, resource; from fundus_core.images import decode; from fundus_core.errors import PhotographError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: decode(sys.stdin.buffer.read(), 'x')\n"
        "except PhotographError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=huge_png(60_000, 60_000), capture_output=True, check=True
    )
    assert int(done.stdout) < 50_000, "kilobytes"


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fundus_core.images.formats.MAX_BYTES", 100)
    with pytest.raises(PhotographError) as caught:
        decode(jpeg(), "x")
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("share", [0.999, 0.99, 0.95])
def test_a_jpeg_that_is_slightly_cut_off_is_read_with_a_note(share: float, subsampling: int) -> None:
    data = jpeg(eye(480, 640), subsampling=subsampling)
    found, whole = decode(data[: int(share * len(data))], "x"), decode(data, "x")
    assert "cut off" in found.notes[0]
    upper = 480 * 80 // 100
    assert np.array_equal(found.pixels[:upper], whole.pixels[:upper])
    grey = (found.pixels == 128).all(axis=(1, 2))
    assert not grey.any(), "what is missing is black, not the decoder's grey"


def test_missing_inks_are_black_too() -> None:
    from PIL import Image

    data = saved(Image.fromarray(eye(480, 640)).convert("CMYK"), "JPEG", quality=95)
    assert not decode(data[: int(0.95 * len(data))], "x").pixels[-8:].any()


@pytest.mark.parametrize("share", [0.8, 0.5, 0.1])
def test_a_jpeg_that_is_cut_off_further_up_is_refused(share: float) -> None:
    data = jpeg(eye(480, 640))
    with pytest.raises(PhotographError, match="cut off") as caught:
        decode(data[: int(share * len(data))], "x")
    assert caught.value.code == "truncated"


def test_a_progressive_jpeg_may_lack_its_last_bits_only() -> None:
    data = jpeg(eye(480, 640), progressive=True)
    found = decode(data[: int(0.99 * len(data))], "x")
    assert "refinement" in found.notes[0]
    assert np.abs(found.pixels.astype(int) - decode(data, "x").pixels).mean() < 2
    for share in (0.6, 0.3, 0.1):
        with pytest.raises(PhotographError) as caught:
            decode(data[: int(share * len(data))], "x")
        assert caught.value.code == "truncated"


def test_a_gap_in_the_middle_is_damage_although_the_end_is_there() -> None:
    data = jpeg(eye(480, 640), restart_marker_rows=1)
    markers = [at for at in range(len(data) - 1) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    middle = markers[len(markers) // 2]
    assert decode(data, "x").notes == ()
    for gap in (slice(middle + 40, middle + 60), slice(middle + 2, markers[len(markers) // 2 + 1])):
        with pytest.raises(PhotographError) as caught:
            decode(data[: gap.start] + data[gap.stop :], "x")
        assert caught.value.code == "damaged"


def test_a_png_is_held_against_its_checksums() -> None:
    pytest.importorskip("kornia_rs")
    whole = png(eye(60, 80))
    pixels = range(whole.index(b"IDAT") + 6, whole.index(b"IEND") - 8)
    for at in pixels[:: len(pixels) // 40]:
        hurt = bytearray(whole)
        hurt[at] ^= 1
        with pytest.raises(PhotographError) as caught:
            decode(bytes(hurt), "x")
        assert caught.value.code in {"damaged", "truncated"}


@pytest.mark.parametrize("progressive", [False, True])
def test_stray_bytes_before_the_end_do_no_harm(progressive: bool) -> None:
    whole = jpeg(progressive=progressive)
    found = decode(whole[:-2] + bytes(5) + b"\xff\xd9", "x")
    assert np.array_equal(found.pixels, decode(whole, "x").pixels)
    assert len(found.notes) == progressive, "a baseline file is finished before its decoder comes to them"


def test_bytes_behind_the_end_do_no_harm() -> None:
    assert np.array_equal(decode(jpeg() + b"appended by a camera" * 50, "x").pixels, decode(jpeg(), "x").pixels)


def test_no_reason_names_the_file() -> None:
    for data in (b"", bytes(40), jpeg()[:100], huge_png(60_000, 60_000), dicom(Rows=4000)):
        with pytest.raises(PhotographError) as caught:
            decode(data, "TANAKA_TARO.jpg")
        assert "TANAKA" not in str(caught.value)


REAL = Path(__file__).resolve().parents[3] / "shared" / "real_fundus"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photographs to try on are not beside this project")
def test_real_photographs_are_read_and_their_colour_recognised() -> None:
    found = {path.name: decode(path.read_bytes(), path.name, at_least=256) for path in sorted(REAL.glob("*.*g"))}
    found |= {path.name: decode(path.read_bytes(), path.name) for path in sorted(REAL.glob("*.dcm"))}
    assert len(found) == 23
    grey = {name for name, photograph in found.items() if not photograph.colour}
    fundus = {name for name in found if not name.startswith(("skimage", "chart"))}
    assert grey & fundus == {"wikimedia__retina_OP16_redfree.dcm"}
    assert "skimage__camera.png" in grey
    left = {name for name, photograph in found.items() if photograph.eye == "left"}
    assert left == {name for name in found if name.endswith(".dcm")}


def test_no_memory_left_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("fundus_core.images.raster.read", fail)
    with pytest.raises(PhotographError, match="memory") as caught:
        decode(png(), "x")
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_pixels_that_are_no_photographs_are_unsupported(mode: str) -> None:
    from PIL import Image

    with pytest.raises(PhotographError) as caught:
        decode(saved(Image.new(mode, (20, 20)), "TIFF"), "x")
    assert caught.value.code == "unsupported"
